// SPDX-License-Identifier: BSD-3-Clause
// What VIRTIO 1.2 §5.2 asks of a block device, and §2 and §4 of any, and no other test shows.
// ../virtio/conformance.tsv lists all of it.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

#include "models/block/testing/blk_bench.hpp"

namespace tb::model::block::testing {
namespace {

using virtio::testing::kDeviceBlock;
using virtio::testing::kEventIdx;

constexpr std::uint64_t kFlushBit = std::uint64_t{1} << kFeatureFlush;
constexpr std::uint64_t kConfigWceBit = std::uint64_t{1} << kFeatureConfigWce;

class VirtioBlkConformance : public BlkBench {
  protected:
    /// What the device writes into the flags of the used ring.
    class FlagsWritten : public Observer {
      public:
        explicit FlagsWritten(std::uint64_t address) : address_(address) {}
        void dma(const char*, bool write, std::uint64_t address, std::span<const std::byte> data,
                 DmaOutcome) override {
            if (!write || address != address_ || data.size() != 2) return;
            std::uint16_t value = 0;
            std::memcpy(&value, data.data(), sizeof value);
            values.push_back(value);
        }
        std::vector<std::uint16_t> values;

      private:
        std::uint64_t address_;
    };
};

struct Modes {
    bool write_cache;
    bool config_wce;
};

// §5.2.5.2: FLUSH is offered wherever CONFIG_WCE is; no other feature of this device requires one (§2.2.2).
TEST(VirtioBlkFeatures, FlushIsOfferedWhereverConfigWceIs) {
    for (const Modes mode :
         {Modes{false, false}, Modes{false, true}, Modes{true, false}, Modes{true, true}}) {
        MemoryDisk disk(64);
        VirtioBlkProperties properties;
        properties.write_cache = mode.write_cache;
        properties.config_wce = mode.config_wce;
        const std::uint64_t features = VirtioBlk(properties, disk).features();
        EXPECT_EQ((features & kConfigWceBit) != 0, mode.config_wce);
        EXPECT_EQ((features & kFlushBit) != 0, mode.write_cache || mode.config_wce)
            << "cache " << mode.write_cache << ", CONFIG_WCE " << mode.config_wce;
    }
}

// §2.2.2: each feature can be left out.
TEST_F(VirtioBlkConformance, EachFeatureCanBeLeftOut) {
    build();
    const std::uint64_t offered = driver.offered_features();
    for (unsigned bit = 0; bit < 64; ++bit) {
        const std::uint64_t left_out = std::uint64_t{1} << bit;
        if (left_out == virtio::testing::kVersion1 || (offered & left_out) == 0) continue;
        bench.store<std::uint32_t>(ring.driver, 0);
        bench.store<std::uint32_t>(ring.device, 0);
        ring.set_next(0);
        start(offered & ~left_out);
        EXPECT_EQ(driver.status(), 0xf) << "without bit " << bit;
        EXPECT_EQ(device->driver_features(), offered & ~left_out);
        offer_read(0, 50 + bit, 512);
        driver.notify();
        EXPECT_EQ(word(buffer(0)), 50 + bit) << "without bit " << bit;
    }
}

// §5.2.5.2 has writeback begin at 0 for a driver that took CONFIG_WCE without FLUSH. QEMU leaves the cache
// on.
TEST_F(VirtioBlkConformance, ConfigWceWithoutFlushLeavesTheCacheOnAsQemuDoes) {
    build();
    start(kPlain & ~kFlushBit);
    EXPECT_EQ(driver.read(kDeviceBlock + 0x20, 1), 1U);
    EXPECT_TRUE(device->block().write_cache());
}

// §5.2.5.2: padding is 0. QEMU's configuration space ends before the second padding.
TEST_F(VirtioBlkConformance, ThePaddingInTheConfigurationIsZeroAndTheLastOneIsNotThere) {
    build();
    EXPECT_EQ(driver.read(kDeviceBlock + 0x21, 1), 0U) << "unused0";
    for (std::uint64_t at = 0x39; at < 0x3c; ++at)
        EXPECT_EQ(driver.read(kDeviceBlock + at, 1), 0xffU) << "unused1 is beyond the end";
}

// §4.1.2.1: a transitional block device is 0x1001, a modern one 0x1042.
TEST_F(VirtioBlkConformance, TheTransitionalDeviceHasItsOwnNumber) {
    VirtioBlkOptions options;
    options.pci.transitional_identity = true;
    build(options);
    EXPECT_EQ(bench.config_read(virtio::testing::kSlot, 0), 0x1001'1af4U);
    EXPECT_EQ(bench.config_read(virtio::testing::kSlot, 0x2e, 2), 2U) << "the subsystem tells the device";
}

// §4.1.3.2: the halves of a 64-bit field are read one by one.
TEST_F(VirtioBlkConformance, TheHalvesOfTheCapacityAreIndependent) {
    build({}, Fill::kZero, 0x1'2345'6788);
    EXPECT_EQ(driver.read(kDeviceBlock + 4, 4), 1U);
    EXPECT_EQ(driver.read(kDeviceBlock, 4), 0x2345'6788U);
    EXPECT_EQ(driver.read(kDeviceBlock + 4, 4), 1U);
}

// §5.2.6.2: after write zeroes, reads of the range return zeroes, whether or not it was unmapped.
TEST_F(VirtioBlkConformance, WhatWasZeroedReadsAsZeroes) {
    build_and_start();
    offer_range(0, kWriteZeroes, {10, 2, 0});
    offer_range(1, kWriteZeroes, {12, 2, kFlagUnmap});
    driver.notify();
    ASSERT_EQ(status(0), 0);
    ASSERT_EQ(status(1), 0);
    constexpr std::uint32_t kAround = 6 * 512;  // the four, and a neighbour on each side
    constexpr std::uint32_t kLast = kAround - 512;
    fill_buffer(2, 0xcc, kAround);
    offer_read(2, 9, kAround);
    driver.notify();
    EXPECT_EQ(word(buffer(2)), 9U);
    for (std::uint32_t at = 512; at < kLast; at += 8) ASSERT_EQ(word(buffer(2) + at), 0U) << at;
    EXPECT_EQ(word(buffer(2) + kLast), 14U);
}

// §5.2.6.2: unknown flags are unsupported for a secure erase too. There is none: the feature is not offered
// and the request is unknown, flags or not.
TEST_F(VirtioBlkConformance, ThereIsNoSecureErase) {
    build_and_start();
    EXPECT_EQ(driver.offered_features() >> 16 & 1, 0U) << "SECURE_ERASE";
    offer_range(0, 14, {10, 1, 2});
    offer_range(1, 14, {10, 1, 0});
    driver.notify();
    EXPECT_EQ(status(0), 2);
    EXPECT_EQ(status(1), 2);
    EXPECT_EQ(disk_byte(10), 10);
}

// §5.2.6.2: LIFETIME is not offered for storage that knows nothing of it, and so no value of it is sent.
TEST_F(VirtioBlkConformance, ThereIsNoLifetime) {
    build_and_start();
    EXPECT_EQ(driver.offered_features() >> 15 & 1, 0U) << "LIFETIME";
    fill_buffer(0, 0xcc, 8);
    offer(0, 10, 0, {{buffer(0), 8, virtio::testing::kWrite, 0}});
    driver.notify();
    EXPECT_EQ(status(0), 2);
    EXPECT_EQ(word(buffer(0)), 0xcccc'cccc'cccc'ccccU);
}

// §5.2.6.2: with the cache off a write is committed before it is reported.
TEST_F(VirtioBlkConformance, AWriteWithoutCacheIsCommittedBeforeItCompletes) {
    build_and_start();
    driver.write(kDeviceBlock + 0x20, 0, 1);
    disk->inject({.error = 5, .on = kOnFlush, .times = 1});
    offer_write(0, 5, 512);
    driver.notify();
    EXPECT_EQ(status(0), 1) << "what could not be committed is no success";
    offer_write(1, 5, 512);
    driver.notify();
    EXPECT_EQ(status(1), 0);
}

// §2.7.10.2: without EVENT_IDX the flags of the used ring are 0 or 1; 1 while the device works by itself.
TEST_F(VirtioBlkConformance, TheUsedFlagsAreZeroOrOne) {
    build_and_start();
    FlagsWritten seen(ring.device);
    bench.board.set_observer(&seen);
    offer_read(0, 1, 512);
    driver.notify();
    bench.board.set_observer(&bench.seen);
    EXPECT_EQ(seen.values, (std::vector<std::uint16_t>{1, 0}));
    EXPECT_EQ(ring.used_flags(), 0U);
}

// §2.7.10.2: with EVENT_IDX they are 0.
TEST_F(VirtioBlkConformance, WithEventIdxTheUsedFlagsStayZero) {
    build();
    start(kPlain | kEventIdx);
    FlagsWritten seen(ring.device);
    bench.board.set_observer(&seen);
    offer_read(0, 1, 512);
    driver.notify();
    bench.board.set_observer(&bench.seen);
    EXPECT_TRUE(seen.values.empty());
    EXPECT_EQ(ring.used_flags(), 0U);
    EXPECT_EQ(ring.avail_event(), 1U) << "it is avail_event that speaks";
}

// §2.6.1.1.1 has a queue that was reset execute and signal nothing, and §4.1.4.3.1 has queue_reset read 1
// until that is so. QEMU's block device finishes what it took: its data lands, and the interrupt comes.
TEST_F(VirtioBlkConformance, ARequestUnderAQueueResetStillLandsAndInterruptsAsQemuDoes) {
    build_and_start();
    device->block().hold();
    offer_read(0, 77, 512);
    driver.notify();
    driver.write(virtio::testing::kQueueReset, 1, 2);
    EXPECT_EQ(driver.read(virtio::testing::kQueueReset, 2), 0U) << "as if it were done";
    device->block().release(0);
    EXPECT_EQ(word(buffer(0)), 77U);
    EXPECT_EQ(ring.used_index(), 0U) << "the used ring is not the device's any more";
    EXPECT_EQ(driver.acknowledge(), 1U);
}

}  // namespace
}  // namespace tb::model::block::testing
