// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace tb::model::net {

/// The Internet checksum (RFC 1071), except that zero is given as 0xffff, its other form, as UDP wants it
/// (RFC 768).
inline std::uint16_t internet_checksum(std::span<const std::byte> data) {
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < data.size(); ++i)
        sum += std::to_integer<std::uint64_t>(data[i]) << ((i & 1) != 0 ? 0 : 8);
    while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
    const auto checksum = static_cast<std::uint16_t>(~sum);
    return checksum == 0 ? 0xffff : checksum;
}

}  // namespace tb::model::net
