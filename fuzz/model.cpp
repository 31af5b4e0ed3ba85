// SPDX-License-Identifier: BSD-3-Clause
//
// A model under a guest that does anything (harness/fuzz/guest.hpp). TWINBENCH_SUBJECT names its driver.

#include "fuzz/entry.hpp"
#include "fuzz/record_entry.hpp"
#include "harness/fuzz/guest.hpp"

namespace {

using namespace tb;

fuzz::GuestBench& bench() {
    static fuzz::GuestBench the(*fuzz::find_dialect(TWINBENCH_SUBJECT));
    return the;
}

}  // namespace

const tb::fuzz::Language& tb::fuzz::language() {
    return bench().language();
}

/// The other hand reaches every register.
const tb::fuzz::Views& tb::fuzz::views() {
    static const Views anywhere;
    return anywhere;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::begin_input();
    const std::string finding = bench().run(fuzz::unpack({data, size}));
    fuzz::worked.add(bench().calls());
    fuzz::report(finding);
    return 0;
}

std::optional<std::uint64_t> tb::fuzz::seam_hash(const std::uint8_t* data, std::size_t size, bool fresh) {
    const auto other = fresh ? std::make_unique<GuestBench>(*find_dialect(TWINBENCH_SUBJECT)) : nullptr;
    GuestBench& on = fresh ? *other : bench();
    on.run_hashed(unpack({data, size}));
    return on.hash();
}
