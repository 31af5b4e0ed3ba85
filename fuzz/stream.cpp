// SPDX-License-Identifier: BSD-3-Clause
//
// A driver in front of a device whose every answer may come from the input (harness/fuzz/stream.hpp).
// TWINBENCH_SUBJECT names the driver.

#include "harness/fuzz/stream.hpp"

#include "fuzz/entry.hpp"

namespace {

using namespace tb;

fuzz::StreamBench& bench() {
    static fuzz::StreamBench the(*fuzz::find_dialect(TWINBENCH_SUBJECT));
    return the;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::begin_input();
    const std::string finding = bench().run({data, size});
    fuzz::worked.add(bench().calls());
    fuzz::report(finding);
    return 0;
}

std::optional<std::uint64_t> fuzz::seam_hash(const std::uint8_t* data, std::size_t size, bool fresh) {
    const auto other = fresh ? std::make_unique<StreamBench>(*find_dialect(TWINBENCH_SUBJECT)) : nullptr;
    StreamBench& on = fresh ? *other : bench();
    on.run_hashed({data, size});
    return on.hash();
}
