// SPDX-License-Identifier: BSD-3-Clause
#include "models/core/event_queue.hpp"

#include <algorithm>
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

/// Where an event with this key is, or would be.
std::size_t EventQueue::place_of(const Events& events, const Key& key) {
    const auto later = [](const Event& event, const Key& than) { return event.key > than; };
    return static_cast<std::size_t>(std::lower_bound(events.begin(), events.end(), key, later) -
                                    events.begin());
}

bool EventQueue::pending(const Id& id) const {
    return is_at(events_, place_of(events_, id.key_), id.key_);
}

EventQueue::Id EventQueue::schedule(std::uint64_t delay, std::uint32_t priority,
                                    std::function<void()> action) {
    const std::uint64_t time = delay > kNever - 1 - now_ ? kNever - 1 : now_ + delay;
    const std::uint64_t sequence = ++sequence_;
    const Key key{time, priority, shuffle_seed_ == 0 ? 0 : mix(shuffle_seed_ ^ sequence), sequence};
    events_.insert(events_.begin() + static_cast<std::ptrdiff_t>(place_of(events_, key)),
                   {key, std::move(action)});
    if (time < next_time_) next_time_ = time;
    return Id(key);
}

void EventQueue::cancel(Id& id) {
    if (id.key_.time != kNever) {
        const std::size_t place = place_of(events_, id.key_);
        if (is_at(events_, place, id.key_)) {
            events_.erase(events_.begin() + static_cast<std::ptrdiff_t>(place));
            refresh();
        }
    }
    id = {};
}

bool EventQueue::run_due() {
    for (unsigned run = 0; due(); ++run) {
        if (run == kMostDueEvents) return false;
        const std::function<void()> action = std::move(events_.back().action);
        events_.pop_back();
        refresh();
        action();
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
