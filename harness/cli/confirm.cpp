// SPDX-License-Identifier: BSD-3-Clause
#include <fmt/format.h>

#include "harness/cli/judge.hpp"
#include "harness/cli/suite.hpp"
#include "harness/devices/device_symbols.hpp"
#include "harness/qemu/error.hpp"
#include "harness/qemu/installation.hpp"
#include "harness/qemu/kernel_image.hpp"
#include "harness/qemu/shim.hpp"
#include "harness/trace/diff.hpp"

namespace tb::cli {

Judged judge_on_both(const scenario::Scenario& scenario, const Options& options) {
    MachineRun model = judge_on_model(scenario, options);
    if (!model.run.passed) return model.judged;
    Judged judged = std::move(model.judged);
    report::ScenarioResult& result = judged.result;
    result.differences = report::DifferenceCounts{};
    const std::string board = options.machine.empty() ? harness::kBoards.front() : options.machine;
    const std::string why_not = options.on == "kernel" ? scenario.why_not_in_kernel(board) : "";
    if (!scenario.qemu_skip.empty() || !why_not.empty()) {
        result.verdict = report::Verdict::kSkipped;
        result.reason = scenario.qemu_skip.empty() ? fmt::format("not in a kernel on {}: {}", board, why_not)
                                                   : "not on QEMU: " + scenario.qemu_skip;
        return judged;
    }
    MachineRun real;
    try {
        real = judge_on_qemu(scenario, options);
    } catch (const qemu::QemuError& error) {
        judged.result =
            failed(scenario, scenario.document->problem("", fmt::format("QEMU: {}", error.what())));
        return judged;
    }
    result.boot_seconds = real.judged.result.boot_seconds;
    trace::SymbolTable symbols = harness::symbols_of(*scenario.device);
    trace::CompareContext context;
    context.device = scenario.device->name();
    context.qemu = trace::QemuVersion::parse(real.machine);
    context.symbols = &symbols;
    const trace::Comparison comparison =
        trace::compare(model.run.trace, model.sees, real.run.trace, real.sees,
                       trace::AllowedDifferences::standard(), context);
    result.differences = report::DifferenceCounts{comparison.unexplained_count, comparison.allowed_count};
    trace::RenderOptions render;
    render.scenario = scenario.id;
    render.right_name = real.machine;
    render.show_allowed = options.verbose;
    if (!comparison.equal() || (options.verbose && comparison.allowed_count != 0))
        judged.details = trace::render(comparison, render);
    if (!real.run.passed) {
        result = failed(scenario, real.run.failure);
        result.reason = fmt::format("on {}: {}", real.machine, result.reason);
        result.trace_hash = model.run.trace_hash;
        result.virtual_ns = model.run.virtual_ns;
        result.boot_seconds = real.judged.result.boot_seconds;
        result.differences = report::DifferenceCounts{comparison.unexplained_count, comparison.allowed_count};
    } else if (!comparison.equal()) {
        result.verdict = report::Verdict::kFailed;
        result.reason =
            fmt::format("{} differs from the model in {} events", real.machine, comparison.unexplained_count);
        result.failure = report::Failure{scenario.document->path(), 0, "", result.reason};
    }
    return judged;
}

namespace {

/// What confirming needs is there; else says what is missing, and gives the exit code.
ExitCode check_environment(const Options& options) {
    const auto qemu = qemu::find_qemu(options.qemu);
    if (!qemu) {
        fmt::print(stderr, "twinbench: there is no {} to confirm on: {}\n", options.qemu,
                   qemu::how_to_get(options.qemu));
        return kEnvironmentLacks;
    }
    if (options.on == "kernel" && !qemu::find_kernel_image(kConfirmImage)) {
        fmt::print(stderr,
                   "twinbench: there is no {}: build it with `cmake --build --preset release`, or name its "
                   "folder in TWINBENCH_KERNELS\n",
                   kConfirmImage);
        return kEnvironmentLacks;
    }
    // Before the workers start, so that the shim is built once.
    const qemu::Accelerator accelerator = qemu::find_accelerator(*qemu);
    if (!(options.on == "kernel" ? accelerator.guest_virtual_time() : accelerator.virtual_time()))
        fmt::print(stderr,
                   "twinbench: QEMU's clock runs in real time, so scenarios that wait take as long: {}\n",
                   accelerator.reason);
    return kAllPassed;
}

}  // namespace

int confirm_command(const Options& options) {
    if (!options.machine.empty() && options.on != "kernel") {
        fmt::print(
            stderr,
            "twinbench: --machine chooses the kernel's board: give --on kernel too (the models, and QEMU "
            "over qtest, are q35)\n");
        return kBadInput;
    }
    if (options.random_operations != 0) {
        const ExitCode lacks = check_environment(options);
        return lacks != kAllPassed ? lacks : confirm_random(options);
    }
    const auto scenarios = select_scenarios(options);
    if (!scenarios) return kBadInput;
    if (const ExitCode lacks = check_environment(options); lacks != kAllPassed) return lacks;
    return execute(*scenarios, options,
                   [&](const scenario::Scenario& scenario) { return judge_on_both(scenario, options); });
}

}  // namespace tb::cli
