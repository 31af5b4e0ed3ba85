// SPDX-License-Identifier: BSD-3-Clause
// What the 8254x manual says that a driver relies on, and no other test shows; and where QEMU's device does
// something else. conformance.tsv lists all of it.
#include <algorithm>

#include "models/net/e1000_test_bench.hpp"

namespace tb::model::net {
namespace {

constexpr std::uint32_t kLast = txd::kEop | txd::kReportStatus;
constexpr std::string_view kOther = "020000000099";

class E1000Conformance : public E1000Test {
  protected:
    static Bytes tagged(const Bytes& frame, std::string_view tag) {
        Bytes longer = frame;
        const Bytes four = from_hex(tag);
        longer.insert(longer.begin() + 12, four.begin(), four.end());
        return longer;
    }
    bool touched(std::uint64_t address) {
        return std::ranges::any_of(bench.seen.dmas, [&](const auto& dma) { return dma.address == address; });
    }
};

// CTRL.SLU tells the MAC to bring the link up; QEMU's link is up without it.
TEST_F(E1000Conformance, TheLinkDoesNotDependOnSetLinkUp) {
    write("CTRL", read("CTRL") & ~(1U << 6));
    EXPECT_EQ(read("STATUS") & status::kLinkUp, status::kLinkUp);
}

// ICR shows causes whether or not IMS lets them through.
TEST_F(E1000Conformance, ACauseShowsInIcrWithoutItsMask) {
    write("ICS", cause::kLsc | cause::kRxo);
    EXPECT_FALSE(line());
    EXPECT_EQ(read("ICR"), cause::kLsc | cause::kRxo);
}

// The receive timer (§3.2.7.1) lets frames gather before RXT0; in QEMU it only lengthens the time between two
// interrupts.
TEST_F(E1000Conformance, TheReceiveTimerDelaysNoFirstInterrupt) {
    start_receiver();
    write("RDTR", 1000);
    write("IMS", cause::kRxt0);
    device.receive(frame_to(kOwnAddress));
    EXPECT_TRUE(line());
}

// The transmit timer (TIDV, §3.4.3) delays TXDW of descriptors with IDE; QEMU has none.
TEST_F(E1000Conformance, TheTransmitTimerIsNotThere) {
    start_transmitter();
    write("TIDV", 1000);
    write("IMS", cause::kTxdw);
    send(frame_to(kOther), kLast | txd::kInterruptDelay);
    EXPECT_TRUE(line());
    EXPECT_EQ(read("TIDV"), 0U);
}

// RCTL.EN: nothing is received without it. QEMU lets frames wait meanwhile, where the chip drops them.
TEST_F(E1000Conformance, WhileTheReceiverIsOffFramesWait) {
    start_receiver();
    write("RCTL", rctl::kBroadcast);
    pass(1000 * kMillisecond);
    device.receive(frame_to(kOwnAddress));
    EXPECT_EQ(read("RDH"), 0U);
    EXPECT_EQ(device.waiting(), 1U);
    write("RCTL", rctl::kBroadcast | rctl::kEnable);
    pass(1000 * kMillisecond);
    EXPECT_EQ(read("RDH"), 1U);
}

// RCTL.SBP stores frames with errors, of which QEMU's wire has none; in QEMU it lifts the limit of length.
TEST_F(E1000Conformance, StoringBadPacketsTakesWhateverLength) {
    start_receiver(rctl::kStoreBad);
    device.receive(frame_to(kOwnAddress, 1600));
    EXPECT_EQ(read("RDH"), 1U);
    EXPECT_EQ(read("ROC"), 0U);
}

// RCTL.LBM loops frames back within the MAC; QEMU knows the PHY's loopback only.
TEST_F(E1000Conformance, MacLoopbackIsNotThere) {
    start_receiver(1U << 6);
    start_transmitter();
    send(frame_to(kOwnAddress));
    EXPECT_EQ(peer.take().size(), 1U);
    EXPECT_EQ(read("RDH"), 0U);
}

// RCTL.RDMTS (§3.2.7.3): RXDMT0 when a half, a quarter, an eighth of the descriptors is left.
TEST_F(E1000Conformance, TheThresholdIsAHalfAQuarterOrAnEighthOfTheRing) {
    const unsigned frames[] = {3, 5, 6};  // of eight descriptors seven are free: four, two, one are left
    for (unsigned code = 0; code < 3; ++code) {
        start_receiver(code << rctl::kThresholdShift);
        read("ICR");
        unsigned received = 0;
        do {
            device.receive(frame_to(kOwnAddress));
            ++received;
        } while ((read("ICR") & cause::kRxdmt0) == 0 && received < 8);
        EXPECT_EQ(received, frames[code]) << "RDMTS " << code;
    }
}

// RCTL.BSIZE and BSEX name the size of the buffers.
TEST_F(E1000Conformance, BuffersHaveTheSizesThatRctlNames) {
    struct Row {
        std::uint32_t extension, code, bytes;
    };
    for (const Row& row : {Row{0, 0, 2048}, Row{0, 1, 1024}, Row{0, 2, 512}, Row{0, 3, 256}, Row{1, 1, 16384},
                           Row{1, 2, 8192}, Row{1, 3, 4096}}) {
        start_receiver(rctl::kLongPackets | row.extension * rctl::kSizeExtension |
                       row.code << rctl::kBufferSizeShift);
        device.receive(frame_to(kOwnAddress, row.bytes - 3));  // with FCS, one byte too many
        EXPECT_EQ(rx_length(0), row.bytes);
        EXPECT_EQ(rx_length(1), 1U) << row.bytes;
    }
}

// RCTL.CFIEN drops tagged frames whose canonical form indicator is not RCTL.CFI; QEMU does not look at it.
TEST_F(E1000Conformance, TheCanonicalFormFilterIsNotThere) {
    start_receiver(rctl::kVlanFilter | 1U << 19);
    write("VFTA", 1U << 5, 0);
    device.receive(tagged(frame_to(kOwnAddress), "81001005"));
    EXPECT_EQ(read("RDH"), 1U);
}

// VET is the type that makes a frame a tagged one.
TEST_F(E1000Conformance, VetNamesTheTypeOfTags) {
    write("VET", 0x88a8);
    write("CTRL", read("CTRL") | ctrl::kVlanMode);
    start_receiver(rctl::kStripCrc);
    const Bytes frame = frame_to(kOwnAddress, 100);
    device.receive(tagged(frame, "81000007"));
    EXPECT_EQ(rx_length(0), 104U) << "not a tag any more";
    device.receive(tagged(frame, "88a80007"));
    EXPECT_EQ(rx_data(1, 100), frame);
    EXPECT_EQ(rx_special(1), 7U);
}

// §3.2.6, §3.4: a ring's base is 64 bits wide, and begins at a multiple of 16.
TEST_F(E1000Conformance, RingBasesAreSixtyFourBitsWideAndAlignedDown) {
    findings_expected = true;
    start_transmitter();
    write("TDBAL", kTxRing | 8);
    write("TDBAH", 1);
    write("TDT", 1);
    EXPECT_TRUE(touched(0x1'0000'0000 | kTxRing));
    start_receiver();
    write("RDBAL", kRxRing | 8);
    write("RDBAH", 2);
    device.receive(frame_to(kOwnAddress));
    EXPECT_TRUE(touched(0x2'0000'0000 | kRxRing));
}

// §3.3.3.1: RPS, which reports when a frame has left, is RS to QEMU.
TEST_F(E1000Conformance, ReportPacketSentIsWrittenBackToo) {
    start_transmitter();
    send(frame_to(kOther), txd::kEop | txd::kReportSent);
    EXPECT_EQ(tx_status(0), txd::kDone);
    EXPECT_EQ(read("ICR"), cause::kTxdw | cause::kTxqe);
}

// §3.3.3.2: the write-back says that nothing went wrong on the wire, whatever stood there before.
TEST_F(E1000Conformance, AWriteBackClearsTheErrors) {
    start_transmitter();
    describe(kTxBuffer, 60 | kLast, txd::kErrors);
    ring_doorbell();
    EXPECT_EQ(tx_status(0), txd::kDone);
}

// §3.3.3.1: IC has a checksum inserted at CSO, summed from CSS on; QEMU does so for context descriptors only.
TEST_F(E1000Conformance, LegacyChecksumInsertionIsNotThere) {
    constexpr std::uint32_t kInsertChecksum = 1U << 26;
    start_transmitter();
    const Bytes frame = frame_to(kOther, 60);
    put(kTxBuffer, frame);
    describe(kTxBuffer, 60 | 50U << 16 | kInsertChecksum | kLast, 34U << 8);
    ring_doorbell();
    EXPECT_EQ(peer.take(), std::vector<Bytes>{frame});
}

// §3.3.3.1: IFCS has the FCS appended. QEMU's wire carries none, asked for or not.
TEST_F(E1000Conformance, TheFcsIsLeftToTheWire) {
    constexpr std::uint32_t kInsertFcs = 1U << 25;
    start_transmitter();
    const Bytes frame = frame_to(kOther, 60);
    send(frame, kLast);
    send(frame, kLast | kInsertFcs);
    EXPECT_EQ(peer.take(), (std::vector<Bytes>{frame, frame}));
}

// TCTL.PSP pads short frames; QEMU's device leaves that to what is behind it.
TEST_F(E1000Conformance, ShortFramesAreNotPadded) {
    start_transmitter();
    write("TCTL", tctl::kEnable | 1U << 3);
    const Bytes frame = frame_to(kOther, 20);
    send(frame);
    EXPECT_EQ(peer.take(), std::vector<Bytes>{frame});
}

// §3.3.6: a context descriptor with RS is written back, and sends nothing.
TEST_F(E1000Conformance, AContextDescriptorIsWrittenBackAndSendsNothing) {
    start_transmitter();
    describe(0, txd::kExtended | txd::kReportStatus);
    ring_doorbell();
    EXPECT_EQ(tx_status(0), txd::kDone);
    EXPECT_EQ(read("ICR"), cause::kTxdw | cause::kTxqe);
    EXPECT_TRUE(peer.take().empty());
}

// §13.7: frames are counted by their length with FCS.
TEST_F(E1000Conformance, FramesAreCountedByTheirLengthWithFcs) {
    start_transmitter();
    for (const std::size_t bytes : {64, 65, 127, 128, 255, 256, 511, 512, 1023, 1024, 1522})
        send(frame_to(kOther, bytes - 4));
    EXPECT_EQ(read("PTC64"), 1U);
    for (const char* name : {"PTC127", "PTC255", "PTC511", "PTC1023", "PTC1522"})
        EXPECT_EQ(read(name), 2U) << name;
}

// §13.7: a counter stays at its highest value; the two halves of the octet counters are one number.
TEST(E1000Counters, StayAtTheirHighestValue) {
    MacRegisters regs;
    regs.gprc.set(0xffff'ffff);
    MacRegisters::count(regs.gprc);
    EXPECT_EQ(MacRegisters::get(regs.gprc), 0xffff'ffffU);
    regs.torl.set(0xffff'fff0);
    MacRegisters::add(regs.torl, regs.torh, 0x20);
    EXPECT_EQ(MacRegisters::get(regs.torl), 0x10U);
    EXPECT_EQ(MacRegisters::get(regs.torh), 1U);
    regs.torh.set(0xffff'ffff);
    MacRegisters::add(regs.torl, regs.torh, 0xffff'fff0);
    EXPECT_EQ(MacRegisters::get(regs.torl), 0xffff'ffffU);
    EXPECT_EQ(MacRegisters::get(regs.torh), 0xffff'ffffU);
}

// The link bit of the PHY's status register stays 0 after the link was lost until it is read; QEMU's does
// not.
TEST_F(E1000Conformance, TheLinkBitOfThePhyIsNotLatched) {
    phy_write(0, 0x0140);
    device.set_link(false);
    device.set_link(true);
    EXPECT_EQ(phy_read(1) & 4U, 4U);
}

}  // namespace
}  // namespace tb::model::net
