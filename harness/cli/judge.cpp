// SPDX-License-Identifier: BSD-3-Clause
#include "harness/cli/judge.hpp"

#include <fmt/format.h>

#include <exception>

#include "harness/cli/suite.hpp"
#include "harness/trace/atomic_file.hpp"

namespace tb::cli {

namespace {

std::string log_of(const scenario::RunResult& run) {
    std::string text;
    for (const std::string& line : run.log) text += fmt::format("    {}\n", line);
    if (!text.empty()) text.pop_back();
    return text;
}

MachineRun judge(const scenario::Scenario& scenario, const Options& options, harness::Rig& rig) {
    MachineRun result;
    result.machine = rig.description();
    result.sees = rig.visibility();
    result.run = scenario::run_scenario(scenario, rig);
    if (result.run.passed) {
        result.judged.result.id = scenario.id;
        result.judged.result.device = scenario.device->name();
    } else {
        result.judged.result = failed(scenario, result.run.failure);
    }
    result.judged.result.trace_hash = result.run.trace_hash;
    result.judged.result.virtual_ns = result.run.virtual_ns;
    result.judged.result.boot_seconds = rig.boot_seconds();
    result.judged.details = log_of(result.run);
    if (options.trace_dir.empty()) return result;
    try {
        write_trace(options.trace_dir, scenario, result.machine, result.run.trace);
    } catch (const std::exception& error) {
        result.judged.result = failed(scenario, scenario.document->problem("", error.what()));
    }
    return result;
}

}  // namespace

MachineRun judge_on_model(const scenario::Scenario& scenario, const Options& options) {
    std::unique_ptr<harness::Rig> rig;
    try {
        rig = scenario.device->make_model(scenario.configuration, rig_options(options, scenario));
    } catch (const std::exception& error) {
        MachineRun result;
        result.machine = "model";
        result.judged.bad_input = true;
        result.judged.result = failed(scenario, scenario.document->problem("/device", error.what()));
        return result;
    }
    return judge(scenario, options, *rig);
}

MachineRun judge_on_qemu(const scenario::Scenario& scenario, const Options& options) {
    const auto rig = scenario.device->make_qemu(scenario.configuration, rig_options(options, scenario));
    return judge(scenario, options, *rig);
}

}  // namespace tb::cli
