// SPDX-License-Identifier: BSD-3-Clause
#include "block/ata.hpp"

#include <hal/endian.hpp>

namespace tb::ata {

using hal::Error;

namespace {

constexpr std::uint32_t kMostSectorBytes = 64 * 1024;
constexpr std::uint64_t kMostLba48 = std::uint64_t{1} << 48;

// Words of IDENTIFY DEVICE (ATA8-ACS, IDENTIFY DEVICE).
constexpr unsigned kGeneral = 0;
constexpr unsigned kSerialNumber = 10;  // to 19
constexpr unsigned kCapabilities = 49;
constexpr unsigned kSectors28 = 60;
constexpr unsigned kQueueDepth = 75;
constexpr unsigned kSataCapabilities = 76;
constexpr unsigned kSupported1 = 82;
constexpr unsigned kSupported2 = 83;
constexpr unsigned kSupported3 = 84;
constexpr unsigned kEnabled1 = 85;
constexpr unsigned kEnabled3 = 87;
constexpr unsigned kSectors48 = 100;
constexpr unsigned kSectorSize = 106;
constexpr unsigned kLogicalSectorWords = 117;
constexpr unsigned kDataSetManagement = 169;
constexpr unsigned kAlignment = 209;
constexpr unsigned kIntegrity = 255;

constexpr std::uint16_t bit(unsigned n) {
    return static_cast<std::uint16_t>(1U << n);
}

/// Words with this form in bits 14 and 15 hold something; others are those of a disk that has no such word.
constexpr bool is_valid(std::uint16_t word) {
    return (word & 0xc000) == 0x4000;
}

}  // namespace

hal::Result<Identity> parse_identify(std::span<const std::byte, kBlockBytes> data) {
    const auto word = [&](unsigned n) { return hal::load_le<std::uint16_t>(data, std::size_t{2} * n); };
    const auto has = [&](unsigned n, unsigned feature) { return (word(n) & bit(feature)) != 0; };

    if ((word(kIntegrity) & 0xff) == 0xa5) {
        unsigned sum = 0;
        for (const std::byte byte : data) sum += std::to_integer<unsigned>(byte);
        if ((sum & 0xff) != 0) return Error::kProtocol;
    }
    if (has(kGeneral, 15) || !has(kCapabilities, 9)) return Error::kUnsupported;

    Identity identity;
    const bool features = is_valid(word(kSupported2));
    identity.lba48 = features && has(kSupported2, 10);
    identity.flush = features && has(kSupported2, 12);
    identity.flush_ext = features && has(kSupported2, 13);
    identity.can_set_cache = features && has(kSupported1, 5);
    identity.write_cache = identity.can_set_cache && is_valid(word(kEnabled3)) && has(kEnabled1, 5);
    const bool more = is_valid(word(kSupported3));
    identity.write_dma_fua = more && has(kSupported3, 6);
    identity.general_purpose_log = more && has(kSupported3, 5);
    identity.trim = has(kDataSetManagement, 0) && word(kDataSetManagement) != 0xffff;
    // Words of 0 and of all-ones are those of a disk that is not Serial ATA.
    const std::uint16_t sata = word(kSataCapabilities);
    if (sata != 0 && sata != 0xffff && (sata & bit(8)) != 0)
        identity.queue_depth = (word(kQueueDepth) & 31U) + 1;

    if (identity.lba48) {
        for (unsigned i = 0; i < 4; ++i) identity.sectors |= std::uint64_t{word(kSectors48 + i)} << (16 * i);
    } else {
        identity.sectors = word(kSectors28) | std::uint64_t{word(kSectors28 + 1)} << 16;
    }
    if (identity.sectors == 0 || identity.sectors > (identity.lba48 ? kMostLba48 : kMostLba28))
        return Error::kProtocol;

    const std::uint16_t sizes = word(kSectorSize);
    if (is_valid(sizes)) {
        if ((sizes & bit(12)) != 0) {
            const std::uint64_t bytes =
                2 * (word(kLogicalSectorWords) | std::uint64_t{word(kLogicalSectorWords + 1)} << 16);
            if (bytes < 512 || bytes > kMostSectorBytes || (bytes & (bytes - 1)) != 0)
                return Error::kProtocol;
            identity.logical_bytes = static_cast<std::uint32_t>(bytes);
        }
        identity.physical_bytes = identity.logical_bytes;
        if ((sizes & bit(13)) != 0) identity.physical_bytes <<= sizes & 0xf;
        const std::uint16_t alignment = word(kAlignment);
        const std::uint32_t per_physical = identity.physical_bytes / identity.logical_bytes;
        // The word says where in a physical sector the first logical one is; ours where the next begins.
        if (is_valid(alignment) && (alignment & 0x3fffU) < per_physical && (alignment & 0x3fff) != 0)
            identity.alignment = per_physical - (alignment & 0x3fffU);
    }

    // Two characters a word, the first in the upper byte, blanks behind.
    unsigned length = 0;
    for (unsigned i = 0; i < identity.serial.size(); ++i) {
        identity.serial[i] = data[std::size_t{2} * kSerialNumber + (i ^ 1U)];
        if (identity.serial[i] != std::byte{' '} && identity.serial[i] != std::byte{0}) length = i + 1;
    }
    for (unsigned i = length; i < identity.serial.size(); ++i) identity.serial[i] = std::byte{0};
    return identity;
}

block::Info describe(const Identity& identity, unsigned max_segments, std::uint32_t max_segment_bytes) {
    block::Info info;
    const std::uint32_t per_logical = identity.logical_bytes / block::kSectorSize;
    info.sectors = identity.sectors * per_logical;
    info.logical_block_size = identity.logical_bytes;
    info.physical_block_size = identity.physical_bytes;
    info.alignment_offset = identity.alignment;
    info.max_segments = max_segments;
    info.max_segment_bytes = max_segment_bytes;
    info.can_flush = identity.flush || identity.flush_ext;
    info.write_cache = identity.write_cache;
    info.can_discard = identity.trim && identity.lba48;
    if (info.can_discard) info.max_discard_sectors = kTrimRanges * kMostTrimSectors * per_logical;
    return info;
}

}  // namespace tb::ata
