// SPDX-License-Identifier: BSD-3-Clause
#include "models/core/register_bank.hpp"

#include <gtest/gtest.h>

#include <stdexcept>

namespace tb::model {
namespace {

constexpr RegisterSpec kTable[] = {
    {.offset = 0x00, .width = 4, .name = "CTRL", .reset = 0x140240},
    {.offset = 0x08, .width = 4, .name = "STATUS", .reset = 0x80, .writable = 0},
    {.offset = 0x10, .width = 4, .name = "CAUSE", .reset = 0xff, .writable = 0, .w1c = 0x0f},
    {.offset = 0x14, .width = 4, .name = "COUNT", .reset = 7, .clear_on_read = true},
    {.offset = 0x20, .width = 4, .name = "TABLE", .count = 4, .stride = 4},
};

RegisterBank bank() {
    return {kTable, 0x40, 4};
}

TEST(RegisterBank, ARegisterStartsAtItsResetValueAndReturnsToIt) {
    RegisterBank regs = bank();
    EXPECT_EQ(regs.read(0x00), 0x140240U);
    regs.write(0x00, 1);
    EXPECT_EQ(regs.read(0x00), 1U);
    regs.reset();
    EXPECT_EQ(regs.read(0x00), 0x140240U);
}

TEST(RegisterBank, ReadOnlyBitsKeepTheirValue) {
    RegisterBank regs = bank();
    regs.write(0x08, 0xffffffff);
    EXPECT_EQ(regs.read(0x08), 0x80U);
}

TEST(RegisterBank, AWrittenOneClearsAndAZeroLeavesAlone) {
    RegisterBank regs = bank();
    regs.write(0x10, 0x0000'0003);
    EXPECT_EQ(regs.read(0x10), 0xfcU);
    regs.write(0x10, 0xff);
    EXPECT_EQ(regs.read(0x10), 0xf0U) << "only the w1c bits go";
}

TEST(RegisterBank, AReadClearsAClearOnReadRegister) {
    RegisterBank regs = bank();
    EXPECT_EQ(regs.read(0x14), 7U);
    EXPECT_EQ(regs.read(0x14), 0U);
}

TEST(RegisterBank, EachElementOfAnArrayIsARegister) {
    RegisterBank regs = bank();
    regs.write(0x28, 5);
    EXPECT_EQ(regs.at("TABLE", 2).value(), 5U);
    EXPECT_EQ(regs.at("TABLE", 1).value(), 0U);
    EXPECT_EQ(regs.find(0x28)->index(), 2U);
}

TEST(RegisterBank, HandlersSeeTheAccess) {
    RegisterBank regs = bank();
    std::uint64_t seen = 0;
    regs.at("CTRL").on_read([](std::uint64_t stored) { return stored | 1; });
    regs.at("STATUS").on_write([&](std::uint64_t old, std::uint64_t written) { seen = old << 32 | written; });
    EXPECT_EQ(regs.read(0x00), 0x140241U);
    regs.write(0x08, 0x1234);
    EXPECT_EQ(seen, 0x80'0000'1234U);
}

TEST(RegisterBank, AnOffsetWithoutARegisterReadsZeroAndIsNotFound) {
    RegisterBank regs = bank();
    EXPECT_EQ(regs.find(0x04), nullptr);
    EXPECT_EQ(regs.find(0x4000), nullptr);
    regs.write(0x04, 1);
    EXPECT_EQ(regs.read(0x04), 0U);
}

TEST(RegisterBank, ATableThatOverlapsOrLeavesItsBlockIsRefused) {
    constexpr RegisterSpec kOverlap[] = {{.offset = 0, .width = 4, .name = "A"},
                                         {.offset = 0, .width = 4, .name = "B"}};
    constexpr RegisterSpec kBeyond[] = {{.offset = 0x40, .width = 4, .name = "A"}};
    EXPECT_THROW(RegisterBank(kOverlap, 0x40, 4), std::logic_error);
    EXPECT_THROW(RegisterBank(kBeyond, 0x40, 4), std::logic_error);
    RegisterBank regs = bank();
    EXPECT_THROW(regs.at("NOPE"), std::logic_error);
}

}  // namespace
}  // namespace tb::model
