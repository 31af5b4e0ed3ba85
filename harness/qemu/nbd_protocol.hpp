// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

/// Numbers of the NBD protocol (doc/proto.md of the NBD project), all big endian on the wire.
namespace tb::qemu::nbd {

// Handshake
inline constexpr std::uint64_t kMagic = 0x4e42444d41474943;        // "NBDMAGIC"
inline constexpr std::uint64_t kOptionMagic = 0x49484156454f5054;  // "IHAVEOPT"
inline constexpr std::uint64_t kOptionReplyMagic = 0x0003e889045565a9;
inline constexpr std::uint16_t kFlagFixedNewstyle = 1 << 0;
inline constexpr std::uint16_t kFlagNoZeroes = 1 << 1;

inline constexpr std::uint32_t kOptExportName = 1;
inline constexpr std::uint32_t kOptAbort = 2;
inline constexpr std::uint32_t kOptInfo = 6;
inline constexpr std::uint32_t kOptGo = 7;

inline constexpr std::uint32_t kRepAck = 1;
inline constexpr std::uint32_t kRepInfo = 3;
inline constexpr std::uint32_t kRepErrUnsupported = 0x80000001;

inline constexpr std::uint16_t kInfoExport = 0;
inline constexpr std::uint16_t kInfoBlockSize = 3;

// Transmission
inline constexpr std::uint16_t kTransHasFlags = 1 << 0;
inline constexpr std::uint16_t kTransReadOnly = 1 << 1;
inline constexpr std::uint16_t kTransSendFlush = 1 << 2;
inline constexpr std::uint16_t kTransSendFua = 1 << 3;
inline constexpr std::uint16_t kTransSendTrim = 1 << 5;
inline constexpr std::uint16_t kTransSendWriteZeroes = 1 << 6;

inline constexpr std::uint32_t kRequestMagic = 0x25609513;
inline constexpr std::uint32_t kSimpleReplyMagic = 0x67446698;
inline constexpr std::size_t kRequestSize = 28;

inline constexpr std::uint16_t kCmdRead = 0;
inline constexpr std::uint16_t kCmdWrite = 1;
inline constexpr std::uint16_t kCmdDisconnect = 2;
inline constexpr std::uint16_t kCmdFlush = 3;
inline constexpr std::uint16_t kCmdTrim = 4;
inline constexpr std::uint16_t kCmdWriteZeroes = 6;

inline constexpr std::uint16_t kCmdFlagFua = 1 << 0;
inline constexpr std::uint16_t kCmdFlagNoHole = 1 << 1;

inline constexpr std::uint32_t kMaxPayload = 32U << 20;

/// Appends `size` bytes of a number, most significant first.
inline void put(std::vector<std::uint8_t>& out, std::uint64_t value, unsigned size) {
    for (unsigned i = size; i-- > 0;) out.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
}

/// Reads `size` bytes at `at`, most significant first.
inline std::uint64_t get(std::span<const std::uint8_t> in, std::size_t at, unsigned size) {
    std::uint64_t value = 0;
    for (unsigned i = 0; i < size; ++i) value = value << 8 | in[at + i];
    return value;
}

}  // namespace tb::qemu::nbd
