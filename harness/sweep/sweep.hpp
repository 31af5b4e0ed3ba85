// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "harness/faults/fault.hpp"
#include "harness/scenario/scenario.hpp"
#include "harness/sweep/hostile_run.hpp"

namespace tb::sweep {

/// What goes wrong at one place of a scenario's run.
struct Pair {
    std::vector<faults::Fault> faults;  ///< the first is what it is about; others go with it
    const char* kind = "";              ///< the column of the matrix
    std::uint32_t place = 0;            ///< in Plan::places
    /// Registers, fields or parts of rings in which what the driver hears differs; of a reset, those that it
    /// is about to look at.
    std::vector<std::string> parts;
};

/// Makes the machine that each run begins with.
using MakeRig = std::function<std::unique_ptr<harness::Rig>()>;

/// What a sweep of one scenario consists of, learnt from its run without a fault.
struct Plan {
    std::string objection;            ///< why it cannot be swept; empty if it can
    std::vector<std::string> places;  ///< "read STATUS", "load queue.used.idx": without indices, sorted
    std::vector<Pair> pairs;
    std::uint64_t occasions = 0;  ///< accesses, interrupts, allocations of the run
    Truth truth;
    bool fails = false;  ///< the objection is that it fails without a fault
    bool lives = false;  ///< without a fault the driver works afterwards
    Budget budget;
};

/// Runs the scenario without a fault and lists the pairs: at each read and load the answers all-ones, zero,
/// the previous one and each bit of the named fields flipped; the register at all-ones, at zero and restless
/// from there on; what the device wrote unseen, alone and with the data; a length that is short, with the
/// data as short; at each access the device pulled and reset; at each write what it causes delayed beyond
/// every deadline; each interrupt dropped, doubled and delayed; each allocation refused. Of accesses with the
/// same answer in one step, such as a loop that waits makes, the first two count.
Plan make_plan(const scenario::Scenario& scenario, const MakeRig& make_rig);

enum class Verdict : std::uint8_t {
    kUnharmed,  ///< every step held
    kError,     ///< the driver said that something failed
    kBelieved,  ///< it believed a lie that no driver can see through (see lies())
    kFailed,
};

struct SweepResult {
    Verdict verdict = Verdict::kUnharmed;
    std::string why;  ///< of a failure
};

SweepResult run_pair(const scenario::Scenario& scenario, const MakeRig& make_rig, Plan& plan,
                     const Pair& pair);

/// "flip 0x4 at read 17; zero at data 3".
std::string describe(const Pair& pair);

/// A lie that no driver can see through: the value is one that an honest device may give there.
struct Lie {
    const char* device;  ///< a pattern for its name: * any text
    const char* act;     ///< a pattern for what is done
    const char* part;    ///< a pattern for the name without indices
    const char* reason;
};
std::span<const Lie> lies();

}  // namespace tb::sweep
