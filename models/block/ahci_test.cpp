// SPDX-License-Identifier: BSD-3-Clause
#include "models/block/ahci.hpp"

#include <gmock/gmock.h>

#include <array>
#include <cstring>

#include "models/block/testing/ahci_bench.hpp"

namespace tb::model::block::testing {
namespace {

using ::testing::ElementsAre;

constexpr std::uint32_t kIs = 0x10;
constexpr std::uint32_t kIe = 0x14;
constexpr std::uint32_t kCmd = 0x18;
constexpr std::uint32_t kTfd = 0x20;
constexpr std::uint32_t kSig = 0x24;
constexpr std::uint32_t kSsts = 0x28;
constexpr std::uint32_t kSctl = 0x2c;
constexpr std::uint32_t kSerr = 0x30;
constexpr std::uint32_t kSact = 0x34;
constexpr std::uint32_t kCi = 0x38;
constexpr std::uint64_t kGhc = 0x04;
constexpr std::uint64_t kHbaIs = 0x08;

class AhciModel : public AhciBench {
  protected:
    std::uint64_t hba(std::uint64_t offset) { return bench.read(kRegisters + offset); }
    void set_hba(std::uint64_t offset, std::uint64_t value) { bench.write(kRegisters + offset, value); }
    bool complains_of(const char* subject) {
        for (const Finding& finding : bench.seen.findings)
            if (finding.subject == subject) return true;
        return false;
    }
};

TEST_F(AhciModel, RegistersAtReset) {
    build();
    EXPECT_EQ(hba(0), 0xc014'1f05U);
    EXPECT_EQ(hba(kGhc), 0x8000'0000U);
    EXPECT_EQ(hba(0x0c), 0x3fU);
    EXPECT_EQ(hba(0x10), 0x1'0000U);
    for (unsigned number = 0; number < kAhciPorts; ++number) {
        EXPECT_EQ(in(kCmd, number), 6U);
        EXPECT_EQ(in(kTfd, number), 0x7fU);
        EXPECT_EQ(in(kSig, number), 0xffff'ffffU);
        EXPECT_EQ(in(kSsts, number), number == 0 ? 0x113U : 0U);
    }
}

TEST_F(AhciModel, EnginesFollowAtOnceAndTheDiskTellsWhoItIs) {
    build();
    place();
    out(kCmd, 0x10);
    EXPECT_EQ(in(kCmd), 0x4010U);
    EXPECT_EQ(in(kTfd), 0x130U);
    EXPECT_EQ(in(kSig), 0x101U);
    EXPECT_EQ(in(kIs), 1U);
    EXPECT_EQ(bench.load<std::uint32_t>(kReceived + 0x40), 0x0130'4034U);
    out(kCmd, 0x11);
    EXPECT_EQ(in(kCmd), 0xc011U);
    out(kCmd, 0);
    EXPECT_EQ(in(kCmd), 0U);
}

TEST_F(AhciModel, AnEmptyPortSaysThatItIsReady) {
    build();
    place(1);
    out(kCmd, 0x10, 1);
    EXPECT_EQ(in(kTfd, 1), 0x50U);
    EXPECT_EQ(in(kSig, 1), 0xffff'0101U);
    out(kCmd, 0x11, 1);
    command(0xec, 0, 0, 512);
    out(kCi, 1, 1);
    EXPECT_EQ(in(kCi, 1), 1U) << "nobody takes it";
}

TEST_F(AhciModel, IdentifyComesByPio) {
    build_and_start({.serial = "SN"});
    command(0xec, 0, 0, 512);
    issue();
    EXPECT_EQ(in(kCi), 0U);
    EXPECT_EQ(in(kIs), 3U);
    EXPECT_EQ(in(kTfd), 0x50U);
    EXPECT_EQ(byte_count(), 512U);
    EXPECT_EQ(bench.load<std::uint32_t>(kReceived + 0x20), 0x0058'405fU);
    EXPECT_EQ(bench.load<std::uint16_t>(kReceived + 0x30), 512U);
    EXPECT_EQ(bench.load<std::uint16_t>(data() + 20), 'S' << 8 | 'N');
    EXPECT_EQ(bench.load<std::uint32_t>(data() + 120), 64U);
    EXPECT_EQ(bench.load<std::uint32_t>(data() + 200), 64U);
}

TEST_F(AhciModel, ReadDmaBringsSectorsAndCountsBytes) {
    build_and_start();
    for (const std::uint8_t ata :
         {std::uint8_t{0x25}, std::uint8_t{0xc8}, std::uint8_t{0x24}, std::uint8_t{0x20}}) {
        command(ata, 7, 2, 1024);
        issue();
        EXPECT_EQ(in(kCi), 0U);
        EXPECT_EQ(word(data()), 7U);
        EXPECT_EQ(word(data() + 1016), 8U);
        EXPECT_EQ(byte_count(), 1024U);
    }
    EXPECT_TRUE(bench.seen.findings.empty());
}

TEST_F(AhciModel, WritesReachTheDisk) {
    build_and_start();
    for (const std::uint8_t ata :
         {std::uint8_t{0x35}, std::uint8_t{0xca}, std::uint8_t{0x34}, std::uint8_t{0x30}}) {
        bench.store<std::uint64_t>(data(), ata);
        command(ata, 9, 1, 512, true);
        issue();
        std::array<std::byte, 512> held{};
        EXPECT_EQ(disk.read(9, held), 0);
        EXPECT_EQ(held[0], static_cast<std::byte>(ata));
    }
}

TEST_F(AhciModel, PrdsAreFilledInOrder) {
    build_and_start();
    command(0x25, 3, 1, 512);
    const std::uint64_t table = kTables;
    bench.store<std::uint32_t>(kList, 5U | 2U << 16);
    bench.store<std::uint32_t>(table + 0x8c, 99);
    bench.store<std::uint64_t>(table + 0x90, data(1));
    bench.store<std::uint32_t>(table + 0x9c, 411);
    issue();
    EXPECT_EQ(word(data()), 3U);
    EXPECT_EQ(bench.load<std::uint32_t>(data() + 100), 0U);
    EXPECT_EQ(word(data(1) + 4), 3U);
    EXPECT_EQ(byte_count(), 512U);
}

TEST_F(AhciModel, QueuedCommandsClearPxciAtOnceAndPxsactAtTheEnd) {
    build_and_start();
    device->port(0).jobs().hold();
    command(0x60, 5, 1, 512, false, 3);
    queue(8);
    EXPECT_EQ(in(kCi), 0U);
    EXPECT_EQ(in(kSact), 8U);
    EXPECT_EQ(in(kIs), 0U);
    device->port(0).jobs().release_all();
    EXPECT_EQ(in(kSact), 0U);
    EXPECT_EQ(in(kIs), 8U);
    EXPECT_EQ(word(data(3)), 5U);
    EXPECT_EQ(bench.load<std::uint32_t>(kReceived + 0x5c), 8U);
    EXPECT_EQ(byte_count(3), 0U) << "they are not counted";
}

TEST_F(AhciModel, QueuedCommandsEndInTheOrderOfTheDisk) {
    build_and_start();
    device->port(0).jobs().hold();
    for (unsigned slot = 0; slot < 3; ++slot) command(0x60, slot, 1, 512, false, slot);
    queue(7);
    EXPECT_TRUE(device->port(0).jobs().release(1));
    EXPECT_EQ(in(kSact), 5U);
    EXPECT_THAT(device->port(0).jobs().held(), ElementsAre(0, 2));
    EXPECT_FALSE(device->port(0).jobs().release(1));
    device->port(0).jobs().release_all();
    EXPECT_EQ(in(kSact), 0U);
}

TEST_F(AhciModel, AQueuedErrorKeepsItsBit) {
    build_and_start();
    fail(5);
    command(0x60, 5, 1, 512);
    queue();
    EXPECT_EQ(in(kSact), 1U);
    EXPECT_EQ(in(kCi), 0U);
    EXPECT_EQ(in(kIs), 0x4000'0000U);
    EXPECT_EQ(in(kTfd), 0x441U);
    EXPECT_EQ(in(kSerr), 0U);
    out(kCmd, kReceiving);
    EXPECT_EQ(in(kSact), 0U);
}

TEST_F(AhciModel, AnotherQueuedCommandAfterAnErrorTellsOfItAgain) {
    build_and_start();
    fail(5);
    command(0x60, 5, 1, 512);
    queue();
    out(kCmd, kReceiving);
    out(kCmd, kRunning);
    out(kIs, ~0U);
    command(0x60, 6, 1, 512);
    queue();
    EXPECT_EQ(in(kIs), 0x4000'0008U);
    EXPECT_EQ(in(kCi), 1U) << "it was not taken, says PxCI";
    EXPECT_EQ(in(kSact), 0U) << "and has ended, says PxSACT";
}

TEST_F(AhciModel, AFailedCommandStaysIssuedUntilThePortIsStopped) {
    build_and_start();
    command(0xff, 0, 0, 0);
    issue();
    EXPECT_EQ(in(kCi), 1U);
    EXPECT_EQ(in(kTfd), 0x441U);
    EXPECT_EQ(in(kIs), 0x4000'0001U);
    out(kCmd, kReceiving);
    EXPECT_EQ(in(kCi), 0U);
}

TEST_F(AhciModel, CommandsBehindAnErrorWait) {
    build_and_start();
    fail(1);
    command(0x25, 1, 1, 512);
    command(0x25, 2, 1, 512, false, 1);
    issue(3);
    EXPECT_EQ(in(kCi), 3U);
    EXPECT_EQ(word(data(1)), 0U);
    EXPECT_EQ(byte_count(), 0U);
}

TEST_F(AhciModel, CommandsAreCarriedOutTheLowestSlotFirst) {
    build_and_start();
    for (unsigned slot = 0; slot < 3; ++slot) command(0x25, 10 + slot, 1, 512, false, slot);
    issue(7);
    EXPECT_EQ(in(kCi), 0U);
    EXPECT_EQ(bench.load<std::uint8_t>(kReceived + 0x44), 13) << "the last was that of slot 2";
}

TEST_F(AhciModel, SectorsBeyondTheEndAreRefused) {
    build_and_start();
    for (const std::uint8_t ata : {std::uint8_t{0x25}, std::uint8_t{0x24}}) {
        command(ata, 63, 2, 1024);
        issue();
        EXPECT_EQ(in(kTfd), 0x441U);
        out(kCmd, kReceiving);
        out(kCmd, kRunning);
    }
}

TEST_F(AhciModel, PrdsForTooLittleMoveNothing) {
    build_and_start();
    command(0x25, 1, 2, 512);
    issue();
    EXPECT_EQ(in(kCi), 0U);
    EXPECT_EQ(in(kTfd), 0x50U);
    EXPECT_EQ(byte_count(), 0U);
    EXPECT_TRUE(complains_of("PRD table"));
    command(0x60, 1, 2, 512);
    out(kIs, ~0U);
    queue();
    EXPECT_EQ(in(kIs), 0x0100'0000U);
    EXPECT_EQ(in(kSact), 1U);
}

TEST_F(AhciModel, ComresetRepeatsTheFirstFis) {
    build_and_start();
    out(kCmd, kReceiving);
    out(kSctl, 1);
    EXPECT_EQ(in(kIs), 0U);
    out(kSctl, 0);
    EXPECT_EQ(in(kIs), 1U);
    EXPECT_EQ(in(kTfd), 0x130U);
    EXPECT_EQ(in(kSerr), 0U) << "QEMU tells of no change";
}

TEST_F(AhciModel, ComresetWaitsForTheDisk) {
    build_and_start();
    device->port(0).jobs().hold();
    command(0x60, 5, 1, 512);
    queue();
    out(kCmd, kReceiving);
    out(kSctl, 1);
    out(kSctl, 0);
    EXPECT_TRUE(device->port(0).jobs().empty());
    EXPECT_EQ(in(kSact), 0U);
    EXPECT_EQ(in(kTfd), 0x130U);
}

TEST_F(AhciModel, HbaResetResetsAllPorts) {
    build_and_start();
    out(kIe, ~0U);
    out(0x00, kList, 1);
    set_hba(kGhc, 0x8000'0003);
    EXPECT_EQ(hba(kGhc), 0x8000'0000U);
    EXPECT_EQ(in(kCmd), 6U);
    EXPECT_EQ(in(kIe), 0U);
    EXPECT_EQ(in(kTfd), 0x7fU);
    EXPECT_EQ(in(0x00, 1), kList) << "where the list is, QEMU keeps";
}

TEST_F(AhciModel, ASoftwareResetTakesTwoFises) {
    build_and_start();
    const std::uint64_t table = kTables;
    bench.store<std::uint32_t>(kList, 5U | 0x500U);
    bench.store<std::uint64_t>(kList + 8, table);
    bench.store<std::uint32_t>(table, 0x27);
    bench.store<std::uint32_t>(table + 12, 0x0400'0000);
    issue();
    EXPECT_EQ(in(kCi), 0U);
    EXPECT_EQ(in(kIs), 0U);
    bench.store<std::uint32_t>(kList, 5U);
    bench.store<std::uint32_t>(table + 12, 0);
    issue();
    EXPECT_EQ(in(kCi), 0U);
    EXPECT_EQ(in(kIs), 1U);
    EXPECT_EQ(in(kSig), 0x101U);
}

TEST_F(AhciModel, IsFollowsThePortsAndIntxFollowsIt) {
    build();
    place();
    set_hba(kGhc, 0x8000'0002);
    out(kCmd, 0x10);
    EXPECT_EQ(hba(kHbaIs), 0U) << "masked by PxIE";
    out(kIe, 1);
    EXPECT_EQ(hba(kHbaIs), 1U);
    EXPECT_TRUE(bench.board.irq_level(20));
    set_hba(kHbaIs, 1);
    EXPECT_EQ(hba(kHbaIs), 1U) << "the port has its cause still";
    out(kIs, 1);
    EXPECT_EQ(hba(kHbaIs), 0U);
    EXPECT_FALSE(bench.board.irq_level(20));
    EXPECT_EQ(in(kIe), 1U);
    out(kIe, ~0U);
    EXPECT_EQ(in(kIe), 0xfdc0'00ffU);
}

TEST_F(AhciModel, MsiSendsWithEveryCauseAndThereIsNoIntx) {
    build();
    place();
    bench.config_write(kSlot, 0x84, 0x0010'0010);
    bench.config_write(kSlot, 0x8c, 0x1234, 2);
    bench.config_write(kSlot, 0x82, 0x71, 2);
    EXPECT_EQ(bench.config_read(kSlot, 0x82, 2), 0x81U) << "one message, whatever was asked for";
    set_hba(kGhc, 0x8000'0002);
    out(kIe, 1);
    out(kCmd, 0x10);
    ASSERT_EQ(bench.seen.messages.size(), 1U);
    EXPECT_EQ(bench.seen.messages[0], (std::pair<std::uint64_t, std::uint32_t>{0x0010'0010, 0x1234}));
    set_hba(kHbaIs, 1);
    EXPECT_EQ(bench.seen.messages.size(), 2U) << "once more: the cause is still there";
    EXPECT_FALSE(bench.board.irq_level(20));
}

TEST_F(AhciModel, WithoutBusMasterNothingIsReached) {
    build();
    bench.config_write(kSlot, 4, 3, 2);
    place();
    out(kCmd, kRunning);
    command(0x25, 1, 1, 512);
    issue();
    EXPECT_EQ(word(data()), 0U);
    EXPECT_EQ(bench.load<std::uint32_t>(kReceived + 0x40), 0U);
}

TEST_F(AhciModel, ReadsOfAnyWidthAndWritesOfDwordsOnly) {
    build();
    EXPECT_EQ(bench.read(kRegisters + 1, 1), 0x1fU);
    EXPECT_EQ(bench.read(kRegisters + 2, 2), 0xc014U);
    EXPECT_EQ(bench.read(kRegisters, 8), 0x8000'0000'c014'1f05U);
    out(0x00, 0x1234'5400);
    bench.write(port(0x02), 0xffff, 2);
    EXPECT_EQ(in(0x00), 0x1234'5400U);
    EXPECT_TRUE(complains_of("registers"));
}

TEST_F(AhciModel, TheIndexDataPairReachesTheRegisters) {
    build();
    bench.out(kPorts + 0x10, 0x10, 4);
    EXPECT_EQ(bench.in(kPorts + 0x14, 4), 0x1'0000U);
    bench.out(kPorts + 0x10, 0xffff'ffff, 4);
    EXPECT_EQ(bench.in(kPorts + 0x10, 4), 0xffcU);
    EXPECT_EQ(bench.in(kPorts, 4), 0U);
}

TEST_F(AhciModel, WhatSoftwareMustNotDoIsReportedAndDoneAsQemuDoesIt) {
    build();
    place();
    out(kCmd, kReceiving);
    command(0x25, 4, 1, 512);
    issue();
    EXPECT_TRUE(complains_of("PxCI"));
    EXPECT_EQ(in(kCi), 1U);
    out(kCmd, kRunning);
    EXPECT_EQ(in(kCi), 0U);
    EXPECT_EQ(word(data()), 4U);
    bench.store<std::uint32_t>(kTables, 0x8027U | 0xecU << 16 | 0x100);
    issue();
    EXPECT_TRUE(complains_of("command FIS"));
    EXPECT_EQ(in(kCi), 1U);
}

}  // namespace
}  // namespace tb::model::block::testing
