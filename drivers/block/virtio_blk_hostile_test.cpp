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

class HostileBlk : public testing::VirtioBlkTest {
  protected:
    /// The device is whole again: so must the driver be.
    void expect_usable() {
        device.holding = false;
        device.silent = false;
        device.held.clear();
        Bytes data(1024);
        ASSERT_TRUE(read(7, data));
        const Completion done = only_completion();
        EXPECT_TRUE(done.status);
        EXPECT_EQ(data, disk_at(7, 1024));
    }
    /// Two reads in flight: what most tests begin with.
    void start_two(VirtioBlk::Options options = {}) {
        start(options);
        device.holding = true;
        first = Bytes(512);
        second = Bytes(512);
        ASSERT_TRUE(read(1, first));
        ASSERT_TRUE(read(2, second));
    }

    Bytes first;
    Bytes second;
};

// ---- Configuration that lies
// -------------------------------------------------------------------------------------

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

// ---- Completions that lie
// ----------------------------------------------------------------------------------------

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

// ---- Time
// --------------------------------------------------------------------------------------------------------

class LateBlk : public HostileBlk, public ::testing::WithParamInterface<InterruptMode> {};

INSTANTIATE_TEST_SUITE_P(Modes, LateBlk,
                         ::testing::Values(InterruptMode::kPolled, InterruptMode::kIntx,
                                           InterruptMode::kMsix));

TEST_P(LateBlk, ALateRequestTimesOutTheOthersAreResetAndTheDeviceWorksAgain) {
    start({.interrupts = GetParam(), .request_timeout = hal::milliseconds(100)});
    device.holding = true;
    Bytes late(512);
    Bytes young(512);
    const auto late_token = read(1, late);
    pass(hal::milliseconds(60));
    const auto young_token = read(2, young);
    ASSERT_TRUE(late_token && young_token);
    pass(hal::milliseconds(39));
    EXPECT_TRUE(completions().empty());
    pass(hal::milliseconds(1));
    const auto all = completions();
    ASSERT_EQ(all.size(), 2u);
    EXPECT_EQ(all[0].token, *late_token);
    EXPECT_EQ(all[0].status.error(), Error::kTimeout);
    EXPECT_EQ(all[1].token, *young_token);
    EXPECT_EQ(all[1].status.error(), Error::kReset);
    EXPECT_EQ(driver->counters().resets, 1u);
    EXPECT_EQ(device.board.machine.mapped(), 0);
    expect_usable();
}

TEST_P(LateBlk, WhatIsFinishedAtTheDeadlineIsNotLate) {
    start({.interrupts = GetParam(), .request_timeout = hal::milliseconds(100)});
    device.holding = true;
    Bytes data(512);
    ASSERT_TRUE(read(1, data));
    pass(hal::seconds(10));
    device.silent = true;
    device.serve();
    EXPECT_TRUE(only_completion().status);
    EXPECT_EQ(driver->counters().resets, 0u);
}

TEST_P(LateBlk, ACompletionAfterTheResetReachesNobody) {
    start({.interrupts = GetParam(), .request_timeout = hal::milliseconds(100)});
    device.holding = true;
    Bytes data(512, std::byte{0x11});
    ASSERT_TRUE(read(1, data));
    const auto old_ring = device.queues[0].ring;
    const auto stale = device.held[0];
    pass(hal::milliseconds(100));
    EXPECT_EQ(only_completion().status.error(), Error::kTimeout);
    const Bytes before = data;
    // The device had it under way and finishes it into memory that is no longer its own.
    auto ring = old_ring;
    std::memset(device.board.machine.at(stale.chain.pieces[1].address), 0xee, 512);
    ring.use(stale.chain.head, 513);
    EXPECT_TRUE(completions().empty());
    EXPECT_EQ(data, before);
    expect_usable();
}

