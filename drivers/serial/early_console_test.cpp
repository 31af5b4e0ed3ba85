// SPDX-License-Identifier: BSD-3-Clause
#include "serial/early_console.hpp"

#include <gtest/gtest.h>

#include "serial/testing/fake_uart.hpp"

namespace tb::serial {
namespace {

using testing::FakeUart;

class EarlyConsoleTest : public ::testing::Test {
  protected:
    hal::RegisterWindow window() { return *platform_.map_ports(FakeUart::kBase, 8); }

    ::testing::NiceMock<hal::testing::MockMachine> machine_;
    hal::Host host_{machine_};
    hal::Platform platform_{host_};
    FakeUart uart_{machine_};
};

TEST_F(EarlyConsoleTest, PrintsWithCarriageReturns) {
    EarlyConsole console(window());
    console.print("one\ntwo");
    EXPECT_EQ(uart_.sent, "one\r\ntwo");
    EXPECT_EQ(uart_.dll, 1);
    EXPECT_EQ(uart_.lcr, 3);
    EXPECT_EQ(uart_.ier, 0);
}

TEST_F(EarlyConsoleTest, SendsBytesAsTheyAre) {
    EarlyConsole console(window(), 12);
    EXPECT_EQ(console.write(std::as_bytes(std::span("\n\0x", 3))), 3u);
    EXPECT_EQ(uart_.sent, std::string("\n\0x", 3));
    EXPECT_EQ(uart_.dll, 12);
}

TEST_F(EarlyConsoleTest, LeavesTheFirmwaresSpeedWhenAsked) {
    uart_.dll = 6;
    EarlyConsole console(window(), 0);
    console.print("x");
    EXPECT_EQ(uart_.dll, 6);
    EXPECT_EQ(uart_.sent, "x");
}

TEST_F(EarlyConsoleTest, IsSilentWithoutADevice) {
    uart_.gone = true;
    EarlyConsole console(window());
    EXPECT_FALSE(console.alive());
    console.print("nobody hears");
    EXPECT_TRUE(uart_.writes.empty());
    EXPECT_LE(uart_.reads, 2u);
    EXPECT_FALSE(EarlyConsole(hal::RegisterWindow()).alive());
}

TEST_F(EarlyConsoleTest, GivesUpOnceOnATransmitterThatNeverEmpties) {
    EarlyConsole console(window());
    uart_.stuck[uart16550::kLsr] = 0;
    const std::uint64_t before = uart_.reads;
    EXPECT_EQ(console.write(std::as_bytes(std::span("stuck", 5))), 0u);
    EXPECT_FALSE(console.alive());
    console.print("more");
    EXPECT_EQ(uart_.reads - before, EarlyConsole::kPatience);
}

TEST_F(EarlyConsoleTest, StopsWhenTheDeviceGoes) {
    EarlyConsole console(window());
    console.print("a");
    uart_.gone = true;
    console.print("b");
    EXPECT_FALSE(console.alive());
    EXPECT_LE(uart_.reads, 8u);
}

}  // namespace
}  // namespace tb::serial
