// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <string>

namespace tb::harness {

/// Lower case, without a prefix, as many digits as asked for.
inline std::string to_hex(std::uint64_t value, unsigned digits) {
    std::string text(digits, '0');
    for (unsigned i = 0; i < digits; ++i) text[digits - 1 - i] = "0123456789abcdef"[value >> (4 * i) & 15];
    return text;
}

}  // namespace tb::harness
