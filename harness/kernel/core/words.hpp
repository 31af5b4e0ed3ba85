// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <string_view>

/// Reading the command line that QEMU's -append gives.
namespace tb::kernel {

/// What stands behind `key` in the line, up to the next space; empty when it is not there.
inline std::string_view word(std::string_view line, std::string_view key) {
    const std::size_t at = line.find(key);
    if (at == std::string_view::npos) return {};
    line.remove_prefix(at + key.size());
    return line.substr(0, line.find(' '));
}

/// The decimal number behind `key`, or `otherwise` when there is none.
inline std::uint64_t number(std::string_view line, std::string_view key, std::uint64_t otherwise) {
    const std::string_view digits = word(line, key);
    std::uint64_t value = 0;
    for (const char digit : digits) value = 10 * value + static_cast<unsigned>(digit - '0');
    return digits.empty() ? otherwise : value;
}

}  // namespace tb::kernel
