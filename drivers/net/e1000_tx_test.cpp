// SPDX-License-Identifier: BSD-3-Clause
#include "net/testing/fake_e1000.hpp"

namespace tb::net::testing {
namespace {

using hal::Error;
using ::testing::ElementsAre;

class TxTest : public E1000Test {
  protected:
    /// Sends and gives the descriptors that the device saw, with buffer addresses blanked.
    std::vector<Descriptor> descriptors_of(std::vector<Bytes> fragments, const Offload& offload) {
        std::vector<std::span<std::byte>> spans;
        spans.reserve(fragments.size());
        for (Bytes& bytes : fragments) spans.push_back(as_span(bytes));
        fake.descriptors.clear();
        const auto token = driver.send({spans, offload});
        EXPECT_TRUE(token) << hal::to_string(token.error());
        driver.poll(64);
        EXPECT_TRUE(driver.next_sent());
        for (Descriptor& d : fake.descriptors)
            if ((d[11] & 0x20) == 0 || (d[10] & 0xf0) == 0x10) std::fill_n(d.begin(), 8, std::uint8_t{0});
        return fake.descriptors;
    }
    /// Completions that are there, as their errors ("ok" for none).
    std::vector<std::string> completions() {
        std::vector<std::string> all;
        while (const auto sent = driver.next_sent())
            all.emplace_back(sent->status ? "ok" : hal::to_string(sent->status.error()));
        return all;
    }
};

TEST_F(TxTest, AFrameGoesOutAsGiven) {
    start();
    Bytes frame = frame_of(100);
    const auto token = send(frame);
    ASSERT_TRUE(token);
    EXPECT_THAT(fake.sent, ElementsAre(frame));
    EXPECT_EQ(driver.poll(8), 1u);
    const TxCompletion completion = take_sent();
    EXPECT_EQ(completion.token, *token);
    EXPECT_TRUE(completion.status);
    EXPECT_FALSE(driver.next_sent());
    EXPECT_EQ(fake.board.machine.mapped(), 0);
    EXPECT_EQ(driver.statistics().tx_frames, 1u);
    EXPECT_EQ(driver.statistics().tx_bytes, 100u);
}

TEST_F(TxTest, ALegacyDescriptorHasLengthCommandAndNothingElse) {
    start();
    EXPECT_THAT(descriptors_of({frame_of(0x123)}, {}),
                ElementsAre(Descriptor{0, 0, 0, 0, 0, 0, 0, 0, 0x23, 0x01, 0, 0x0b, 0, 0, 0, 0}));
}

TEST_F(TxTest, OnlyTheLastDescriptorOfAFrameEndsAndReports) {
    start();
    EXPECT_THAT(descriptors_of({frame_of(64), {}, frame_of(80)}, {}),
                ElementsAre(Descriptor{0, 0, 0, 0, 0, 0, 0, 0, 64, 0, 0, 0x02, 0, 0, 0, 0},
                            Descriptor{0, 0, 0, 0, 0, 0, 0, 0, 80, 0, 0, 0x0b, 0, 0, 0, 0}));
    EXPECT_EQ(fake.sent.back().size(), 144u);
}

TEST_F(TxTest, AVlanTagIsAskedForInEveryDescriptor) {
    start({.vlan_offload = true});
    EXPECT_THAT(descriptors_of({frame_of(64), frame_of(64)}, {.insert_vlan = true, .vlan_tag = 0x6123}),
                ElementsAre(Descriptor{0, 0, 0, 0, 0, 0, 0, 0, 64, 0, 0, 0x42, 0, 0, 0x23, 0x61},
                            Descriptor{0, 0, 0, 0, 0, 0, 0, 0, 64, 0, 0, 0x4b, 0, 0, 0x23, 0x61}));
}

TEST_F(TxTest, TcpAndIpChecksumsTakeAContextDescriptor) {
    start();
    const auto seen = descriptors_of({frame_of(200)}, {.ip_checksum = true, .l4_checksum = true});
    // IPCSS 14, IPCSO 24, IPCSE 33, TUCSS 34, TUCSO 50, TUCSE 0; DEXT, IP and TCP.
    EXPECT_THAT(seen, ElementsAre(Descriptor{14, 24, 33, 0, 34, 50, 0, 0, 0, 0, 0, 0x23, 0, 0, 0, 0},
                                  Descriptor{0, 0, 0, 0, 0, 0, 0, 0, 200, 0, 0x10, 0x2b, 0, 0x03, 0, 0}));
}

TEST_F(TxTest, AUdpChecksumOverIpv6HasItsOwnOffsets) {
    start();
    const auto seen = descriptors_of(
        {frame_of(120)}, {.l4_checksum = true, .tcp = false, .ipv6 = true, .ip_offset = 14, .l4_offset = 54});
    EXPECT_THAT(seen, ElementsAre(Descriptor{14, 24, 53, 0, 54, 60, 0, 0, 0, 0, 0, 0x20, 0, 0, 0, 0},
                                  Descriptor{0, 0, 0, 0, 0, 0, 0, 0, 120, 0, 0x10, 0x2b, 0, 0x02, 0, 0}));
}

TEST_F(TxTest, SegmentationSaysPayloadHeaderAndSegmentSize) {
    start({.vlan_offload = true});
    const Offload offload{.ip_checksum = true,
                          .l4_checksum = true,
                          .header_bytes = 54,
                          .mss = 1460,
                          .insert_vlan = true,
                          .vlan_tag = 7};
    const auto seen = descriptors_of({frame_of(54), frame_of(5000)}, offload);
    // PAYLEN 5000 = 0x1388, HDRLEN 54, MSS 1460 = 0x5b4; the payload takes two descriptors.
    EXPECT_THAT(seen,
                ElementsAre(Descriptor{14, 24, 33, 0, 34, 50, 0, 0, 0x88, 0x13, 0, 0x27, 0, 54, 0xb4, 0x05},
                            Descriptor{0, 0, 0, 0, 0, 0, 0, 0, 54, 0, 0x10, 0x66, 0, 0x03, 7, 0},
                            Descriptor{0, 0, 0, 0, 0, 0, 0, 0, 0x00, 0x10, 0x10, 0x66, 0, 0x03, 7, 0},
                            Descriptor{0, 0, 0, 0, 0, 0, 0, 0, 0x88, 0x03, 0x10, 0x6f, 0, 0x03, 7, 0}));
}

TEST_F(TxTest, SegmentationOverIpv6LeavesTheIpChecksumOut) {
    start();
    const auto seen =
        descriptors_of({frame_of(3000)}, {.ipv6 = true, .l4_offset = 54, .header_bytes = 74, .mss = 1440});
    EXPECT_THAT(seen,
                ElementsAre(Descriptor{14, 24, 53, 0, 54, 70, 0, 0, 0x6e, 0x0b, 0, 0x25, 0, 74, 0xa0, 0x05},
                            Descriptor{0, 0, 0, 0, 0, 0, 0, 0, 0xb8, 0x0b, 0x10, 0x2f, 0, 0x02, 0, 0}));
}

TEST_F(TxTest, TransmitDelaysAreAskedForInTheLastDescriptor) {
    start({.moderation = {.tidv = 8}});
    EXPECT_THAT(descriptors_of({frame_of(64), frame_of(64)}, {}),
                ElementsAre(Descriptor{0, 0, 0, 0, 0, 0, 0, 0, 64, 0, 0, 0x02, 0, 0, 0, 0},
                            Descriptor{0, 0, 0, 0, 0, 0, 0, 0, 64, 0, 0, 0x8b, 0, 0, 0, 0}));
}

TEST_F(TxTest, AShortFrameIsPaddedWithZeros) {
    start();
    Bytes frame = frame_of(42);
    ASSERT_TRUE(send(frame));
    Bytes padded = frame;
    padded.resize(60, 0);
    EXPECT_THAT(fake.sent, ElementsAre(padded));
}

TEST_F(TxTest, PaddingCanBeLeftToTheDevice) {
    start({.pad_short_frames = false});
    Bytes frame = frame_of(42);
    ASSERT_TRUE(send(frame));
    EXPECT_THAT(fake.sent, ElementsAre(frame));
}

TEST_F(TxTest, TheRingWrapsAndEveryFrameArrives) {
    start({.tx_descriptors = 8});
    for (unsigned i = 0; i < 50; ++i) {
        Bytes head = frame_of(60, static_cast<std::uint8_t>(i));
        Bytes tail = frame_of(5, static_cast<std::uint8_t>(i + 100));
        const std::array fragments = {as_span(head), as_span(tail), as_span(tail)};
        ASSERT_TRUE(driver.send({fragments, {}})) << i;
        ASSERT_EQ(driver.poll(4), 1u) << i;
        ASSERT_THAT(completions(), ElementsAre("ok")) << i;
        Bytes whole = head;
        whole.insert(whole.end(), tail.begin(), tail.end());
        whole.insert(whole.end(), tail.begin(), tail.end());
        ASSERT_EQ(fake.sent.back(), whole) << i;
    }
    EXPECT_EQ(fake.board.machine.mapped(), 0);
}

TEST_F(TxTest, AFullRingIsBusyWithOneDescriptorKeptFree) {
    start({.tx_descriptors = 8});
    fake.transmits = false;
    Bytes frame = frame_of(60);
    for (int i = 0; i < 7; ++i) ASSERT_TRUE(send(frame)) << i;
    EXPECT_EQ(send(frame).error(), Error::kBusy);
    EXPECT_EQ(fake.reg(e1000::reg::kTDT), 7u);
    EXPECT_EQ(fake.board.machine.mapped(), 7);
    fake.transmit();
    EXPECT_EQ(driver.poll(3), 3u);
    EXPECT_TRUE(driver.work_pending());
    EXPECT_TRUE(send(frame));
    EXPECT_EQ(driver.poll(64), 4u);
}

TEST_F(TxTest, FramesWithMoreToComeAreToldWithTheLastOrByPoll) {
    start();
    Bytes frame = frame_of(60);
    const std::array fragments = {as_span(frame)};
    const TxFrame one_of_several{.fragments = fragments, .more = true};
    ASSERT_TRUE(driver.send(one_of_several));
    ASSERT_TRUE(driver.send(one_of_several));
    EXPECT_EQ(fake.reg(e1000::reg::kTDT), 0u);
    ASSERT_TRUE(send(frame));
    EXPECT_EQ(fake.reg(e1000::reg::kTDT), 3u);
    EXPECT_EQ(fake.sent.size(), 3u);
    ASSERT_TRUE(driver.send(one_of_several));
    EXPECT_EQ(fake.sent.size(), 3u);
    EXPECT_EQ(driver.poll(64), 4u);
    EXPECT_EQ(fake.sent.size(), 4u);
}

TEST_F(TxTest, AResetForgetsFramesThatWereNotTold) {
    start();
    Bytes frame = frame_of(60);
    const std::array fragments = {as_span(frame)};
    ASSERT_TRUE(driver.send({.fragments = fragments, .more = true}));
    ASSERT_TRUE(driver.recover());
    EXPECT_THAT(completions(), ElementsAre("device-reset"));
    EXPECT_EQ(driver.poll(64), 0u);
    EXPECT_TRUE(fake.sent.empty());
    ASSERT_TRUE(send(frame));
    EXPECT_EQ(fake.sent.size(), 1u);
}

TEST_F(TxTest, ACompletionIsKeptUntilItIsTaken) {
    start({.tx_descriptors = 256});
    Bytes frame = frame_of(60);
    unsigned accepted = 0;
    while (accepted < 1000 && send(frame)) {
        ++accepted;
        driver.poll(8);
    }
    EXPECT_EQ(accepted, 256u);
    EXPECT_EQ(completions().size(), 256u);
    EXPECT_TRUE(send(frame));
}

TEST_F(TxTest, ALateReportDoesNotCompleteTheFrameBehind) {
    start();
    fake.transmits = false;
    Bytes frame = frame_of(60);
    const auto first = send(frame);
    const auto second = send(frame);
    // The device reports the second only; order is the ring's.
    fake.memory(fake.tx_ring() + 16)[12] = std::byte{1};
    EXPECT_EQ(driver.poll(8), 0u);
    fake.memory(fake.tx_ring())[12] = std::byte{1};
    EXPECT_EQ(driver.poll(8), 2u);
    EXPECT_EQ(take_sent().token, *first);
    EXPECT_EQ(take_sent().token, *second);
}

TEST_F(TxTest, ReportsOnDescriptorsThatWereNeverGivenCompleteNothing) {
    start({.tx_descriptors = 8});
    for (unsigned slot = 0; slot < 8; ++slot)
        fake.memory(fake.tx_ring() + std::uint64_t{16} * slot)[12] = std::byte{0xff};
    EXPECT_EQ(driver.poll(8), 0u);
    EXPECT_TRUE(completions().empty());
    fake.transmits = false;
    Bytes frame = frame_of(60);
    ASSERT_TRUE(send(frame));
    EXPECT_EQ(driver.poll(8), 0u);
}

TEST_F(TxTest, TooManyCollisionsAreADeviceError) {
    start();
    fake.tx_report = e1000::txd::kDD | e1000::txd::kEC;
    Bytes frame = frame_of(60);
    ASSERT_TRUE(send(frame));
    driver.poll(8);
    EXPECT_THAT(completions(), ElementsAre("device-error"));
    EXPECT_EQ(driver.statistics().tx_frames, 0u);
}

TEST_F(TxTest, FramesThatContradictThemselvesAreRefusedWithoutTouchingTheDevice) {
    start();
    Bytes frame = frame_of(200);
    Bytes tiny = frame_of(13);
    Bytes huge = frame_of(1515);
    const auto reads = fake.board.reads;
    EXPECT_EQ(send(tiny).error(), Error::kInvalidArgument);
    EXPECT_EQ(send(huge).error(), Error::kOutOfRange);
    EXPECT_EQ(driver.send({}).error(), Error::kInvalidArgument);
    EXPECT_EQ(send(frame, {.insert_vlan = true}).error(), Error::kUnsupported);
    const Offload wrong[] = {
        {.ip_checksum = true, .ipv6 = true},     {.ip_checksum = true, .ip_offset = 13},
        {.ip_checksum = true, .l4_offset = 33},  {.l4_checksum = true, .l4_offset = 190},
        {.l4_checksum = true, .l4_offset = 240}, {.header_bytes = 53, .mss = 100},
        {.header_bytes = 200, .mss = 100},       {.header_bytes = 54, .mss = 1461},
    };
    for (const Offload& offload : wrong) EXPECT_EQ(send(frame, offload).error(), Error::kInvalidArgument);
    const std::vector<std::span<std::byte>> many(17, as_span(frame));
    EXPECT_EQ(driver.send({many, {}}).error(), Error::kInvalidArgument);
    EXPECT_EQ(fake.board.reads, reads);
    EXPECT_TRUE(fake.writes.empty());
    EXPECT_EQ(fake.board.machine.mapped(), 0);
}

TEST_F(TxTest, AFrameLongerThanTheRingIsOutOfRange) {
    start({.tx_descriptors = 8});
    Bytes frame = frame_of(40000);
    EXPECT_EQ(send(frame, {.header_bytes = 54, .mss = 1460}).error(), Error::kOutOfRange);
}

TEST_F(TxTest, AMappingThatFailsLeavesNothingBehind) {
    start({.tx_descriptors = 256, .rx_descriptors = 128});
    Bytes head = frame_of(54);
    // More than the mock machine has left.
    Bytes payload = frame_of(900'000);
    const std::array fragments = {as_span(head), as_span(payload)};
    EXPECT_EQ(driver.send({fragments, {.header_bytes = 54, .mss = 1460}}).error(), Error::kNoMemory);
    EXPECT_EQ(fake.board.machine.mapped(), 0);
    EXPECT_TRUE(fake.writes.empty());
    Bytes frame = frame_of(60);
    ASSERT_TRUE(send(frame));
    EXPECT_THAT(fake.sent, ElementsAre(frame));
}

TEST_F(TxTest, ATransmitterThatHangsIsResetAndItsFramesAreReported) {
    start();
    fake.transmits = false;
    Bytes frame = frame_of(60);
    ASSERT_TRUE(send(frame));
    ASSERT_TRUE(send(frame));
    driver.poll(8);
    pass(hal::milliseconds(1999));
    driver.poll(8);
    EXPECT_TRUE(completions().empty());
    pass(hal::milliseconds(2));
    driver.poll(8);
    EXPECT_THAT(completions(), ElementsAre("device-reset", "device-reset"));
    EXPECT_EQ(fake.board.machine.mapped(), 0);
    EXPECT_EQ(driver.statistics().tx_hangs, 1u);

    fake.transmits = true;
    ASSERT_TRUE(send(frame));
    driver.poll(8);
    EXPECT_THAT(completions(), ElementsAre("ok"));
}

TEST_F(TxTest, AHeadThatWandersIsNotProgressForever) {
    start();
    fake.transmits = false;
    unsigned head = 0;
    fake.on_read[e1000::reg::kTDH] = [&](std::uint32_t) { return ++head % 128; };
    Bytes frame = frame_of(60);
    ASSERT_TRUE(send(frame));
    for (int i = 0; i < 8; ++i) {
        driver.poll(8);
        pass(hal::seconds(2));
    }
    EXPECT_THAT(completions(), ElementsAre("device-reset"));
}

TEST_F(TxTest, AHeadBeyondTheRingIsNoProgress) {
    start();
    fake.transmits = false;
    unsigned head = 1000;
    fake.on_read[e1000::reg::kTDH] = [&](std::uint32_t) { return ++head; };
    Bytes frame = frame_of(60);
    ASSERT_TRUE(send(frame));
    driver.poll(8);
    pass(hal::seconds(2));
    driver.poll(8);
    EXPECT_THAT(completions(), ElementsAre("device-reset"));
}

TEST_F(TxTest, APausedTransmitterDoesNotHang) {
    start();
    fake.transmits = false;
    Bytes frame = frame_of(60);
    ASSERT_TRUE(send(frame));
    fake.reg(e1000::reg::kSTATUS) |= e1000::status::kTXOFF;
    for (int i = 0; i < 5; ++i) {
        driver.poll(8);
        pass(hal::seconds(2));
    }
    EXPECT_TRUE(completions().empty());
    EXPECT_EQ(driver.statistics().tx_hangs, 0u);
}

TEST_F(TxTest, APauseWithoutAnEndIsAHang) {
    start();
    fake.transmits = false;
    Bytes frame = frame_of(60);
    ASSERT_TRUE(send(frame));
    fake.reg(e1000::reg::kSTATUS) |= e1000::status::kTXOFF;
    for (int i = 0; i < 8; ++i) {
        driver.poll(8);
        pass(hal::seconds(2));
    }
    EXPECT_THAT(completions(), ElementsAre("device-reset"));
    EXPECT_EQ(driver.statistics().tx_hangs, 1u);
}

TEST_F(TxTest, WhatIsInFlightWhenTheDeviceVanishesIsHandedBack) {
    start();
    fake.transmits = false;
    Bytes frame = frame_of(60);
    ASSERT_TRUE(send(frame));
    driver.poll(8);
    fake.gone = true;
    pass(hal::seconds(3));
    driver.poll(8);
    EXPECT_THAT(completions(), ElementsAre("device-gone"));
    EXPECT_EQ(send(frame).error(), Error::kDeviceGone);
    EXPECT_EQ(fake.board.machine.mapped(), 0);
}

}  // namespace
}  // namespace tb::net::testing
