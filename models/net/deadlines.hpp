// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "models/core/event_queue.hpp"

namespace tb::model::net {

/// The deadlines of one device, run by time and, where times are equal, in the order in which they were set.
/// A device whose timers depend on that order (QEMU's do: its timer list promises it) must not leave it to
/// the event queue, which is free to permute what falls due together.
class Deadlines {
  public:
    using Id = std::size_t;

    explicit Deadlines(EventQueue& queue) : queue_(&queue), timer_(queue, 0, [this] { run(); }) {}

    Id add(std::function<void()> action) {
        entries_.push_back({std::move(action)});
        return entries_.size() - 1;
    }
    /// (Re)sets a deadline to an absolute time in nanoseconds; one in the past falls due now.
    void set(Id id, std::uint64_t time) {
        entries_[id].due = time;
        entries_[id].sequence = ++sequence_;
        rearm();
    }
    void cancel_all() {
        for (Entry& entry : entries_) entry.due = EventQueue::kNever;
        rearm();
    }
    bool pending(Id id) const { return entries_[id].due != EventQueue::kNever; }
    std::uint64_t now() const { return queue_->now(); }
    /// A deadline `milliseconds` from now on a clock that counts whole milliseconds.
    std::uint64_t after_milliseconds(std::uint64_t milliseconds) const {
        constexpr std::uint64_t kNsPerMs = 1'000'000;
        return (now() / kNsPerMs + milliseconds) * kNsPerMs;
    }

  private:
    struct Entry {
        std::function<void()> action;
        std::uint64_t due = EventQueue::kNever;
        std::uint64_t sequence = 0;
    };

    Entry* earliest() {
        Entry* first = nullptr;
        for (Entry& entry : entries_) {
            if (entry.due == EventQueue::kNever) continue;
            if (first == nullptr ||
                std::pair(entry.due, entry.sequence) < std::pair(first->due, first->sequence))
                first = &entry;
        }
        return first;
    }
    void rearm() {
        const Entry* next = earliest();
        if (next == nullptr)
            timer_.cancel();
        else
            timer_.start(next->due > now() ? next->due - now() : 0);
    }
    void run() {
        if (Entry* entry = earliest(); entry != nullptr && entry->due <= now()) {
            entry->due = EventQueue::kNever;
            entry->action();
        }
        rearm();
    }

    EventQueue* queue_;
    Timer timer_;
    std::vector<Entry> entries_;
    std::uint64_t sequence_ = 0;
};

}  // namespace tb::model::net
