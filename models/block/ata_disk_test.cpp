// SPDX-License-Identifier: BSD-3-Clause
// The commands of the disk at an AHCI port.
#include "models/block/ata_disk.hpp"

#include <array>

#include "models/block/testing/ahci_bench.hpp"

namespace tb::model::block::testing {
namespace {

constexpr std::uint32_t kIs = 0x10;
constexpr std::uint32_t kTfd = 0x20;
constexpr std::uint32_t kCi = 0x38;

class AtaModel : public AhciBench {
  protected:
    /// A command without data; what the task file says at its end.
    std::uint64_t plain(std::uint8_t ata, std::uint16_t count = 0, unsigned features = 0,
                        std::uint64_t lba = 0) {
        feature = features;
        command(ata, lba, count, 0);
        issue();
        const std::uint64_t status = in(kTfd);
        out(0x18, kReceiving);
        out(0x18, kRunning);
        feature = 0;
        return status;
    }
    unsigned identify_word(unsigned n) {
        command(0xec, 0, 0, 512);
        issue();
        return bench.load<std::uint16_t>(data() + std::uint64_t{2} * n);
    }
};

TEST_F(AtaModel, FlushReachesTheDisk) {
    build_and_start();
    EXPECT_EQ(plain(0xe7), 0x50U);
    EXPECT_EQ(plain(0xea), 0x50U);
    EXPECT_EQ(disk.flushes(), 2U);
    disk.inject({.error = 5, .on = kOnFlush});
    EXPECT_EQ(plain(0xea), 0x441U);
}

TEST_F(AtaModel, WithoutWriteCacheEachWriteIsFlushed) {
    build_and_start({.write_cache = false});
    EXPECT_EQ(identify_word(85) & 0x20U, 0U);
    command(0x35, 1, 1, 512, true);
    issue();
    EXPECT_EQ(disk.flushes(), 1U);
}

TEST_F(AtaModel, SetFeaturesTurnsTheCacheOffAndOn) {
    build_and_start();
    EXPECT_NE(identify_word(85) & 0x20U, 0U);
    EXPECT_EQ(plain(0xef, 0, 0x82), 0x50U);
    EXPECT_EQ(disk.flushes(), 1U) << "what is in it goes to the medium";
    EXPECT_EQ(identify_word(85) & 0x20U, 0U);
    EXPECT_EQ(plain(0xef, 0, 0x02), 0x50U);
    EXPECT_NE(identify_word(85) & 0x20U, 0U);
    EXPECT_EQ(plain(0xef, 0, 0x77), 0x441U);
}

TEST_F(AtaModel, ForcedUnitAccessOfQueuedWritesIsIgnored) {
    build_and_start();
    command(0x61, 1, 1, 512, true);
    bench.store<std::uint32_t>(kTables + 4, 0xc000'0001);
    queue();
    EXPECT_EQ(in(0x34), 0U);
    EXPECT_EQ(disk.flushes(), 0U);
    EXPECT_EQ(plain(0x3d), 0x441U) << "and WRITE DMA FUA EXT is not there";
}

TEST_F(AtaModel, TransferModesShowInIdentify) {
    build_and_start();
    EXPECT_EQ(identify_word(88), 0x203fU);
    EXPECT_EQ(plain(0xef, 0x44, 0x03), 0x50U);
    EXPECT_EQ(identify_word(88), 0x103fU);
    EXPECT_EQ(plain(0xef, 0x22, 0x03), 0x50U);
    EXPECT_EQ(identify_word(63), 0x0407U);
    EXPECT_EQ(plain(0xef, 0x60, 0x03), 0x441U);
}

TEST_F(AtaModel, TrimChecksEachRangeBeforeItIsDone) {
    build_and_start();
    disk.set_discard_zeroes(true);
    bench.store<std::uint64_t>(data(), 2ULL << 48 | 5);
    bench.store<std::uint64_t>(data() + 8, 1ULL << 48 | 64);
    feature = 1;
    command(0x06, 0, 1, 512, true);
    issue();
    EXPECT_EQ(in(kTfd), 0x441U);
    std::array<std::byte, 512> held{};
    EXPECT_EQ(disk.read(6, held), 0);
    EXPECT_EQ(held[0], std::byte{0}) << "the range before the bad one is gone";
    EXPECT_EQ(disk.read(7, held), 0);
    EXPECT_EQ(held[0], std::byte{7});
}

TEST_F(AtaModel, WithoutTrimIdentifyDoesNotOfferIt) {
    build_and_start({.trim = false});
    EXPECT_EQ(identify_word(169), 0U);
}

TEST_F(AtaModel, PioMovesBlocksAndTellsOfEach) {
    build_and_start();
    command(0x24, 1, 2, 1024);
    issue();
    EXPECT_EQ(in(kIs), 3U);
    EXPECT_EQ(bench.load<std::uint16_t>(kReceived + 0x30), 512U);
    EXPECT_EQ(plain(0xc6, 4), 0x50U);
    command(0x29, 1, 6, 3072);
    issue();
    EXPECT_EQ(bench.load<std::uint16_t>(kReceived + 0x30), 1024U) << "the last two of six, by fours";
    EXPECT_EQ(word(data() + 2560), 6U);
    EXPECT_EQ(plain(0xc6, 3), 0x441U);
    out(kIs, ~0U);
    command(0x30, 1, 1, 512, true);
    issue();
    EXPECT_EQ(in(kIs), 1U) << "the first block of a write is not told of";
}

TEST_F(AtaModel, CommandsWithoutData) {
    build_and_start();
    for (const unsigned ata : {0x10U, 0x40U, 0x42U, 0x70U, 0x91U, 0x98U, 0xe5U, 0xf5U})
        EXPECT_EQ(plain(static_cast<std::uint8_t>(ata), 1), 0x50U) << ata;
    for (const unsigned ata : {0xe0U, 0xe1U, 0xe2U, 0xe3U, 0xe6U, 0x94U, 0x95U, 0x96U, 0x97U, 0x99U})
        EXPECT_EQ(plain(static_cast<std::uint8_t>(ata)), 0x40U) << ata;
    for (const unsigned ata : {0x00U, 0x2fU, 0xa1U, 0xffU})
        EXPECT_EQ(plain(static_cast<std::uint8_t>(ata)), 0x441U) << ata;
}

TEST_F(AtaModel, ReadNativeMaxAddressGivesTheLastSector) {
    build_and_start();
    EXPECT_EQ(plain(0x27), 0x50U);
    EXPECT_EQ(bench.load<std::uint8_t>(kReceived + 0x44), 63);
}

TEST_F(AtaModel, SmartIsTurnedOffAndOn) {
    build_and_start();
    const std::uint64_t key = 0xc2'4f00;
    EXPECT_EQ(plain(0xb0, 0, 0xda, key), 0x50U);
    EXPECT_EQ(plain(0xb0, 0, 0xd9, key), 0x50U);
    EXPECT_EQ(plain(0xb0, 0, 0xda, key), 0x441U);
    EXPECT_EQ(plain(0xb0, 0, 0xd8, key), 0x50U);
    EXPECT_EQ(plain(0xb0, 0, 0xda), 0x441U) << "without the key";
    EXPECT_TRUE(bench.seen.findings.empty());
    EXPECT_EQ(plain(0xb0, 0, 0xd0, key), 0x441U);
    EXPECT_FALSE(bench.seen.findings.empty()) << "its data is not modelled";
}

TEST_F(AtaModel, ExecuteDeviceDiagnosticTellsNobodyThatItIsDone) {
    build_and_start();
    command(0x90, 0, 0, 0);
    issue();
    EXPECT_EQ(in(kCi), 1U);
    EXPECT_EQ(in(kIs), 0U);
}

TEST_F(AtaModel, CylindersHeadsAndSectors) {
    build_and_start();
    command(0xc8, 0, 1, 512);
    // Cylinder 0, head 1, sector 1: the 64th sector is beyond the end; head 0, sector 5 is the fifth.
    bench.store<std::uint32_t>(kTables + 4, 5);
    issue();
    EXPECT_EQ(word(data()), 4U);
    EXPECT_EQ(bench.load<std::uint8_t>(kReceived + 0x44), 6) << "the next sector";
}

TEST_F(AtaModel, APhysicalSectorOf4096BytesShows) {
    build_and_start({.physical_block_size = 4096});
    EXPECT_EQ(identify_word(106), 0x6003U);
}

TEST_F(AtaModel, LatencyIsThatOfThePlan) {
    build_and_start();
    device->port(0).jobs().set_latency({.fixed = 1000});
    command(0x25, 1, 1, 512);
    issue();
    EXPECT_EQ(in(kCi), 1U);
    bench.simulation.advance(999);
    EXPECT_EQ(in(kCi), 1U);
    bench.simulation.advance(1);
    EXPECT_EQ(in(kCi), 0U);
}

}  // namespace
}  // namespace tb::model::block::testing
