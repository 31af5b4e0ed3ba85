// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

#include "models/core/register_bank.hpp"

/// Facts of the virtio block device (VIRTIO 1.2 §5.2).
namespace tb::model::block {

inline constexpr std::uint16_t kVirtioBlockId = 2;

/// Feature bits (§5.2.3).
inline constexpr unsigned kFeatureSegMax = 2;
inline constexpr unsigned kFeatureGeometry = 4;
inline constexpr unsigned kFeatureReadOnly = 5;
inline constexpr unsigned kFeatureBlkSize = 6;
inline constexpr unsigned kFeatureFlush = 9;
inline constexpr unsigned kFeatureTopology = 10;
inline constexpr unsigned kFeatureConfigWce = 11;
inline constexpr unsigned kFeatureMq = 12;
inline constexpr unsigned kFeatureDiscard = 13;
inline constexpr unsigned kFeatureWriteZeroes = 14;

/// struct virtio_blk_config (§5.2.4).
inline constexpr RegisterSpec kBlkConfigRegisters[] = {
    {.offset = 0x00, .width = 8, .name = "capacity", .writable = 0},
    {.offset = 0x08, .width = 4, .name = "size_max", .writable = 0},
    {.offset = 0x0c, .width = 4, .name = "seg_max", .writable = 0},
    {.offset = 0x10, .width = 2, .name = "cylinders", .writable = 0},
    {.offset = 0x12, .width = 1, .name = "heads", .writable = 0},
    {.offset = 0x13, .width = 1, .name = "sectors", .writable = 0},
    {.offset = 0x14, .width = 4, .name = "blk_size", .writable = 0},
    {.offset = 0x18, .width = 1, .name = "physical_block_exp", .writable = 0},
    {.offset = 0x19, .width = 1, .name = "alignment_offset", .writable = 0},
    {.offset = 0x1a, .width = 2, .name = "min_io_size", .writable = 0},
    {.offset = 0x1c, .width = 4, .name = "opt_io_size", .writable = 0},
    {.offset = 0x20, .width = 1, .name = "writeback"},
    {.offset = 0x22, .width = 2, .name = "num_queues", .writable = 0},
    {.offset = 0x24, .width = 4, .name = "max_discard_sectors", .writable = 0},
    {.offset = 0x28, .width = 4, .name = "max_discard_seg", .writable = 0},
    {.offset = 0x2c, .width = 4, .name = "discard_sector_alignment", .writable = 0},
    {.offset = 0x30, .width = 4, .name = "max_write_zeroes_sectors", .writable = 0},
    {.offset = 0x34, .width = 4, .name = "max_write_zeroes_seg", .writable = 0},
    {.offset = 0x38, .width = 1, .name = "write_zeroes_may_unmap", .writable = 0},
};
/// Lengths that QEMU gives the space: without DISCARD and WRITE_ZEROES, with DISCARD, with WRITE_ZEROES.
inline constexpr std::size_t kConfigBytesPlain = 0x24;
inline constexpr std::size_t kConfigBytesDiscard = 0x30;
inline constexpr std::size_t kConfigBytesWriteZeroes = 0x39;

/// Request types (§5.2.6). Bit 0 is the direction, and bit 31 an old flag that is ignored.
inline constexpr std::uint32_t kRequestIn = 0;
inline constexpr std::uint32_t kRequestOut = 1;
inline constexpr std::uint32_t kRequestScsi = 2;
inline constexpr std::uint32_t kRequestFlush = 4;
inline constexpr std::uint32_t kRequestGetId = 8;
inline constexpr std::uint32_t kRequestDiscard = 11;
inline constexpr std::uint32_t kRequestWriteZeroes = 13;
inline constexpr std::uint32_t kRequestBarrier = 0x8000'0000;
inline constexpr std::uint32_t kFlagUnmap = 1;
inline constexpr std::size_t kIdBytes = 20;

/// What a request ends with.
enum BlkStatus : std::uint8_t { kStatusOk = 0, kStatusIoError = 1, kStatusUnsupported = 2 };

/// struct virtio_blk_req, the driver's part.
struct RequestHeader {
    std::uint32_t type = 0;
    std::uint32_t reserved = 0;
    std::uint64_t sector = 0;
};
static_assert(sizeof(RequestHeader) == 16);

/// struct virtio_blk_discard_write_zeroes.
struct RangeHeader {
    std::uint64_t sector = 0;
    std::uint32_t count = 0;
    std::uint32_t flags = 0;
};
static_assert(sizeof(RangeHeader) == 16);

}  // namespace tb::model::block
