// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace tb::net::virtio_net {

/// Finishes the TCP or UDP checksum of a frame that came with VIRTIO_NET_HDR_F_NEEDS_CSUM: the field at
/// `csum_offset` from `csum_start` on (bytes from the start of the frame) holds the sum of the pseudo header.
///
/// Nothing of that is believed: false, and the frame is left as it is, unless it is TCP or UDP over IPv4 or
/// IPv6 (without extension headers; perhaps behind a VLAN tag) whose checksum is there, and whose field holds
/// that sum. A lie about the place would have the driver spoil the frame itself.
bool complete_checksum(std::span<std::byte> frame, std::uint32_t csum_start, std::uint32_t csum_offset);

}  // namespace tb::net::virtio_net
