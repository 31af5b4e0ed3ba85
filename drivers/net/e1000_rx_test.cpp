// SPDX-License-Identifier: BSD-3-Clause
#include "net/testing/fake_e1000.hpp"

namespace tb::net::testing {
namespace {

using e1000::rxd::kDD;
using e1000::rxd::kEOP;
using hal::Error;

class RxTest : public E1000Test {};

TEST_F(RxTest, AFrameArrivesWithoutItsFcs) {
    start();
    const Bytes frame = frame_of(100);
    ASSERT_TRUE(fake.deliver(frame));
    EXPECT_EQ(receive().error(), Error::kBusy);
    EXPECT_EQ(driver.poll(8), 1u);
    EXPECT_EQ(*receive(), frame);
    EXPECT_EQ(receive().error(), Error::kBusy);
    EXPECT_EQ(driver.statistics().rx_frames, 1u);
    EXPECT_EQ(driver.statistics().rx_bytes, 100u);
}

TEST_F(RxTest, AllDescriptorsButOneAreTheDevices) {
    start({.rx_descriptors = 16});
    EXPECT_EQ(fake.rx_owned(), 15u);
    for (int i = 0; i < 15; ++i) ASSERT_TRUE(fake.deliver(frame_of(60)));
    EXPECT_FALSE(fake.deliver(frame_of(60)));
    EXPECT_EQ(driver.poll(64), 15u);
    for (int i = 0; i < 15; ++i) ASSERT_TRUE(receive());
    EXPECT_EQ(fake.rx_owned(), 12u);  // less than a quarter of the ring is kept back
    for (int i = 0; i < 12; ++i) ASSERT_TRUE(fake.deliver(frame_of(60)));
    EXPECT_EQ(driver.poll(64), 12u);
}

TEST_F(RxTest, ADeviceThatHasNotEnoughForAFrameGetsWhatThereIs) {
    // A frame of the greatest length takes all 7: with one kept back, the device could never end one.
    start({.rx_descriptors = 8, .rx_buffer_bytes = 256, .max_frame = 1600});
    for (int i = 0; i < 20; ++i) {
        ASSERT_TRUE(fake.deliver(frame_of(60)));
        EXPECT_EQ(driver.poll(8), 1u);
        ASSERT_TRUE(receive());
        const Bytes longest = frame_of(1600);
        ASSERT_TRUE(fake.deliver(longest)) << i;
        EXPECT_EQ(driver.poll(8), 1u);
        EXPECT_EQ(*receive(), longest);
    }
}

TEST_F(RxTest, TheRingWrapsAndFramesKeepTheirOrder) {
    start({.rx_descriptors = 8});
    for (unsigned i = 0; i < 100; ++i) {
        const Bytes first = frame_of(60 + i, static_cast<std::uint8_t>(i));
        const Bytes second = frame_of(300 - i, static_cast<std::uint8_t>(i + 1));
        ASSERT_TRUE(fake.deliver(first));
        ASSERT_TRUE(fake.deliver(second));
        ASSERT_EQ(driver.poll(8), 2u);
        ASSERT_EQ(*receive(), first);
        ASSERT_EQ(*receive(), second);
    }
}

TEST_F(RxTest, AReaderThatIsSlowStillGivesDescriptorsBack) {
    start({.rx_descriptors = 16});
    for (int i = 0; i < 15; ++i) ASSERT_TRUE(fake.deliver(frame_of(60)));
    driver.poll(64);
    for (int i = 0; i < 3; ++i) ASSERT_TRUE(receive());
    EXPECT_EQ(fake.rx_owned(), 0u);  // a register write for every frame would be dear
    ASSERT_TRUE(receive());
    EXPECT_EQ(fake.rx_owned(), 4u);
}

TEST_F(RxTest, ABudgetLeavesTheRestForTheNextPoll) {
    start();
    for (int i = 0; i < 5; ++i) ASSERT_TRUE(fake.deliver(frame_of(60)));
    EXPECT_EQ(driver.poll(3), 3u);
    EXPECT_TRUE(driver.work_pending());
    EXPECT_EQ(driver.poll(3), 2u);
    EXPECT_FALSE(driver.work_pending());
}

TEST_F(RxTest, AFrameOverSeveralDescriptorsIsPutTogether) {
    start({.rx_descriptors = 16, .rx_buffer_bytes = 256});
    // 1,022 bytes and the FCS: its last two bytes are all that the fifth descriptor holds.
    for (const std::size_t size : {252u, 253u, 508u, 1022u, 1514u}) {
        const Bytes frame = frame_of(size);
        ASSERT_TRUE(fake.deliver(frame)) << size;
        ASSERT_EQ(driver.poll(8), 1u) << size;
        ASSERT_EQ(*receive(), frame) << size;
    }
}

TEST_F(RxTest, AFrameThatIsNotCompleteYetWaits) {
    start({.rx_buffer_bytes = 256});
    Bytes frame = frame_of(300);
    fake.report(0, 256, kDD);
    EXPECT_EQ(driver.poll(8), 0u);
    EXPECT_EQ(receive().error(), Error::kBusy);
    fake.report(1, 48, kDD | kEOP);
    EXPECT_EQ(driver.poll(8), 1u);
    EXPECT_EQ(receive()->size(), 300u);
}

TEST_F(RxTest, JumboFramesArrive) {
    start({.rx_descriptors = 32, .max_frame = 9014});
    EXPECT_NE(fake.reg(e1000::reg::kRCTL) & e1000::rctl::kLPE, 0u);
    const Bytes frame = frame_of(9014);
    ASSERT_TRUE(fake.deliver(frame));
    EXPECT_EQ(driver.poll(8), 1u);
    EXPECT_EQ(*receive(), frame);
}

TEST_F(RxTest, JumboFramesArriveInLargeBuffersToo) {
    start({.rx_descriptors = 8, .rx_buffer_bytes = 16384, .max_frame = 16110});
    EXPECT_EQ(fake.reg(e1000::reg::kRCTL) & 0x0203'0000, 0x0201'0000u);
    const Bytes frame = frame_of(16110);
    ASSERT_TRUE(fake.deliver(frame));
    EXPECT_EQ(driver.poll(8), 1u);
    EXPECT_EQ(*receive(), frame);
}

TEST_F(RxTest, AFrameThatDoesNotFitTheBufferIsDropped) {
    start();
    ASSERT_TRUE(fake.deliver(frame_of(100)));
    ASSERT_TRUE(fake.deliver(frame_of(60)));
    driver.poll(8);
    EXPECT_EQ(receive(99).error(), Error::kOutOfRange);
    EXPECT_EQ(receive()->size(), 60u);
}

TEST_F(RxTest, TheFcsIsNotCutTwice) {
    start({.strip_fcs = true});
    fake.report(0, 60, kDD | kEOP);
    EXPECT_EQ(driver.poll(8), 1u);
    EXPECT_EQ(receive()->size(), 60u);
}

TEST_F(RxTest, AVlanTagComesWithTheFrame) {
    start({.vlan_offload = true});
    ASSERT_TRUE(fake.deliver(frame_of(60), e1000::rxd::kVP, 0, 0xa123));
    driver.poll(8);
    ASSERT_TRUE(receive());
    EXPECT_TRUE(last_frame->has_vlan);
    EXPECT_EQ(last_frame->vlan_tag, 0xa123);
}

TEST_F(RxTest, ChecksumsAreReportedOnlyWhenTheDeviceLooked) {
    using namespace e1000::rxd;
    start();
    ASSERT_TRUE(fake.deliver(frame_of(60), kIPCS | kTCPCS));
    ASSERT_TRUE(fake.deliver(frame_of(60), kIPCS | kTCPCS, kErrorIp | kErrorTcp));
    ASSERT_TRUE(fake.deliver(frame_of(60), kIXSM | kIPCS | kTCPCS));
    ASSERT_EQ(driver.poll(8), 3u);
    ASSERT_TRUE(receive());
    EXPECT_TRUE(last_frame->ip_checksum_checked && last_frame->ip_checksum_good);
    EXPECT_TRUE(last_frame->l4_checksum_checked && last_frame->l4_checksum_good);
    ASSERT_TRUE(receive());
    EXPECT_TRUE(last_frame->ip_checksum_checked && !last_frame->ip_checksum_good);
    EXPECT_TRUE(last_frame->l4_checksum_checked && !last_frame->l4_checksum_good);
    ASSERT_TRUE(receive());
    EXPECT_FALSE(last_frame->ip_checksum_checked || last_frame->l4_checksum_checked);
}

TEST_F(RxTest, FramesMarkedBadAreCountedAndDropped) {
    start();
    for (const std::uint8_t error : std::to_array<std::uint8_t>({0x01, 0x02, 0x04, 0x10, 0x80}))
        ASSERT_TRUE(fake.deliver(frame_of(60), 0, error));
    const Bytes good = frame_of(61);
    ASSERT_TRUE(fake.deliver(good));
    EXPECT_EQ(driver.poll(64), 6u);
    EXPECT_EQ(*receive(), good);
    EXPECT_EQ(driver.statistics().rx_errors, 5u);
    EXPECT_EQ(driver.statistics().rx_frames, 1u);
}

/// What a hostile device may write, and that the driver is fine afterwards.
class HostileRxTest : public E1000Test {
  protected:
    void SetUp() override { start({.rx_descriptors = 16, .rx_buffer_bytes = 256}); }
    void still_works() {
        const Bytes frame = frame_of(333);
        for (int i = 0; i < 40; ++i) {
            ASSERT_TRUE(fake.deliver(frame)) << i;
            ASSERT_EQ(driver.poll(8), 1u) << i;
            ASSERT_EQ(*receive(), frame) << i;
        }
    }
    /// The device claims something about its next descriptor.
    void claim(std::uint16_t length, std::uint8_t status, std::uint8_t errors = 0) {
        fake.report(fake.rdh(), length, status, errors);
        fake.set_rdh(fake.rdh() + 1);
    }
    std::uint64_t errors() { return driver.statistics().rx_errors; }
};

TEST_F(HostileRxTest, LengthsThatAreOnlyFcsOrLessAreDropped) {
    for (std::uint16_t length = 0; length <= 17; ++length) {
        claim(length, kDD | kEOP);
        driver.poll(8);
        ASSERT_EQ(receive().error(), Error::kBusy) << length;
    }
    EXPECT_EQ(errors(), 18u);
    still_works();
}

TEST_F(HostileRxTest, ALengthBeyondTheBufferIsDropped) {
    claim(257, kDD | kEOP);
    claim(0xffff, kDD | kEOP);
    EXPECT_EQ(driver.poll(8), 2u);
    EXPECT_EQ(receive().error(), Error::kBusy);
    EXPECT_EQ(errors(), 2u);
    still_works();
}

TEST_F(HostileRxTest, ATailWithoutItsHeadIsNotTakenForAFrame) {
    // The first piece claims too much; the pieces behind it belong to the same bad frame.
    claim(300, kDD);
    claim(256, kDD);
    claim(100, kDD | kEOP);
    EXPECT_EQ(driver.poll(8), 1u);
    EXPECT_EQ(receive().error(), Error::kBusy);
    EXPECT_EQ(errors(), 1u);
    still_works();
}

TEST_F(HostileRxTest, AnEndThatNeverComesDoesNotHoldTheRing) {
    for (int round = 0; round < 20; ++round) {
        for (int i = 0; i < 10; ++i) claim(1, kDD);
        driver.poll(64);
        ASSERT_EQ(fake.rx_owned() > 0, true) << round;
    }
    EXPECT_EQ(errors(), 1u);
    claim(1, kDD | kEOP);
    driver.poll(64);
    still_works();
}

TEST_F(HostileRxTest, APieceOfNothingSpoilsItsFrame) {
    claim(256, kDD);
    claim(0, kDD);
    claim(60, kDD | kEOP);
    driver.poll(8);
    EXPECT_EQ(receive().error(), Error::kBusy);
    EXPECT_EQ(errors(), 1u);
    still_works();
}

TEST_F(HostileRxTest, AFrameLongerThanWasAllowedIsDropped) {
    for (int i = 0; i < 6; ++i) claim(256, kDD);
    claim(256, kDD | kEOP);
    driver.poll(8);
    EXPECT_EQ(receive().error(), Error::kBusy);
    EXPECT_EQ(errors(), 1u);
    still_works();
}

TEST_F(HostileRxTest, AReportOnADescriptorThatIsNotTheDevicesIsNotSeen) {
    // Everything the device has, and the one that was kept back.
    for (unsigned slot = 0; slot < 16; ++slot) fake.report(slot, 64, kDD | kEOP);
    EXPECT_EQ(driver.poll(64), 15u);
    EXPECT_EQ(driver.poll(64), 0u);
}

TEST_F(HostileRxTest, AReportAheadOfItsTurnIsNotSeen) {
    fake.report(1, 64, kDD | kEOP);
    EXPECT_EQ(driver.poll(64), 0u);
    EXPECT_EQ(receive().error(), Error::kBusy);
}

TEST_F(HostileRxTest, WhatIsWrittenAfterTheReportWasReadChangesNothing) {
    claim(100, kDD | kEOP);
    driver.poll(8);
    fake.report(0, 0xffff, 0);
    EXPECT_EQ(receive()->size(), 96u);
}

TEST_F(HostileRxTest, ADescriptorIsReadOnceAndItsAddressNever) {
    claim(100, kDD | kEOP);
    std::memset(fake.memory(fake.rx_ring()), 0xff, 8);
    driver.poll(8);
    EXPECT_EQ(receive()->size(), 96u);
    // Armed again from what the driver knows.
    std::uint64_t address = 0;
    std::memcpy(&address, fake.memory(fake.rx_ring()), 8);
    EXPECT_LT(address - hal::testing::MockMachine::kDmaBase, hal::testing::MockMachine::kDmaSize);
}

TEST_F(HostileRxTest, HeadsOutOfTheRingMeanNothing) {
    fake.on_read[e1000::reg::kRDH] = [](std::uint32_t) { return 0xdead'beefu; };
    fake.on_read[e1000::reg::kTDH] = [](std::uint32_t) { return 0xdead'beefu; };
    still_works();
}

TEST_F(HostileRxTest, AnOverrunAloneWakesTheReceiver) {
    const Bytes frame = frame_of(60);
    fake.reg(e1000::reg::kIMS) = 0;
    ASSERT_TRUE(fake.deliver(frame));
    fake.reg(e1000::reg::kICR) = 0;
    EXPECT_FALSE(driver.work_pending());
    fake.reg(e1000::reg::kIMS) = e1000::icr::kUsed;
    fake.raise(e1000::icr::kRXO);
    fake.board.host.interrupt_point();
    EXPECT_TRUE(driver.work_pending());
    EXPECT_EQ(driver.poll(8), 1u);
    EXPECT_EQ(*receive(), frame);
    EXPECT_EQ(driver.overruns(), 1u);
}

}  // namespace
}  // namespace tb::net::testing
