// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <functional>
#include <span>
#include <string>

#include "harness/scenario/run.hpp"
#include "harness/sweep/truth.hpp"

namespace tb::sweep {

/// Of one run, in seam calls and virtual time.
struct Budget {
    std::uint64_t calls = ~std::uint64_t{0};
    std::uint64_t until_ns = ~std::uint64_t{0};
};

/// How a run went whose device may have misbehaved.
struct HostileResult {
    /// The first thing that must not be; empty if all is well.
    std::string failure;
    bool wrong_data = false;  ///< the failure is that data is not true
    bool deviated = false;    ///< some step did not hold: the driver said that it failed
    bool complained = false;  ///< it logged a warning or an error
    bool lives = false;       ///< afterwards the driver works again
    std::string why_not;      ///< what it said, when it does not
    std::uint64_t struck = 0;
    std::uint64_t virtual_ns = 0;
};

/// A scenario's steps before a device that may misbehave: whatever its expectations, the driver has to come
/// to an end, to give errors or true data, to leave nothing behind, and to work again when the device does.
class HostileRun : public scenario::Run {
  public:
    HostileRun(const scenario::Scenario& scenario, harness::Rig& rig, trace::Trace& trace, Truth& truth,
               bool learning);

    faults::FaultLayer& faults() { return fault_layer(); }
    std::uint64_t step() const { return step_number(); }
    /// Called when the scenario's own steps are done.
    void at_conclusion(std::function<void()> told) { at_conclusion_ = std::move(told); }

    /// All steps and what follows. Once.
    HostileResult go(std::span<const faults::Fault> faults, const Budget& budget);

  protected:
    bool tolerates(const std::string& message) override;
    void ended(const harness::OperationSpec& operation, const harness::Arguments& arguments,
               const harness::Outcome& outcome) override;
    void came_out(std::string_view what, const harness::Bytes& bytes) override;
    void went_in(std::string_view what, const harness::Bytes& bytes) override;

  private:
    void object(const std::string& objection);
    /// What no driver may give, whatever its device has said; empty if it is no such thing.
    bool announces_driver(std::string_view what, const harness::Bytes& bytes);
    std::string impossible(const harness::OperationSpec& operation, const harness::Outcome& outcome);
    void conclude();
    void end_requests();
    void look_for_leaks(const char* when);
    std::string try_out();
    harness::Outcome run(std::string_view operation, const harness::Arguments& arguments = {});
    bool can(std::string_view operation) const;

    Truth& truth_;
    bool learning_;
    bool concluding_ = false;
    std::function<void()> at_conclusion_;
    HostileResult result_;
};

}  // namespace tb::sweep
