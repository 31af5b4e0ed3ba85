// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "harness/cli/commands.hpp"
#include "harness/report/results.hpp"
#include "harness/scenario/scenario.hpp"

namespace tb::cli {

/// What judging one scenario gives: the result, and what --verbose shows or a difference needs to be
/// understood.
struct Judged {
    report::ScenarioResult result;
    std::string details;
    bool bad_input =
        false;  ///< it could not be run as it is written: a file that it names is missing or wrong
};

/// Judges every scenario with `judge`, in worker processes; shows progress, writes the reports that the
/// options ask for, and returns the exit code.
int execute(const std::vector<scenario::Scenario>& scenarios, const Options& options,
            const std::function<Judged(const scenario::Scenario&)>& judge);

/// The result of a scenario that failed.
report::ScenarioResult failed(const scenario::Scenario& scenario, const scenario::Problem& problem);

}  // namespace tb::cli
