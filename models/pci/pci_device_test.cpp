// SPDX-License-Identifier: BSD-3-Clause
#include "models/pci/pci_device.hpp"

#include <gtest/gtest.h>

#include "models/testing/board_harness.hpp"

namespace tb::model::pci {
namespace {

constexpr unsigned kSlot = 4;

/// Four registers in a memory BAR, one port BAR, MSI-X with two vectors. Writing 0 copies a dword through
/// DMA; writing 4 sets the INTx level; writing 8 raises a vector.
class Copier : public PciDevice {
  public:
    Copier(sc_core::sc_module_name name, Board& board)
        : PciDevice(name, board, kSlot, 0,
                    {.vendor = 0x1af4,
                     .device = 0x1234,
                     .revision = 1,
                     .class_code = 0x00ff00,
                     .interrupt_pin = 1}) {
        add_memory_bar(0, 0x1000);
        add_io_bar(1, 0x20);
        add_memory_bar(2, 0x4000, true, true);
        add_msix(2, 4, 0x1000, 0, 0x800);
    }

  private:
    std::uint64_t bar_read(unsigned bar, std::uint64_t offset, unsigned) override {
        return bar << 16 | static_cast<std::uint32_t>(offset);
    }
    void bar_write(unsigned, std::uint64_t offset, unsigned, std::uint64_t value) override {
        if (offset == 0) dma().store<std::uint32_t>(value + 4, dma().load<std::uint32_t>(value));
        if (offset == 4) set_intx(value != 0);
        if (offset == 8) msix()->raise(static_cast<unsigned>(value));
    }
    void reset_device() override {}
};

class PciDeviceTest : public ::testing::Test {
  protected:
    PciDeviceTest() : device_("copier", bench_.board) {
        bench_.start();
        device_.power_on_reset();
    }
    void enable(std::uint16_t command) {
        bench_.config_write(kSlot, 0x10, 0xe000'0000);
        bench_.config_write(kSlot, 0x14, 0xc001);
        bench_.config_write(kSlot, 0x18, 0xe010'0000);
        bench_.config_write(kSlot, 0x20, 0xe020'0000);
        bench_.config_write(kSlot, config::kCommand, command, 2);
    }
    unsigned msix_control() {
        for (unsigned at = static_cast<unsigned>(bench_.config_read(kSlot, 0x34, 1)); at != 0;
             at = static_cast<unsigned>(bench_.config_read(kSlot, at + 1, 1)))
            if (bench_.config_read(kSlot, at, 1) == 0x11) return at + 2;
        return 0;
    }

    testing::BoardHarness bench_;
    Copier device_;
};

TEST_F(PciDeviceTest, IdentifiesItselfAndAnEmptySlotReadsAllOnes) {
    EXPECT_EQ(bench_.config_read(kSlot, 0), 0x1234'1af4U);
    EXPECT_EQ(bench_.config_read(kSlot + 1, 0), 0xffff'ffffU);
}

TEST_F(PciDeviceTest, ABarTellsItsSizeToWhoWritesAllOnes) {
    for (const unsigned offset : {0x10U, 0x14U, 0x18U, 0x1cU})
        bench_.config_write(kSlot, offset, 0xffff'ffff);
    EXPECT_EQ(bench_.config_read(kSlot, 0x10), 0xffff'f000U);
    EXPECT_EQ(bench_.config_read(kSlot, 0x14), 0xffff'ffe1U);
    EXPECT_EQ(bench_.config_read(kSlot, 0x18), 0xffff'c00cU);
    EXPECT_EQ(bench_.config_read(kSlot, 0x1c), 0xffff'ffffU);
}

TEST_F(PciDeviceTest, DecodesOnlyWhatTheCommandRegisterEnables) {
    enable(config::kCommandMemory);
    EXPECT_EQ(bench_.read(0xe000'0010), 0x10U);
    EXPECT_EQ(bench_.read(0xe010'0020), 0x2'0020U);
    EXPECT_EQ(bench_.in(0xc004, 4), 0xffff'ffffU) << "ports are not enabled";
    enable(config::kCommandIo);
    EXPECT_EQ(bench_.in(0xc004, 4), 0x1'0004U);
    EXPECT_EQ(bench_.read(0xe000'0010), 0xffff'ffffU);
}

TEST_F(PciDeviceTest, WithoutBusMasterNeitherDataNorMessagesGetThrough) {
    enable(config::kCommandMemory);
    bench_.store<std::uint32_t>(0x2000, 0xcafe);
    bench_.write(0xe000'0000, 0x2000);
    EXPECT_EQ(bench_.load<std::uint32_t>(0x2004), 0U);
    EXPECT_EQ(bench_.seen.dmas.at(0).outcome, DmaOutcome::kNoBusMaster);
    enable(config::kCommandMemory | config::kCommandBusMaster);
    bench_.write(0xe000'0000, 0x2000);
    EXPECT_EQ(bench_.load<std::uint32_t>(0x2004), 0xcafeU);
}

TEST_F(PciDeviceTest, DmaBeyondMemoryReadsZerosAndIsSeen) {
    enable(config::kCommandMemory | config::kCommandBusMaster);
    bench_.write(0xe000'0000, 0x7fff'0000);
    ASSERT_FALSE(bench_.seen.dmas.empty());
    EXPECT_EQ(bench_.seen.dmas.back().outcome, DmaOutcome::kNoMemory);
}

TEST_F(PciDeviceTest, IntxIsVisibleAtTheNextAccessAndCanBeDisabled) {
    enable(config::kCommandMemory);
    bench_.write(0xe000'0004, 1);
    EXPECT_TRUE(bench_.board.irq_level(20)) << "slot 4, INTA, is pin 20 on q35";
    EXPECT_EQ(bench_.config_read(kSlot, config::kStatus, 2) & config::kStatusInterrupt,
              config::kStatusInterrupt);
    enable(config::kCommandMemory | config::kCommandIntxDisable);
    EXPECT_FALSE(bench_.board.irq_level(20));
    EXPECT_EQ(bench_.config_read(kSlot, config::kStatus, 2) & config::kStatusInterrupt,
              config::kStatusInterrupt)
        << "the status bit is independent of the disable bit";
}

TEST_F(PciDeviceTest, AMessageRaisedWhileMaskedIsSentWhenTheMaskGoes) {
    enable(config::kCommandMemory | config::kCommandBusMaster);
    const unsigned control = msix_control();
    ASSERT_NE(control, 0U);
    bench_.write(0xe020'0010, 0x10'0004);  // vector 1: address, data; still masked
    bench_.write(0xe020'0018, 0x55);
    bench_.config_write(kSlot, control, 0x8000, 2);
    bench_.write(0xe000'0008, 1);
    EXPECT_EQ(bench_.read(0xe020'0800), 2U) << "pending bit 1";
    EXPECT_TRUE(bench_.seen.messages.empty());
    bench_.write(0xe020'001c, 0);
    ASSERT_EQ(bench_.seen.messages.size(), 1U);
    EXPECT_EQ(bench_.seen.messages[0], std::make_pair(std::uint64_t{0x10'0004}, std::uint32_t{0x55}));
    EXPECT_EQ(bench_.read(0xe020'0800), 0U);
}

TEST_F(PciDeviceTest, ABoardThatIsResetFirstEndsWithAWorkingLine) {
    enable(config::kCommandMemory);
    bench_.write(0xe000'0004, 1);
    ASSERT_TRUE(bench_.board.irq_level(20));
    bench_.board.reset();
    device_.power_on_reset();
    EXPECT_FALSE(bench_.board.irq_level(20));
    enable(config::kCommandMemory);
    bench_.write(0xe000'0004, 1);
    EXPECT_TRUE(bench_.board.irq_level(20));
}

TEST_F(PciDeviceTest, AnUnalignedPortAccessIsDecodedPieceByPiece) {
    enable(config::kCommandIo);
    EXPECT_EQ(bench_.in(0xc002, 4), 0x0004'0002U) << "two aligned halves";
    EXPECT_EQ(bench_.in(0xbfff, 2), 0x00ffU)
        << "the byte before the BAR is nobody's, the next one is its first";
    EXPECT_EQ(bench_.in(0xc01f, 2), 0xff1fU) << "and the other way round at its end";
    EXPECT_EQ(bench_.in(0xc01e, 4), 0xffff'001eU);
    bench_.out(0xc01f, 0x1234, 2);
    bench_.out(0xbfff, 0x1234, 2);
}

TEST_F(PciDeviceTest, PowerOnResetUndoesWhatADriverSetUp) {
    enable(config::kCommandMemory | config::kCommandBusMaster);
    bench_.write(0xe000'0004, 1);
    bench_.config_write(kSlot, msix_control(), 0x8000, 2);
    device_.power_on_reset();
    EXPECT_FALSE(bench_.board.irq_level(20));
    EXPECT_EQ(bench_.config_read(kSlot, config::kCommand, 2), 0U);
    EXPECT_EQ(bench_.config_read(kSlot, 0x10), 0U);
    EXPECT_EQ(bench_.config_read(kSlot, msix_control(), 2), 1U);
    EXPECT_EQ(bench_.read(0xe000'0010), 0xffff'ffffU);
}

}  // namespace
}  // namespace tb::model::pci
