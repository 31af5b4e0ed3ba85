// SPDX-License-Identifier: BSD-3-Clause
// virtio-blk on a device that behaves.
#include "block/virtio_blk.hpp"

#include <set>
#include <string>

#include "block/testing/virtio_blk_fixture.hpp"

namespace tb::block {
namespace {

using hal::Error;
using virtio::InterruptMode;
using namespace virtio_blk;

using VirtioBlkTest = testing::VirtioBlkTest;

TEST_F(VirtioBlkTest, OtherFunctionsAreAbsent) {
    device.function.set16(pci::kDeviceId, 0x1041);
    EXPECT_EQ(probe().error(), Error::kAbsent);
    device.function.set32(pci::kVendorId, 0x1042'8086);
    EXPECT_EQ(probe().error(), Error::kAbsent);
    EXPECT_EQ(driver->start().error(), Error::kNotStarted);
}

TEST_F(VirtioBlkTest, ATransitionalDeviceIsDrivenAsAModernOne) {
    device.function.set16(pci::kDeviceId, kTransitionalDevice);
    start();
    Bytes data(512);
    ASSERT_TRUE(read(0, data));
    EXPECT_TRUE(only_completion().status);
}

TEST_F(VirtioBlkTest, InformsAboutTheMedium) {
    device.set_config<std::uint32_t>(config::kBlockSize, 4096);
    device.set_config<std::uint64_t>(config::kCapacity, 255);
    device.set_config<std::uint8_t>(config::kPhysicalBlockExponent, 2);
    device.set_config<std::uint8_t>(config::kAlignmentOffset, 1);
    device.set_config<std::uint16_t>(config::kMinimumIoBlocks, 4);
    device.set_config<std::uint32_t>(config::kOptimalIoBlocks, 16);
    start({.queues = 3});
    const Info& info = driver->info();
    EXPECT_EQ(info.sectors, 248u);  // whole blocks
    EXPECT_EQ(info.logical_block_size, 4096u);
    EXPECT_EQ(info.physical_block_size, 16384u);
    EXPECT_EQ(info.alignment_offset, 1u);
    EXPECT_EQ(info.minimum_io_blocks, 4u);
    EXPECT_EQ(info.optimal_io_blocks, 16u);
    EXPECT_EQ(info.max_segments, VirtioBlk::kMostSegments);
    EXPECT_EQ(info.queues, 3u);
    EXPECT_TRUE(info.can_flush);
    EXPECT_TRUE(info.can_discard);
    EXPECT_TRUE(info.can_write_zeroes);
    EXPECT_TRUE(info.write_cache);
    EXPECT_FALSE(info.read_only);
}

TEST_F(VirtioBlkTest, ADeviceWithNoFeaturesIsAPlainDisk) {
    device.features = virtio::kFeatureVersion1;
    start({.queues = 4});
    const Info& info = driver->info();
    EXPECT_EQ(info.sectors, 256u);
    EXPECT_EQ(info.logical_block_size, 512u);
    EXPECT_EQ(info.max_segments, 1u);
    EXPECT_EQ(info.queues, 1u);
    EXPECT_FALSE(info.can_flush || info.can_discard || info.can_write_zeroes || info.write_cache);
    EXPECT_EQ(submit(Operation::kFlush, 0, {}).error(), Error::kUnsupported);
    EXPECT_EQ(driver->set_write_cache(true).error(), Error::kUnsupported);
    Bytes data(512);
    ASSERT_TRUE(read(5, data));
    EXPECT_TRUE(only_completion().status);
    EXPECT_EQ(data, disk_at(5, 512));
}

TEST_F(VirtioBlkTest, AcceptsNothingThatWasNotAskedFor) {
    device.features |= kFeatureLifetime | kFeatureSecureErase | virtio::kFeatureRingPacked |
                       virtio::kFeatureInOrder | virtio::kFeatureNotificationData | virtio::kFeatureRingReset;
    start({.queues = 1, .indirect = false, .event_idx = false});
    const std::uint64_t refused = kFeatureLifetime | kFeatureSecureErase | virtio::kFeatureRingPacked |
                                  virtio::kFeatureInOrder | virtio::kFeatureNotificationData |
                                  virtio::kFeatureRingReset | virtio::kFeatureIndirectDesc |
                                  virtio::kFeatureEventIdx | kFeatureMultiQueue;
    EXPECT_EQ(device.accepted & refused, 0u);
    EXPECT_EQ(driver->features(), device.accepted);
    EXPECT_EQ(driver->offered_features(), device.features);
}

TEST_F(VirtioBlkTest, ScattersAndGathers) {
    start();
    std::vector<Bytes> parts{Bytes(512), Bytes(1024), Bytes(4096)};
    ASSERT_TRUE(submit(Operation::kRead, 10, {parts[0], parts[1], parts[2]}));
    const Completion done = only_completion();
    EXPECT_TRUE(done.status);
    EXPECT_EQ(done.bytes, 5632u);
    EXPECT_EQ(parts[0], disk_at(10, 512));
    EXPECT_EQ(parts[1], disk_at(11, 1024));
    EXPECT_EQ(parts[2], disk_at(13, 4096));
    std::vector<Bytes> out{Bytes(256, std::byte{1}), Bytes(256, std::byte{2})};
    ASSERT_TRUE(submit(Operation::kWrite, 1, {out[0], out[1]}));
    EXPECT_TRUE(only_completion().status);
    EXPECT_EQ(disk_at(1, 256), out[0]);
    EXPECT_EQ(device.disk[512 + 256], 2);
}

TEST_F(VirtioBlkTest, SegmentsAreCutToTheSizeThatTheDeviceTakes) {
    device.features |= kFeatureSizeMax;
    device.set_config<std::uint32_t>(config::kSizeMax, 1000);
    device.set_config<std::uint32_t>(config::kSegMax, 5);
    start();
    EXPECT_EQ(driver->info().max_segment_bytes, 1000u);
    Bytes data(4096);
    ASSERT_TRUE(read(0, data));
    EXPECT_TRUE(only_completion().status);
    EXPECT_EQ(data, disk_at(0, 4096));
    const auto& pieces = device.requests.back().chain.pieces;
    ASSERT_EQ(pieces.size(), 7u);
    EXPECT_EQ(pieces[1].bytes, 1000u);
    EXPECT_EQ(pieces[5].bytes, 96u);
    Bytes more(5120);
    EXPECT_EQ(read(0, more).error(), Error::kOutOfRange);  // six pieces
}

TEST_F(VirtioBlkTest, MoreSegmentsThanTheDeviceTakesAreRefused) {
    device.set_config<std::uint32_t>(config::kSegMax, 2);
    start();
    Bytes data(512);
    EXPECT_TRUE(submit(Operation::kRead, 0, {data, data}));
    EXPECT_EQ(submit(Operation::kRead, 0, {data, data, data}).error(), Error::kOutOfRange);
    EXPECT_TRUE(only_completion().status);
}

TEST_F(VirtioBlkTest, AChainIsNeverLongerThanTheQueue) {
    device.queues[0].size = 8;
    start();
    EXPECT_EQ(driver->info().max_segments, 6u);
}

TEST_F(VirtioBlkTest, RequestsThatMakeNoSenseDoNotReachTheDevice) {
    device.set_config<std::uint32_t>(config::kBlockSize, 1024);
    start();
    Bytes data(1024);
    Bytes half(512);
    Bytes odd(1025);
    EXPECT_EQ(read(1, data).error(), Error::kInvalidArgument);  // between blocks
    EXPECT_EQ(read(0, half).error(), Error::kInvalidArgument);  // half a block
    EXPECT_EQ(read(0, odd).error(), Error::kInvalidArgument);
    EXPECT_EQ(submit(Operation::kRead, 0, {}).error(), Error::kInvalidArgument);
    EXPECT_EQ(submit(Operation::kRead, 0, {data, {}}).error(), Error::kInvalidArgument);
    EXPECT_EQ(submit(Operation::kFlush, 0, {data}).error(), Error::kInvalidArgument);
    EXPECT_EQ(submit(Operation::kGetId, 0, {data}).error(), Error::kInvalidArgument);
    EXPECT_EQ(read(0, data, 1).error(), Error::kInvalidArgument);  // one queue was asked for
    EXPECT_EQ(read(256, data).error(), Error::kOutOfRange);
    EXPECT_EQ(read(~std::uint64_t{1}, data).error(), Error::kOutOfRange);
    EXPECT_EQ(driver->submit({.operation = static_cast<Operation>(99)}).error(), Error::kInvalidArgument);
    EXPECT_TRUE(read(254, data));
    EXPECT_EQ(device.requests.size(), 1u);
    EXPECT_TRUE(only_completion().status);
}

TEST_F(VirtioBlkTest, AReadOnlyMediumIsNotWritten) {
    device.features |= kFeatureReadOnly;
    start();
    EXPECT_TRUE(driver->info().read_only);
    Bytes data(512);
    EXPECT_EQ(write(0, data).error(), Error::kReadOnly);
    EXPECT_EQ(driver->submit({.operation = Operation::kDiscard, .sectors = 1}).error(), Error::kReadOnly);
    EXPECT_EQ(driver->submit({.operation = Operation::kWriteZeroes, .sectors = 1}).error(), Error::kReadOnly);
    EXPECT_TRUE(read(0, data));
    EXPECT_TRUE(only_completion().status);
}

TEST_F(VirtioBlkTest, FlushCarriesNoDataAndNoSector) {
    start();
    ASSERT_TRUE(submit(Operation::kFlush, 77, {}));
    EXPECT_TRUE(only_completion().status);
    EXPECT_EQ(device.requests.back().type, kTypeFlush);
    EXPECT_EQ(device.requests.back().sector, 0u);
    EXPECT_EQ(device.requests.back().chain.pieces.size(), 2u);
}

TEST_F(VirtioBlkTest, DiscardsAndWritesZeroes) {
    start();
    ASSERT_TRUE(
        driver->submit({.operation = Operation::kWriteZeroes, .sector = 4, .sectors = 2, .unmap = true}));
    EXPECT_TRUE(only_completion().status);
    EXPECT_EQ(device.last_range_flags, range::kUnmap);
    EXPECT_EQ(disk_at(4, 1024), Bytes(1024));
    EXPECT_NE(disk_at(6, 512), Bytes(512));
    ASSERT_TRUE(driver->submit({.operation = Operation::kDiscard, .sector = 8, .sectors = 64}));
    EXPECT_TRUE(only_completion().status);
    EXPECT_EQ(device.requests.back().type, kTypeDiscard);
    EXPECT_EQ(device.last_range_flags, 0u);
    EXPECT_EQ(disk_at(8, 512), Bytes(512));
}

TEST_F(VirtioBlkTest, RangesBeyondWhatTheDeviceTakesAreRefused) {
    start();
    const auto discard = [&](std::uint64_t sector, std::uint64_t sectors, bool unmap = false) {
        return driver
            ->submit({.operation = Operation::kDiscard, .sector = sector, .sectors = sectors, .unmap = unmap})
            .error();
    };
    EXPECT_EQ(discard(0, 65), Error::kOutOfRange);
    EXPECT_EQ(discard(250, 7), Error::kOutOfRange);
    EXPECT_EQ(discard(0, std::uint64_t{1} << 32), Error::kOutOfRange);
    EXPECT_EQ(discard(0, 0), Error::kInvalidArgument);
    EXPECT_EQ(discard(0, 1, true), Error::kInvalidArgument);
    EXPECT_TRUE(device.requests.empty());
}

TEST_F(VirtioBlkTest, TellsTheIdentity) {
    start();
    Bytes id(20);
    ASSERT_TRUE(submit(Operation::kGetId, 0, {id}));
    EXPECT_TRUE(only_completion().status);
    EXPECT_EQ(std::string(reinterpret_cast<const char*>(id.data()), 20), "twinbench-disk-00001");
}

TEST_F(VirtioBlkTest, RequestsWithMoreToComeAreToldWithTheLastOrByPoll) {
    start();
    Bytes data(512);
    std::span<std::byte> segment = std::as_writable_bytes(std::span(data));
    Request request{.operation = Operation::kRead, .segments = {&segment, 1}, .more = true};
    ASSERT_TRUE(driver->submit(request));
    ASSERT_TRUE(driver->submit(request));
    EXPECT_TRUE(device.requests.empty());
    request.more = false;
    ASSERT_TRUE(driver->submit(request));
    EXPECT_EQ(device.requests.size(), 3u);
    request.more = true;
    ASSERT_TRUE(driver->submit(request));
    EXPECT_EQ(device.requests.size(), 3u);
    driver->poll(64);
    EXPECT_EQ(device.requests.size(), 4u);
    driver->poll(64);
    EXPECT_EQ(completions().size(), 4u);
}

TEST_F(VirtioBlkTest, SwitchesTheWriteCache) {
    start();
    EXPECT_TRUE(driver->set_write_cache(false));
    EXPECT_EQ(device.config[config::kWriteback], 0);
    EXPECT_FALSE(driver->info().write_cache);
    EXPECT_TRUE(driver->set_write_cache(true));
    EXPECT_TRUE(driver->info().write_cache);
    device.on_config_write = [](std::uint32_t, std::uint8_t) {};  // does not take it
    EXPECT_EQ(driver->set_write_cache(false).error(), Error::kDeviceError);
    EXPECT_TRUE(driver->info().write_cache);
}

TEST_F(VirtioBlkTest, DeviceErrorsReachTheCallerAndOnlyHim) {
    start();
    device.holding = true;
    std::vector<Bytes> data(3, Bytes(512));
    for (auto& one : data) ASSERT_TRUE(read(2, one));
    device.serve(0, kStatusIoError);
    device.serve(0, kStatusUnsupported);
    device.serve(0);
    const auto all = completions();
    ASSERT_EQ(all.size(), 3u);
    EXPECT_EQ(all[0].status.error(), Error::kDeviceError);
    EXPECT_EQ(all[0].bytes, 0u);
    EXPECT_EQ(all[1].status.error(), Error::kUnsupported);
    EXPECT_TRUE(all[2].status);
    EXPECT_EQ(driver->counters().resets, 0u);
}

TEST_F(VirtioBlkTest, UsesSeveralQueues) {
    start({.queues = 3});
    Bytes data(512);
    for (const std::uint16_t queue : {std::uint16_t{0}, std::uint16_t{1}, std::uint16_t{2}}) {
        ASSERT_TRUE(read(queue, data, queue));
        EXPECT_EQ(device.requests.back().queue, queue);
        EXPECT_TRUE(only_completion().status);
        EXPECT_EQ(data, disk_at(queue, 512));
    }
    EXPECT_EQ(read(0, data, 3).error(), Error::kInvalidArgument);
    EXPECT_EQ(driver->msix_vectors(), 4u);
}

TEST_F(VirtioBlkTest, NoMoreQueuesThanAskedForOfferedOrThere) {
    device.set_config<std::uint16_t>(config::kNumQueues, 2);
    start({.queues = 4});
    EXPECT_EQ(driver->info().queues, 2u);
    EXPECT_TRUE(driver->stop());
    device.set_config<std::uint16_t>(config::kNumQueues, 9999);
    device.num_queues_override = 9999;
    start({.queues = 9999});
    EXPECT_EQ(driver->info().queues, VirtioBlk::kMostQueues);
    EXPECT_TRUE(driver->stop());
    start({.queues = 0});
    EXPECT_EQ(driver->info().queues, 1u);
}

TEST_F(VirtioBlkTest, AFullQueueIsBusyUntilACompletionWasTaken) {
    device.queues[0].size = 4;
    start({.indirect = false});
    device.holding = true;
    Bytes data(512);
    ASSERT_TRUE(read(0, data));
    EXPECT_EQ(read(1, data).error(), Error::kBusy);
    EXPECT_EQ(device.board.machine.mapped(), 1);
    device.serve();
    EXPECT_TRUE(only_completion().status);
    EXPECT_TRUE(read(1, data));
    device.serve();
    EXPECT_TRUE(only_completion().status);
}

TEST_F(VirtioBlkTest, CompletionsThatNobodyTakesFillTheDriverAndLoseNothing) {
    start();
    Bytes data(512);
    unsigned accepted = 0;
    while (read(0, data)) {
        ++accepted;
        device.board.host.interrupt_point();
        driver->poll(64);
        ASSERT_LE(accepted, VirtioBlk::kMostRequests);
    }
    EXPECT_EQ(accepted, VirtioBlk::kMostRequests);
    EXPECT_EQ(completions().size(), accepted);
    EXPECT_TRUE(read(0, data));
    EXPECT_TRUE(only_completion().status);
}

TEST_F(VirtioBlkTest, WithoutMemoryToMapTheRequestIsRefusedAndNothingStaysMapped) {
    device.set_config<std::uint64_t>(config::kCapacity, 1 << 20);
    start();
    Bytes data(512);
    Bytes more_than_the_machine_has(4 << 20);
    EXPECT_EQ(submit(Operation::kRead, 0, {data, more_than_the_machine_has}).error(), Error::kNoMemory);
    EXPECT_EQ(device.board.machine.mapped(), 0);
    EXPECT_TRUE(read(0, data));
    EXPECT_TRUE(only_completion().status);
}

TEST_F(VirtioBlkTest, WithoutMemoryStartFailsCleanly) {
    for (int left = 0; left < 3; ++left) {
        allocations_left = left;
        EXPECT_EQ(start_error(), Error::kNoMemory) << left;
        EXPECT_NE(device.status & virtio::kStatusFailed, 0);
    }
    allocations_left = 1000;
    EXPECT_TRUE(driver->start());
}

TEST_F(VirtioBlkTest, PollsNoMoreThanItsBudgetAndForgetsNothing) {
    for (const InterruptMode mode : {InterruptMode::kMsix, InterruptMode::kPolled}) {
        start({.interrupts = mode});
        device.holding = true;
        Bytes data(512);
        for (int i = 0; i < 10; ++i) ASSERT_TRUE(read(0, data));
        while (!device.held.empty()) device.serve();
        device.board.host.interrupt_point();
        EXPECT_EQ(driver->poll(4), 4u);
        EXPECT_EQ(driver->poll(4), 4u);
        EXPECT_EQ(driver->poll(0), 0u);
        EXPECT_EQ(driver->poll(4), 2u);
        EXPECT_EQ(completions().size(), 10u);
        device.holding = false;
        EXPECT_TRUE(driver->stop());
    }
}

TEST_F(VirtioBlkTest, WithoutAnInterruptPollLooksAtNothing) {
    start();
    device.silent = true;
    Bytes data(512);
    ASSERT_TRUE(read(0, data));
    EXPECT_EQ(driver->poll(64), 0u);
    EXPECT_FALSE(driver->work_pending());
    // A lost interrupt costs time, not the request.
    pass(VirtioBlk::kCheckInterval);
    EXPECT_EQ(driver->poll(64), 1u);
    EXPECT_EQ(driver->counters().lost_interrupts, 1u);
    EXPECT_TRUE(only_completion().status);
    EXPECT_EQ(data, disk_at(0, 512));
}

TEST_F(VirtioBlkTest, SeesANewCapacity) {
    start();
    Bytes data(512);
    EXPECT_EQ(read(256, data).error(), Error::kOutOfRange);
    device.set_config<std::uint64_t>(config::kCapacity, 512);
    device.interrupt_config();
    EXPECT_TRUE(completions().empty());
    EXPECT_EQ(driver->info().sectors, 512u);
    device.disk.resize(std::size_t{512} * 512);
    EXPECT_TRUE(read(256, data));
    EXPECT_TRUE(only_completion().status);
    EXPECT_EQ(driver->counters().config_changes, 1u);
}

TEST_F(VirtioBlkTest, AMediumThatShrinksUnderARequestIsSafe) {
    start();
    device.holding = true;
    Bytes data(512);
    ASSERT_TRUE(read(200, data));
    device.set_config<std::uint64_t>(config::kCapacity, 100);
    device.interrupt_config();
    EXPECT_TRUE(completions().empty());
    EXPECT_EQ(driver->info().sectors, 100u);
    EXPECT_EQ(read(200, data).error(), Error::kOutOfRange);
    device.serve(0, kStatusIoError);
    EXPECT_EQ(only_completion().status.error(), Error::kDeviceError);
}

TEST_F(VirtioBlkTest, WithoutInterruptsANewCapacityIsFoundWithinTheCheckInterval) {
    start({.interrupts = InterruptMode::kPolled});
    device.set_config<std::uint64_t>(config::kCapacity, 300);
    device.interrupt_config();
    pass(VirtioBlk::kCheckInterval);
    driver->poll(1);
    EXPECT_EQ(driver->info().sectors, 300u);
}

TEST_F(VirtioBlkTest, StartsAndStopsInOrder) {
    EXPECT_EQ(driver->stop().error(), Error::kNotStarted);
    EXPECT_EQ(driver->recover().error(), Error::kNotStarted);
    EXPECT_EQ(driver->set_write_cache(true).error(), Error::kNotStarted);
    start();
    EXPECT_EQ(driver->start().error(), Error::kBusy);
    EXPECT_EQ(probe().error(), Error::kBusy);
    EXPECT_TRUE(driver->stop());
    EXPECT_EQ(driver->poll(1), 0u);
    EXPECT_EQ(driver->stop().error(), Error::kNotStarted);
}

}  // namespace
}  // namespace tb::block
