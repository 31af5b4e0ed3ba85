// SPDX-License-Identifier: BSD-3-Clause
#include "virtio/pci_transport.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "virtio/testing/fake_virtio.hpp"

namespace tb::virtio {
namespace {

using hal::Error;
using testing::FakeVirtio;

class PciTransportTest : public ::testing::Test {
  protected:
    hal::Status probe() { return transport.probe(device.board.function()); }
    void set_place(std::uint16_t position, std::uint8_t bar, std::uint32_t offset, std::uint32_t length) {
        device.function.set8(position + cap::kBar, bar);
        device.function.set32(position + cap::kOffset, offset);
        device.function.set32(position + cap::kLength, length);
    }

    FakeVirtio device;
    PciTransport transport;
};

// ---- Finding the structures ----

TEST_F(PciTransportTest, FindsTheStructuresAndTurnsDecodingOn) {
    ASSERT_TRUE(probe());
    EXPECT_EQ(transport.config_bytes(), 0x1000u);
    EXPECT_EQ(transport.queues(), 4);
    EXPECT_EQ(device.function.get16(pci::kCommand), pci::kCommandMemory);
}

TEST_F(PciTransportTest, AnEmptyPlaceIsAbsent) {
    device.function.present = false;
    EXPECT_EQ(probe().error(), Error::kAbsent);
}

TEST_F(PciTransportTest, ALegacyDeviceIsUnsupported) {
    device.function.set16(pci::kStatus, 0);
    EXPECT_EQ(probe().error(), Error::kUnsupported);
}

TEST_F(PciTransportTest, UnknownTypesAndReservedBarsAreIgnored) {
    FakeVirtio other;
    other.function.set8(other.common_position + 3, 77);  // becomes an unknown type
    other.function.set32(other.common_position + cap::kOffset, 0xffff'fff0);
    other.function.set8(other.isr_position + cap::kBar, 6);  // reserved
    const auto common = other.add_structure(cap::kTypeCommon, 4, 0, 0x1000);
    other.add_structure(cap::kTypeIsr, 4, 0x1000, 1);
    EXPECT_GT(common, other.common_position);
    ASSERT_TRUE(transport.probe(other.board.function()));
    EXPECT_EQ(transport.queues(), 4);
}

TEST_F(PciTransportTest, TheFirstOfEachTypeCounts) {
    // A second common configuration, on top of the device configuration.
    device.add_structure(cap::kTypeCommon, 4, 0x2000, 0x1000);
    device.set_config<std::uint16_t>(common::kNumQueues, 99);
    ASSERT_TRUE(probe());
    EXPECT_EQ(transport.queues(), 4);
}

TEST_F(PciTransportTest, ALongerCapabilityIsAccepted) {
    device.function.set8(device.common_position + 2, 24);
    EXPECT_TRUE(probe());
}

TEST_F(PciTransportTest, ACapabilityThatCyclesEndsTheProbe) {
    device.function.set8(device.common_position + 1, static_cast<std::uint8_t>(device.msix_position));
    EXPECT_EQ(probe().error(), Error::kProtocol);
    EXPECT_LT(device.board.reads, 200u);
}

TEST_F(PciTransportTest, AShortCapabilityIsNone) {
    for (const std::uint8_t length : std::initializer_list<std::uint8_t>{0, 2, 15}) {
        device.function.set8(device.common_position + 2, length);
        EXPECT_EQ(probe().error(), Error::kProtocol);
    }
    device.function.set8(device.common_position + 2, 16);
    device.function.set8(device.notify_position + 2, 16);  // no room for the multiplier
    EXPECT_EQ(probe().error(), Error::kProtocol);
}

TEST_F(PciTransportTest, ACapabilityBeyondConfigurationSpaceIsNone) {
    device.function.set8(device.common_position + 2, 0xff);
    EXPECT_EQ(probe().error(), Error::kProtocol);
}

TEST_F(PciTransportTest, PlacesThatCannotBeAreNotMapped) {
    const auto expect_refused = [&](std::uint8_t bar, std::uint32_t offset, std::uint32_t length) {
        set_place(device.common_position, bar, offset, length);
        EXPECT_EQ(probe().error(), Error::kProtocol) << unsigned{bar} << " " << offset << " " << length;
        EXPECT_FALSE(transport.valid());
    };
    expect_refused(4, 0x3000, 0x1004);     // ends behind the BAR
    expect_refused(4, 0xffff'fff0, 0x38);  // the sum wraps in 32 bits
    expect_refused(4, 0x40, 0xffff'ffff);  // so does this one
    expect_refused(4, 0, 0x37);            // too short for its fields
    expect_refused(4, 2, 0x38);            // misaligned
    expect_refused(2, 0, 0x38);            // a BAR that is not there
    expect_refused(5, 0, 0x38);            // the upper half of one
    expect_refused(255, 0, 0x38);          // reserved
}

TEST_F(PciTransportTest, ABarWithoutAnAddressIsRefused) {
    device.function.set32(pci::kBar0 + 16, 0x4);
    EXPECT_EQ(probe().error(), Error::kProtocol);
}

TEST_F(PciTransportTest, StructuresMayLieInPorts) {
    device.function.io_bar(0, 0x100, 0xc000);
    set_place(device.isr_position, 0, 0x20, 1);
    ASSERT_TRUE(probe());
    EXPECT_CALL(device.board.machine, read(hal::AddressSpace::kPort, 0xc020u, 1u))
        .WillOnce(::testing::Return(3));
    EXPECT_EQ(transport.read_isr(), 3);
    EXPECT_EQ(device.function.get16(pci::kCommand), pci::kCommandMemory | pci::kCommandIo);
}

TEST_F(PciTransportTest, ADeviceWithoutConfigurationHasNone) {
    device.function.set8(device.device_position + 3, 200);
    ASSERT_TRUE(probe());
    EXPECT_EQ(transport.config_bytes(), 0u);
    EXPECT_EQ(transport.read_config<std::uint32_t>(0), 0xffff'ffffu);
    transport.write_config<std::uint8_t>(0, 1);
}

// ---- Status and features ----

TEST_F(PciTransportTest, GoesThroughTheStatesInOrder) {
    ASSERT_TRUE(probe());
    ASSERT_TRUE(transport.reset());
    device.features |= 1 << 5;
    const auto features = transport.negotiate(1 << 5 | 1 << 6);
    ASSERT_TRUE(features);
    EXPECT_EQ(*features, kFeatureVersion1 | 1 << 5);
    EXPECT_EQ(device.accepted, *features);
    transport.driver_ok();
    EXPECT_EQ(device.statuses, (std::vector<std::uint8_t>{0, 1, 3, 11, 15}));
    transport.fail();
    EXPECT_EQ(device.status, 0x8f);
    EXPECT_EQ(device.wrong_widths, 0u);
}

TEST_F(PciTransportTest, AResetThatDoesNotEndTimesOut) {
    ASSERT_TRUE(probe());
    device.status = kStatusDriverOk;
    device.reset_hangs = true;
    const auto before = device.board.platform.now();
    EXPECT_EQ(transport.reset().error(), Error::kTimeout);
    EXPECT_GE((device.board.platform.now() - before).ns, PciTransport::kResetTimeout.ns);
    EXPECT_LT(device.board.reads, 1000u);
}

TEST_F(PciTransportTest, AResetThatTakesAWhileIsWaitedFor) {
    ASSERT_TRUE(probe());
    device.status = kStatusDriverOk;
    device.reset_hangs = true;
    unsigned delays = 0;
    ON_CALL(device.board.machine, delay_ns(::testing::_)).WillByDefault([&](std::uint64_t) {
        if (++delays == 7) device.status = 0;
    });
    EXPECT_TRUE(transport.reset());
    EXPECT_EQ(delays, 7u);
}

TEST_F(PciTransportTest, AClockThatStandsStillDoesNotHangTheReset) {
    ASSERT_TRUE(probe());
    device.status = 1;
    device.reset_hangs = true;
    ON_CALL(device.board.machine, delay_ns(::testing::_)).WillByDefault([](std::uint64_t) {});
    EXPECT_EQ(transport.reset().error(), Error::kTimeout);
}

TEST_F(PciTransportTest, ARemovedDeviceIsGoneAtOnce) {
    ASSERT_TRUE(probe());
    device.remove();
    const auto before = device.board.platform.now();
    EXPECT_EQ(transport.reset().error(), Error::kDeviceGone);
    EXPECT_EQ(device.board.platform.now(), before);
    EXPECT_EQ(transport.health().error(), Error::kDeviceGone);
    EXPECT_EQ(transport.negotiate(0).error(), Error::kDeviceGone);
}

TEST_F(PciTransportTest, ADeviceThatIsNotModernIsToldFailed) {
    ASSERT_TRUE(probe());
    device.features = 0xffff;
    EXPECT_EQ(transport.negotiate(0).error(), Error::kUnsupported);
    EXPECT_EQ(device.statuses.back(), kStatusAcknowledge | kStatusDriver | kStatusFailed);
}

TEST_F(PciTransportTest, FeaturesThatAreRefusedEndInFailed) {
    ASSERT_TRUE(probe());
    device.refuses_features = true;
    EXPECT_EQ(transport.negotiate(0).error(), Error::kUnsupported);
    EXPECT_NE(device.statuses.back() & kStatusFailed, 0);
    EXPECT_EQ(device.statuses.back() & kStatusDriverOk, 0);
}

TEST_F(PciTransportTest, WhatWasNotOfferedIsNotAccepted) {
    ASSERT_TRUE(probe());
    device.features |= kFeatureRingPacked | kFeatureInOrder | 1;
    EXPECT_EQ(*transport.negotiate(kFeatureEventIdx), kFeatureVersion1);
    EXPECT_EQ(transport.offered(), device.features);
}

TEST_F(PciTransportTest, SeesThatADeviceNeedsReset) {
    ASSERT_TRUE(probe());
    EXPECT_TRUE(transport.health());
    device.status = 0x4f;
    EXPECT_EQ(transport.health().error(), Error::kReset);
}

// ---- Device configuration ----

TEST_F(PciTransportTest, ReadsFieldsInTheirWidths) {
    ASSERT_TRUE(probe());
    device.set_config<std::uint64_t>(0, 0x1122'3344'5566'7788);
    std::vector<unsigned> widths;
    ON_CALL(device.board.machine, read(hal::AddressSpace::kMemory, ::testing::_, ::testing::_))
        .WillByDefault([&](hal::AddressSpace, std::uint64_t address, unsigned width) -> std::uint64_t {
            widths.push_back(width);
            return address % 8 == 4 ? 0x1122'3344 : 0x5566'7788;
        });
    EXPECT_EQ(transport.read_config<std::uint64_t>(0), 0x1122'3344'5566'7788u);
    (void)transport.read_config<std::uint8_t>(3);
    (void)transport.read_config<std::uint16_t>(2);
    EXPECT_EQ(widths, (std::vector<unsigned>{4, 4, 1, 2}));
}

TEST_F(PciTransportTest, ReadsAgainWhenTheConfigurationChangesMeanwhile) {
    ASSERT_TRUE(probe());
    device.set_config<std::uint32_t>(0, 1);
    unsigned reads = 0;
    device.on_config_read = [&] {
        if (++reads == 1) {
            device.set_config<std::uint32_t>(0, 2);
            ++device.generation;
        }
    };
    std::uint32_t value = 0;
    ASSERT_TRUE(transport.read_consistently([&] { value = transport.read_config<std::uint32_t>(0); }));
    EXPECT_EQ(reads, 2u);
    EXPECT_EQ(value, 2u);
}

TEST_F(PciTransportTest, AConfigurationThatNeverSettlesIsAProtocolError) {
    ASSERT_TRUE(probe());
    unsigned reads = 0;
    device.on_config_read = [&] {
        ++reads;
        ++device.generation;
    };
    EXPECT_EQ(transport.read_consistently([&] { (void)transport.read_config<std::uint32_t>(0); }).error(),
              Error::kProtocol);
    EXPECT_EQ(reads, PciTransport::kConfigRetries);
}

TEST_F(PciTransportTest, NothingIsReadBeyondTheConfiguration) {
    set_place(device.device_position, 4, 0x2000, 6);
    ASSERT_TRUE(probe());
    const std::uint64_t before = device.board.reads;
    EXPECT_EQ(transport.read_config<std::uint32_t>(4), 0xffff'ffffu);
    EXPECT_EQ(transport.read_config<std::uint64_t>(0), ~std::uint64_t{0});
    EXPECT_EQ(transport.read_config<std::uint8_t>(0xffff'ffff), 0xff);
    EXPECT_EQ(device.board.reads, before);
    EXPECT_EQ(transport.read_config<std::uint16_t>(4), 0);
}

// ---- Queues ----

TEST_F(PciTransportTest, TellsHowLargeAQueueMayBe) {
    ASSERT_TRUE(probe());
    device.queues[0].size = 128;
    device.queues[1].size = 1024;
    device.queues[2].size = 0;
    device.queues[3].size = 100;
    EXPECT_EQ(*transport.queue_entries(0), 128);
    EXPECT_EQ(*transport.queue_entries(1), Virtqueue::kMostEntries);
    EXPECT_EQ(transport.queue_entries(2).error(), Error::kAbsent);
    EXPECT_EQ(transport.queue_entries(3).error(), Error::kProtocol);
    EXPECT_EQ(*transport.queue_entries(3, true), 100);
    EXPECT_EQ(transport.queue_entries(2, true).error(), Error::kAbsent);
    EXPECT_EQ(transport.queue_entries(9).error(), Error::kAbsent);
}

TEST_F(PciTransportTest, HandsAQueueOverWithItsDoorbell) {
    ASSERT_TRUE(probe());
    Virtqueue queue;
    ASSERT_TRUE(queue.create(device.board.platform, 64, {}));
    device.queues[2].notify_off = 3;
    ASSERT_TRUE(transport.enable_queue(2, queue));
    EXPECT_EQ(device.queues[2].size, 64);
    EXPECT_EQ(device.queues[2].descriptors, queue.descriptor_area());
    EXPECT_EQ(device.queues[2].driver, queue.driver_area());
    EXPECT_EQ(device.queues[2].device, queue.device_area());
    EXPECT_EQ(device.queues[2].enabled, 1);
    const Segment in{0x2000, 4};
    ASSERT_TRUE(queue.add({}, {&in, 1}, 0));
    EXPECT_CALL(device.board.machine,
                write(hal::AddressSpace::kMemory, FakeVirtio::kBase + 0x3000 + 12, 2u, 2u));
    EXPECT_TRUE(queue.kick());
    EXPECT_EQ(device.wrong_widths, 0u);
}

TEST_F(PciTransportTest, ADoorbellOutsideItsStructureIsAProtocolError) {
    device.function.set32(device.notify_position + cap::kNotifyMultiplier, 0xffff'fffe);
    ASSERT_TRUE(probe());
    Virtqueue queue;
    ASSERT_TRUE(queue.create(device.board.platform, 64, {}));
    device.queues[0].notify_off = 0;
    EXPECT_TRUE(transport.enable_queue(0, queue));
    device.queues[0].enabled = 0;
    for (const std::uint16_t off : std::initializer_list<std::uint16_t>{1, 2, 0x8000, 0xffff}) {
        device.queues[0].notify_off = off;
        EXPECT_EQ(transport.enable_queue(0, queue).error(), Error::kProtocol) << off;
    }
    EXPECT_EQ(device.queues[0].enabled, 0);
}

TEST_F(PciTransportTest, TheLastDoorbellThatFitsIsTakenAndAnOddOneIsNot) {
    device.function.set32(device.notify_position + cap::kNotifyMultiplier, 1);
    set_place(device.notify_position, 4, 0x3000, 4);
    ASSERT_TRUE(probe());
    Virtqueue queue;
    ASSERT_TRUE(queue.create(device.board.platform, 64, {}));
    device.queues[0].notify_off = 2;
    EXPECT_TRUE(transport.enable_queue(0, queue));
    device.queues[0].notify_off = 1;
    EXPECT_EQ(transport.enable_queue(0, queue).error(), Error::kProtocol);
    device.queues[0].notify_off = 3;
    EXPECT_EQ(transport.enable_queue(0, queue).error(), Error::kProtocol);
}

}  // namespace
}  // namespace tb::virtio
