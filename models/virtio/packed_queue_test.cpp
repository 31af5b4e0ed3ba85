// SPDX-License-Identifier: BSD-3-Clause
#include "models/virtio/packed_queue.hpp"

#include <gtest/gtest.h>

#include "models/virtio/testing/packed_bench.hpp"

namespace tb::model::virtio::testing {
namespace {

class PackedQueueTest : public PackedBench {};

TEST_F(PackedQueueTest, IsOfferedWhereTheOptionSaysSo) {
    EXPECT_NE(driver.offered_features() & kRingPacked, 0U);
}

TEST_F(PackedQueueTest, MovesDataAndWritesAUsedDescriptorWhereTheListBegan) {
    start();
    copy(5, 300);
    EXPECT_TRUE(echoed(300));
    EXPECT_EQ(seen(0).id, 5);
    EXPECT_EQ(seen(0).length, 300U);
    EXPECT_EQ(seen(0).flags, kAvail | kUsed) << "and no WRITE: QEMU never sets it";
    EXPECT_EQ(seen(0).address, kSource) << "the address stays as it was";
    EXPECT_EQ(seen(1).flags, kAvail | kWrite)
        << "one descriptor is written, and the others of the list are not";
    EXPECT_EQ(driver.acknowledge(), 1U);
    EXPECT_TRUE(bench.seen.findings.empty()) << bench.seen.findings[0].message;
}

TEST_F(PackedQueueTest, AvailableMeansThatTheFlagsDifferAndAvailIsTheWrapCounter) {
    start();
    for (const std::uint16_t flags : {std::uint16_t{0}, kUsed, std::uint16_t{kAvail | kUsed}}) {
        bench.store(at(0), PackedDescriptor{kSource, 8, 0, flags});
        driver.notify();
        EXPECT_TRUE(echo_device().chains.empty()) << flags;
    }
    EXPECT_EQ(driver.status(), 0xf);
}

TEST_F(PackedQueueTest, TheWrapCounterChangesWithEachLap) {
    start();
    for (std::uint16_t n = 0; n < 100; ++n) {
        // Three descriptors in a ring of eight: lists go over its end.
        const unsigned first = slot;
        const bool lap = wrap;
        add(n, {{kSource, 4, 0, 0}, {kSource + 4, 4, 0, 0}, {kTarget, 8, 0, kWrite}});
        driver.notify();
        ASSERT_EQ(seen(first).id, n);
        ASSERT_EQ(seen(first).flags, lap ? kAvail | kUsed : 0);
    }
    EXPECT_EQ(echo_device().chains.size(), 100U);
    EXPECT_TRUE(bench.seen.findings.empty());
}

TEST_F(PackedQueueTest, TheIdOfTheLastDescriptorCounts) {
    start();
    add(6, {{kSource, 4, 1, 0}, {kSource + 4, 4, 2, 0}, {kTarget, 8, 3, kWrite}});
    driver.notify();
    EXPECT_EQ(seen(0).id, 6);
}

TEST_F(PackedQueueTest, TakesEverythingThatIsAvailableAtOneDoorbell) {
    start();
    add(1, {{kSource, 4, 0, 0}, {kTarget, 4, 0, kWrite}});
    add(2, {{kSource, 4, 0, 0}});
    add(3, {{kTarget, 4, 0, kWrite}});
    driver.notify();
    EXPECT_EQ(seen(0).id, 1);
    EXPECT_EQ(seen(2).id, 2);
    EXPECT_EQ(seen(3).id, 3);
    EXPECT_EQ(seen(3).length, 0U);
}

TEST_F(PackedQueueTest, AnIndirectTableTakesOneDescriptorAndIsAsLongAsItIs) {
    start(kIndirectDesc);
    bench.store(kTable, PackedDescriptor{kSource, 64, 0, 0});
    bench.store(kTable + 16, PackedDescriptor{kSource + 64, 64, 0, 0});
    bench.store(kTable + 32, PackedDescriptor{kTarget, 128, 0, kWrite});
    add(7, {{kTable, 48, 0, kIndirect}});
    driver.notify();
    EXPECT_TRUE(echoed(128));
    EXPECT_EQ(seen(0).id, 7);
    EXPECT_EQ(seen(0).length, 128U);
    EXPECT_TRUE(bench.seen.findings.empty());
    copy(8);
    EXPECT_EQ(seen(1).id, 8) << "the next one begins behind it";
}

TEST_F(PackedQueueTest, FlagsThatATableMayNotHaveAreReportedAndPassedOver) {
    start(kIndirectDesc);
    bench.store(kTable, PackedDescriptor{kSource, 16, 0, kNext});
    bench.store(kTable + 16, PackedDescriptor{kTarget, 16, 0, kWrite});
    add(7, {{kTable, 32, 0, kIndirect}});
    driver.notify();
    EXPECT_TRUE(echoed(16));
    EXPECT_EQ(bench.seen.findings.size(), 1U);
}

TEST_F(PackedQueueTest, AnIndirectTableOfOddLengthOrOfNothingBreaksTheDevice) {
    for (const std::uint32_t bytes : {40U, 0U}) {
        start(kIndirectDesc);
        add(1, {{kTable, bytes, 0, kIndirect}});
        driver.notify();
        expect_failed();
    }
}

TEST_F(PackedQueueTest, AReadableDescriptorBehindAWritableOneBreaksTheDevice) {
    start();
    add(1, {{kTarget, 4, 0, kWrite}, {kSource, 4, 0, 0}});
    driver.notify();
    expect_failed();
}

TEST_F(PackedQueueTest, ADescriptorOfNothingBreaksTheDevice) {
    start();
    add(1, {{kSource, 0, 0, 0}});
    driver.notify();
    expect_failed();
}

TEST_F(PackedQueueTest, AListWithoutAnEndBreaksTheDevice) {
    start();
    for (unsigned i = 0; i < kSize; ++i) put(i, true, {kSource, 4, 0, kNext});
    driver.notify();
    expect_failed();
}

TEST_F(PackedQueueTest, ARingBeyondTheEndOfMemoryBreaksTheDevice) {
    driver.negotiate(kVersion1 | kRingPacked);
    driver.enable_queue(0, DriverRing(bench, kRamEnd - 32, kSize));
    EXPECT_NE(driver.status() & 0x40, 0);
}

TEST_F(PackedQueueTest, TheDriversFlagsSuppressNotifications) {
    start();
    suppress(kEventDisable);
    copy(1);
    EXPECT_EQ(driver.acknowledge(), 0U);
    suppress(0);
    copy(2);
    EXPECT_EQ(driver.acknowledge(), 1U);
}

TEST_F(PackedQueueTest, WithEventIdxTheDescriptorThatIsNamedAsksForANotification) {
    start(kEventIdx);
    suppress(kEventDescriptor, 4 | kWrap);
    copy(1);
    EXPECT_EQ(driver.acknowledge(), 1U) << "there is nothing yet to compare with";
    copy(2);
    EXPECT_EQ(driver.acknowledge(), 0U) << "slots 2 and 3";
    copy(3);
    EXPECT_EQ(driver.acknowledge(), 1U) << "slot 4";
    suppress(kEventDescriptor, 1);
    copy(4);
    EXPECT_EQ(driver.acknowledge(), 1U) << "the end of a lap forgets what was compared with";
    copy(5);
    EXPECT_EQ(driver.acknowledge(), 1U) << "slot 1 of the second lap";
    copy(6);
    EXPECT_EQ(driver.acknowledge(), 0U);
}

TEST_F(PackedQueueTest, AsksForDoorbellsByFlagsOrByTheNextDescriptor) {
    for (const std::uint64_t features : {std::uint64_t{0}, kEventIdx}) {
        start(features);
        copy(1);
        Queue& queue = device.queue(0);
        queue.set_notification(false);
        EXPECT_EQ(bench.load<std::uint16_t>(ring.device + 2), kEventDisable);
        queue.set_notification(true);
        EXPECT_EQ(bench.load<std::uint16_t>(ring.device + 2), features == 0 ? 0 : kEventDescriptor);
        EXPECT_EQ(bench.load<std::uint16_t>(ring.device), features == 0 ? 0 : (2 | kWrap));
    }
}

TEST_F(PackedQueueTest, ChainsThatAreReturnedTogetherStandWhereTheirDescriptorsWere) {
    start();
    Queue& queue = device.queue(0);
    add(1, {{kTarget, 4, 0, kWrite}, {kTarget, 4, 0, kWrite}});
    add(2, {{kTarget, 4, 0, kWrite}});
    EXPECT_TRUE(queue.has_room_for(12));
    EXPECT_FALSE(queue.has_room_for(13));
    std::vector<Filled> filled;
    while (std::optional<Chain> chain = queue.pop()) filled.push_back({std::move(*chain), 4});
    EXPECT_EQ(queue.in_use(), 3U);
    queue.push_together(filled);
    EXPECT_EQ(queue.in_use(), 0U);
    EXPECT_EQ(seen(0).id, 1);
    EXPECT_EQ(seen(2).id, 2);
    EXPECT_EQ(seen(2).flags, kAvail | kUsed);
}

// §2.8.12: used descriptors are written in the order in which chains complete.
TEST_F(PackedQueueTest, UsedDescriptorsStandInTheOrderOfCompletion) {
    start();
    Queue& queue = device.queue(0);
    add(1, {{kSource, 4, 0, 0}, {kTarget, 4, 0, kWrite}});
    add(2, {{kTarget, 4, 0, kWrite}});
    const std::optional<Chain> first = queue.pop();
    const std::optional<Chain> second = queue.pop();
    ASSERT_TRUE(first && second);
    EXPECT_EQ(first->head, 1) << "and they are taken in the order of the ring";
    queue.push(*second, 4);
    EXPECT_EQ(seen(0).id, 2);
    EXPECT_EQ(seen(1).flags, kAvail | kWrite) << "one slot on, where the first list's second descriptor was";
    queue.push(*first, 4);
    EXPECT_EQ(seen(1).id, 1);
    EXPECT_EQ(seen(1).flags, kAvail | kUsed);
}

// §2.8.15: nothing is written to readable buffers, and nothing read from writable ones; a descriptor is left
// alone once its flags say that it is used.
TEST_F(PackedQueueTest, WritesTheFlagsLastAndTouchesNothingElse) {
    start();
    bench.seen.dmas.clear();
    copy(1, 64);
    ASSERT_TRUE(echoed(64));
    std::vector<std::uint64_t> ring_writes;
    unsigned source_writes = 0;
    unsigned target_reads = 0;
    for (const auto& dma : bench.seen.dmas) {
        if (dma.write && dma.address >= ring.descriptors && dma.address < ring.descriptors + 16 * kSize)
            ring_writes.push_back(dma.address - ring.descriptors);
        if (dma.write && dma.address >= kSource && dma.address < kSource + 64) ++source_writes;
        if (!dma.write && dma.address >= kTarget && dma.address < kTarget + 64) ++target_reads;
    }
    EXPECT_EQ(ring_writes, (std::vector<std::uint64_t>{12, 8, 14})) << "id, length, flags";
    EXPECT_EQ(source_writes, 0U);
    EXPECT_EQ(target_reads, 0U);
}

// §2.8.18: the descriptors of a list are used in its order.
TEST_F(PackedQueueTest, GathersAndScattersInTheOrderOfTheList) {
    start();
    add(1, {{kSource, 100, 0, 0},
            {kSource + 100, 1, 0, 0},
            {kSource + 101, 50, 0, 0},
            {kTarget, 7, 0, kWrite},
            {kTarget + 7, 200, 0, kWrite}});
    driver.notify();
    EXPECT_TRUE(echoed(151));
    EXPECT_EQ(seen(0).length, 151U);
}

TEST_F(PackedQueueTest, AChainThatWasNotTakenComesAgain) {
    start();
    Queue& queue = device.queue(0);
    add(9, {{kTarget, 4, 0, kWrite}});
    const std::optional<Chain> chain = queue.pop();
    ASSERT_TRUE(chain);
    EXPECT_TRUE(queue.empty());
    queue.unpop(*chain);
    EXPECT_EQ(queue.in_use(), 0U);
    const std::optional<Chain> again = queue.pop();
    ASSERT_TRUE(again);
    EXPECT_EQ(again->head, 9);
}

TEST_F(PackedQueueTest, AResetTakesWrapCountersAndPlacesBack) {
    start();
    for (std::uint16_t n = 0; n < 5; ++n) copy(n);
    bench.store(at(0), PackedDescriptor{});
    start();
    copy(3);
    EXPECT_EQ(seen(0).id, 3);
    EXPECT_EQ(seen(0).flags, kAvail | kUsed);
}

}  // namespace
}  // namespace tb::model::virtio::testing
