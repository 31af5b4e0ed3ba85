// SPDX-License-Identifier: BSD-3-Clause
// virtio-blk on a device that lies, hangs, breaks or goes away.
#include <limits>

#include "block/testing/virtio_blk_fixture.hpp"
#include "block/virtio_blk.hpp"

namespace tb::block {
namespace {

using hal::Error;
using virtio::InterruptMode;
using namespace virtio_blk;
using testing::HostileBlk;

// ---- Configuration that lies ----

TEST_F(HostileBlk, BlockSizesThatCannotBeAreRefused) {
    for (const std::uint32_t size :
         {0u, 1u, 256u, 511u, 513u, 1000u, 3u * 512u, 0x8000'0000u, 0xffff'ffffu}) {
        device.set_config(config::kBlockSize, size);
        EXPECT_EQ(start_error(), Error::kProtocol) << size;
        EXPECT_NE(device.status & virtio::kStatusFailed, 0);
    }
    device.set_config<std::uint32_t>(config::kBlockSize, 2 << 20);
    EXPECT_TRUE(driver->start());
    EXPECT_EQ(driver->info().sectors, 0u);  // no whole block
}

TEST_F(HostileBlk, ACapacityBeyondTheAddressableIsRefused) {
    for (const std::uint64_t capacity : {std::uint64_t{1} << 55, std::numeric_limits<std::uint64_t>::max()}) {
        device.set_config(config::kCapacity, capacity);
        EXPECT_EQ(start_error(), Error::kProtocol);
    }
    device.set_config(config::kCapacity, (std::uint64_t{1} << 55) - 1);
    start();
    Bytes data(1024);
    EXPECT_EQ(read((std::uint64_t{1} << 55) - 2, data).error(), Error::kOutOfRange);
}

TEST_F(HostileBlk, ASegmentLimitOfZeroCountsAsOne) {
    device.set_config<std::uint32_t>(config::kSegMax, 0);
    start();
    EXPECT_EQ(driver->info().max_segments, 1u);
    expect_usable();
}

TEST_F(HostileBlk, AHugeSegmentLimitIsCut) {
    device.set_config<std::uint32_t>(config::kSegMax, 0xffff'ffff);
    start();
    EXPECT_EQ(driver->info().max_segments, VirtioBlk::kMostSegments);
}

TEST_F(HostileBlk, ASegmentSizeOfZeroIsRefusedAndOneOfOneIsHonoured) {
    device.features |= kFeatureSizeMax;
    device.set_config<std::uint32_t>(config::kSizeMax, 0);
    EXPECT_EQ(start_error(), Error::kProtocol);
    device.set_config<std::uint32_t>(config::kSizeMax, 1);
    ASSERT_TRUE(driver->start());
    Bytes data(512);
    EXPECT_EQ(read(0, data).error(), Error::kOutOfRange);
}

TEST_F(HostileBlk, ATopologyThatCannotBeIsIgnored) {
    device.set_config<std::uint8_t>(config::kPhysicalBlockExponent, 255);
    device.set_config<std::uint8_t>(config::kAlignmentOffset, 255);
    start();
    EXPECT_EQ(driver->info().physical_block_size, 512u);
    EXPECT_EQ(driver->info().alignment_offset, 0u);
}

TEST_F(HostileBlk, DiscardWithoutRoomIsNotOffered) {
    device.set_config<std::uint32_t>(config::kMaxDiscardSegments, 0);
    device.set_config<std::uint32_t>(config::kMaxWriteZeroesSectors, 0);
    start();
    EXPECT_FALSE(driver->info().can_discard);
    EXPECT_FALSE(driver->info().can_write_zeroes);
    EXPECT_EQ(driver->submit({.operation = Operation::kDiscard, .sectors = 1}).error(), Error::kUnsupported);
}

TEST_F(HostileBlk, QueueSizesThatCannotBeAreRefused) {
    for (const std::uint16_t size :
         {std::uint16_t{0}, std::uint16_t{3}, std::uint16_t{100}, std::uint16_t{0xffff}}) {
        device.queues[0].size = size;
        EXPECT_EQ(start_error(), Error::kProtocol) << size;
    }
    device.queues[0].size = 2;  // legal, but nothing fits into it
    EXPECT_EQ(start_error(), Error::kUnsupported);
    device.queues[0].size = 0x8000;
    EXPECT_TRUE(driver->start());
    EXPECT_EQ(device.queues[0].size, virtio::Virtqueue::kMostEntries);
}

TEST_F(HostileBlk, AQueueThatIsPromisedAndNotThereIsRefused) {
    device.queues[2].size = 0;
    EXPECT_EQ(start_error({.queues = 3}), Error::kProtocol);
    device.num_queues_override = 0;
    EXPECT_EQ(start_error(), Error::kProtocol);
}

TEST_F(HostileBlk, AConfigurationTooShortForItsFeaturesIsRefused) {
    device.function.set32(device.device_position + virtio::cap::kLength, 20);
    EXPECT_EQ(start_error(), Error::kProtocol);
    device.function.set32(device.device_position + virtio::cap::kLength, 4);
    device.features = virtio::kFeatureVersion1;
    EXPECT_EQ(start_error(), Error::kProtocol);
}

TEST_F(HostileBlk, AConfigurationThatNeverSettlesIsRefused) {
    device.on_config_read = [this] { ++device.generation; };
    EXPECT_EQ(start_error(), Error::kProtocol);
    EXPECT_LT(device.board.reads, 2000u);
}

TEST_F(HostileBlk, ADoorbellOutOfReachIsRefused) {
    device.queues[0].notify_off = 0xffff;
    EXPECT_EQ(start_error(), Error::kProtocol);
}

TEST_F(HostileBlk, ADeviceThatDoesNotResetIsNotStartedAndKeptOffTheBus) {
    ASSERT_TRUE(probe());
    device.status = 0xf;
    device.function.set16(pci::kCommand, device.function.get16(pci::kCommand) | pci::kCommandBusMaster);
    device.reset_hangs = true;
    EXPECT_EQ(driver->start().error(), Error::kTimeout);
    EXPECT_FALSE(device.bus_master());
}

TEST_F(HostileBlk, ALegacyOrStubbornDeviceIsUnsupported) {
    device.features &= ~virtio::kFeatureVersion1;
    EXPECT_EQ(start_error(), Error::kUnsupported);
    device.features |= virtio::kFeatureVersion1;
    device.refuses_features = true;
    EXPECT_EQ(start_error(), Error::kUnsupported);
}

TEST_F(HostileBlk, ANewCapacityThatCannotBeIsNotTaken) {
    start();
    device.set_config(config::kCapacity, std::numeric_limits<std::uint64_t>::max());
    device.interrupt_config();
    completions();
    EXPECT_EQ(driver->info().sectors, 256u);
    expect_usable();
}

// ---- Completions that lie ----

TEST_F(HostileBlk, AStatusThatWasNeverWrittenIsNoSuccess) {
    start_two();
    device.lie(0, device.held[0].chain.head, 513);
    const Completion done = only_completion();
    EXPECT_EQ(done.status.error(), Error::kProtocol);
    EXPECT_EQ(done.bytes, 0u);
    EXPECT_EQ(driver->counters().resets, 0u);
    device.serve();
    EXPECT_TRUE(only_completion().status);
}

TEST_F(HostileBlk, AStatusOutsideTheSpecificationIsAProtocolError) {
    start();
    for (const std::uint8_t status :
         {std::uint8_t{3}, std::uint8_t{0x7f}, std::uint8_t{0x80}, std::uint8_t{0xfe}, std::uint8_t{0xff}}) {
        device.holding = true;
        Bytes data(512);
        ASSERT_TRUE(read(1, data));
        device.set_status(device.held[0], status);
        device.lie(0, device.held[0].chain.head, 513);
        EXPECT_EQ(only_completion().status.error(), Error::kProtocol) << unsigned{status};
    }
    expect_usable();
}

TEST_F(HostileBlk, ThePoisonIsLaidAnewForEachRequest) {
    start();
    Bytes data(512);
    for (int i = 0; i < 300; ++i) {
        ASSERT_TRUE(read(1, data));
        ASSERT_TRUE(only_completion().status);
    }
    device.holding = true;
    for (int i = 0; i < 60; ++i) ASSERT_TRUE(read(1, data));
    while (!device.held.empty()) device.lie(0, device.held[0].chain.head, 513);
    for (const Completion& done : completions()) EXPECT_EQ(done.status.error(), Error::kProtocol);
}

TEST_F(HostileBlk, AReadThatIsShortIsNoSuccess) {
    start_two();
    device.set_status(device.held[0], kStatusOk);
    device.lie(0, device.held[0].chain.head, 100);
    EXPECT_EQ(only_completion().status.error(), Error::kProtocol);
    device.set_status(device.held[0], kStatusOk);
    device.lie(0, device.held[0].chain.head, 0);
    EXPECT_EQ(only_completion().status.error(), Error::kProtocol);
    expect_usable();
}

TEST_F(HostileBlk, AWriteWhoseLengthIsZeroIsBelievedByItsStatus) {
    start();
    device.holding = true;
    Bytes data(512);
    ASSERT_TRUE(write(1, data));
    device.set_status(device.held[0], kStatusOk);
    device.lie(0, device.held[0].chain.head, 0);
    EXPECT_TRUE(only_completion().status);
}

struct RingLie {
    const char* name;
    void (*tell)(testing::FakeVirtioBlk& device);
};

class RingLies : public HostileBlk, public ::testing::WithParamInterface<RingLie> {};

INSTANTIATE_TEST_SUITE_P(
    Lies, RingLies,
    ::testing::Values(
        RingLie{"IdBeyondTheRing", [](testing::FakeVirtioBlk& d) { d.lie(0, 256, 513); }},
        RingLie{"IdWithHighBits",
                [](testing::FakeVirtioBlk& d) { d.lie(0, 0x1'0000u | d.held[0].chain.head, 513); }},
        RingLie{"IdNotInFlight", [](testing::FakeVirtioBlk& d) { d.lie(0, 200, 513); }},
        RingLie{"LengthTooLong", [](testing::FakeVirtioBlk& d) { d.lie(0, d.held[0].chain.head, 514); }},
        RingLie{"LengthAllOnes", [](testing::FakeVirtioBlk& d) { d.lie(0, d.held[0].chain.head, ~0u); }},
        RingLie{"IndexJumps",
                [](testing::FakeVirtioBlk& d) {
                    d.queues[0].ring.set_used_idx(100);
                    d.interrupt_queue(0);
                }},
        RingLie{"IndexGoesBack",
                [](testing::FakeVirtioBlk& d) {
                    d.queues[0].ring.set_used_idx(0xffff);
                    d.interrupt_queue(0);
                }}),
    [](const auto& tested) { return std::string(tested.param.name); });

TEST_P(RingLies, EndInAResetAndAWorkingDevice) {
    for (const InterruptMode mode : {InterruptMode::kPolled, InterruptMode::kIntx, InterruptMode::kMsix}) {
        start_two({.interrupts = mode});
        GetParam().tell(device);
        const auto all = completions();
        ASSERT_EQ(all.size(), 2u);
        for (const Completion& done : all) EXPECT_EQ(done.status.error(), Error::kProtocol);
        EXPECT_EQ(driver->counters().resets, 1u);
        EXPECT_TRUE(driver->running());
        expect_usable();
        EXPECT_TRUE(driver->stop());
        expect_nothing_left();
    }
}

TEST_F(HostileBlk, ADuplicateCompletionEndsTheFirstWellAndTheOthersInAReset) {
    start_two();
    const std::uint16_t head = device.held[0].chain.head;
    device.serve();
    device.lie(0, head, 513);
    const auto all = completions();
    ASSERT_EQ(all.size(), 2u);
    EXPECT_TRUE(all[0].status);
    EXPECT_EQ(first, disk_at(1, 512));
    EXPECT_EQ(all[1].status.error(), Error::kProtocol);
    expect_usable();
}

TEST_F(HostileBlk, OnlyTheQueueThatLiedIsBlamed) {
    start({.queues = 2});
    device.holding = true;
    Bytes one(512);
    Bytes two(512);
    const auto guilty = read(1, one, 0);
    const auto innocent = read(1, two, 1);
    ASSERT_TRUE(guilty && innocent);
    device.lie(0, 99, 0);
    for (const Completion& done : completions())
        EXPECT_EQ(done.status.error(), done.token == *guilty ? Error::kProtocol : Error::kReset);
    expect_usable();
}

TEST_F(HostileBlk, ScribblingOnRingsAndHeadersHarmsNobody) {
    start_two({.indirect = false});
    device.queues[0].ring.scribble_on_descriptors(0xff);
    for (const auto& request : device.held)
        std::memset(device.board.machine.at(request.chain.pieces[0].address), 0xff, header::kBytes);
    device.serve();
    device.serve();
    EXPECT_EQ(completions().size(), 2u);
    expect_usable();
}

TEST_F(HostileBlk, WhatTheDeviceWritesAfterTheCompletionStaysWithIt) {
    start_two();
    const auto place = device.held[0].chain.pieces[1].address;
    device.serve();
    EXPECT_TRUE(only_completion().status);
    std::memset(device.board.machine.at(place), 0xee, 512);
    EXPECT_EQ(first, disk_at(1, 512));
}

// ---- Interrupts ----

TEST_F(HostileBlk, SpuriousInterruptsChangeNothing) {
    start_two();
    for (int i = 0; i < 100; ++i) {
        device.interrupt_queue(0);
        EXPECT_TRUE(completions().empty());
    }
    device.serve();
    EXPECT_TRUE(only_completion().status);
}

TEST_F(HostileBlk, InterruptsBeforeAndAfterTheLifeOfTheDriverAreHarmless) {
    driver->on_interrupt();
    ASSERT_TRUE(probe());
    driver->on_interrupt();
    EXPECT_EQ(driver->poll(1), 0u);
    ASSERT_TRUE(driver->start({.interrupts = InterruptMode::kIntx}));
    EXPECT_TRUE(driver->stop());
    driver->on_interrupt();
    EXPECT_EQ(driver->poll(1), 0u);
}

TEST_F(HostileBlk, AStormIsBoundedByTheBudget) {
    start({.interrupts = InterruptMode::kIntx});
    device.holding = true;
    std::vector<Bytes> data(20, Bytes(512));
    for (auto& one : data) ASSERT_TRUE(read(1, one));
    // Whenever the driver looks for more, there is one more.
    EXPECT_CALL(device.board.machine, barrier(hal::Barrier::kFull)).WillRepeatedly([&](hal::Barrier) {
        if (!device.held.empty()) device.serve();
    });
    device.interrupt_queue(0);
    device.board.host.interrupt_point();
    unsigned finished = 0;
    for (int i = 0; i < 30; ++i) {
        const unsigned now = driver->poll(3);
        EXPECT_LE(now, 3u);
        finished += now;
    }
    EXPECT_EQ(finished, 20u);
}

}  // namespace
}  // namespace tb::block
