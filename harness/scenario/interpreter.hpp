// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "harness/scenario/scenario.hpp"
#include "harness/trace/trace.hpp"

namespace tb::scenario {

/// What a run gave.
struct RunResult {
    bool passed = false;
    /// Where and why it failed; `line` is 0 when it passed.
    Problem failure;
    trace::Trace trace;
    std::uint64_t trace_hash = 0;
    std::uint64_t virtual_ns = 0;
    std::vector<std::string> log;  ///< what the driver logged
};

/// Runs a scenario's steps on a machine, from power-on, and judges: every expectation holds, no finding that
/// the scenario does not announce, no DMA memory or mapping left behind by the driver.
RunResult run_scenario(const Scenario& scenario, harness::Rig& rig);

}  // namespace tb::scenario
