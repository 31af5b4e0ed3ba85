// SPDX-License-Identifier: BSD-3-Clause
#include "models/core/event_queue.hpp"

#include <utility>

namespace tb::model {

namespace {

// splitmix64 (Steele, Lea, Flood 2014): a full-period mixer, the same on every machine.
std::uint64_t mix(std::uint64_t x) {
    x += 0x9e3779b97f4a7c15;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
    x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
    return x ^ (x >> 31);
}

constexpr unsigned kMostDueEvents = 1'000'000;

}  // namespace

EventQueue::Id EventQueue::schedule(std::uint64_t delay, std::uint32_t priority,
                                    std::function<void()> action) {
    const std::uint64_t time = delay > kNever - 1 - now_ ? kNever - 1 : now_ + delay;
    const std::uint64_t sequence = ++sequence_;
    const Key key{time, priority, shuffle_seed_ == 0 ? 0 : mix(shuffle_seed_ ^ sequence), sequence};
    events_.emplace(key, std::move(action));
    if (time < next_time_) next_time_ = time;
    return Id(key);
}

void EventQueue::cancel(Id& id) {
    if (id.key_.time != kNever && events_.erase(id.key_) != 0) refresh();
    id = {};
}

bool EventQueue::run_due() {
    for (unsigned run = 0; due(); ++run) {
        if (run == kMostDueEvents) return false;
        auto node = events_.extract(events_.begin());
        refresh();
        node.mapped()();
    }
    return true;
}

void EventQueue::reset() {
    events_.clear();
    now_ = 0;
    sequence_ = 0;
    refresh();
}

}  // namespace tb::model
