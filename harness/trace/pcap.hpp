// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace tb::trace {

struct Frame {
    std::uint64_t time_ns = 0;  ///< as captured, from the epoch of the capture
    std::vector<std::byte> data;
    bool operator==(const Frame&) const = default;
};

/// The Ethernet frames of a capture (pcap, or pcapng as libpcap reads it), for a network peer to send. Throws
/// FileError: the file cannot be read, is no capture or cut short, is not of Ethernet, or holds frames that
/// were not captured whole.
std::vector<Frame> read_pcap(const std::string& path);

/// Writes frames with nanosecond time stamps, whole or not at all. Throws FileError.
void write_pcap(const std::string& path, const std::vector<Frame>& frames);

}  // namespace tb::trace
