// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

#include "block/block_device.hpp"
#include "virtio/pci_transport.hpp"

namespace tb::block::virtio_blk {

/// A private copy of the device configuration, as it was read; fields whose feature was not negotiated are 0.
struct Config {
    std::uint64_t capacity = 0;
    std::uint32_t size_max = 0;
    std::uint32_t seg_max = 0;
    std::uint32_t block_size = 0;
    std::uint8_t physical_block_exponent = 0;
    std::uint8_t alignment_offset = 0;
    std::uint16_t minimum_io_blocks = 0;
    std::uint32_t optimal_io_blocks = 0;
    std::uint8_t writeback = 0;
    std::uint16_t num_queues = 0;
    std::uint32_t max_discard_sectors = 0;
    std::uint32_t max_discard_segments = 0;
    std::uint32_t max_write_zeroes_sectors = 0;
    std::uint32_t max_write_zeroes_segments = 0;
};

/// Reads what `features` (the negotiated ones) say is there, all of one generation. kProtocol: it never
/// settles, or the structure ends before a field that a feature promises.
hal::Result<Config> read_config(const virtio::PciTransport& transport, std::uint64_t features);

/// What may be believed of it. kProtocol: a block size that is not a power of two from 512 up to 2 MiB, a
/// capacity beyond 2^64 bytes, a size_max of 0. Made safe: seg_max and num_queues of 0 count as 1, a capacity
/// is cut to whole blocks, a topology that makes no sense is ignored, discard and write-zeroes without room
/// are not offered. Queues and segments are what the device allows, for the driver to cut further.
hal::Result<Info> check_config(const Config& config, std::uint64_t features);

}  // namespace tb::block::virtio_blk
