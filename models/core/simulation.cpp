// SPDX-License-Identifier: BSD-3-Clause
#include "models/core/simulation.hpp"

#include <systemc>

// SystemC's library brings a main() that calls this; our programs bring their own main and run simulations
// from there. It stands in this file so that it is linked wherever a simulation is.
int sc_main(int, char**) {
    return 0;
}

namespace tb::model {

namespace {

// The library's own first context must outlive everything (static objects refer to it): made once, and kept.
sc_core::sc_simcontext* first_context() {
    static sc_core::sc_simcontext* const first = sc_core::sc_get_curr_simcontext();
    return first;
}

sc_core::sc_time from_ns(std::uint64_t ns) {
    return {static_cast<double>(ns), sc_core::SC_NS};
}

}  // namespace

/// The process that runs due events when SystemC's time reaches them.
class Simulation::Waker : public sc_core::sc_module {
  public:
    Waker(const sc_core::sc_module_name& name, EventQueue& queue) : sc_module(name), queue_(queue) {
        SC_HAS_PROCESS(Waker);
        SC_METHOD(wake);
        sensitive << due_;
        dont_initialize();
    }

    /// Arranges to be woken at the next event if that is no later than `end`.
    void arm(std::uint64_t end) {
        end_ = end;
        due_.cancel();
        const std::uint64_t next = queue_.next_time();
        if (next <= end) due_.notify(from_ns(next - queue_.now()));
    }

    /// Gives the first sc_start something to do; without activity it warns.
    void wake_once() { due_.notify(sc_core::SC_ZERO_TIME); }

  private:
    void wake() {
        if (queue_.next_time() > end_) return;
        queue_.set_now(queue_.next_time());
        queue_.run_due();
        arm(end_);
    }

    EventQueue& queue_;
    sc_core::sc_event due_;
    std::uint64_t end_ = 0;
};

Simulation::Simulation() {
    first_context();
    context_ = new sc_core::sc_simcontext;
    make_current();
    waker_ = std::make_unique<Waker>("waker", queue_);
}

Simulation::~Simulation() {
    make_current();
    waker_.reset();
    sc_core::sc_curr_simcontext = first_context();
    sc_core::sc_default_global_context = first_context();
    delete context_;
}

void Simulation::make_current() {
    sc_core::sc_curr_simcontext = context_;
    sc_core::sc_default_global_context = context_;
}

void Simulation::elaborate() {
    make_current();
    waker_->wake_once();
    sc_core::sc_start(sc_core::SC_ZERO_TIME);
}

void Simulation::advance(std::uint64_t ns) {
    settle();
    if (ns == 0) return;
    const std::uint64_t now = queue_.now();
    const std::uint64_t end = ns > EventQueue::kNever - 1 - now ? EventQueue::kNever - 1 : now + ns;
    make_current();
    waker_->arm(end);
    sc_core::sc_start(from_ns(end - now), sc_core::SC_RUN_TO_TIME);
    // SystemC's clock and ours agree again; what fell due exactly at the end has run or runs now.
    queue_.set_now(end);
    settle();
}

void Simulation::reset_clock() {
    queue_.reset();
    make_current();
    waker_->arm(0);
}

}  // namespace tb::model
