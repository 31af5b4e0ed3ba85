// SPDX-License-Identifier: BSD-3-Clause
// Requests in flight: latency, holding, resets, resizing, interrupts on the way.
#include <gtest/gtest.h>

#include "models/block/testing/blk_bench.hpp"

namespace tb::model::block::testing {
namespace {

using virtio::testing::kDeviceBlock;

class VirtioBlkFlight : public BlkBench {
  protected:
    std::vector<std::uint32_t> used_ids() {
        std::vector<std::uint32_t> ids;
        ids.reserve(ring.used_index());
        for (unsigned i = 0; i < ring.used_index(); ++i) ids.push_back(ring.used(i).id);
        return ids;
    }
};

TEST_F(VirtioBlkFlight, ARequestTakesTheTimeOfThePlan) {
    VirtioBlkOptions options;
    options.block.latency = {.fixed = 1000};
    build_and_start(options);
    offer_read(0, 3, 512);
    driver.notify();
    bench.simulation.advance(999);
    EXPECT_EQ(ring.used_index(), 0U);
    EXPECT_EQ(device->block().in_flight(), 1U);
    EXPECT_EQ(word(buffer(0)), 0U);
    bench.simulation.advance(1);
    EXPECT_EQ(ring.used_index(), 1U);
    EXPECT_EQ(word(buffer(0)), 3U);
    EXPECT_EQ(device->block().in_flight(), 0U);
}

TEST_F(VirtioBlkFlight, AQuickRequestOvertakesASlowOne) {
    build_and_start();
    device->block().set_latency({.fixed = 1000});
    offer_read(0, 3, 512);
    driver.notify();
    device->block().set_latency({.fixed = 10});
    offer_read(1, 4, 512);
    driver.notify();
    bench.simulation.advance(10);
    EXPECT_EQ(used_ids(), (std::vector<std::uint32_t>{4}));
    bench.simulation.advance(990);
    EXPECT_EQ(used_ids(), (std::vector<std::uint32_t>{4, 0}));
}

TEST_F(VirtioBlkFlight, AResetDrainsInTheOrderInWhichTheyWereDue) {
    build_and_start();
    device->block().set_latency({.fixed = 1000});
    offer_read(0, 3, 512);
    driver.notify();
    device->block().set_latency({.fixed = 10});
    offer_read(1, 4, 512);
    driver.notify();
    driver.set_status(0);
    EXPECT_EQ(used_ids(), (std::vector<std::uint32_t>{4, 0}));
}

TEST_F(VirtioBlkFlight, JitterReordersAndTheSeedRepeatsIt) {
    const auto order = [](std::uint64_t seed) {
        struct Run : VirtioBlkFlight {
            void TestBody() override {}
            std::vector<std::uint32_t> go(std::uint64_t with) {
                VirtioBlkOptions options;
                options.block.latency = {.fixed = 100, .jitter = 10'000, .seed = with};
                build_and_start(options);
                for (unsigned n = 0; n < 4; ++n) offer_read(n, 100ULL * n, 512);
                driver.notify();
                bench.simulation.advance(20'000);
                return used_ids();
            }
        } run;
        return run.go(seed);
    };
    EXPECT_EQ(order(3), order(3));
    EXPECT_EQ(order(3).size(), 4U);
    bool reordered = false;
    for (std::uint64_t seed = 1; seed < 8; ++seed)
        reordered = reordered || order(seed) != std::vector<std::uint32_t>{0, 4, 8, 12};
    EXPECT_TRUE(reordered);
}

TEST_F(VirtioBlkFlight, CompletionsOfOneTimeStayInOrderWhateverTheEventQueueDoes) {
    for (std::uint64_t seed = 1; seed < 6; ++seed) {
        struct Run : VirtioBlkFlight {
            void TestBody() override {}
            std::vector<std::uint32_t> go(std::uint64_t with) {
                build_and_start();
                bench.simulation.queue().shuffle(with);
                for (unsigned n = 0; n < 4; ++n) {
                    offer_read(n, 100ULL * n, 512);
                    bench.cpu.write(pci::Space::kMemory, virtio::testing::kBar + 0x3000, 2, 0);
                }
                bench.simulation.settle();
                return used_ids();
            }
        } run;
        EXPECT_EQ(run.go(seed), (std::vector<std::uint32_t>{0, 4, 8, 12}));
    }
}

TEST_F(VirtioBlkFlight, HeldRequestsCompleteInTheOrderOfTheirRelease) {
    build_and_start();
    device->block().hold();
    for (unsigned n = 0; n < 3; ++n) offer_read(n, 100ULL * n, 512);
    driver.notify();
    bench.simulation.advance(1'000'000);
    EXPECT_EQ(ring.used_index(), 0U);
    EXPECT_EQ(device->block().held(), (std::vector<std::uint64_t>{0, 1, 2}));
    EXPECT_TRUE(device->block().release(2));
    EXPECT_TRUE(device->block().release(0));
    EXPECT_FALSE(device->block().release(0)) << "gone already";
    EXPECT_EQ(used_ids(), (std::vector<std::uint32_t>{8, 0}));
    EXPECT_EQ(driver.acknowledge(), 1U);
    device->block().release_all();
    EXPECT_EQ(used_ids(), (std::vector<std::uint32_t>{8, 0, 4}));
    offer_read(3, 9, 512);
    driver.notify();
    EXPECT_EQ(ring.used_index(), 4U) << "holds no more";
}

TEST_F(VirtioBlkFlight, WritesTakeTheirDataWhenTheyComplete) {
    build_and_start();
    device->block().hold();
    fill_buffer(0, 0x11, 512);
    offer_write(0, 5, 512);
    driver.notify();
    fill_buffer(0, 0x22, 512);  // a driver that touches a buffer in flight sees it
    device->block().release(0);
    EXPECT_EQ(disk_byte(5), 0x22);
}

TEST_F(VirtioBlkFlight, AResetLetsWhatIsInFlightLandFirst) {
    build();
    driver.enable_msix(2);
    start(kPlain, 1);
    device->block().hold();
    offer_read(0, 77, 512);
    offer_read(1, 78, 512);
    driver.notify();
    driver.set_status(0);
    EXPECT_EQ(ring.used_index(), 2U);
    EXPECT_EQ(word(buffer(0)), 77U);
    EXPECT_EQ(status(1), 0);
    EXPECT_EQ(bench.seen.messages.size(), 2U) << "their interrupts too";
    EXPECT_EQ(driver.acknowledge(), 0U) << "but not the ISR";
    EXPECT_EQ(device->block().in_flight(), 0U);
}

TEST_F(VirtioBlkFlight, NothingLandsAfterAReset) {
    VirtioBlkOptions options;
    options.block.latency = {.fixed = 1000};
    build_and_start(options);
    offer_read(0, 77, 512);
    driver.notify();
    driver.set_status(0);
    bench.seen.dmas.clear();
    bench.simulation.advance(10'000);
    EXPECT_TRUE(bench.seen.dmas.empty());
}

TEST_F(VirtioBlkFlight, APowerOnResetLetsNothingLand) {
    VirtioBlkOptions options;
    options.block.latency = {.fixed = 1000};
    build_and_start(options);
    offer_read(0, 77, 512);
    driver.notify();
    device->power_on_reset();
    bench.simulation.advance(10'000);
    EXPECT_EQ(ring.used_index(), 0U);
    EXPECT_EQ(word(buffer(0)), 0U);
}

TEST_F(VirtioBlkFlight, BusMasterTakenAwayWhileInFlightLosesTheCompletion) {
    build_and_start();
    device->block().hold();
    offer_read(0, 77, 512);
    driver.notify();
    driver.enable_function(2);
    device->block().release(0);
    EXPECT_EQ(ring.used_index(), 0U);
    EXPECT_EQ(word(buffer(0)), 0U);
    EXPECT_FALSE(bench.board.irq_level(20));
}

TEST_F(VirtioBlkFlight, AQueueResetUnderARequestMakesItFinishUnseen) {
    build();
    start(kPlain);
    device->block().hold();
    offer_read(0, 77, 512);
    driver.notify();
    driver.write(virtio::testing::kQueueReset, 1, 2);
    device->block().release(0);
    EXPECT_EQ(ring.used_index(), 0U);
    EXPECT_EQ(bench.seen.findings.size(), 1U);
}

TEST_F(VirtioBlkFlight, ABrokenDeviceReturnsNothingThatWasInFlight) {
    build_and_start();
    device->block().hold();
    offer_read(0, 77, 512);
    driver.notify();
    ring.offer(99);
    driver.notify();
    EXPECT_EQ(driver.status(), 0x4f);
    device->block().release(0);
    EXPECT_EQ(ring.used_index(), 0U);
}

TEST_F(VirtioBlkFlight, AFullQueueInFlightBreaksWhenMoreIsOffered) {
    build_and_start();
    device->block().hold();
    for (unsigned n = 0; n < 4; ++n) offer_read(n, n, 512);
    driver.notify();
    for (unsigned i = 0; i < 13; ++i) ring.offer(0);  // the same head again and again
    driver.notify();
    EXPECT_EQ(driver.status(), 0x4f);
}

TEST_F(VirtioBlkFlight, AResizeIsAConfigurationChange) {
    build_and_start();
    EXPECT_EQ(device->block().resize(40'000), 0);
    EXPECT_TRUE(bench.board.irq_level(20));
    EXPECT_EQ(driver.acknowledge(), 3U);
    EXPECT_EQ(driver.read(kDeviceBlock, 4), 40'000U);
    EXPECT_EQ(driver.read(virtio::testing::kConfigGeneration, 1), 1U);
    offer_read(0, 39'999, 512);
    driver.notify();
    EXPECT_EQ(status(0), 0);
}

TEST_F(VirtioBlkFlight, AMaskedVectorIsPendingUntilItIsUnmasked) {
    build();
    driver.enable_msix(2, true);
    start(kPlain, 1);
    offer_read(0, 3, 512);
    driver.notify();
    EXPECT_EQ(ring.used_index(), 1U);
    EXPECT_EQ(bench.read(virtio::testing::kMsixTable + 0x800), 2U);
    bench.write(virtio::testing::kMsixTable + 0x1c, 0);
    ASSERT_EQ(bench.seen.messages.size(), 1U);
    EXPECT_EQ(bench.seen.messages[0].second, 0x41U);
}

TEST_F(VirtioBlkFlight, EventIndexSuppressesTheInterruptsOfABatch) {
    build();
    start(kPlain | virtio::testing::kEventIdx);
    offer_read(0, 3, 512);
    driver.notify();
    EXPECT_EQ(driver.acknowledge(), 1U);
    ring.set_used_event(3);
    offer_read(1, 30, 512);
    offer_read(2, 60, 512);
    driver.notify();
    EXPECT_EQ(ring.used_index(), 3U);
    EXPECT_EQ(driver.acknowledge(), 0U);
    EXPECT_EQ(ring.avail_event(), 3U) << "the device wants to hear of the fourth";
    offer_read(3, 90, 512);
    driver.notify();
    EXPECT_EQ(driver.acknowledge(), 1U);
}

TEST_F(VirtioBlkFlight, WithoutEventIndexTheDeviceAsksForDoorbellsAgain) {
    build_and_start();
    bench.store<std::uint16_t>(ring.device, 1);
    driver.notify();
    EXPECT_EQ(ring.used_flags(), 0U);
}

}  // namespace
}  // namespace tb::model::block::testing
