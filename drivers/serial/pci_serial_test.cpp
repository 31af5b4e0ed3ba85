// SPDX-License-Identifier: BSD-3-Clause
#include "serial/pci_serial.hpp"

#include <gtest/gtest.h>

#include "pci/testing/fake_board.hpp"
#include "serial/testing/fake_uart.hpp"
#include "serial/uart16550.hpp"

namespace tb::serial {
namespace {

using hal::Error;

class PciSerial : public ::testing::Test {
  protected:
    PciSerial() {
        function_.set16(pci::kVendorId, 0x1b36);
        function_.set16(pci::kDeviceId, 0x0002);
        function_.set8(pci::kClassCode, 0x02);
        function_.set8(pci::kClassCode + 1, 0x00);
        function_.set8(pci::kClassCode + 2, 0x07);
        function_.io_bar(0, 8, 0xc000);
        board_.add(function_);
    }

    pci::testing::FakeBoard board_;
    pci::testing::FakeFunction function_;
};

TEST_F(PciSerial, TheBarIsMappedWithDecodingAndIntxOn) {
    function_.set16(pci::kCommand, pci::kCommandInterruptDisable);
    const auto registers = map_pci_serial(board_.function());
    ASSERT_TRUE(registers);
    EXPECT_TRUE(registers->is_ports());
    EXPECT_EQ(registers->size(), 8u);
    EXPECT_EQ(function_.get16(pci::kCommand), pci::kCommandIo);
}

TEST_F(PciSerial, TheDriverWorksBehindTheBar) {
    ::testing::NiceMock<hal::testing::MockMachine> unused;
    testing::FakeUart uart(unused);
    board_.add_registers(
        0xc000, 8, [&](std::uint32_t reg, unsigned) { return uart.read(reg); },
        [&](std::uint32_t reg, unsigned, std::uint64_t value) {
            uart.write(reg, static_cast<std::uint8_t>(value));
        });
    Uart16550 driver;
    ASSERT_TRUE(driver.probe(board_.platform, *map_pci_serial(board_.function())));
    ASSERT_TRUE(driver.start({}));
    ASSERT_TRUE(driver.write(std::as_bytes(std::span("pci", 3))));
    EXPECT_EQ(uart.sent, "pci");
}

TEST_F(PciSerial, AnyFunctionOfTheClassWillDo) {
    function_.set16(pci::kVendorId, 0x1415);
    function_.set16(pci::kDeviceId, 0x9501);
    EXPECT_TRUE(map_pci_serial(board_.function()));
    function_.set8(pci::kClassCode, 0x00);  // only 8250-compatible
    EXPECT_EQ(map_pci_serial(board_.function()).error(), Error::kUnsupported);
}

TEST_F(PciSerial, WhatIsMissingHasAName) {
    EXPECT_EQ(map_pci_serial(board_.function({0, 9, 0})).error(), Error::kAbsent);
    function_.io_bar(0, 8, 0);
    EXPECT_EQ(map_pci_serial(board_.function()).error(), Error::kAbsent);
    function_.memory_bar(0, 4096, 0xe000'0000);
    EXPECT_EQ(map_pci_serial(board_.function()).error(), Error::kUnsupported);
}

}  // namespace
}  // namespace tb::serial
