// SPDX-License-Identifier: BSD-3-Clause
//
// A driver on a device that behaves but for the faults of the program (harness/fuzz/program.hpp), which the
// input is. TWINBENCH_SUBJECT names the driver.

#include "harness/fuzz/program.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <functional>
#include <memory>

#include "fuzz/entry.hpp"
#include "harness/fuzz/mutate.hpp"
#include "harness/fuzz/scenario.hpp"
#include "harness/random/dice.hpp"

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t most);

namespace {

using namespace tb;

/// Which act struck what, at which step: for libFuzzer, which takes what is new here for new coverage.
constexpr std::size_t kCounters = 4096;
#ifdef __clang__
[[gnu::section("__libfuzzer_extra_counters"), gnu::used]]
#endif
std::array<std::uint8_t, kCounters> counters;

void count(std::size_t step, const faults::Fault& fault) {
    // The first steps tell where a driver is; later ones are repetitions.
    constexpr std::size_t kSteps = 4;
    std::size_t key = std::hash<std::string>()(fault.of);
    for (const std::size_t part :
         {static_cast<std::size_t>(fault.act), static_cast<std::size_t>(fault.site), std::min(step, kSteps)})
        key = (key ^ part) * 0x9e37'79b9'7f4a'7c15;
    std::uint8_t& counter = counters[key >> 52 & (kCounters - 1)];
    if (counter < 0xff) ++counter;
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

std::size_t put(const std::vector<fuzz::Record>& program, std::uint8_t* data, std::size_t most) {
    const auto bytes = fuzz::pack(program);
    const std::size_t size = std::min(bytes.size(), most / fuzz::kRecordBytes * fuzz::kRecordBytes);
    std::copy_n(bytes.begin(), size, data);
    return size;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto program = fuzz::unpack({data, size});
    const std::string finding = bench().run(program);
    if (!finding.empty()) {
        const auto scenario = fuzz::to_scenario(program, bench().language(), finding);
        for (const auto& step : scenario["steps"]) std::fprintf(stderr, "    %s\n", step.dump().c_str());
    }
    fuzz::report(finding);
    return 0;
}

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t most,
                                               unsigned int seed) {
    constexpr unsigned kByBytes = 30;
    if (size >= fuzz::kRecordBytes && random::Dice(seed).percent(kByBytes))
        return LLVMFuzzerMutate(data, size, most);
    return put(fuzz::mutate(fuzz::unpack({data, size}), bench().language(), seed), data, most);
}

extern "C" std::size_t LLVMFuzzerCustomCrossOver(const std::uint8_t* first, std::size_t first_size,
                                                 const std::uint8_t* second, std::size_t second_size,
                                                 std::uint8_t* out, std::size_t most, unsigned int seed) {
    return put(fuzz::cross(fuzz::unpack({first, first_size}), fuzz::unpack({second, second_size}), seed), out,
               most);
}

std::optional<std::uint64_t> fuzz::seam_hash(const std::uint8_t* data, std::size_t size, bool fresh) {
    const auto other = fresh ? make_bench() : nullptr;
    ProgramBench& on = fresh ? *other : bench();
    on.run_hashed(unpack({data, size}));
    return on.tally().hash;
}
