// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include "serial/testing/fake_uart.hpp"
#include "serial/uart16550.hpp"

namespace tb::serial {
namespace {

using hal::Error;
using ::testing::_;
using testing::FakeUart;
using ::testing::NiceMock;
using ::testing::Return;

class Uart16550Probe : public ::testing::Test {
  protected:
    hal::Result<Chip> probe() { return driver_.probe(platform_, *platform_.map_ports(FakeUart::kBase, 8)); }

    NiceMock<hal::testing::MockMachine> machine_;
    hal::Host host_{machine_};
    hal::Platform platform_{host_};
    FakeUart uart_{machine_};
    Uart16550 driver_;
};

TEST_F(Uart16550Probe, TellsTheMembersOfTheFamilyApart) {
    EXPECT_EQ(*probe(), Chip::k16550A);
    uart_.has_fifo64 = true;
    EXPECT_EQ(*probe(), Chip::k16750);
    uart_.has_fifo64 = false;
    uart_.fifo_id = uart16550::kIirFifoBroken;
    EXPECT_EQ(*probe(), Chip::k16550);
    uart_.fifo_id = 0;
    EXPECT_EQ(*probe(), Chip::k16450);
    uart_.has_scratch = false;
    EXPECT_EQ(*probe(), Chip::k8250);
}

TEST_F(Uart16550Probe, NamesTheChips) {
    EXPECT_STREQ(to_string(Chip::k8250), "8250");
    EXPECT_STREQ(to_string(Chip::k16750), "16750");
}

TEST_F(Uart16550Probe, LeavesTheDeviceQuiet) {
    uart_.mcr = 0x0b;
    uart_.ier = 0x0f;
    uart_.lcr = 0x80;
    ASSERT_TRUE(probe());
    EXPECT_EQ(uart_.mcr, 0);
    EXPECT_EQ(uart_.ier, 0);
    EXPECT_EQ(uart_.lcr, 0);
    EXPECT_FALSE(uart_.fifo_on());
    EXPECT_FALSE(uart_.fifo64);
}

TEST_F(Uart16550Probe, FindsNothingWhereAllReadsAreOnes) {
    uart_.gone = true;
    EXPECT_EQ(probe().error(), Error::kAbsent);
    EXPECT_LE(uart_.reads, 2u) << "an empty port is not to be probed further";
    EXPECT_TRUE(uart_.writes.empty());
}

TEST_F(Uart16550Probe, FindsNothingWhereAllReadsAreZero) {
    ON_CALL(machine_, read(_, _, _)).WillByDefault(Return(0));
    EXPECT_EQ(probe().error(), Error::kAbsent);
}

TEST_F(Uart16550Probe, IsNotFooledByABusThatRepeatsTheLastWrite) {
    std::uint64_t last = 0;
    ON_CALL(machine_, read(_, _, _)).WillByDefault([&](auto, auto, auto) { return last; });
    ON_CALL(machine_, write(_, _, _, _)).WillByDefault([&](auto, auto, auto, std::uint64_t value) {
        last = value;
    });
    EXPECT_EQ(probe().error(), Error::kAbsent);
}

TEST_F(Uart16550Probe, NeedsAWorkingLoopback) {
    uart_.stuck[uart16550::kMsr] = 0x90;  // right for one half of the test only
    EXPECT_EQ(probe().error(), Error::kAbsent);
}

TEST_F(Uart16550Probe, GivesAnEarlierUsersCharactersABoundedTime) {
    uart_.tx.push_back('x');
    uart_.stuck[uart16550::kLsr] = 0;  // and they never leave
    const std::uint64_t before = platform_.now().ns;
    EXPECT_TRUE(probe());
    EXPECT_LE(platform_.now().ns - before, 21'000'000u);
}

TEST_F(Uart16550Probe, RefusesAWindowThatIsTooSmall) {
    EXPECT_EQ(driver_.probe(platform_, *platform_.map_ports(FakeUart::kBase, 7)).error(),
              Error::kInvalidArgument);
    EXPECT_EQ(driver_.probe(platform_, hal::RegisterWindow()).error(), Error::kInvalidArgument);
}

TEST_F(Uart16550Probe, ReachesRegistersInMemoryWithAStride) {
    constexpr std::uint64_t kBase = 0xfe20'1000;
    ON_CALL(machine_, read(hal::AddressSpace::kMemory, _, 1))
        .WillByDefault([&](auto, std::uint64_t address, unsigned) {
            EXPECT_EQ(address % 4, 0u);
            return std::uint64_t{uart_.read(static_cast<std::uint32_t>((address - kBase) >> 2))};
        });
    ON_CALL(machine_, write(hal::AddressSpace::kMemory, _, 1, _))
        .WillByDefault([&](auto, std::uint64_t address, unsigned, std::uint64_t value) {
            uart_.write(static_cast<std::uint32_t>((address - kBase) >> 2), static_cast<std::uint8_t>(value));
        });
    const hal::RegisterWindow window(*platform_.map_memory(kBase, 32), 2);
    EXPECT_EQ(*driver_.probe(platform_, window), Chip::k16550A);
    ASSERT_TRUE(driver_.start({}));
    EXPECT_EQ(*driver_.write(std::as_bytes(std::span("hi", 2))), 2u);
    EXPECT_EQ(uart_.sent, "hi");
}

TEST_F(Uart16550Probe, RefusesADeviceInUse) {
    ASSERT_TRUE(probe());
    ASSERT_TRUE(driver_.start({}));
    EXPECT_EQ(probe().error(), Error::kBusy);
    EXPECT_EQ(driver_.start({}).error(), Error::kBusy);
    driver_.stop();
    EXPECT_TRUE(probe());
}

TEST_F(Uart16550Probe, MustComeBeforeStart) {
    EXPECT_EQ(driver_.start({}).error(), Error::kAbsent);
}

}  // namespace
}  // namespace tb::serial
