// SPDX-License-Identifier: BSD-3-Clause
#include "models/net/e1000_test_bench.hpp"

namespace tb::model::net {
namespace {

using E1000Rx = E1000Test;

constexpr std::uint8_t kWhole = rxd::kDone | rxd::kEop | rxd::kIgnoreChecksum;

TEST_F(E1000Rx, StoresAFrameWithRoomForItsFcs) {
    start_receiver();
    put(kRxBuffers, Bytes(110, std::byte{0xee}));
    const Bytes frame = frame_to(kOwnAddress, 100);
    device.receive(frame);
    EXPECT_EQ(rx_data(0, 100), frame);
    EXPECT_EQ(rx_data(0, 110)[100], std::byte{0xee}) << "the FCS is counted but not written";
    EXPECT_EQ(rx_length(0), 104U);
    EXPECT_EQ(rx_status(0), kWhole);
    EXPECT_EQ(read("RDH"), 1U);
    EXPECT_EQ(read("ICR"), cause::kRxt0);
}

TEST_F(E1000Rx, StripsTheFcsOnRequest) {
    start_receiver(rctl::kStripCrc);
    device.receive(frame_to(kOwnAddress, 100));
    EXPECT_EQ(rx_length(0), 100U);
}

TEST_F(E1000Rx, PadsShortFramesWithZeros) {
    start_receiver(rctl::kStripCrc);
    put(kRxBuffers, Bytes(60, std::byte{0xee}));
    const Bytes frame = frame_to(kOwnAddress, 20);
    device.receive(frame);
    EXPECT_EQ(rx_length(0), 60U);
    EXPECT_EQ(rx_data(0, 60), frame + Bytes(40));
}

TEST_F(E1000Rx, WritesTheBodyBeforeTheStatus) {
    start_receiver();
    bench.seen.dmas.clear();
    device.receive(frame_to(kOwnAddress));
    ASSERT_EQ(bench.seen.dmas.size(), 4U);
    EXPECT_EQ(bench.seen.dmas[1].address, kRxBuffers);
    EXPECT_EQ(bench.seen.dmas[2].size, 16U);
    EXPECT_EQ(bench.seen.dmas[3].address, kRxRing + 12);
    EXPECT_EQ(bench.seen.dmas[3].size, 1U);
}

TEST_F(E1000Rx, FiltersByAddress) {
    start_receiver(0);
    for (const std::string_view other :
         {std::string_view("020000000001"), kBroadcast, std::string_view("01005e000001")})
        device.receive(frame_to(other));
    EXPECT_EQ(read("RDH"), 0U);
    write("RA", 0x0000'0002, 6);
    write("RA", 0x8000'0100, 7);
    device.receive(frame_to("020000000001"));
    EXPECT_EQ(read("RDH"), 1U) << "the fourth receive address";
    write("RA", 0x0000'0100, 7);
    device.receive(frame_to("020000000001"));
    EXPECT_EQ(read("RDH"), 1U) << "no longer valid";
}

TEST_F(E1000Rx, PromiscuousModesLetTheirKindIn) {
    start_receiver(rctl::kUnicastPromiscuous);
    device.receive(frame_to("020000000001"));
    device.receive(frame_to("01005e000001"));
    EXPECT_EQ(read("RDH"), 1U);
    start_receiver(rctl::kMulticastPromiscuous);
    device.receive(frame_to("020000000001"));
    device.receive(frame_to("01005e000001"));
    EXPECT_EQ(read("RDH"), 1U);
    start_receiver(rctl::kBroadcast);
    device.receive(frame_to("01005e000001"));
    device.receive(frame_to(kBroadcast));
    EXPECT_EQ(read("RDH"), 1U);
}

TEST_F(E1000Rx, MulticastHashTakesTwelveBitsAtFourOffsets) {
    // The last two bytes, 0x34 and 0x12, make 0x1234; the offset picks 12 of its 16 bits.
    constexpr std::string_view kGroup = "01005e003412";
    constexpr unsigned kHashes[] = {0x123, 0x246, 0x48d, 0x234};
    for (unsigned offset = 0; offset < 4; ++offset) {
        start_receiver(offset << rctl::kMulticastOffsetShift);
        for (unsigned i = 0; i < kTableWords; ++i) write("MTA", 0, i);
        device.receive(frame_to(kGroup));
        EXPECT_EQ(read("RDH"), 0U);
        write("MTA", 1U << (kHashes[offset] & 31), kHashes[offset] >> 5);
        device.receive(frame_to(kGroup));
        EXPECT_EQ(read("RDH"), 1U) << "offset " << offset;
    }
    EXPECT_EQ(read("MPRC"), 4U);
}

TEST_F(E1000Rx, VlanFilterAndStrip) {
    const Bytes tag = from_hex("81002005");
    const Bytes plain = frame_to(kOwnAddress, 100);
    Bytes tagged = plain;
    tagged.insert(tagged.begin() + 12, tag.begin(), tag.end());
    start_receiver(rctl::kVlanFilter | rctl::kStripCrc);
    device.receive(tagged);
    EXPECT_EQ(read("RDH"), 0U) << "VLAN 5 is not in the table";
    write("VFTA", 1U << 5, 0);
    device.receive(tagged);
    EXPECT_EQ(rx_data(0, 104), tagged);
    EXPECT_EQ(rx_status(0), kWhole);
    write("CTRL", read("CTRL") | ctrl::kVlanMode);
    device.receive(tagged);
    EXPECT_EQ(rx_data(1, 100), plain);
    EXPECT_EQ(rx_length(1), 100U);
    EXPECT_EQ(rx_special(1), 0x2005U);
    EXPECT_EQ(rx_status(1), kWhole | rxd::kVlan);
    device.receive(plain);
    EXPECT_EQ(rx_status(2), kWhole) << "an untagged frame passes the filter";
}

TEST_F(E1000Rx, DropsWhatIsTooLong) {
    start_receiver();
    device.receive(frame_to(kOwnAddress, 1522));
    EXPECT_EQ(read("RDH"), 1U);
    device.receive(frame_to(kOwnAddress, 1523));
    EXPECT_EQ(read("RDH"), 1U);
    EXPECT_EQ(read("ROC"), 1U);
    start_receiver(rctl::kLongPackets | rctl::kSizeExtension | 1U << rctl::kBufferSizeShift);
    device.receive(frame_to(kOwnAddress, 9000));
    EXPECT_EQ(rx_length(0), 9004U);
    device.receive(frame_to(kOwnAddress, 16385));
    EXPECT_EQ(read("ROC"), 1U);
}

TEST_F(E1000Rx, SpreadsAFrameOverDescriptors) {
    start_receiver(3U << rctl::kBufferSizeShift);  // 256 bytes
    const Bytes frame = frame_to(kOwnAddress, 510);
    device.receive(frame);
    EXPECT_EQ(rx_length(0), 256U);
    EXPECT_EQ(rx_status(0), rxd::kDone);
    EXPECT_EQ(rx_length(1), 256U);
    EXPECT_EQ(rx_status(1), rxd::kDone);
    EXPECT_EQ(rx_length(2), 2U) << "half of the FCS";
    EXPECT_EQ(rx_status(2), kWhole);
    EXPECT_EQ(rx_data(0, 256) + rx_data(1, 254), frame);
    EXPECT_EQ(read("RDH"), 3U);
    EXPECT_EQ(read("GPRC"), 1U);
}

TEST_F(E1000Rx, PassesOverADescriptorWithoutBuffer) {
    start_receiver();
    bench.store<std::uint64_t>(kRxRing, 0);
    device.receive(frame_to(kOwnAddress));
    EXPECT_EQ(rx_status(0), rxd::kDone);
    EXPECT_EQ(rx_status(1), kWhole);
}

TEST_F(E1000Rx, TellsWhenDescriptorsRunLow) {
    start_receiver(0);  // half of eight
    for (unsigned i = 0; i < 2; ++i) device.receive(frame_to(kOwnAddress));
    EXPECT_EQ(read("ICR"), cause::kRxt0);
    device.receive(frame_to(kOwnAddress));
    EXPECT_EQ(read("ICR"), cause::kRxt0 | cause::kRxdmt0);
}

TEST_F(E1000Rx, AFullRingMakesFramesWaitAndTheTailLetsThemIn) {
    start_receiver();
    for (unsigned i = 0; i < 9; ++i) device.receive(frame_to(kOwnAddress, 60 + i));
    EXPECT_EQ(read("RDH"), 7U);
    EXPECT_EQ(device.waiting(), 2U);
    EXPECT_EQ(read("RNBC"), 0U);
    write("RDT", 0);
    EXPECT_EQ(rx_length(7), 60U + 7 + 4);
    EXPECT_EQ(device.waiting(), 1U);
    write("RDT", 1);
    EXPECT_EQ(rx_length(0), 60U + 8 + 4);
    EXPECT_EQ(device.waiting(), 0U);
}

TEST_F(E1000Rx, FramesQueuedTogetherOverrunARingThatOpensByOne) {
    start_receiver();
    for (unsigned i = 0; i < 12; ++i) device.receive(frame_to(kOwnAddress));
    EXPECT_EQ(device.waiting(), 5U);
    read("ICR");
    write("RDT", 0);  // one in; the other four are read from the socket and queued
    EXPECT_EQ(device.waiting(), 4U);
    write("RDT", 1);  // one in; three find the ring full
    EXPECT_EQ(device.waiting(), 0U);
    EXPECT_EQ(read("MPC"), 3U);
    EXPECT_EQ(read("RNBC"), 3U);
    EXPECT_EQ(read("ICR") & cause::kRxo, cause::kRxo);
}

TEST_F(E1000Rx, AFrameThatNeedsMoreDescriptorsThanThereAreIsAnOverrun) {
    start_receiver(3U << rctl::kBufferSizeShift);
    write("RDT", 2);
    device.receive(frame_to(kOwnAddress, 1000));
    EXPECT_EQ(read("RDH"), 0U);
    EXPECT_EQ(read("ICR"), cause::kRxo);
    EXPECT_EQ(read("MPC"), 1U);
    device.receive(frame_to(kOwnAddress, 100));
    EXPECT_EQ(read("RDH"), 1U);
}

TEST_F(E1000Rx, ReceivingBeginsASecondAfterRctlWasWritten) {
    start_receiver();
    write("RCTL", rctl::kEnable);
    device.receive(frame_to(kOwnAddress));
    EXPECT_FALSE(device.can_receive());
    pass(999 * kMillisecond);
    EXPECT_EQ(read("RDH"), 0U);
    pass(kMillisecond);
    EXPECT_EQ(read("RDH"), 1U);
    EXPECT_TRUE(device.can_receive());
}

TEST_F(E1000Rx, WaitsForBusMasterAndLosesWhatTheRingTakesWithoutIt) {
    start_receiver();
    enable(3);
    device.receive(frame_to(kOwnAddress));
    EXPECT_EQ(device.waiting(), 1U);
    enable(7);
    EXPECT_EQ(rx_status(0), kWhole);
    enable(3);
    device.receive(frame_to(kOwnAddress));
    write("RDT", 6);
    EXPECT_EQ(device.waiting(), 0U) << "QEMU delivers what waits when RDT is written, master or not";
    EXPECT_EQ(rx_status(1), 0U);
    EXPECT_EQ(read("MPC"), 1U);
}

TEST_F(E1000Rx, ATailWrittenBeforeTheReceiverIsOnLosesTheFirstThatWaits) {
    start_receiver();
    write("RCTL", 0);
    pass(1000 * kMillisecond);
    device.receive(frame_to(kOwnAddress, 60));
    device.receive(frame_to(kOwnAddress, 61));
    write("RDT", 6);
    EXPECT_EQ(device.waiting(), 1U);
    write("RCTL", rctl::kEnable);
    pass(1000 * kMillisecond);
    EXPECT_EQ(rx_length(0), 65U);
}

TEST_F(E1000Rx, CountsWhatItReceives) {
    start_receiver(rctl::kBroadcast | rctl::kMulticastPromiscuous);
    device.receive(frame_to(kOwnAddress, 60));
    device.receive(frame_to(kOwnAddress, 300));
    device.receive(frame_to("01005e000001", 1400));
    EXPECT_EQ(read("GPRC"), 3U);
    EXPECT_EQ(read("TPR"), 3U);
    EXPECT_EQ(read("GORCL"), 60U + 300 + 1400 + 12);
    EXPECT_EQ(read("TORL"), 60U + 300 + 1400 + 12);
    EXPECT_EQ(read("TORH"), 0U);
    EXPECT_EQ(read("TORL"), 0U);
    EXPECT_EQ(read("PRC64"), 1U);
    EXPECT_EQ(read("PRC511"), 1U);
    EXPECT_EQ(read("PRC1522"), 1U);
    EXPECT_EQ(read("MPRC"), 1U);
    EXPECT_EQ(read("BPRC"), 0U);
    start_receiver(rctl::kBroadcast);
    device.receive(frame_to(kBroadcast));
    EXPECT_EQ(read("BPRC"), 1U);
}

TEST_F(E1000Rx, AHeadBeyondTheRingIsAnOverrunNotALoop) {
    findings_expected = true;
    start_receiver();
    write("RDH", 200);
    device.receive(frame_to(kOwnAddress));
    EXPECT_EQ(read("RDH"), 0U);
    EXPECT_EQ(read("MPC"), 1U);
}

}  // namespace
}  // namespace tb::model::net
