// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <vector>

namespace tb::model {

/// The one place where deferred work of all models waits, ordered by (time, priority, sequence).
///
/// With a shuffle seed, events of equal time and priority run in an order drawn from the seed. A model whose
/// behaviour then changes has relied on an order that nothing promises: work that must stay in order
/// (completions of one queue) belongs in a list of the model's own, drained by one event.
class EventQueue {
  public:
    static constexpr std::uint64_t kNever = std::numeric_limits<std::uint64_t>::max();

    struct Key {
        std::uint64_t time = kNever;
        std::uint32_t priority = 0;
        std::uint64_t tie = 0;
        std::uint64_t sequence = 0;
        auto operator<=>(const Key&) const = default;
    };

    /// Names a scheduled event; a default one names none.
    class Id {
      public:
        Id() = default;

      private:
        friend class EventQueue;
        explicit Id(const Key& key) : key_(key) {}
        Key key_;
    };

    std::uint64_t now() const { return now_; }
    /// When the next event is due, or kNever.
    std::uint64_t next_time() const { return next_time_; }
    bool due() const { return next_time_ <= now_; }

    /// Runs `action` `delay` nanoseconds from now; lower priorities run first among equal times.
    Id schedule(std::uint64_t delay, std::uint32_t priority, std::function<void()> action);
    /// Forgets an event that has not run yet; does nothing for one that has.
    void cancel(Id& id);
    bool pending(const Id& id) const;

    /// Runs everything that is due, including what that schedules for the same time. A chain of zero-delay
    /// events is cut at a large bound, so that a model in a loop cannot hang the run; returns false when it
    /// was cut.
    bool run_due();
    /// Moves the clock; only forwards, and never past next_time().
    void set_now(std::uint64_t time) { now_ = time; }

    /// 0 keeps the order of scheduling.
    void shuffle(std::uint64_t seed) { shuffle_seed_ = seed; }
    /// Forgets all events and starts the clock at zero.
    void reset();

  private:
    struct Event {
        Key key;
        std::function<void()> action;
    };
    using Events = std::vector<Event>;

    void refresh() { next_time_ = events_.empty() ? kNever : events_.back().key.time; }
    static std::size_t place_of(const Events& events, const Key& key);
    static bool is_at(const Events& events, std::size_t place, const Key& key) {
        return place < events.size() && events[place].key == key;
    }

    /// The next one last. A handful wait at a time, and a list of them in one piece needs no memory of its
    /// own for each.
    Events events_;
    std::uint64_t now_ = 0;
    std::uint64_t next_time_ = kNever;
    std::uint64_t sequence_ = 0;
    std::uint64_t shuffle_seed_ = 0;
};

/// A deadline that a model moves about: at most one event is pending, and none survives the timer.
class Timer {
  public:
    Timer(EventQueue& queue, std::uint32_t priority, std::function<void()> action)
        : queue_(&queue), priority_(priority), action_(std::move(action)) {}
    ~Timer() { cancel(); }
    Timer(const Timer&) = delete;
    Timer& operator=(const Timer&) = delete;

    /// (Re)starts: the action runs `delay` nanoseconds from now.
    void start(std::uint64_t delay) {
        cancel();
        id_ = queue_->schedule(delay, priority_, action_);
    }
    void cancel() { queue_->cancel(id_); }
    bool running() const { return queue_->pending(id_); }

  private:
    EventQueue* queue_;
    std::uint32_t priority_;
    std::function<void()> action_;
    EventQueue::Id id_;
};

}  // namespace tb::model
