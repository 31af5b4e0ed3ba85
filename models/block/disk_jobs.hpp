// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <vector>

#include "models/core/event_queue.hpp"

namespace tb::model::block {

/// When operations of a disk end: the n-th takes `fixed` nanoseconds plus something below `jitter` that is
/// drawn from the seed. 0 and 0: before the driver's next access. What ends at the same time ends in the
/// order in which it was begun; with jitter one overtakes the other.
struct JobLatency {
    std::uint64_t fixed = 0;
    std::uint64_t jitter = 0;
    std::uint64_t seed = 1;
};

/// What a device has asked of its disk and has no answer to yet. Each job ends when the plan says, or, while
/// jobs are held, when it is released.
class DiskJobs {
  public:
    explicit DiskJobs(EventQueue& queue);

    /// Does the operation and tells the device, when its time has come.
    void begin(std::function<void()> end);
    /// Ends everything now, in order of arrival, held or not: what a device does that is reset.
    void drain();
    /// Forgets everything: power-on.
    void reset();
    bool empty() const { return jobs_.empty(); }

    /// From now on jobs stay until they are released. Numbers start at 0 again.
    void hold();
    /// Ends the n-th job since hold() (from 0); false if it is not held.
    bool release(std::uint64_t number);
    /// Ends what is held, in order of arrival, and holds no more.
    void release_all();
    /// The numbers of what is held, in order of arrival.
    std::vector<std::uint64_t> held() const;
    void set_latency(const JobLatency& plan) { plan_ = plan; }

  private:
    struct Job {
        std::function<void()> end;
        std::uint64_t due = 0;  ///< virtual time, ns
        std::uint64_t number = 0;
        bool held = false;
    };
    using Jobs = std::list<Job>;

    Jobs::iterator next();
    void run(Jobs::iterator job);
    void complete_due();
    void schedule();

    EventQueue& queue_;
    Timer timer_;
    Jobs jobs_;  ///< in order of arrival
    JobLatency plan_;
    std::uint64_t begun_ = 0;
    std::uint64_t held_count_ = 0;
    bool holding_ = false;
};

}  // namespace tb::model::block
