// SPDX-License-Identifier: BSD-3-Clause
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <hal/endian.hpp>
#include <hal/platform.hpp>
#include <hal/poll.hpp>
#include <hal_testing/mock_machine.hpp>
#include <vector>

namespace tb::hal {
namespace {

using ::testing::_;
using ::testing::NiceMock;
using ::testing::Return;

class HostTest : public ::testing::Test {
  protected:
    NiceMock<testing::MockMachine> machine_;
    Host host_{machine_};
    Platform platform_{host_};
};

struct Counter {
    int count = 0;
    static void handler(void* context) { ++static_cast<Counter*>(context)->count; }
};

TEST_F(HostTest, AWindowForwardsWidthAndAddressAndRefusesWhatLiesOutside) {
    const MmioWindow window(host_, 0xe000'0000, 0x100);
    EXPECT_CALL(machine_, read(AddressSpace::kMemory, 0xe000'0010, 2)).WillOnce(Return(0x1234));
    EXPECT_EQ(window.read<std::uint16_t>(0x10), 0x1234);
    EXPECT_CALL(machine_, read(_, _, _)).Times(0);
    EXPECT_EQ(window.read<std::uint32_t>(0xfe), 0xffff'ffffU) << "the last two bytes lie outside";
    EXPECT_CALL(machine_, write(_, _, _, _)).Times(0);
    window.write<std::uint32_t>(0x100, 1);
}

TEST_F(HostTest, ASliceStartsWhereItIsCutAndEndsWithItsWindow) {
    const MmioWindow window(host_, 0x1000, 0x100);
    const MmioWindow slice = window.slice(0xf0, 0x40);
    EXPECT_EQ(slice.size(), 0x10U);
    EXPECT_EQ(slice.base(), 0x10f0U);
    EXPECT_FALSE(window.slice(0x100, 4).valid());
}

TEST_F(HostTest, AnInterruptIsTakenAfterTheAccessThatRaisedIt) {
    Counter counter;
    const auto msi = platform_.attach_msi(Counter::handler, &counter);
    ASSERT_TRUE(msi);
    const MmioWindow window(host_, 0, 0x100);
    ON_CALL(machine_, write(_, _, _, _)).WillByDefault([&](auto, auto, auto, auto) {
        machine_.raise(msi->interrupt.vector);
    });
    window.write<std::uint32_t>(0, 1);
    EXPECT_EQ(counter.count, 1);
    EXPECT_EQ(host_.interrupts_taken(), 1U);
}

TEST_F(HostTest, ACriticalSectionHoldsInterruptsBackUntilTheOutermostEnds) {
    Counter counter;
    const auto msi = platform_.attach_msi(Counter::handler, &counter);
    {
        const CriticalSection outer(platform_);
        {
            const CriticalSection inner(platform_);
            machine_.raise(msi->interrupt.vector);
            platform_.delay(microseconds(1));
        }
        EXPECT_EQ(counter.count, 0);
    }
    EXPECT_EQ(counter.count, 1);
}

TEST_F(HostTest, HandlersDoNotNest) {
    struct Nesting {
        Host* host;
        testing::MockMachine* machine;
        std::uint32_t vector;
        int depth = 0;
        int deepest = 0;
        int runs = 0;
    } nesting{&host_, &machine_, 0};
    const auto msi = platform_.attach_msi(
        [](void* context) {
            auto& n = *static_cast<Nesting*>(context);
            n.deepest = std::max(n.deepest, ++n.depth);
            if (++n.runs == 1) n.machine->raise(n.vector);
            n.host->delay(1);
            --n.depth;
        },
        &nesting);
    nesting.vector = msi->interrupt.vector;
    machine_.raise(nesting.vector);
    host_.interrupt_point();
    EXPECT_EQ(nesting.runs, 2);
    EXPECT_EQ(nesting.deepest, 1);
}

TEST_F(HostTest, ADetachedHandlerRunsNoMore) {
    Counter counter;
    const auto msi = platform_.attach_msi(Counter::handler, &counter);
    EXPECT_CALL(machine_, detach(msi->interrupt.vector));
    platform_.detach(msi->interrupt);
    machine_.raise(msi->interrupt.vector);
    host_.interrupt_point();
    EXPECT_EQ(counter.count, 0);
}

TEST_F(HostTest, DmaCellsAreLittleEndianAndStayInside) {
    auto memory = platform_.allocate_dma(64, 64);
    ASSERT_TRUE(memory);
    memory->cell<std::uint32_t>(4).store(0x11223344);
    std::array<std::byte, 4> bytes{};
    memory->read(4, bytes);
    EXPECT_EQ(bytes[0], std::byte{0x44});
    EXPECT_EQ(memory->cell<std::uint16_t>(63).load(), 0xffff) << "half outside";
    memory->cell<std::uint16_t>(63).store(0);
    platform_.free_dma(*memory);
    EXPECT_FALSE(memory->valid());
}

TEST_F(HostTest, AMappingCopiesInItsDirection) {
    std::array<std::byte, 4> buffer{std::byte{1}, std::byte{2}, std::byte{3}, std::byte{4}};
    auto out = platform_.map(buffer, Direction::kToDevice);
    ASSERT_TRUE(out);
    EXPECT_EQ(*machine_.at(out->device_address() + 2), std::byte{3});
    *machine_.at(out->device_address()) = std::byte{9};
    platform_.unmap(*out);
    EXPECT_EQ(buffer[0], std::byte{1}) << "to the device only";
    auto in = platform_.map(buffer, Direction::kFromDevice);
    *machine_.at(in->device_address()) = std::byte{9};
    EXPECT_EQ(buffer[0], std::byte{1}) << "not before unmap";
    platform_.unmap(*in);
    EXPECT_EQ(buffer[0], std::byte{9});
    EXPECT_EQ(machine_.mapped(), 0);
}

TEST_F(HostTest, PollUntilAsksAtOnceAndOnceMoreAfterTheDeadline) {
    int asked = 0;
    EXPECT_TRUE(poll_until(platform_, milliseconds(1), microseconds(100), [&] { return ++asked == 1; }));
    EXPECT_EQ(platform_.now().ns, 0U);
    asked = 0;
    EXPECT_FALSE(poll_until(platform_, milliseconds(1), microseconds(100), [&] {
        ++asked;
        return false;
    }));
    EXPECT_GE(asked, 11);
    EXPECT_LE(platform_.now().ns, 1'100'000U);
}

TEST_F(HostTest, PollUntilEndsThoughTheClockStandsStill) {
    ON_CALL(machine_, now_ns()).WillByDefault(Return(0));
    EXPECT_FALSE(poll_until(platform_, milliseconds(1), microseconds(10), [] { return false; }));
}

TEST_F(HostTest, PollPatientlyAsksLessOftenTheLongerItWaits) {
    std::vector<std::uint64_t> asked;
    EXPECT_FALSE(poll_patiently(platform_, seconds(5), microseconds(10), [&] {
        asked.push_back(platform_.now().ns);
        return false;
    }));
    EXPECT_EQ(asked.front(), 0u);
    EXPECT_EQ(asked[1], 10'000u);
    EXPECT_EQ(asked.back(), 5'000'000'000u) << "and once at the deadline";
    EXPECT_LT(asked.size(), 150u);
    for (std::size_t i = 1; i < asked.size(); ++i)
        EXPECT_LE(asked[i] - asked[i - 1], std::max<std::uint64_t>(10'000, asked[i - 1] / 8));
}

TEST_F(HostTest, PollPatientlyEndsAsSoonAsItHoldsAndThoughTheClockStandsStill) {
    int asked = 0;
    EXPECT_TRUE(poll_patiently(platform_, seconds(1), microseconds(10), [&] { return ++asked == 3; }));
    EXPECT_EQ(asked, 3);
    ON_CALL(machine_, now_ns()).WillByDefault(Return(7));
    EXPECT_FALSE(poll_patiently(platform_, seconds(1), microseconds(10), [] { return false; }));
}

TEST(Endian, FieldsAreWhereTheyBelong) {
    std::array<std::byte, 8> bytes{};
    store_le<std::uint32_t>(bytes, 0, 0x11223344);
    store_be<std::uint16_t>(bytes, 4, 0x8100);
    EXPECT_EQ(bytes[0], std::byte{0x44});
    EXPECT_EQ(bytes[4], std::byte{0x81});
    EXPECT_EQ(load_le<std::uint32_t>(bytes, 0), 0x11223344U);
    EXPECT_EQ(load_be<std::uint16_t>(bytes, 4), 0x8100);
}

TEST(Result, AFailedOneTellsWhyAndGivesADefault) {
    const Result<int> failed = Error::kTimeout;
    EXPECT_FALSE(failed);
    EXPECT_STREQ(to_string(failed.error()), "timeout");
    EXPECT_EQ(failed.value(), 0);
    const Result<int> good = 7;
    EXPECT_EQ(*good, 7);
}

TEST(Time, ADeadlineFarAwayDoesNotWrap) {
    EXPECT_EQ((Instant{~std::uint64_t{0} - 5} + seconds(1)).ns, ~std::uint64_t{0});
    EXPECT_EQ((Instant{5} - Instant{7}).ns, 0U);
}

}  // namespace
}  // namespace tb::hal
