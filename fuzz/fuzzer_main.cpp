// SPDX-License-Identifier: BSD-3-Clause
//
// libFuzzer brings main(), and SystemC's library has one too: naming the fuzzer's driver here keeps the
// linker from taking the wrong one.

#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "fuzz/entry.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

/// Cheaper than by default, and they find as much: a driver's frames are not looked at when they are gone,
/// freed memory is kept for some megabytes of others', and where memory is from is not noted (ASAN_OPTIONS
/// =malloc_context_size=30 does, for the one input that matters).
extern "C" const char* __asan_default_options() {  // NOLINT: the sanitizer's name
    return "detect_stack_use_after_return=0:quarantine_size_mb=8:malloc_context_size=0";
}

extern "C" int LLVMFuzzerInitialize(int*, char***) {
    ::setenv("SYSTEMC_DISABLE_COPYRIGHT_MESSAGE", "1", 1);
    // Behind libFuzzer's own figures.
    std::atexit([] {
        const auto& worked = tb::fuzz::worked;
        if (worked.inputs != 0)
            std::fprintf(stderr, "stat::seam_calls_per_execution:  %llu\n",
                         static_cast<unsigned long long>(worked.calls / worked.inputs));
    });
    return 0;
}
