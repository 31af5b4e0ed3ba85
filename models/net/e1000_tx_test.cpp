// SPDX-License-Identifier: BSD-3-Clause
#include "models/net/checksum.hpp"
#include "models/net/e1000_test_bench.hpp"

namespace tb::model::net {
namespace {

class E1000Tx : public E1000Test {
  protected:
    E1000Tx() { start_transmitter(); }

    /// Offsets of Ethernet, IPv4 and TCP without options.
    void describe_context(std::uint32_t flags, std::uint32_t payload = 0, std::uint8_t header = 0,
                          std::uint16_t segment = 0) {
        constexpr std::uint64_t kIp = 14 | 24 << 8 | 33 << 16;
        constexpr std::uint64_t kTcp = 34 | 50 << 8;
        describe(kIp | kTcp << 32, txd::kExtended | flags | payload,
                 std::uint32_t{header} << 8 | std::uint32_t{segment} << 16);
    }
    void describe_data(std::uint64_t address, std::size_t length, std::uint32_t flags,
                       std::uint32_t options = 3, std::uint32_t special = 0) {
        describe(address, static_cast<std::uint32_t>(length) | txd::kExtended | txd::kDataType | flags,
                 options << txd::kOptionsShift | special << 16);
    }
    /// A TCP segment's headers as a driver that leaves lengths and checksums to the device prepares them.
    static Bytes headers() {
        return from_hex(
            "020000000099525400123456080045000000beef400040060000c0a80001c0a80002"
            "04d2005000001000000020005019ffff815a0000");
    }
};

constexpr std::uint32_t kSegment = txd::kTse | txd::kContextTcp | txd::kContextIpv4;
constexpr std::uint32_t kLast = txd::kEop | txd::kReportStatus;

TEST_F(E1000Tx, SendsALegacyFrameWithinTheDoorbell) {
    const Bytes frame = frame_to("020000000099", 60);
    send(frame);
    EXPECT_EQ(peer.take(), std::vector<Bytes>{frame});
    EXPECT_EQ(read("TDH"), 1U);
    EXPECT_EQ(tx_status(0), txd::kDone);
    EXPECT_EQ(read("ICR"), cause::kTxdw | cause::kTxqe);
}

TEST_F(E1000Tx, WithoutReportStatusTheDescriptorStaysAsItWas) {
    send(frame_to("020000000099"), txd::kEop);
    EXPECT_EQ(tx_status(0), 0U);
    EXPECT_EQ(read("ICR"), cause::kTxqe);
}

TEST_F(E1000Tx, AnEmptyRingStillSaysQueueEmpty) {
    read("ICR");
    write("TDT", 0);
    EXPECT_EQ(read("ICR"), cause::kTxqe);
}

TEST_F(E1000Tx, NothingGoesOutWhileDisabledAndAllWhenEnabled) {
    write("TCTL", 0);
    read("ICR");
    send(frame_to("020000000099"));
    EXPECT_TRUE(peer.take().empty());
    EXPECT_EQ(read("ICR"), 0U);
    write("TCTL", tctl::kEnable);
    EXPECT_EQ(peer.take().size(), 1U);
}

TEST_F(E1000Tx, GathersAFrameFromSeveralDescriptors) {
    const Bytes frame = frame_to("020000000099", 1514);
    put(kTxBuffer, frame);
    describe(kTxBuffer, 14);
    describe(kTxBuffer + 14, 1000);
    ring_doorbell();
    EXPECT_TRUE(peer.take().empty());
    describe(kTxBuffer + 1014, 500 | kLast);
    ring_doorbell();
    EXPECT_EQ(peer.take(), std::vector<Bytes>{frame});
}

TEST_F(E1000Tx, WrapsAroundTheRing) {
    for (unsigned i = 0; i < 20; ++i) {
        send(frame_to("020000000099", 60 + i));
        EXPECT_EQ(read("TDH"), (i + 1) % 8);
    }
    EXPECT_EQ(peer.take().size(), 20U);
    const auto beyond = [](const auto& dma) { return dma.address == kTxRing + std::uint64_t{16} * 8; };
    EXPECT_TRUE(std::ranges::none_of(bench.seen.dmas, beyond)) << "the ring has eight descriptors";
}

TEST_F(E1000Tx, InsertsChecksumsWhereTheContextSays) {
    Bytes frame = headers() + pattern(21);
    frame[16] = std::byte{0};
    frame[17] = std::byte{61};  // total length, which only segmentation fills in
    put(kTxBuffer, frame);
    describe_context(txd::kContextTcp | txd::kContextIpv4);
    describe_data(kTxBuffer, frame.size(), kLast);
    ring_doorbell();
    const auto sent = peer.take();
    ASSERT_EQ(sent.size(), 1U);
    const auto zero_sum = [](std::span<const std::byte> data) { return internet_checksum(data) == 0xffff; };
    EXPECT_TRUE(zero_sum(std::span(sent[0]).subspan(14, 20))) << "a header with its checksum sums to zero";
    Bytes tcp(sent[0].begin() + 34, sent[0].end());
    tcp[16] = tcp[17] = std::byte{0};
    // The driver's partial sum was in the field and was summed with the rest.
    const Bytes partial = from_hex("815a");
    std::uint32_t sum = static_cast<std::uint16_t>(~internet_checksum(tcp)) + 0x815aU;
    sum = (sum & 0xffff) + (sum >> 16);
    const std::uint32_t field =
        std::to_integer<std::uint32_t>(sent[0][50]) << 8 | std::to_integer<std::uint32_t>(sent[0][51]);
    EXPECT_EQ(field, ~sum & 0xffff);
    EXPECT_EQ(read("TDH"), 2U);
}

TEST_F(E1000Tx, TheOptionsAreThoseOfTheFirstDescriptor) {
    const Bytes frame = headers() + pattern(20);
    put(kTxBuffer, frame);
    describe_context(txd::kContextTcp | txd::kContextIpv4);
    describe_data(kTxBuffer, 34, 0, 0);
    describe_data(kTxBuffer + 34, frame.size() - 34, kLast, 3);
    ring_doorbell();
    EXPECT_EQ(peer.take(), std::vector<Bytes>{frame}) << "no checksum was asked for at the start";
}

TEST_F(E1000Tx, SegmentsAsQemuDoesToTheByte) {
    // The three headers are what QEMU 7.2 made of the same descriptors.
    const Bytes payload = pattern(250);
    put(kTxBuffer, headers() + payload);
    describe_context(kSegment, 250, 54, 100);
    describe_data(kTxBuffer, 54, txd::kTse);
    describe_data(kTxBuffer + 54, 250, txd::kTse | kLast);
    ring_doorbell();
    const auto piece = [&payload](std::ptrdiff_t from, std::ptrdiff_t to) {
        return Bytes(payload.begin() + from, payload.begin() + to);
    };
    const std::vector<Bytes> expected = {
        from_hex("02000000009952540012345608004500008cbeef40004006fa28c0a80001c0a80002"
                 "04d2005000001000000020005010ffff4df10000") +
            piece(0, 100),
        from_hex("02000000009952540012345608004500008cbef040004006fa27c0a80001c0a80002"
                 "04d2005000001064000020005010ffff93d40000") +
            piece(100, 200),
        from_hex("02000000009952540012345608004500005abef140004006fa58c0a80001c0a80002"
                 "04d20050000010c8000020005019ffff80340000") +
            piece(200, 250),
    };
    EXPECT_EQ(peer.take(), expected);
    EXPECT_EQ(tx_status(1), 0U);
    EXPECT_EQ(tx_status(2), txd::kDone);
    EXPECT_EQ(read("TSCTC"), 1U);
    EXPECT_EQ(read("GPTC"), 3U);
}

TEST_F(E1000Tx, SegmentsUdpOverIpv6) {
    const Bytes header =
        from_hex("02000000009952540012345686dd6000000000001140") + pattern(32) + from_hex("04d2005000000000");
    put(kTxBuffer, header + pattern(150));
    describe(14 | 54ULL << 32 | 60ULL << 40, txd::kExtended | txd::kTse | 150, 62U << 8 | 100U << 16);
    describe_data(kTxBuffer, 212, txd::kTse | kLast, txd::kInsertTcpChecksum);
    ring_doorbell();
    const auto sent = peer.take();
    ASSERT_EQ(sent.size(), 2U);
    EXPECT_EQ(sent[0].size(), 162U);
    EXPECT_EQ(sent[1].size(), 112U);
    EXPECT_EQ(std::to_integer<int>(sent[0][19]), 148)
        << "IPv6 payload length, as QEMU counts it: from the header's start";
    EXPECT_EQ(std::to_integer<int>(sent[1][59]), 58) << "UDP length";
}

TEST_F(E1000Tx, ASegmentationWithoutItsHeaderIsDropped) {
    describe_context(kSegment, 100, 54, 100);
    describe_data(kTxBuffer, 30, txd::kTse | kLast);
    ring_doorbell();
    EXPECT_TRUE(peer.take().empty());
    EXPECT_EQ(tx_status(1), txd::kDone);
}

TEST_F(E1000Tx, ASegmentSizeOfZeroEnds) {
    put(kTxBuffer, headers() + pattern(500));
    describe_context(kSegment, 500, 54, 0);
    describe_data(kTxBuffer, 554, txd::kTse | kLast);
    ring_doorbell();
    EXPECT_EQ(peer.take().size(), 2U) << "QEMU sends the header twice and drops the rest";
    EXPECT_EQ(read("TDH"), 2U);
}

TEST_F(E1000Tx, InsertsAVlanTagInVlanMode) {
    const Bytes frame = frame_to("020000000099", 60);
    put(kTxBuffer, frame);
    describe(kTxBuffer, 60 | kLast | txd::kVlanInsert, 0x2005U << 16);
    ring_doorbell();
    EXPECT_EQ(peer.take(), std::vector<Bytes>{frame}) << "not while CTRL.VME is off";
    write("CTRL", read("CTRL") | ctrl::kVlanMode);
    describe(kTxBuffer, 60 | kLast | txd::kVlanInsert, 0x2005U << 16);
    ring_doorbell();
    Bytes tagged = frame;
    const Bytes tag = from_hex("81002005");
    tagged.insert(tagged.begin() + 12, tag.begin(), tag.end());
    EXPECT_EQ(peer.take(), std::vector<Bytes>{tagged});
}

TEST_F(E1000Tx, CountsWhatItSends) {
    send(frame_to("020000000099", 60));
    send(frame_to(kBroadcast, 200));
    send(frame_to("01005e000001", 1514));
    EXPECT_EQ(read("TPT"), 3U);
    EXPECT_EQ(read("TPT"), 0U) << "a read clears";
    EXPECT_EQ(read("GPTC"), 3U);
    EXPECT_EQ(read("TOTL"), 60U + 200 + 1514 + 3 * 4) << "with FCS";
    EXPECT_EQ(read("TOTL"), 60U + 200 + 1514 + 3 * 4) << "the low half is not cleared";
    EXPECT_EQ(read("TOTH"), 0U);
    EXPECT_EQ(read("TOTL"), 0U) << "the high half clears both";
    EXPECT_EQ(read("GOTCL"), 1786U);
    EXPECT_EQ(read("PTC64"), 1U);
    EXPECT_EQ(read("PTC255"), 1U);
    EXPECT_EQ(read("PTC1522"), 1U);
    EXPECT_EQ(read("BPTC"), 1U);
    EXPECT_EQ(read("MPTC"), 1U);
}

TEST_F(E1000Tx, WithoutBusMasterDescriptorsReadAsZeros) {
    enable(3);
    send(frame_to("020000000099"));
    EXPECT_TRUE(peer.take().empty());
    EXPECT_EQ(read("TDH"), 1U);
    EXPECT_EQ(tx_status(0), 0U);
    EXPECT_EQ(read("ICR"), cause::kTxqe);
}

TEST_F(E1000Tx, ATailBeyondTheRingEndsAfterOneLap) {
    findings_expected = true;
    for (unsigned i = 0; i < 8; ++i) describe(kTxBuffer, 60 | txd::kEop);
    write("TDT", 100);
    EXPECT_EQ(peer.take().size(), 8U);
    EXPECT_EQ(read("TDH"), 0U);
}

TEST_F(E1000Tx, ARingWithoutLengthEndsAfterOneDescriptor) {
    findings_expected = true;
    write("TDLEN", 0);
    write("TDT", 5);
    EXPECT_EQ(read("TDH"), 0U);
}

TEST_F(E1000Tx, AFrameIsCutAt64KiBAndOneOfExactlyThatSizeIsEmpty) {
    findings_expected = true;
    describe(kTxBuffer, 0xffff);
    describe(kTxBuffer, 1 | kLast);
    ring_doorbell();
    EXPECT_EQ(peer.take(), std::vector<Bytes>{Bytes{}});
    send(frame_to("020000000099"));
    EXPECT_TRUE(peer.take().empty()) << "an empty frame chokes QEMU's wire";
    EXPECT_EQ(read("TPT"), 2U);
}

TEST_F(E1000Tx, SegmentsOfOneByteDoNotHangTheRun) {
    findings_expected = true;
    put(kTxBuffer, headers());
    describe_context(kSegment, 0xfffff, 54, 1);
    for (unsigned i = 0; i < 6; ++i) describe_data(kTxBuffer, 0xffff, txd::kTse | (i == 5 ? kLast : 0));
    ring_doorbell();
    EXPECT_LT(peer.take().size(), 300'000U);
}

TEST_F(E1000Tx, PhyLoopbackReturnsFramesToTheReceiver) {
    start_receiver(rctl::kBroadcast);
    phy_write(0, 0x4140);
    const Bytes frame = frame_to(kOwnAddress, 80);
    send(frame);
    EXPECT_TRUE(peer.take().empty());
    EXPECT_EQ(rx_status(0) & rxd::kDone, rxd::kDone);
    EXPECT_EQ(rx_data(0, 80), frame);
}

}  // namespace
}  // namespace tb::model::net
