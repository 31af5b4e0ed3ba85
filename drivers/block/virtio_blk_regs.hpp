// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

/// Facts of the virtio block device (VIRTIO 1.2 §5.2).
namespace tb::block::virtio_blk {

inline constexpr std::uint16_t kModernDevice = 0x1042;
inline constexpr std::uint16_t kTransitionalDevice = 0x1001;

// Feature bits (§5.2.3).
inline constexpr std::uint64_t kFeatureSizeMax = std::uint64_t{1} << 1;
inline constexpr std::uint64_t kFeatureSegMax = std::uint64_t{1} << 2;
inline constexpr std::uint64_t kFeatureGeometry = std::uint64_t{1} << 4;
inline constexpr std::uint64_t kFeatureReadOnly = std::uint64_t{1} << 5;
inline constexpr std::uint64_t kFeatureBlockSize = std::uint64_t{1} << 6;
inline constexpr std::uint64_t kFeatureFlush = std::uint64_t{1} << 9;
inline constexpr std::uint64_t kFeatureTopology = std::uint64_t{1} << 10;
inline constexpr std::uint64_t kFeatureConfigWce = std::uint64_t{1} << 11;
inline constexpr std::uint64_t kFeatureMultiQueue = std::uint64_t{1} << 12;
inline constexpr std::uint64_t kFeatureDiscard = std::uint64_t{1} << 13;
inline constexpr std::uint64_t kFeatureWriteZeroes = std::uint64_t{1} << 14;
inline constexpr std::uint64_t kFeatureLifetime = std::uint64_t{1} << 15;
inline constexpr std::uint64_t kFeatureSecureErase = std::uint64_t{1} << 16;

/// Device configuration, offsets in bytes (§5.2.4). A field is there only if its feature was offered.
namespace config {
inline constexpr std::uint32_t kCapacity = 0;  ///< 64 bits, in sectors of 512 bytes
inline constexpr std::uint32_t kSizeMax = 8;
inline constexpr std::uint32_t kSegMax = 12;
inline constexpr std::uint32_t kBlockSize = 20;
inline constexpr std::uint32_t kPhysicalBlockExponent = 24;  ///< 8 bits
inline constexpr std::uint32_t kAlignmentOffset = 25;        ///< 8 bits
inline constexpr std::uint32_t kMinimumIoBlocks = 26;        ///< 16 bits
inline constexpr std::uint32_t kOptimalIoBlocks = 28;
inline constexpr std::uint32_t kWriteback = 32;  ///< 8 bits
inline constexpr std::uint32_t kNumQueues = 34;  ///< 16 bits
inline constexpr std::uint32_t kMaxDiscardSectors = 36;
inline constexpr std::uint32_t kMaxDiscardSegments = 40;
inline constexpr std::uint32_t kDiscardAlignment = 44;
inline constexpr std::uint32_t kMaxWriteZeroesSectors = 48;
inline constexpr std::uint32_t kMaxWriteZeroesSegments = 52;
inline constexpr std::uint32_t kWriteZeroesMayUnmap = 56;  ///< 8 bits
inline constexpr std::uint32_t kMaxSecureEraseSectors = 60;
inline constexpr std::uint32_t kMaxSecureEraseSegments = 64;
inline constexpr std::uint32_t kSecureEraseAlignment = 68;
}  // namespace config

/// Request types (§5.2.6).
inline constexpr std::uint32_t kTypeIn = 0;
inline constexpr std::uint32_t kTypeOut = 1;
inline constexpr std::uint32_t kTypeFlush = 4;
inline constexpr std::uint32_t kTypeGetId = 8;
inline constexpr std::uint32_t kTypeDiscard = 11;
inline constexpr std::uint32_t kTypeWriteZeroes = 13;

/// The request header: le32 type, le32 reserved, le64 sector.
namespace header {
inline constexpr std::uint32_t kType = 0;
inline constexpr std::uint32_t kReserved = 4;
inline constexpr std::uint32_t kSector = 8;
inline constexpr std::uint32_t kBytes = 16;
}  // namespace header

/// struct virtio_blk_discard_write_zeroes: le64 sector, le32 num_sectors, le32 flags.
namespace range {
inline constexpr std::uint32_t kSector = 0;
inline constexpr std::uint32_t kSectors = 8;
inline constexpr std::uint32_t kFlags = 12;
inline constexpr std::uint32_t kBytes = 16;
inline constexpr std::uint32_t kUnmap = 1;
}  // namespace range

inline constexpr std::uint32_t kIdBytes = 20;

/// The status byte that ends every request.
inline constexpr std::uint8_t kStatusOk = 0;
inline constexpr std::uint8_t kStatusIoError = 1;
inline constexpr std::uint8_t kStatusUnsupported = 2;
/// What the driver puts there before: a device that never wrote is not taken for one that succeeded.
inline constexpr std::uint8_t kStatusPoison = 0xff;

}  // namespace tb::block::virtio_blk