TEST_P(LateBlk, ADeviceThatNeedsResetGetsOne) {
    start_two({.interrupts = GetParam()});
    device.status |= virtio::kStatusNeedsReset;
    device.interrupt_config();
    if (GetParam() == InterruptMode::kPolled) pass(VirtioBlk::kCheckInterval);
    device.status |= virtio::kStatusNeedsReset;
    const auto all = completions();
    ASSERT_EQ(all.size(), 2u);
    for (const Completion& done : all) EXPECT_EQ(done.status.error(), Error::kReset);
    EXPECT_EQ(driver->counters().resets, 1u);
    expect_usable();
}

TEST_P(LateBlk, ADeviceThatIsPulledEndsEverythingAtOnce) {
    start_two({.interrupts = GetParam()});
    device.remove();
    pass(VirtioBlk::kCheckInterval);
    const auto before = device.board.platform.now();
    const auto all = completions();
    ASSERT_EQ(all.size(), 2u);
    for (const Completion& done : all) EXPECT_EQ(done.status.error(), Error::kDeviceGone);
    EXPECT_EQ(device.board.platform.now(), before);
    expect_nothing_left();
    EXPECT_EQ(read(0, first).error(), Error::kDeviceGone);
    EXPECT_EQ(driver->recover().error(), Error::kDeviceGone);
    // And when it is plugged in again, it can be had back.
    device.removed = false;
    device.function.present = true;
    device.status = 0;
    EXPECT_TRUE(driver->recover());
    expect_usable();
}

TEST_P(LateBlk, ACallerMayResetTheDeviceUnderARequest) {
    start_two({.interrupts = GetParam()});
    EXPECT_TRUE(driver->recover());
    const auto all = completions();
    ASSERT_EQ(all.size(), 2u);
    for (const Completion& done : all) EXPECT_EQ(done.status.error(), Error::kReset);
    expect_usable();
}

TEST_F(HostileBlk, ADeviceThatDoesNotComeBackIsCutOffAndCanBeTriedAgain) {
    start_two({.request_timeout = hal::milliseconds(50)});
    device.reset_hangs = true;
    pass(hal::milliseconds(50));
    const auto all = completions();
    ASSERT_EQ(all.size(), 2u);
    for (const Completion& done : all) EXPECT_EQ(done.status.error(), Error::kTimeout);
    EXPECT_FALSE(driver->running());
    EXPECT_FALSE(device.bus_master());
    expect_nothing_left();
    EXPECT_EQ(read(0, first).error(), Error::kTimeout);
    EXPECT_EQ(driver->poll(64), 0u);
    device.reset_hangs = false;
    EXPECT_TRUE(driver->recover());
    expect_usable();
}

TEST_F(HostileBlk, AStopThatTheDeviceDoesNotConfirmCutsItOff) {
    start_two();
    device.reset_hangs = true;
    EXPECT_EQ(driver->stop().error(), Error::kTimeout);
    EXPECT_FALSE(device.bus_master());
    expect_nothing_left();
    device.reset_hangs = false;
}

TEST_F(HostileBlk, AMissingDoorbellEndsInATimeout) {
    start({.event_idx = false, .request_timeout = hal::milliseconds(20)});
    device.queues[0].ring.set_no_notify(true);  // and does not look by itself
    Bytes data(512);
    ASSERT_TRUE(read(1, data));
    pass(hal::milliseconds(20));
    EXPECT_EQ(only_completion().status.error(), Error::kTimeout);
    expect_usable();
}

// ---- Interrupts
// --------------------------------------------------------------------------------------------------

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

// ---- Every place
// -------------------------------------------------------------------------------------------------

