// SPDX-License-Identifier: BSD-3-Clause
#include "block/virtio_blk_config.hpp"

#include "block/virtio_blk_regs.hpp"

namespace tb::block::virtio_blk {
namespace {

using hal::Error;

/// The largest that QEMU takes; more could not be buffered by anyone.
constexpr std::uint32_t kMostBlockBytes = 2 * 1024 * 1024;
/// Sectors that 2^64 bytes have.
constexpr std::uint64_t kMostSectors = std::uint64_t{1} << 55;

/// Where the last field ends that is promised by a feature.
constexpr std::uint32_t bytes_needed(std::uint64_t features) {
    std::uint32_t need = config::kCapacity + 8;
    const auto promises = [&](std::uint64_t feature, std::uint32_t end) {
        if ((features & feature) != 0 && end > need) need = end;
    };
    promises(kFeatureSizeMax, config::kSizeMax + 4);
    promises(kFeatureSegMax, config::kSegMax + 4);
    promises(kFeatureBlockSize, config::kBlockSize + 4);
    promises(kFeatureTopology, config::kOptimalIoBlocks + 4);
    promises(kFeatureConfigWce, config::kWriteback + 1);
    promises(kFeatureMultiQueue, config::kNumQueues + 2);
    promises(kFeatureDiscard, config::kMaxDiscardSegments + 4);
    promises(kFeatureWriteZeroes, config::kMaxWriteZeroesSegments + 4);
    return need;
}

}  // namespace

hal::Result<Config> read_config(const virtio::PciTransport& transport, std::uint64_t features) {
    if (transport.config_bytes() < bytes_needed(features)) return Error::kProtocol;
    Config read;
    const auto has = [features](std::uint64_t feature) { return (features & feature) != 0; };
    const hal::Status settled = transport.read_consistently([&] {
        read.capacity = transport.read_config<std::uint64_t>(config::kCapacity);
        if (has(kFeatureSizeMax)) read.size_max = transport.read_config<std::uint32_t>(config::kSizeMax);
        if (has(kFeatureSegMax)) read.seg_max = transport.read_config<std::uint32_t>(config::kSegMax);
        if (has(kFeatureBlockSize))
            read.block_size = transport.read_config<std::uint32_t>(config::kBlockSize);
        if (has(kFeatureTopology)) {
            read.physical_block_exponent =
                transport.read_config<std::uint8_t>(config::kPhysicalBlockExponent);
            read.alignment_offset = transport.read_config<std::uint8_t>(config::kAlignmentOffset);
            read.minimum_io_blocks = transport.read_config<std::uint16_t>(config::kMinimumIoBlocks);
            read.optimal_io_blocks = transport.read_config<std::uint32_t>(config::kOptimalIoBlocks);
        }
        if (has(kFeatureConfigWce)) read.writeback = transport.read_config<std::uint8_t>(config::kWriteback);
        if (has(kFeatureMultiQueue))
            read.num_queues = transport.read_config<std::uint16_t>(config::kNumQueues);
        if (has(kFeatureDiscard)) {
            read.max_discard_sectors = transport.read_config<std::uint32_t>(config::kMaxDiscardSectors);
            read.max_discard_segments = transport.read_config<std::uint32_t>(config::kMaxDiscardSegments);
        }
        if (has(kFeatureWriteZeroes)) {
            read.max_write_zeroes_sectors =
                transport.read_config<std::uint32_t>(config::kMaxWriteZeroesSectors);
            read.max_write_zeroes_segments =
                transport.read_config<std::uint32_t>(config::kMaxWriteZeroesSegments);
        }
    });
    if (!settled) return settled.error();
    return read;
}

hal::Result<Info> check_config(const Config& config, std::uint64_t features) {
    const auto has = [features](std::uint64_t feature) { return (features & feature) != 0; };
    Info info;
    if (has(kFeatureBlockSize)) {
        const std::uint32_t size = config.block_size;
        if (size < kSectorSize || size > kMostBlockBytes || (size & (size - 1)) != 0) return Error::kProtocol;
        info.logical_block_size = size;
    }
    if (config.capacity >= kMostSectors) return Error::kProtocol;
    const std::uint32_t sectors_per_block = info.logical_block_size / kSectorSize;
    info.sectors = config.capacity & ~std::uint64_t{sectors_per_block - 1};

    if (has(kFeatureSizeMax)) {
        if (config.size_max == 0) return Error::kProtocol;
        info.max_segment_bytes = config.size_max;
    }
    // Without a word from the device one segment is what every device takes.
    info.max_segments = has(kFeatureSegMax) && config.seg_max != 0 ? config.seg_max : 1;

    info.physical_block_size = info.logical_block_size;
    if (has(kFeatureTopology) && config.physical_block_exponent < 16 &&
        (std::uint64_t{info.logical_block_size} << config.physical_block_exponent) <= 0x8000'0000) {
        info.physical_block_size = info.logical_block_size << config.physical_block_exponent;
        if (config.alignment_offset < 1u << config.physical_block_exponent)
            info.alignment_offset = config.alignment_offset;
        info.minimum_io_blocks = config.minimum_io_blocks;
        info.optimal_io_blocks = config.optimal_io_blocks;
    }
    info.queues = has(kFeatureMultiQueue) && config.num_queues != 0 ? config.num_queues : 1;
    info.read_only = has(kFeatureReadOnly);
    info.can_flush = has(kFeatureFlush);
    // §5.2.5.1: without the switch, a device that can flush has something to flush.
    info.write_cache = has(kFeatureConfigWce) ? config.writeback != 0 : has(kFeatureFlush);
    if (has(kFeatureDiscard) && config.max_discard_segments != 0) {
        info.can_discard = config.max_discard_sectors != 0;
        info.max_discard_sectors = config.max_discard_sectors;
    }
    if (has(kFeatureWriteZeroes) && config.max_write_zeroes_segments != 0) {
        info.can_write_zeroes = config.max_write_zeroes_sectors != 0;
        info.max_write_zeroes_sectors = config.max_write_zeroes_sectors;
    }
    return info;
}

}  // namespace tb::block::virtio_blk
