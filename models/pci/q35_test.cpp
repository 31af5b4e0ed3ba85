// SPDX-License-Identifier: BSD-3-Clause
#include "models/pci/q35.hpp"

#include <gtest/gtest.h>

#include "models/testing/board_harness.hpp"

namespace tb::model::pci {
namespace {

class Q35Test : public ::testing::Test {
  protected:
    Q35Test() : functions_(bench_.board) {
        bench_.start();
        functions_.power_on_reset();
    }
    // The bench speaks to function 0 of a slot; the others are reached through the slot's number with the
    // function on it.
    std::uint64_t read(unsigned slot, unsigned function, unsigned offset) {
        return bench_.config_read(slot, function << 12 | offset, 4);
    }
    void write(unsigned slot, unsigned function, unsigned offset, std::uint32_t value) {
        bench_.config_write(slot, function << 12 | offset, value);
    }

    testing::BoardHarness bench_;
    Q35Functions functions_;
};

TEST_F(Q35Test, EachFunctionHasTheHeaderThatQemuShows) {
    EXPECT_EQ(read(0, 0, 0x00), 0x29c0'8086U);
    EXPECT_EQ(read(0, 0, 0x08), 0x0600'0000U);
    EXPECT_EQ(read(0x1f, 0, 0x00), 0x2918'8086U);
    EXPECT_EQ(read(0x1f, 0, 0x0c), 0x0080'0000U) << "several functions";
    EXPECT_EQ(read(0x1f, 2, 0x00), 0x2922'8086U);
    EXPECT_EQ(read(0x1f, 2, 0x04), 0x0010'0000U) << "it has capabilities";
    EXPECT_EQ(read(0x1f, 2, 0x80), 0x0080'a805U) << "MSI first, SATA behind it";
    EXPECT_EQ(read(0x1f, 2, 0xa8), 0x0010'0012U);
    EXPECT_EQ(read(0x1f, 3, 0x00), 0x2930'8086U);
    EXPECT_EQ(read(0x1f, 3, 0x3c), 0x0000'0100U);
    for (const unsigned function : {1U, 4U, 5U, 6U, 7U})
        EXPECT_EQ(read(0x1f, function, 0), 0xffff'ffffU) << function;
}

TEST_F(Q35Test, BarsTellTheSizesThatQemuTells) {
    for (const unsigned offset : {0x10U, 0x20U, 0x24U}) {
        write(0x1f, 2, offset, 0xffff'ffff);
        write(0x1f, 3, offset, 0xffff'ffff);
    }
    EXPECT_EQ(read(0x1f, 2, 0x10), 0U);
    EXPECT_EQ(read(0x1f, 2, 0x20), 0xffff'ffe1U);
    EXPECT_EQ(read(0x1f, 2, 0x24), 0xffff'f000U);
    EXPECT_EQ(read(0x1f, 3, 0x20), 0xffff'ffc1U);
    EXPECT_EQ(read(0x1f, 3, 0x24), 0U);
}

TEST_F(Q35Test, APowerOnResetTakesBackWhatADriverWrote) {
    write(0, 0, 0x60, 0);
    write(0x1f, 2, 0x24, 0xe000'0000);
    write(0x1f, 2, 0xf0, 0x1234'5678);
    functions_.power_on_reset();
    EXPECT_EQ(read(0, 0, 0x60), 0xb000'0000U);
    EXPECT_EQ(read(0x1f, 2, 0x24), 0U);
    EXPECT_EQ(read(0x1f, 2, 0xf0), 0U);
}

}  // namespace
}  // namespace tb::model::pci
