// SPDX-License-Identifier: BSD-3-Clause
#include <map>
#include <numeric>

#include "models/net/e1000_test_bench.hpp"

namespace tb::model::net {
namespace {

using E1000Registers = E1000Test;

TEST_F(E1000Registers, ConfigurationSpaceIsQemus) {
    device.power_on_reset();
    // Read from QEMU 7.2: -machine q35 -device e1000,addr=04.0; what is not listed is zero.
    const std::map<unsigned, std::uint32_t> expected = {
        {0x00, 0x100e'8086}, {0x08, 0x0200'0003}, {0x14, 0x0000'0001},
        {0x2c, 0x1100'1af4}, {0x3c, 0x0000'0100},
    };
    for (unsigned offset = 0; offset < 256; offset += 4) {
        const auto row = expected.find(offset);
        EXPECT_EQ(bench.config_read(kSlot, offset), row == expected.end() ? 0 : row->second)
            << std::hex << offset;
    }
}

TEST_F(E1000Registers, ConfigurationSpaceKeepsWhatQemuKeeps) {
    const std::map<unsigned, std::uint32_t> kept = {
        {0x00, 0x100e'8086}, {0x04, 0x0000'0507}, {0x08, 0x0200'0003}, {0x0c, 0x0000'00ff},
        {0x10, 0xfffe'0000}, {0x14, 0xffff'ffc1}, {0x18, 0},           {0x1c, 0},
        {0x20, 0},           {0x24, 0},           {0x28, 0},           {0x2c, 0x1100'1af4},
        {0x30, 0xfffc'0001}, {0x34, 0},           {0x38, 0},           {0x3c, 0x0000'01ff},
        {0x40, 0xffff'ffff}, {0xfc, 0xffff'ffff},
    };
    for (const auto& [offset, value] : kept) {
        bench.config_write(kSlot, offset, 0xffff'ffff);
        EXPECT_EQ(bench.config_read(kSlot, offset), value) << std::hex << offset;
    }
}

TEST_F(E1000Registers, EveryDwordAtResetIsQemus) {
    // The non-zero dwords of 0x00000 to 0x1ffff, read from QEMU 7.2 with mac=52:54:00:12:34:56.
    const std::map<unsigned, std::uint32_t> expected = {
        {0x0000, 0x0014'0240}, {0x0008, 0x8008'0783}, {0x0010, 0x0000'0188},
        {0x0038, 0x0000'8100}, {0x0e00, 0x0000'0602}, {0x1000, 0x0010'0030},
        {0x5400, 0x1200'5452}, {0x5404, 0x8000'5634}, {0x5820, 0x0022'2300},
    };
    for (unsigned offset = 0; offset < kRegisterBytes; offset += 4) {
        const auto row = expected.find(offset);
        ASSERT_EQ(bench.read(kBar + offset), row == expected.end() ? 0 : row->second) << std::hex << offset;
    }
}

TEST_F(E1000Registers, EveryRegisterKeepsTheBitsThatQemuKeeps) {
    findings_expected = true;
    struct Row {
        unsigned first, last;
        std::uint32_t ones;
    };
    // What each dword reads after 0xffffffff was written, from QEMU 7.2. TCTL and TDT start work and are left
    // out, ICR and ICS are causes.
    const Row rows[] = {
        {0x00000, 0x00000, 0xfbff'ffff}, {0x00008, 0x00008, 0x8008'0783}, {0x00010, 0x00010, 0x0000'01ff},
        {0x00014, 0x00014, 0xffff'fffe}, {0x00020, 0x00020, 0x5000'0000}, {0x00038, 0x00038, 0xffff'ffff},
        {0x000c4, 0x000c4, 0x0000'ffff}, {0x000d0, 0x000d0, 0xffff'ffff}, {0x00100, 0x00100, 0xffff'ffff},
        {0x00458, 0x00458, 0x0000'ffff}, {0x00e00, 0x00e00, 0xffff'ffff}, {0x01000, 0x01000, 0xffff'ffff},
        {0x02410, 0x02410, 0x0000'1fff}, {0x02418, 0x02418, 0x0000'1fff}, {0x02420, 0x02420, 0x0000'1fff},
        {0x02428, 0x02428, 0x0000'1fff}, {0x02430, 0x02430, 0x0000'1fff}, {0x02800, 0x02804, 0xffff'ffff},
        {0x02808, 0x02808, 0x000f'ff80}, {0x02810, 0x02810, 0x0000'ffff}, {0x02818, 0x02818, 0x0000'ffff},
        {0x02820, 0x02820, 0x0000'ffff}, {0x0282c, 0x0282c, 0x0000'ffff}, {0x03410, 0x03410, 0x0000'07ff},
        {0x03418, 0x03418, 0x0000'07ff}, {0x03420, 0x03420, 0x0000'1fff}, {0x03428, 0x03428, 0x0000'1fff},
        {0x03430, 0x03430, 0x0000'1fff}, {0x03800, 0x03804, 0xffff'ffff}, {0x03808, 0x03808, 0x000f'ff80},
        {0x03810, 0x03810, 0x0000'ffff}, {0x03828, 0x03828, 0xffff'ffff}, {0x0382c, 0x0382c, 0x0000'ffff},
        {0x04058, 0x04058, 0xffff'ffff}, {0x05200, 0x0547c, 0xffff'ffff}, {0x05600, 0x05800, 0xffff'ffff},
        {0x05808, 0x05808, 0xffff'ffff}, {0x05810, 0x05810, 0xffff'ffff}, {0x05820, 0x05820, 0x0022'2300},
        {0x05838, 0x05838, 0xffff'ffff}, {0x05840, 0x05858, 0xffff'ffff}, {0x05880, 0x0588c, 0xffff'ffff},
        {0x05a00, 0x05a7c, 0xffff'ffff}, {0x05b50, 0x05b50, 0xffff'ffff}, {0x05f00, 0x05f18, 0x0000'07ff},
        {0x09000, 0x093f8, 0x0000'000f}, {0x09800, 0x09bf8, 0xffff'ffff}, {0x10000, 0x1fffc, 0xffff'ffff},
    };
    const Row* row = rows;
    for (unsigned offset = 0; offset < kRegisterBytes; offset += 4) {
        if (offset == 0x400 || offset == 0x3818 || offset == 0xc0 || offset == 0xc8) continue;
        if (row != std::end(rows) && offset > row->last) ++row;
        const bool listed = row != std::end(rows) && offset >= row->first;
        bench.write(kBar + offset, 0xffff'ffff);
        ASSERT_EQ(bench.read(kBar + offset), listed ? row->ones : 0) << std::hex << offset;
        bench.write(kBar + offset, 0);
    }
}

TEST_F(E1000Registers, NarrowReadsGiveTheStartOfTheRegisterAndAreReported) {
    findings_expected = true;
    EXPECT_EQ(bench.read(kBar + 8, 1), 0x83U);
    EXPECT_EQ(bench.read(kBar + 9, 1), 0x83U) << "the address within a register does not matter";
    EXPECT_EQ(bench.read(kBar + 10, 2), 0x0783U);
    EXPECT_EQ(bench.read(kBar + 6, 4), 0x0783'0000U) << "an access across two registers is cut in halves";
    EXPECT_EQ(bench.read(kBar + 0x5400, 8), 0x8000'5634'1200'5452U);
}

TEST_F(E1000Registers, NarrowWritesReplaceTheWholeRegister) {
    findings_expected = true;
    bench.write(kBar + 0x39, 0x12, 1);
    EXPECT_EQ(read("VET"), 0x12U);
    bench.write(kBar + 0x5200, 0x1111'2222'3333'4444, 8);
    EXPECT_EQ(read("MTA", 0), 0x3333'4444U);
    EXPECT_EQ(read("MTA", 1), 0x1111'2222U);
}

TEST_F(E1000Registers, ThePortsDoNothing) {
    bench.out(kPorts, 0x8, 4);
    EXPECT_EQ(bench.in(kPorts + 4, 4), 0U);
    EXPECT_EQ(bench.in(kPorts, 1), 0U);
}

TEST_F(E1000Registers, SoftwareResetOnlyClearsItself) {
    write("RDBAL", 0x1230);
    write("CTRL", 0x0414'0240);
    EXPECT_EQ(read("CTRL"), 0x0014'0240U);
    EXPECT_EQ(read("RDBAL"), 0x1230U);
}

TEST_F(E1000Registers, PowerOnResetUndoesEverything) {
    start_transmitter();
    start_receiver();
    send(frame_to(kBroadcast));
    write("IMS", 0xff);
    write("PBA", 0x1234);
    bench.write(kBar + 0x12340, 0x55);
    ASSERT_TRUE(line());
    device.power_on_reset();
    EXPECT_FALSE(line());
    enable();
    for (const char* name : {"ICR", "IMS", "TDT", "TDH", "TDBAL", "RCTL", "RDT", "TCTL", "TPT"})
        EXPECT_EQ(read(name), 0U) << name;
    EXPECT_EQ(read("PBA"), 0x0010'0030U);
    EXPECT_EQ(bench.read(kBar + 0x12340), 0U);
    device.receive(frame_to(kBroadcast));
    EXPECT_EQ(device.waiting(), 1U) << "the receiver is off again";
}

TEST_F(E1000Registers, EerdReadsAWordAtOnce) {
    const auto word = [this](unsigned index) {
        write("EERD", index << 8 | 1);
        return read("EERD");
    };
    EXPECT_EQ(word(0), 0x5452'0010U);
    EXPECT_EQ(word(1), 0x1200'0110U);
    EXPECT_EQ(word(2), 0x5634'0210U);
    EXPECT_EQ(word(0x3f), 0x79ad'3f10U);
    EXPECT_EQ(word(0x40), 0x4010U) << "beyond the last word: done, and no data";
    unsigned sum = 0;
    for (unsigned i = 0; i < Eeprom::kWords; ++i) sum += word(i) >> 16;
    EXPECT_EQ(sum & 0xffff, 0xbabaU);
    write("EERD", 0x0500);
    EXPECT_EQ(read("EERD"), 0x0500U) << "without START nothing happens";
}

TEST_F(E1000Registers, EecdClocksAWordOutBitByBit) {
    const auto clock = [this](bool bit) {
        const std::uint32_t wires = eecd::kSelect | (bit ? eecd::kDataIn : 0);
        write("EECD", wires | eecd::kClock);
        write("EECD", wires);
        return (read("EECD") & eecd::kDataOut) != 0 ? 1U : 0U;
    };
    const auto word = [&](unsigned index) {
        write("EECD", 0);
        write("EECD", eecd::kSelect);
        for (int i = 8; i >= 0; --i) clock(((6U << 6 | index) >> i & 1) != 0);
        unsigned value = (read("EECD") & eecd::kDataOut) != 0 ? 1 : 0;
        for (int i = 0; i < 15; ++i) value = value << 1 | clock(false);
        return value;
    };
    EXPECT_EQ(word(0), 0x5452U);
    EXPECT_EQ(word(11), 0x100eU);
    EXPECT_EQ(word(0x3f), 0x79adU);
    write("EECD", eecd::kRequest);
    EXPECT_EQ(read("EECD") & (eecd::kGrant | eecd::kRequest | eecd::kPresent),
              eecd::kGrant | eecd::kRequest | eecd::kPresent);
}

TEST_F(E1000Registers, MdicReadsThePhy) {
    const std::map<unsigned, unsigned> expected = {
        {0, 0x1140}, {1, 0x794d},  {2, 0x0141},  {3, 0x0c20},  {4, 0x0de1},  {5, 0x01e0}, {6, 0},
        {9, 0x0e00}, {10, 0x3c00}, {16, 0x0360}, {17, 0xac00}, {20, 0x0d60}, {21, 0},
    };
    for (unsigned index = 0; index < Phy::kRegisters; ++index) {
        const std::uint32_t command = mdic::kOpRead | mdic::kPhyOne | index << 16;
        write("MDIC", command);
        const auto row = expected.find(index);
        const std::uint32_t result = row == expected.end() ? std::uint32_t{mdic::kError} : row->second;
        EXPECT_EQ(read("MDIC"), command | mdic::kReady | result) << index;
    }
}

TEST_F(E1000Registers, MdicWritesWhatThePhyLetsWrite) {
    phy_write(4, 0x1234);
    EXPECT_EQ(phy_read(4), 0x1234U);
    phy_write(2, 0xffff);
    EXPECT_EQ(read("MDIC") & mdic::kError, mdic::kError);
    EXPECT_EQ(phy_read(2), 0x0141U);
    phy_write(0, 0x9dff);
    EXPECT_EQ(phy_read(0), 0x1dc0U) << "reset and reserved bits do not stay";
}

TEST_F(E1000Registers, MdicForAnotherPhyGivesAnErrorAndTheOldValue) {
    phy_read(2);
    write("MDIC", mdic::kOpRead | 2U << 21 | 3U << 16);
    EXPECT_EQ(read("MDIC"), mdic::kError | mdic::kReady | mdic::kOpRead | mdic::kPhyOne | 2U << 16 | 0x0141U);
}

TEST_F(E1000Registers, MdicInterruptsOnRequest) {
    write("MDIC", mdic::kOpRead | mdic::kPhyOne | mdic::kInterrupt | 2U << 16);
    EXPECT_EQ(read("ICR"), cause::kMdac);
}

TEST_F(E1000Registers, WhatTheDatasheetForbidsIsReportedAndDoneAsQemuDoesIt) {
    findings_expected = true;
    const auto subject = [this] {
        return bench.seen.findings.empty() ? "" : bench.seen.findings.back().subject;
    };
    write("RCTL", 1);
    EXPECT_EQ(subject(), "RCTL") << "reserved bit 0";
    write("STATUS", 0);
    EXPECT_EQ(subject(), "STATUS");
    write("TDLEN", 0x90);
    EXPECT_EQ(subject(), "TDLEN");
    EXPECT_EQ(read("TDLEN"), 0x80U);
    write("RDBAL", 0x1008);
    EXPECT_EQ(subject(), "RDBAL");
    EXPECT_EQ(read("RDBAL"), 0x1008U);
    write("RDT", 9);
    EXPECT_EQ(subject(), "RDT");
    EXPECT_EQ(read("RDT"), 9U);
    bench.write(kBar + 0x7000, 1);
    EXPECT_EQ(subject(), "0x7000");
}

class E1000WithFaults : public E1000Test {
  protected:
    static E1000Options faults() {
        E1000Options options;
        options.eeprom = Eeprom::contents_for(options.mac);
        (*options.eeprom)[Eeprom::kChecksumWord] ^= 0xffff;
        options.mdic_never_ready = true;
        return options;
    }
    E1000WithFaults() : E1000Test(faults()) {}
};

TEST_F(E1000WithFaults, ABadChecksumAndADeadPhyShow) {
    write("EERD", 0x3f << 8 | 1);
    EXPECT_EQ(read("EERD") >> 16, 0x79adU ^ 0xffffU);
    write("MDIC", mdic::kOpRead | mdic::kPhyOne | 2U << 16);
    EXPECT_EQ(read("MDIC") & mdic::kReady, 0U);
}

class E1000WithDeadEeprom : public E1000Test {
  protected:
    E1000WithDeadEeprom() : E1000Test({.mac = {2, 0, 0, 0, 0, 9}, .eeprom = {}, .eeprom_never_done = true}) {}
};

TEST_F(E1000WithDeadEeprom, NeitherDoorOpensButTheAddressIsThere) {
    write("EERD", 1);
    EXPECT_EQ(read("EERD") & eerd::kDone, 0U);
    write("EECD", eecd::kRequest);
    EXPECT_EQ(read("EECD") & eecd::kGrant, 0U);
    EXPECT_EQ(read("RA", 0), 2U);
    EXPECT_EQ(read("RA", 1), 0x8000'0900U);
}

}  // namespace
}  // namespace tb::model::net
