// SPDX-License-Identifier: BSD-3-Clause
#include "pci/msi.hpp"

#include <gtest/gtest.h>

#include "pci/testing/fake_board.hpp"

namespace tb::pci {
namespace {

using hal::Error;
using testing::FakeBoard;
using testing::FakeFunction;

class MsiTest : public ::testing::Test {
  protected:
    void add(std::uint8_t control, std::size_t bytes) {
        std::vector<std::uint8_t> body(bytes);
        body[0] = control;
        at = function.add_capability(kCapMsi, body);
        function.writable16(at + 2, 0x71);
        function.writable32(at + 4, 0xffff'fffc);
        function.writable32(at + 8, 0xffff'ffff);
        function.writable16(at + 12, 0xffff);
        board.add(function);
    }

    FakeBoard board;
    FakeFunction function;
    std::uint16_t at = 0;
};

TEST_F(MsiTest, IsSetWithA64BitAddress) {
    add(0x80, 12);
    const auto msi = Msi::find(board.function());
    ASSERT_TRUE(msi);
    EXPECT_TRUE(msi->enable({0x1'2345'6780, 0x4d53'00ef}));
    EXPECT_EQ(function.get32(at + 4), 0x2345'6780U);
    EXPECT_EQ(function.get32(at + 8), 1U);
    EXPECT_EQ(function.get16(at + 12), 0x00ef) << "sixteen bits of data";
    EXPECT_EQ(function.get16(at + 2), 0x81);
    msi->disable();
    EXPECT_EQ(function.get16(at + 2), 0x80);
}

TEST_F(MsiTest, IsSetWithA32BitAddress) {
    add(0, 8);
    const auto msi = Msi::find(board.function());
    ASSERT_TRUE(msi);
    EXPECT_TRUE(msi->enable({0xfee0'0000, 0x21}));
    EXPECT_EQ(function.get32(at + 4), 0xfee0'0000U);
    EXPECT_EQ(function.get16(at + 8), 0x21);
    EXPECT_EQ(msi->enable({0x1'0000'0000, 0x21}).error(), Error::kUnsupported);
}

TEST_F(MsiTest, AsksForOneMessageOfMany) {
    add(0x8a, 12);
    function.set16(at + 2, 0x80 | 0x50);
    const auto msi = Msi::find(board.function());
    ASSERT_TRUE(msi);
    EXPECT_TRUE(msi->enable({0xfee0'0000, 1}));
    EXPECT_EQ(function.get16(at + 2) & 0x70, 0);
}

TEST_F(MsiTest, WhatDoesNotStickIsNotBelievedAndLeavesItOff) {
    add(0x80, 12);
    function.writable16(at + 12, 0x00f0);
    const auto msi = Msi::find(board.function());
    ASSERT_TRUE(msi);
    EXPECT_EQ(msi->enable({0xfee0'0000, 0x21}).error(), Error::kProtocol);
    EXPECT_EQ(function.get16(at + 2) & 1, 0);
}

TEST_F(MsiTest, IsAbsentOrGone) {
    board.add(function);
    EXPECT_EQ(Msi::find(board.function()).error(), Error::kAbsent);
    EXPECT_EQ(Msi().enable({0, 0}).error(), Error::kNotStarted);
    function.present = false;
    EXPECT_FALSE(Msi::find(board.function()));
}

}  // namespace
}  // namespace tb::pci