/// A whole life of the driver with a device that is pulled at its n-th read: nothing may hang or be left
/// behind, whatever n is.
TEST_F(HostileBlk, MayBePulledAtEveryRead) {
    for (const InterruptMode mode : {InterruptMode::kPolled, InterruptMode::kIntx, InterruptMode::kMsix}) {
        std::uint64_t reads_of_a_life = 0;
        for (std::uint64_t n = 0;; ++n) {
            testing::FakeVirtioBlk pulled;
            auto fresh = std::make_unique<VirtioBlk>();
            std::uint64_t left = n;
            bool gone = false;
            pulled.board.before_read = [&] {
                if (gone || left-- != 0) return;
                pulled.remove();
                gone = true;
            };
            Bytes data(512);
            std::span<std::byte> segment = data;
            hal::Status status = fresh->probe(pulled.board.platform, pulled.board.function());
            if (status) status = fresh->start({.interrupts = mode});
            if (status) {
                for (int i = 0; i < 2 && fresh->running(); ++i) {
                    const Request request{
                        .operation = Operation::kRead, .sector = 1, .segments = {&segment, 1}};
                    const auto token = fresh->submit(request);
                    if (!token) break;
                    bool ended = false;
                    for (int tick = 0; tick < 20 && !ended; ++tick) {
                        pulled.board.platform.delay(VirtioBlk::kCheckInterval);
                        fresh->poll(8);
                        ended = fresh->next_completion().has_value();
                    }
                    EXPECT_TRUE(ended) << n;
                }
                (void)fresh->stop();
            }
            EXPECT_EQ(pulled.board.machine.mapped(), 0) << n;
            EXPECT_LT(pulled.board.reads, 3000u) << n;
            if (!gone) {
                reads_of_a_life = n;
                break;
            }
            ASSERT_LT(n, 2000u);
        }
        EXPECT_GT(reads_of_a_life, 50u);
    }
}

/// The same life with one read bent, each in turn, of registers or of shared memory.
class BentBlk : public HostileBlk, public ::testing::WithParamInterface<bool> {};

INSTANTIATE_TEST_SUITE_P(Reads, BentBlk, ::testing::Bool(),
                         [](const auto& tested) { return tested.param ? "OfMemory" : "OfRegisters"; });

TEST_P(BentBlk, EverySingleReadMayLie) {
    using Lie = std::uint64_t (*)(std::uint64_t);
    const Lie lies[] = {[](std::uint64_t) { return ~std::uint64_t{0}; },
                        [](std::uint64_t) { return std::uint64_t{0}; },
                        [](std::uint64_t value) { return value ^ 1; },
                        [](std::uint64_t value) { return value ^ 0x40; },
                        [](std::uint64_t value) { return value + 1; },
                        [](std::uint64_t value) { return value ^ std::uint64_t{1} << 35; }};
    for (const Lie lie : lies) {
        for (std::uint64_t n = 0;; ++n) {
            ASSERT_LT(n, 2000u);
            testing::FakeVirtioBlk bent;
            auto fresh = std::make_unique<VirtioBlk>();
            std::uint64_t left = n;
            bool told = false;
            const auto bend = [&](std::uint64_t value) {
                if (left-- != 0) return value;
                told = true;
                return lie(value);
            };
            if (GetParam())
                bent.board.machine.bend_load = bend;
            else
                bent.board.bend_read = bend;
            hal::Status status = fresh->probe(bent.board.platform, bent.board.function());
            if (status)
                status = fresh->start(
                    {.interrupts = InterruptMode::kIntx, .request_timeout = hal::milliseconds(50)});
            std::vector<Bytes> data(3, Bytes(512));
            unsigned submitted = 0;
            unsigned ended = 0;
            for (std::uint64_t i = 0; status && i < data.size(); ++i) {
                std::span<std::byte> segment = data[i];
                if (fresh->submit({.operation = Operation::kRead, .sector = i, .segments = {&segment, 1}}))
                    ++submitted;
                for (int tick = 0; tick < 20 && ended < submitted; ++tick) {
                    fresh->poll(8);
                    while (const auto done = fresh->next_completion()) {
                        ++ended;
                        if (!done->status) continue;
                        EXPECT_EQ(std::memcmp(data[i].data(), bent.disk.data() + i * 512, 512), 0) << n;
                    }
                    bent.board.platform.delay(VirtioBlk::kCheckInterval);
                }
            }
            EXPECT_EQ(ended, submitted) << n;
            (void)fresh->stop();
            EXPECT_EQ(bent.board.machine.mapped(), 0) << n;
            EXPECT_LT(bent.board.reads, 5000u) << n;
            if (told) continue;
            EXPECT_GT(n, 10u);  // or nothing was tried
            break;
        }
    }
}

}  // namespace
}  // namespace tb::block
