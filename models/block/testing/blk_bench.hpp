// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "models/block/memory_disk.hpp"
#include "models/block/virtio_blk_pci.hpp"
#include "models/virtio/testing/ring_driver.hpp"

namespace tb::model::block::testing {

using virtio::testing::Descriptor;
using virtio::testing::DriverRing;
using virtio::testing::PciDriver;
using virtio::testing::Used;

inline constexpr std::uint32_t kIn = 0;
inline constexpr std::uint32_t kOut = 1;
inline constexpr std::uint32_t kFlush = 4;
inline constexpr std::uint32_t kGetId = 8;
inline constexpr std::uint32_t kDiscard = 11;
inline constexpr std::uint32_t kWriteZeroes = 13;

/// All that QEMU's virtio-blk-pci offers by default, without EVENT_IDX: what most tests negotiate.
inline constexpr std::uint64_t kPlain = 0x101'10006e54;
inline constexpr std::uint8_t kUntouched = 0xee;

/// A virtio-blk-pci on a board, with a queue of 16 in memory and a driver that does as the test says.
class BlkBench : public ::testing::Test {
  protected:
    static constexpr std::uint64_t kSectors = 16384;
    static constexpr std::uint64_t kRing = 0x20'0000;
    static constexpr std::uint64_t kHeaders = 0x30'0000;  ///< 64 bytes a request: header, range, status
    static constexpr std::uint64_t kData = 0x40'0000;

    BlkBench() : ring(bench, kRing, 16), driver(bench) {}

    void build(const VirtioBlkOptions& options = {}, Fill fill = Fill::kLba,
               std::uint64_t sectors = kSectors) {
        disk = std::make_unique<MemoryDisk>(sectors, fill);
        device = std::make_unique<VirtioBlkPci>("blk", bench.board, virtio::testing::kSlot, options, *disk);
        bench.start();
        device->power_on_reset();
        driver.enable_function();
    }
    void start(std::uint64_t features = kPlain, std::uint16_t vector = 0xffff) {
        driver.negotiate(features);
        driver.enable_queue(0, ring, vector);
        driver.driver_ok();
    }
    void build_and_start(const VirtioBlkOptions& options = {}) {
        build(options);
        start();
    }

    /// Where request `n` keeps its header and its status byte.
    static std::uint64_t header_of(unsigned n) { return kHeaders + 64ULL * n; }
    static std::uint64_t status_of(unsigned n) { return kHeaders + 64ULL * n + 48; }
    std::uint8_t status(unsigned n) { return bench.load<std::uint8_t>(status_of(n)); }

    /// Makes request `n` of header, `data` and status available, in descriptors from 4n on; returns its head.
    std::uint16_t offer(unsigned n, std::uint32_t type, std::uint64_t sector,
                        std::vector<Descriptor> data = {}) {
        bench.store(header_of(n), RequestHeader{type, 0, sector});
        bench.store(status_of(n), kUntouched);
        std::vector<Descriptor> parts{{header_of(n), 16, 0, 0}};
        parts.insert(parts.end(), data.begin(), data.end());
        parts.push_back({status_of(n), 1, virtio::testing::kWrite, 0});
        const std::uint16_t head = ring.chain(4 * n, parts);
        ring.offer(head);
        return head;
    }
    std::uint16_t offer_read(unsigned n, std::uint64_t sector, std::uint32_t bytes) {
        return offer(n, kIn, sector, {{buffer(n), bytes, virtio::testing::kWrite, 0}});
    }
    std::uint16_t offer_write(unsigned n, std::uint64_t sector, std::uint32_t bytes) {
        return offer(n, kOut, sector, {{buffer(n), bytes, 0, 0}});
    }
    std::uint16_t offer_range(unsigned n, std::uint32_t type, const RangeHeader& range) {
        bench.store(header_of(n) + 16, range);
        return offer(n, type, 0, {{header_of(n) + 16, 16, 0, 0}});
    }
    static std::uint64_t buffer(unsigned n) { return kData + 0x1'0000ULL * n; }
    void fill_buffer(unsigned n, std::uint8_t value, std::size_t bytes) {
        std::memset(bench.board.ram().data() + buffer(n), value, bytes);
    }
    std::uint64_t word(std::uint64_t address) { return bench.load<std::uint64_t>(address); }
    std::uint8_t disk_byte(std::uint64_t sector, std::size_t at = 0) {
        std::byte data[kSectorBytes];
        EXPECT_EQ(disk->read(sector, data), 0);
        return std::to_integer<std::uint8_t>(data[at]);
    }

    model::testing::BoardHarness bench;
    DriverRing ring;
    PciDriver driver;
    std::unique_ptr<MemoryDisk> disk;
    std::unique_ptr<VirtioBlkPci> device;
};

}  // namespace tb::model::block::testing
