// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>
#include <linux/virtio_blk.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <stdexcept>
#include <string_view>

#include "models/block/testing/blk_bench.hpp"

namespace tb::model::block::testing {
namespace {

using virtio::testing::kDeviceBlock;
using virtio::testing::kIndirect;
using virtio::testing::kWrite;

class VirtioBlkTest : public BlkBench {
  protected:
    void expect_needs_reset() {
        EXPECT_EQ(driver.status(), 0x4f);
        EXPECT_EQ(ring.used_index(), 0U);
        EXPECT_FALSE(bench.seen.findings.empty());
    }
};

TEST_F(VirtioBlkTest, TheConfigurationTableAgreesWithTheSystemsHeader) {
    const std::pair<const char*, std::size_t> header[] = {
        {"capacity", offsetof(virtio_blk_config, capacity)},
        {"seg_max", offsetof(virtio_blk_config, seg_max)},
        {"cylinders", offsetof(virtio_blk_config, geometry.cylinders)},
        {"blk_size", offsetof(virtio_blk_config, blk_size)},
        {"min_io_size", offsetof(virtio_blk_config, min_io_size)},
        {"opt_io_size", offsetof(virtio_blk_config, opt_io_size)},
        {"writeback", offsetof(virtio_blk_config, wce)},
        {"num_queues", offsetof(virtio_blk_config, num_queues)},
        {"max_discard_sectors", offsetof(virtio_blk_config, max_discard_sectors)},
        {"discard_sector_alignment", offsetof(virtio_blk_config, discard_sector_alignment)},
        {"max_write_zeroes_sectors", offsetof(virtio_blk_config, max_write_zeroes_sectors)},
        {"write_zeroes_may_unmap", offsetof(virtio_blk_config, write_zeroes_may_unmap)}};
    for (const auto& [name, offset] : header) {
        const auto spec = std::ranges::find(kBlkConfigRegisters, std::string_view(name),
                                            [](const RegisterSpec& s) { return std::string_view(s.name); });
        ASSERT_NE(spec, std::end(kBlkConfigRegisters)) << name;
        EXPECT_EQ(spec->offset, offset) << name;
    }
}

TEST_F(VirtioBlkTest, AReadBringsTheSectorsAndTheirLengthWithTheStatus) {
    build_and_start();
    offer_read(0, 100, 1024);
    driver.notify();
    EXPECT_EQ(status(0), 0);
    EXPECT_EQ(word(buffer(0)), 100U);
    EXPECT_EQ(word(buffer(0) + 512 + 504), 101U);
    EXPECT_EQ(ring.used(0), (Used{0, 1025}));
    EXPECT_EQ(driver.acknowledge(), 1U);
    EXPECT_TRUE(bench.seen.findings.empty()) << bench.seen.findings[0].message;
}

TEST_F(VirtioBlkTest, AWriteReachesTheDiskAndIsReadBack) {
    build_and_start();
    fill_buffer(0, 0x5a, 1024);
    offer_write(0, 7, 1024);
    driver.notify();
    EXPECT_EQ(status(0), 0);
    EXPECT_EQ(ring.used(0), (Used{0, 1})) << "only the status byte is the device's to write";
    EXPECT_EQ(disk_byte(7), 0x5a);
    EXPECT_EQ(disk_byte(8, 511), 0x5a);
    EXPECT_EQ(disk_byte(9), 9);
    offer_read(1, 8, 512);
    driver.notify();
    EXPECT_EQ(word(buffer(1)), 0x5a5a'5a5a'5a5a'5a5aU);
}

TEST_F(VirtioBlkTest, TheLayoutOfARequestIsFree) {
    build_and_start();
    bench.store(header_of(0), RequestHeader{kIn, 0, 3});
    bench.store(status_of(0), kUntouched);
    // The header in two pieces; data and status in one descriptor (VIRTIO 1.2 §2.7.4).
    ring.offer(
        ring.chain(0, {{header_of(0), 5, 0, 0}, {header_of(0) + 5, 11, 0, 0}, {buffer(0), 513, kWrite, 0}}));
    driver.notify();
    EXPECT_EQ(word(buffer(0)), 3U);
    EXPECT_EQ(bench.load<std::uint8_t>(buffer(0) + 512), 0);
    EXPECT_EQ(ring.used(0), (Used{0, 513}));
}

TEST_F(VirtioBlkTest, DataMayComeInManyPieces) {
    build_and_start();
    offer(0, kIn, 20,
          {{buffer(0), 100, kWrite, 0}, {buffer(1), 412, kWrite, 0}, {buffer(2), 512, kWrite, 0}});
    driver.notify();
    EXPECT_EQ(status(0), 0);
    EXPECT_EQ(word(buffer(0)), 20U);
    EXPECT_EQ(word(buffer(2)), 21U);
}

TEST_F(VirtioBlkTest, ARequestInAnIndirectTable) {
    build();
    start(kPlain);
    bench.store(header_of(0), RequestHeader{kIn, 0, 44});
    DriverRing table(bench, 0x60'0000, 64);
    table.chain(0, {{header_of(0), 16, 0, 0}, {buffer(0), 512, kWrite, 0}, {status_of(0), 1, kWrite, 0}});
    ring.put(0, {0x60'0000, 48, kIndirect, 0});
    ring.offer(0);
    driver.notify();
    EXPECT_EQ(word(buffer(0)), 44U);
    EXPECT_EQ(ring.used(0), (Used{0, 513}));
}

TEST_F(VirtioBlkTest, FlushReachesTheDisk) {
    build_and_start();
    offer(0, kFlush, 0);
    driver.notify();
    EXPECT_EQ(status(0), 0);
    EXPECT_EQ(disk->flushes(), 1U);
}

TEST_F(VirtioBlkTest, AFlushBehindAWriteOfTheSameDoorbellComesAfterIt) {
    build_and_start();
    offer_write(0, 5, 512);
    offer(1, kFlush, 0);
    driver.notify();
    EXPECT_EQ(ring.used(0).id, 0U);
    EXPECT_EQ(ring.used(1).id, 4U);
}

TEST_F(VirtioBlkTest, GetIdGivesTheSerialAndLeavesTheRest) {
    VirtioBlkOptions options;
    options.block.serial = "twinbench-1";
    build_and_start(options);
    fill_buffer(0, 0xcc, 20);
    offer(0, kGetId, 0, {{buffer(0), 20, kWrite, 0}});
    driver.notify();
    EXPECT_EQ(status(0), 0);
    EXPECT_EQ(std::string(reinterpret_cast<const char*>(bench.board.ram().data() + buffer(0))),
              "twinbench-1");
    EXPECT_EQ(bench.load<std::uint8_t>(buffer(0) + 12), 0xcc);
    EXPECT_EQ(ring.used(0), (Used{0, 21}));
}

TEST_F(VirtioBlkTest, ASerialOfTwentyBytesOrMoreHasNoTerminator) {
    VirtioBlkOptions options;
    options.block.serial = "0123456789abcdefghijKLM";
    build_and_start(options);
    fill_buffer(0, 0xcc, 32);
    offer(0, kGetId, 0, {{buffer(0), 32, kWrite, 0}});
    driver.notify();
    EXPECT_EQ(bench.load<std::uint8_t>(buffer(0) + 19), 'j');
    EXPECT_EQ(bench.load<std::uint8_t>(buffer(0) + 20), 0xcc);
}

TEST_F(VirtioBlkTest, WriteZeroesZeroes) {
    build_and_start();
    offer_range(0, kWriteZeroes, {10, 3, 0});
    offer_range(1, kWriteZeroes, {20, 1, 1});
    driver.notify();
    EXPECT_EQ(status(0), 0);
    EXPECT_EQ(status(1), 0) << "unmap is allowed";
    EXPECT_EQ(disk_byte(9), 9);
    for (const std::uint64_t sector : {10U, 11U, 12U, 20U}) EXPECT_EQ(disk_byte(sector), 0);
    EXPECT_EQ(disk_byte(13), 13);
}

TEST_F(VirtioBlkTest, DiscardKeepsTheDataUnlessTheDiskIsToldOtherwise) {
    build_and_start();
    offer_range(0, kDiscard, {10, 3, 0});
    driver.notify();
    EXPECT_EQ(status(0), 0);
    EXPECT_EQ(disk_byte(10), 10);
    disk->set_discard_zeroes(true);
    offer_range(1, kDiscard, {10, 3, 0});
    driver.notify();
    EXPECT_EQ(disk_byte(10), 0);
}

TEST_F(VirtioBlkTest, RangesWithUnknownFlagsAreUnsupported) {
    build_and_start();
    offer_range(0, kWriteZeroes, {10, 1, 2});
    offer_range(1, kDiscard, {10, 1, 1});
    driver.notify();
    EXPECT_EQ(status(0), 2);
    EXPECT_EQ(status(1), 2) << "unmap says nothing to a discard";
    EXPECT_EQ(disk_byte(10), 10);
}

TEST_F(VirtioBlkTest, RangesBeyondTheLimitsAreErrors) {
    VirtioBlkOptions options;
    options.block.max_write_zeroes_sectors = 4;
    build_and_start(options);
    offer_range(0, kWriteZeroes, {10, 5, 0});
    offer_range(1, kDiscard, {kSectors - 1, 2, 0});
    driver.notify();
    EXPECT_EQ(status(0), 1);
    EXPECT_EQ(status(1), 1);
}

TEST_F(VirtioBlkTest, MoreThanOneRangeInARequestIsUnsupported) {
    build_and_start();
    offer(0, kWriteZeroes, 0, {{buffer(0), 32, 0, 0}});
    driver.notify();
    EXPECT_EQ(status(0), 2);
}

TEST_F(VirtioBlkTest, UnknownTypesAreUnsupported) {
    build_and_start();
    offer(0, 0x77, 0);
    offer(1, 2, 0);
    driver.notify();
    EXPECT_EQ(status(0), 2);
    EXPECT_EQ(status(1), 1) << "SCSI passthrough, with fewer segments than it had";
    EXPECT_EQ(driver.status(), 0xf);
}

TEST_F(VirtioBlkTest, ScsiPassthroughIsUnsupportedAndSaysSoInItsOwnHeaderToo) {
    build_and_start();
    offer(0, 2, 0, {{buffer(0), 6, 0, 0}, {buffer(1), 96, kWrite, 0}, {buffer(2), 16, kWrite, 0}});
    driver.notify();
    EXPECT_EQ(status(0), 2);
    EXPECT_EQ(bench.load<std::uint32_t>(buffer(2)), 255U);
}

TEST_F(VirtioBlkTest, RequestsBeyondTheEndAreErrors) {
    build_and_start();
    offer_read(0, kSectors, 512);
    offer_write(1, kSectors - 1, 1024);
    offer_read(2, ~std::uint64_t{0}, 512);
    driver.notify();
    for (unsigned n = 0; n < 3; ++n) EXPECT_EQ(status(n), 1) << n;
    EXPECT_EQ(ring.used(0), (Used{0, 513})) << "QEMU counts the buffer that it did not fill";
    EXPECT_EQ(bench.seen.findings.size(), 3U);
}

TEST_F(VirtioBlkTest, RequestsOfPartsOfABlockAreErrors) {
    VirtioBlkOptions options;
    options.block.logical_block_size = options.block.physical_block_size = 4096;
    build_and_start(options);
    offer_read(0, 1, 4096);
    offer_read(1, 8, 512);
    offer_read(2, 8, 4096);
    driver.notify();
    EXPECT_EQ(status(0), 1);
    EXPECT_EQ(status(1), 1);
    EXPECT_EQ(status(2), 0);
    EXPECT_EQ(driver.read(kDeviceBlock + 0x14, 4), 4096U);
    EXPECT_EQ(driver.read(kDeviceBlock + 0x2c, 4), 8U) << "discard alignment in sectors";
}

TEST_F(VirtioBlkTest, ARequestWithoutDataIsFine) {
    build_and_start();
    offer(0, kIn, 5);
    driver.notify();
    EXPECT_EQ(status(0), 0);
    EXPECT_EQ(ring.used(0), (Used{0, 1}));
}

TEST_F(VirtioBlkTest, AnErrorOfTheDiskIsAnIoErrorAndHeals) {
    build_and_start();
    disk->inject({.first = 50, .count = 2, .error = EIO, .on = kOnRead, .times = 1});
    offer_read(0, 48, 2048);
    driver.notify();
    EXPECT_EQ(status(0), 1);
    EXPECT_EQ(word(buffer(0)), 0U) << "nothing was transferred";
    offer_read(1, 48, 2048);
    driver.notify();
    EXPECT_EQ(status(1), 0);
}

TEST_F(VirtioBlkTest, NeighboursOfOneDoorbellAreMergedAndFailTogether) {
    build_and_start();
    disk->inject({.first = 11, .on = kOnRead});
    offer_read(0, 11, 512);
    offer_read(1, 10, 512);
    offer_read(2, 20, 512);
    driver.notify();
    EXPECT_EQ(status(0), 1);
    EXPECT_EQ(status(1), 1) << "sector 10 went with sector 11";
    EXPECT_EQ(status(2), 0);
    EXPECT_EQ(ring.used(0).id, 4U) << "in the order of the sectors";
    EXPECT_EQ(ring.used(1).id, 0U);
}

TEST_F(VirtioBlkTest, AReadOnlyDeviceSaysSoAndRefusesWrites) {
    VirtioBlkOptions options;
    options.block.read_only = true;
    build(options);
    EXPECT_EQ(driver.offered_features() & (1 << 5), 1U << 5);
    start(kPlain | 1 << 5);
    offer_write(0, 7, 512);
    offer_range(1, kWriteZeroes, {7, 1, 0});
    driver.notify();
    EXPECT_EQ(status(0), 1);
    EXPECT_EQ(status(1), 1);
    EXPECT_EQ(disk_byte(7), 7);
}

TEST_F(VirtioBlkTest, AShortHeaderBreaksTheDevice) {
    build_and_start();
    ring.offer(ring.chain(0, {{header_of(0), 15, 0, 0}, {status_of(0), 1, kWrite, 0}}));
    driver.notify();
    expect_needs_reset();
}

TEST_F(VirtioBlkTest, ARequestWithoutRoomForTheStatusBreaksTheDevice) {
    build_and_start();
    ring.offer(ring.chain(0, {{header_of(0), 16, 0, 0}, {buffer(0), 512, 0, 0}}));
    driver.notify();
    expect_needs_reset();
}

TEST_F(VirtioBlkTest, ARangeThatIsTooShortBreaksTheDevice) {
    build_and_start();
    offer(0, kDiscard, 0, {{buffer(0), 8, 0, 0}});
    driver.notify();
    expect_needs_reset();
    EXPECT_EQ(driver.acknowledge(), 3U);
}

TEST_F(VirtioBlkTest, TheCacheModeFollowsTheRegisterAndAResetRestoresIt) {
    build_and_start();
    EXPECT_EQ(driver.read(kDeviceBlock + 0x20, 1), 1U);
    driver.write(kDeviceBlock + 0x20, 0, 1);
    EXPECT_EQ(driver.read(kDeviceBlock + 0x20, 1), 0U);
    offer_write(0, 1, 512);
    driver.notify();
    EXPECT_EQ(disk->flushes(), 1U) << "write-through";
    driver.set_status(0);
    EXPECT_EQ(driver.read(kDeviceBlock + 0x20, 1), 1U);
}

TEST_F(VirtioBlkTest, WithoutConfigWceTheCacheModeFollowsFromFlush) {
    build();
    start(kPlain & ~(1ULL << 11 | 1ULL << 9));
    EXPECT_FALSE(device->block().write_cache());
    driver.set_status(0);
    start(kPlain & ~(1ULL << 11));
    EXPECT_TRUE(device->block().write_cache());
}

TEST_F(VirtioBlkTest, AStrayConfigurationWriteBeforeAnyReadTurnsTheCacheOff) {
    build();
    driver.write(kDeviceBlock, 0, 1);
    EXPECT_EQ(driver.read(kDeviceBlock + 0x20, 1), 0U) << "as QEMU's stale copy does";
    driver.write(kDeviceBlock + 0x20, 1, 1);
    EXPECT_EQ(driver.read(kDeviceBlock + 0x20, 1), 1U);
}

TEST_F(VirtioBlkTest, PropertiesShowInTheConfigurationSpace) {
    VirtioBlkOptions options;
    options.block.num_queues = 4;
    options.block.queue_size = 64;
    options.block.physical_block_size = 4096;
    options.block.opt_io_size = 65536;
    options.block.discard = options.block.write_zeroes = false;
    build(options, Fill::kZero, 20'000'000);
    EXPECT_EQ(driver.read(0x12, 2), 4U);
    EXPECT_EQ(bench.config_read(virtio::testing::kSlot, PciDriver::kMsixControl, 2), 4U) << "5 vectors";
    EXPECT_EQ(driver.read(0x18, 2), 64U);
    EXPECT_EQ(driver.offered_features(), 0x101'30001e54U) << "MQ; neither DISCARD nor WRITE_ZEROES";
    EXPECT_EQ(driver.read(kDeviceBlock + 0x0c, 4), 62U);
    EXPECT_EQ(driver.read(kDeviceBlock + 0x10, 2), 16383U);
    EXPECT_EQ(driver.read(kDeviceBlock + 0x18, 1), 3U);
    EXPECT_EQ(driver.read(kDeviceBlock + 0x1c, 4), 128U);
    EXPECT_EQ(driver.read(kDeviceBlock + 0x24, 4), 0xffff'ffffU) << "the space ends there";
}

TEST_F(VirtioBlkTest, EachQueueHasItsVector) {
    VirtioBlkOptions options;
    options.block.num_queues = 2;
    build(options);
    driver.enable_msix(3);
    start(kPlain | 1 << 12, 1);
    DriverRing second(bench, 0x28'0000, 16);
    driver.enable_queue(1, second, 2);
    bench.store(header_of(5), RequestHeader{kIn, 0, 9});
    second.offer(second.chain(0, {{header_of(5), 16, 0, 0}, {buffer(5), 513, kWrite, 0}}));
    driver.notify(1);
    ASSERT_EQ(bench.seen.messages.size(), 1U);
    EXPECT_EQ(bench.seen.messages[0].second, 0x42U);
    EXPECT_EQ(word(buffer(5)), 9U);
}

TEST_F(VirtioBlkTest, TheGeometryOfLargeBlocksAndOtherPropertiesAreQemus) {
    VirtioBlkOptions options;
    options.block.logical_block_size = options.block.physical_block_size = 4096;
    options.block.discard = options.block.config_wce = options.block.seg_max_adjust = false;
    build(options);
    EXPECT_EQ(driver.offered_features(), 0x101'30004654U);
    EXPECT_EQ(driver.read(kDeviceBlock + 0x0c, 4), 126U);
    EXPECT_EQ(driver.read(kDeviceBlock + 0x13, 1), 56U) << "63, cut to whole blocks";
    EXPECT_EQ(driver.read(kDeviceBlock + 0x24, 4), 0U);
    EXPECT_EQ(driver.read(kDeviceBlock + 0x30, 4), 0x3f'ffffU);
}

TEST(VirtioBlkProperties, APartitionTableTellsTheGeometry) {
    const auto geometry = [](std::uint8_t last_head) {
        MemoryDisk disk(16384);
        std::vector<std::byte> boot(512);
        boot[510] = std::byte{0x55};
        boot[511] = std::byte{0xaa};
        boot[0x1be + 5] = std::byte{last_head};
        boot[0x1be + 6] = std::byte{0x20};
        boot[0x1be + 12] = std::byte{1};
        EXPECT_EQ(disk.write(0, boot), 0);
        VirtioBlk device({}, disk);
        std::vector<std::byte> config(kConfigBytesWriteZeroes);
        device.read_config(config);
        return std::vector<unsigned>{std::to_integer<unsigned>(config[0x10]),
                                     std::to_integer<unsigned>(config[0x12]),
                                     std::to_integer<unsigned>(config[0x13])};
    };
    EXPECT_EQ(geometry(7), (std::vector<unsigned>{64, 8, 32}));
    EXPECT_EQ(geometry(254), (std::vector<unsigned>{16, 16, 63}))
        << "a BIOS translates: the standard geometry";
}

TEST(VirtioBlkProperties, ImpossiblePropertiesAreRefusedByName) {
    MemoryDisk disk(64);
    const auto refusal = [&](auto&& change) {
        VirtioBlkProperties properties;
        change(properties);
        try {
            VirtioBlk device(properties, disk);
        } catch (const std::invalid_argument& error) {
            return std::string(error.what());
        }
        return std::string("accepted");
    };
    EXPECT_EQ(refusal([](auto& p) { p.queue_size = 100; }),
              "virtio-blk: queue_size must be a power of 2 from 4 to 1024");
    EXPECT_NE(refusal([](auto& p) { p.logical_block_size = 1024; }).find("physical_block_size"),
              std::string::npos);
    EXPECT_NE(refusal([](auto& p) { p.num_queues = 0; }).find("num_queues"), std::string::npos);
}

}  // namespace
}  // namespace tb::model::block::testing
