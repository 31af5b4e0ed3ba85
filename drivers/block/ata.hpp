// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <cstdint>
#include <hal/result.hpp>
#include <span>

#include "block/block_device.hpp"

/// ATA disks as their host sees them, whatever stands between (ATA8-ACS).
namespace tb::ata {

/// Commands (ATA8-ACS).
namespace command {
inline constexpr std::uint8_t kDataSetManagement = 0x06;
inline constexpr std::uint8_t kReadSectors = 0x20;
inline constexpr std::uint8_t kReadSectorsExt = 0x24;
inline constexpr std::uint8_t kReadDmaExt = 0x25;
inline constexpr std::uint8_t kReadLogExt = 0x2f;
inline constexpr std::uint8_t kWriteSectors = 0x30;
inline constexpr std::uint8_t kWriteSectorsExt = 0x34;
inline constexpr std::uint8_t kWriteDmaExt = 0x35;
inline constexpr std::uint8_t kWriteDmaFuaExt = 0x3d;
inline constexpr std::uint8_t kReadFpdmaQueued = 0x60;
inline constexpr std::uint8_t kWriteFpdmaQueued = 0x61;
inline constexpr std::uint8_t kReadDma = 0xc8;
inline constexpr std::uint8_t kWriteDma = 0xca;
inline constexpr std::uint8_t kFlushCache = 0xe7;
inline constexpr std::uint8_t kFlushCacheExt = 0xea;
inline constexpr std::uint8_t kIdentifyDevice = 0xec;
inline constexpr std::uint8_t kSetFeatures = 0xef;
}  // namespace command

inline constexpr std::uint8_t kEnableWriteCache = 0x02;   ///< SET FEATURES
inline constexpr std::uint8_t kDisableWriteCache = 0x82;  ///< SET FEATURES
inline constexpr std::uint8_t kTrim = 0x01;               ///< DATA SET MANAGEMENT
inline constexpr std::uint8_t kLogQueuedError = 0x10;     ///< READ LOG EXT: NCQ command error
inline constexpr std::uint8_t kDeviceLba = 0x40;          ///< of the device register
inline constexpr std::uint8_t kDeviceFua = 0x80;          ///< of the device register, queued writes

inline constexpr std::uint64_t kMostLba28 = std::uint64_t{1} << 28;  ///< sectors
inline constexpr std::uint32_t kMostSectors28 = 256;                 ///< of one command
inline constexpr std::uint32_t kMostSectors48 = 65536;               ///< of one command
inline constexpr std::uint32_t kBlockBytes = 512;                    ///< of IDENTIFY, logs and TRIM ranges
/// Ranges in one block of DATA SET MANAGEMENT, and sectors in one range (ATA8-ACS-2, DATA SET MANAGEMENT).
inline constexpr std::uint32_t kTrimRanges = 64;
inline constexpr std::uint32_t kMostTrimSectors = 0xffff;

/// A command's registers, in the form that goes into a Register - Host to Device FIS.
struct Registers {
    std::uint8_t command = 0;
    std::uint16_t features = 0;
    std::uint64_t lba = 0;  ///< 48 bits; of 28-bit commands bits 24 to 27 go into `device`
    std::uint8_t device = 0;
    std::uint16_t count = 0;
};

/// What a disk says of itself (IDENTIFY DEVICE), checked.
struct Identity {
    std::uint64_t sectors = 0;  ///< logical sectors
    std::uint32_t logical_bytes = 512;
    std::uint32_t physical_bytes = 512;
    std::uint32_t alignment = 0;  ///< logical sectors to the first that begins a physical one
    unsigned queue_depth = 0;     ///< 0: no native command queuing
    bool lba48 = false;
    bool flush = false;
    bool flush_ext = false;
    bool write_cache = false;    ///< there is one, and it is on
    bool can_set_cache = false;  ///< there is one
    bool write_dma_fua = false;  ///< WRITE DMA FUA EXT
    bool general_purpose_log = false;
    bool trim = false;
    std::array<std::byte, 20> serial{};  ///< text, zeroes behind it
    bool operator==(const Identity&) const = default;
};

/// Reads the 512 bytes of IDENTIFY DEVICE. kUnsupported for what is no ATA disk with LBA; kProtocol for what
/// no disk can say: no sectors, more than 2^48, a sector of a size that is no power of two between 512 and
/// 64 KiB, a wrong checksum.
hal::Result<Identity> parse_identify(std::span<const std::byte, kBlockBytes> data);

/// The same in the terms of the device class. `fits`: bytes, the longest command.
block::Info describe(const Identity& identity, unsigned max_segments, std::uint32_t max_segment_bytes);

}  // namespace tb::ata
