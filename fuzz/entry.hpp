// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>

/// What a target offers besides libFuzzer's entry points: to whoever runs the corpus without libFuzzer.
namespace tb::fuzz {

/// A number of all that crosses the seam when this input runs on a bench that was just built (`fresh`), or on
/// the one on which all others ran. Nothing: the target has no seam.
std::optional<std::uint64_t> seam_hash(const std::uint8_t* data, std::size_t size, bool fresh);

/// libFuzzer keeps the input that ends the program.
inline void report(const std::string& finding) {
    if (finding.empty()) return;
    std::fprintf(stderr, "finding: %s\n", finding.c_str());
    std::abort();
}

}  // namespace tb::fuzz
