// SPDX-License-Identifier: BSD-3-Clause
//
// A driver on a device that behaves but for the faults of the program (harness/fuzz/program.hpp), which the
// input is. TWINBENCH_SUBJECT names the driver.

#include "harness/fuzz/program.hpp"

#include <algorithm>
#include <array>
#include <functional>
#include <memory>

#include "fuzz/entry.hpp"
#include "fuzz/record_entry.hpp"
#include "harness/fuzz/scenario.hpp"

namespace {

using namespace tb;

/// Which act struck what, at which step: for libFuzzer, which takes what is new here for new coverage.
constexpr std::size_t kCounters = 4096;
#ifdef __clang__
[[gnu::section("__libfuzzer_extra_counters"), gnu::used]]
#endif
std::array<std::uint8_t, kCounters> counters;

void count(std::size_t step, const faults::Fault& fault) {
    // At the start, or later: more steps, and how often, would be more to remember than to learn from.
    constexpr std::size_t kSteps = 2;
    std::size_t key = std::hash<std::string>()(fault.of);
    for (const std::size_t part :
         {static_cast<std::size_t>(fault.act), static_cast<std::size_t>(fault.site), std::min(step, kSteps)})
        key = (key ^ part) * 0x9e37'79b9'7f4a'7c15;
    counters[key >> 52 & (kCounters - 1)] = 1;
}

std::unique_ptr<fuzz::ProgramBench> make_bench() {
    return std::make_unique<fuzz::ProgramBench>(*fuzz::find_dialect(TWINBENCH_SUBJECT));
}

fuzz::ProgramBench& bench() {
    static const std::unique_ptr<fuzz::ProgramBench> the = [] {
        auto made = make_bench();
        made->on_strike(count);
        return made;
    }();
    return *the;
}

}  // namespace

const tb::fuzz::Language& tb::fuzz::language() {
    return bench().language();
}

const tb::fuzz::Views& tb::fuzz::views() {
    return bench().views();
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::begin_input();
    const auto program = fuzz::unpack({data, size});
    const std::string finding = bench().run(program);
    fuzz::worked.add(bench().tally().calls);
    if (!finding.empty()) {
        const auto scenario = fuzz::to_scenario(program, bench().language(), finding);
        for (const auto& step : scenario["steps"]) std::fprintf(stderr, "    %s\n", step.dump().c_str());
    }
    fuzz::report(finding);
    return 0;
}

std::optional<std::uint64_t> fuzz::seam_hash(const std::uint8_t* data, std::size_t size, bool fresh) {
    const auto other = fresh ? make_bench() : nullptr;
    ProgramBench& on = fresh ? *other : bench();
    on.run_hashed(unpack({data, size}));
    return on.tally().hash;
}
