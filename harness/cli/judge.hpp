// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "harness/cli/execute.hpp"
#include "harness/scenario/interpreter.hpp"

namespace tb::cli {

/// A scenario's run on one machine, judged.
struct MachineRun {
    Judged judged;
    scenario::RunResult run;
    std::string machine;  ///< "model", "qemu 7.2.22"
    trace::Visibility sees;
};

/// Runs on the models and writes the trace when asked to.
MachineRun judge_on_model(const scenario::Scenario& scenario, const Options& options);
/// The same on QEMU; throws qemu::QemuError.
MachineRun judge_on_qemu(const scenario::Scenario& scenario, const Options& options);
/// On both, compared event by event: passed when no difference is unexplained.
Judged judge_on_both(const scenario::Scenario& scenario, const Options& options);

/// `confirm --random`: sequences by chance instead of scenarios from files.
int confirm_random(const Options& options);

}  // namespace tb::cli
