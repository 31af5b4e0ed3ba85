// SPDX-License-Identifier: BSD-3-Clause
#include "models/serial/pci_serial.hpp"

#include <gtest/gtest.h>

#include "models/serial/char_stream.hpp"
#include "models/testing/board_harness.hpp"

namespace tb::model::serial {
namespace {

class PciSerialTest : public ::testing::Test {
  protected:
    static constexpr unsigned kSlot = 4;
    static constexpr std::uint64_t kBar = 0xc000;
    static constexpr unsigned kPin = 20;  ///< of the I/O APIC, for INTA of slot 4

    PciSerialTest() : serial_("serial", bench_.board, line_, kSlot) {
        bench_.start();
        serial_.power_on_reset();
    }
    void enable() {
        bench_.config_write(kSlot, pci::config::kBar0, kBar);
        bench_.config_write(kSlot, pci::config::kCommand, pci::config::kCommandIo, 2);
    }

    model::testing::BoardHarness bench_;
    CharStream line_;
    PciSerial serial_;
};

TEST_F(PciSerialTest, IdentifiesItselfAsQemusDoes) {
    EXPECT_EQ(bench_.config_read(kSlot, 0x00), 0x0002'1b36u);
    EXPECT_EQ(bench_.config_read(kSlot, 0x08), 0x0700'0201u);
    EXPECT_EQ(bench_.config_read(kSlot, 0x2c), 0x1100'1af4u);
    EXPECT_EQ(bench_.config_read(kSlot, 0x34, 1), 0u) << "no capabilities";
    EXPECT_EQ(bench_.config_read(kSlot, 0x3d, 1), 1u);
}

TEST_F(PciSerialTest, HasEightPorts) {
    bench_.config_write(kSlot, pci::config::kBar0, 0xffff'ffff);
    EXPECT_EQ(bench_.config_read(kSlot, pci::config::kBar0), 0xffff'fff9u);
}

TEST_F(PciSerialTest, AnswersOnlyWhileItsPortsAreDecoded) {
    EXPECT_EQ(bench_.in(kBar + 5), 0xffu);
    enable();
    EXPECT_EQ(bench_.in(kBar + 5), 0x60u);
    EXPECT_EQ(bench_.in(kBar + 4, 4), 0x00b0'6008u);
    bench_.config_write(kSlot, pci::config::kCommand, 0, 2);
    EXPECT_EQ(bench_.in(kBar + 5), 0xffu);
}

TEST_F(PciSerialTest, SendsAndReceives) {
    enable();
    bench_.out(kBar, 'x');
    EXPECT_EQ(line_.take_output(), std::vector<std::byte>{std::byte{'x'}});
    const std::byte typed[] = {std::byte{'y'}};
    line_.type(typed);
    EXPECT_EQ(bench_.in(kBar), std::uint64_t{'y'});
}

TEST_F(PciSerialTest, InterruptsByItsPinUnlessThatIsDisabled) {
    enable();
    bench_.out(kBar + 1, ier::kTransmit);
    EXPECT_TRUE(bench_.board.irq_level(kPin));
    EXPECT_EQ(bench_.config_read(kSlot, pci::config::kStatus, 2) & pci::config::kStatusInterrupt,
              pci::config::kStatusInterrupt);
    bench_.config_write(kSlot, pci::config::kCommand,
                        pci::config::kCommandIo | pci::config::kCommandIntxDisable, 2);
    EXPECT_FALSE(bench_.board.irq_level(kPin));
    bench_.config_write(kSlot, pci::config::kCommand, pci::config::kCommandIo, 2);
    EXPECT_TRUE(bench_.board.irq_level(kPin));
    EXPECT_EQ(bench_.in(kBar + 2), iir::kTransmit);
    EXPECT_FALSE(bench_.board.irq_level(kPin));
}

TEST_F(PciSerialTest, PowerOnResetReachesTheUart) {
    enable();
    bench_.out(kBar + 7, 0x5a);
    bench_.out(kBar + 1, ier::kTransmit);
    serial_.power_on_reset();
    EXPECT_FALSE(bench_.board.irq_level(kPin));
    enable();
    EXPECT_EQ(bench_.in(kBar + 7), 0u);
}

}  // namespace
}  // namespace tb::model::serial
