// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <cstdint>

/// What guest and harness agree on in a benchmark: what data looks like, and how they speak.
///
/// They speak over the first serial port, in lines of text. The guest says one of
///
///     ready                   it has booted
///     begin ROW               from the answer on, the row is measured
///     end ROW KEY=VALUE ...   until here; the numbers are the guest's own
///     flood BYTES             until the row ends, the other station is to send frames of so many bytes
///     fail TEXT               a row that could not be measured to its end
///
/// and the harness answers each with a line "ok", once it has looked at its clocks and counters.
namespace tb::kernel::bench {

/// The disk consists of blocks of 4 KiB. Word `word` (of 64 bits) of block `block`, as the generation'th
/// pass has written it: who reads it can tell what was written, where, and when. 1 is how the disk begins.
inline constexpr std::uint32_t kBlockBytes = 4096;
inline constexpr std::uint32_t kBlockWords = kBlockBytes / 8;
constexpr std::uint64_t block_word(std::uint64_t generation, std::uint64_t block, std::uint64_t word) {
    constexpr std::uint64_t kOddNumber = 0x9e37'79b9'7f4a'7c15;
    return generation << 56 | (word == 0 ? block : word * kOddNumber >> 8);
}

/// Frames: addresses, a type for local experiments (IEEE 802), a sequence number (32 bits, little endian),
/// and bytes that depend on their place.
inline constexpr std::array<std::uint8_t, 6> kGuestMac{0x52, 0x54, 0x00, 0x12, 0x34, 0x56};
inline constexpr std::array<std::uint8_t, 6> kPeerMac{0x02, 0x00, 0x00, 0x00, 0x00, 0x01};
inline constexpr std::uint16_t kFrameType = 0x88b5;
inline constexpr std::size_t kTypeOffset = 12;
inline constexpr std::size_t kSequenceOffset = 14;
inline constexpr std::size_t kBodyOffset = 18;
/// The other station confirms, in frames of another type, how many frames of a row it has: at least one
/// confirmation for so many frames. A sender that is never further ahead than the window loses none.
inline constexpr std::uint16_t kConfirmationType = 0x88b6;
inline constexpr std::uint32_t kConfirmedFrames = 256;
inline constexpr std::uint32_t kWindow = 2048;
constexpr std::uint8_t frame_byte(std::size_t offset) {
    return static_cast<std::uint8_t>(offset * 31 + 7);
}

/// Round trips are ICMP echo requests (RFC 792) between these addresses, of 98 bytes, as `ping` sends them.
inline constexpr std::array<std::uint8_t, 4> kGuestIp{10, 0, 2, 15};
inline constexpr std::array<std::uint8_t, 4> kPeerIp{10, 0, 2, 2};
inline constexpr std::size_t kEchoBytes = 98;

/// What leaves the second serial port: the `index`th byte.
constexpr std::uint8_t serial_byte(std::uint64_t index) {
    return static_cast<std::uint8_t>(index * 7 + (index >> 8));
}

}  // namespace tb::kernel::bench
