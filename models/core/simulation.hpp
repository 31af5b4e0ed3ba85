// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <memory>

#include "models/core/event_queue.hpp"

namespace sc_core {
class sc_simcontext;  // NOLINT(readability-identifier-naming): SystemC spells it so
}

namespace tb::model {

/// One SystemC simulation, from elaboration to end. The library keeps its state in a global context and
/// elaborates once; this class gives each simulation a context of its own, so that a process can run
/// thousands one after the other, or a few side by side (one at a time on the processor: the library is not
/// thread safe).
///
/// Order of life: construct; construct modules; elaborate(); advance() and transactions; destroy the modules;
/// destroy. Alternatively keep everything and reset the modules in place (reset_clock()), as a fuzzer does.
class Simulation {
  public:
    Simulation();
    ~Simulation();
    Simulation(const Simulation&) = delete;
    Simulation& operator=(const Simulation&) = delete;

    EventQueue& queue() { return queue_; }
    /// Virtual time in nanoseconds since power-on.
    std::uint64_t now() const { return queue_.now(); }

    /// Ends construction: all modules exist and are bound. Called once.
    void elaborate();
    /// Lets virtual time pass, running what falls due on the way.
    void advance(std::uint64_t ns);
    /// Runs what is due now. Inline where nothing is, which is after almost every access.
    void settle() {
        if (queue_.due()) [[unlikely]]
            queue_.run_due();
    }
    /// Makes this simulation's context the one that new modules join.
    void make_current();
    /// Virtual time starts at zero again with no event pending; the modules are reset by their owner.
    void reset_clock();

  private:
    class Waker;

    EventQueue queue_;
    sc_core::sc_simcontext* context_;
    std::unique_ptr<Waker> waker_;
};

}  // namespace tb::model
