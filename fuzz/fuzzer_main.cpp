// SPDX-License-Identifier: BSD-3-Clause
//
// libFuzzer brings main(), and SystemC's library has one too: naming the fuzzer's driver here keeps the
// linker from taking the wrong one.

#include <cstddef>
#include <cstdint>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerInitialize(int*, char***) {
    ::setenv("SYSTEMC_DISABLE_COPYRIGHT_MESSAGE", "1", 1);
    return 0;
}
