// SPDX-License-Identifier: BSD-3-Clause
#include "harness/cli/judge.hpp"
#include "harness/cli/suite.hpp"

namespace tb::cli {

int run_command(const Options& options) {
    const auto scenarios = select_scenarios(options);
    if (!scenarios) return kBadInput;
    return execute(*scenarios, options, [&](const scenario::Scenario& scenario) {
        return judge_on_model(scenario, options).judged;
    });
}

}  // namespace tb::cli
