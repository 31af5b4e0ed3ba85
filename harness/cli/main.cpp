// SPDX-License-Identifier: BSD-3-Clause
#include "harness/scenario/interpreter.hpp"
#include "harness/trace/diff.hpp"
#include "harness/qemu/error.hpp"

#include <fmt/format.h>

#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

using namespace tb;

int main(int argc, char** argv) {
    ::setenv("SYSTEMC_DISABLE_COPYRIGHT_MESSAGE", "1", 1);
    const bool confirm = argc > 1 && std::strcmp(argv[1], "confirm") == 0;
    std::vector<std::string> paths(argv + 2, argv + argc);
    std::vector<scenario::Problem> problems;
    const auto scenarios = scenario::load_scenarios(paths, problems);
    for (const auto& problem : problems) fmt::print(stderr, "{}\n", problem.to_string());
    if (!problems.empty()) return 2;
    int failed = 0;
    for (const auto& s : scenarios) {
        harness::RigOptions options;
        options.seed = s.seed;
        options.base_directory = s.directory();
        auto rig = s.device->make_model(s.configuration, options);
        const auto model = scenario::run_scenario(s, *rig);
        fmt::print("{} {} {:016x} {} ns {}\n", model.passed ? "ok  " : "FAIL", s.id, model.trace_hash, model.virtual_ns,
                   model.passed ? "" : model.failure.to_string());
        failed += model.passed ? 0 : 1;
        if (!confirm || !s.qemu_skip.empty()) continue;
        try {
            auto real = s.device->make_qemu(s.configuration, options);
            const auto other = scenario::run_scenario(s, *real);
            if (!other.passed) {
                ++failed;
                fmt::print("FAIL {} on {}: {}\n", s.id, real->description(), other.failure.to_string());
            }
            trace::AllowedDifferences allowed;
            const auto comparison = trace::compare(model.trace, rig->visibility(), other.trace, real->visibility(), allowed, {});
            if (!comparison.equal()) {
                ++failed;
                fmt::print("{}\n", trace::render(comparison, {.scenario = s.id}));
            } else {
                fmt::print("same {} ({} events compared)\n", s.id, comparison.compared_events());
            }
        } catch (const qemu::QemuError& error) {
            ++failed;
            fmt::print("FAIL {} on QEMU: {}\n", s.id, error.what());
        }
    }
    fmt::print("{} scenarios, {} failed\n", scenarios.size(), failed);
    return failed == 0 ? 0 : 1;
}
