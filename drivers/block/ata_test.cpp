// SPDX-License-Identifier: BSD-3-Clause
#include "block/ata.hpp"

#include <gtest/gtest.h>

namespace tb::ata {
namespace {

using hal::Error;

class IdentifyTest : public ::testing::Test {
  protected:
    IdentifyTest() {
        word(49, 1U << 9);
        word(60, 1000);
        word(83, 1U << 14 | 1U << 10);
        word(100, 2000);
    }
    void word(unsigned n, unsigned value) {
        data[std::size_t{2} * n] = static_cast<std::byte>(value);
        data[std::size_t{2} * n + 1] = static_cast<std::byte>(value >> 8);
    }
    hal::Result<Identity> parse() { return parse_identify(data); }

    std::array<std::byte, kBlockBytes> data{};
};

TEST_F(IdentifyTest, CountsSectorsBy48BitsWhereItCan) {
    EXPECT_EQ(parse()->sectors, 2000U);
    word(83, 1U << 14);
    EXPECT_EQ(parse()->sectors, 1000U);
    EXPECT_FALSE(parse()->lba48);
}

TEST_F(IdentifyTest, WordsThatAreNotMarkedValidSayNothing) {
    word(83, 1U << 10 | 1U << 13);
    const auto identity = parse();
    EXPECT_FALSE(identity->lba48);
    EXPECT_FALSE(identity->flush_ext);
    word(106, 1U << 12);
    word(117, 4);
    EXPECT_EQ(parse()->logical_bytes, 512U);
}

TEST_F(IdentifyTest, WhatNoDiskCanSayIsRefused) {
    word(100, 0);
    EXPECT_EQ(parse().error(), Error::kProtocol) << "no sectors";
    word(103, 1);
    word(100, 1);
    EXPECT_EQ(parse().error(), Error::kProtocol) << "more than 2^48";
    word(103, 0);
    word(106, 1U << 14 | 1U << 12);
    word(117, 300);
    EXPECT_EQ(parse().error(), Error::kProtocol) << "sectors of 600 bytes";
    word(117, 0xffff);
    word(118, 0xffff);
    EXPECT_EQ(parse().error(), Error::kProtocol) << "sectors of 8 GiB";
    word(106, 0);
    word(255, 0xa5);
    EXPECT_EQ(parse().error(), Error::kProtocol) << "a checksum that does not add up";
}

TEST_F(IdentifyTest, OnlyDisksWithLba) {
    word(49, 0);
    EXPECT_EQ(parse().error(), Error::kUnsupported);
    word(49, 1U << 9);
    word(0, 1U << 15);
    EXPECT_EQ(parse().error(), Error::kUnsupported);
}

TEST_F(IdentifyTest, LargeSectorsAndTheirAlignment) {
    word(106, 1U << 14 | 1U << 13 | 3);
    word(209, 1U << 14 | 1);
    const auto identity = parse();
    EXPECT_EQ(identity->logical_bytes, 512U);
    EXPECT_EQ(identity->physical_bytes, 4096U);
    EXPECT_EQ(identity->alignment, 7U);
    word(106, 1U << 14 | 1U << 12);
    word(117, 2048);
    EXPECT_EQ(parse()->logical_bytes, 4096U);
    EXPECT_EQ(describe(*parse(), 1, 1).sectors, 16000U);
}

TEST_F(IdentifyTest, TheSerialNumberIsSwappedAndTrimmed) {
    word(10, 'S' << 8 | 'N');
    word(11, '1' << 8 | ' ');
    for (unsigned i = 12; i < 20; ++i) word(i, ' ' << 8 | ' ');
    const auto identity = parse();
    EXPECT_EQ(std::string(reinterpret_cast<const char*>(identity->serial.data())), "SN1");
}

TEST_F(IdentifyTest, AnUnknownSerialAtaWordMeansNoQueues) {
    word(75, 31);
    word(76, 0xffff);
    EXPECT_EQ(parse()->queue_depth, 0U);
    word(76, 1U << 8);
    EXPECT_EQ(parse()->queue_depth, 32U);
}

}  // namespace
}  // namespace tb::ata
