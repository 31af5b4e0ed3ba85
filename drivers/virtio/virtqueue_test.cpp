// SPDX-License-Identifier: BSD-3-Clause
#include "virtio/virtqueue.hpp"

#include <gtest/gtest.h>

#include <set>
#include <vector>

#include "virtio/testing/virtqueue_fixture.hpp"

namespace tb::virtio {
namespace {

using hal::Error;
using ::testing::_;
using testing::Chain;
using testing::VirtqueueTest;
using testing::WatchedMachine;

TEST_F(VirtqueueTest, TheDeviceFindsABufferAsItWasAdded) {
    create(8);
    const std::vector<Segment> out{{0x1000, 16}, {0x3000, 512}};
    const std::vector<Segment> in{{0x2'0000'0000, 4096}, {0x2000, 1}};
    ASSERT_TRUE(queue.add(out, in, 7));
    const Chain chain = take();
    ASSERT_EQ(chain.pieces.size(), 4u);
    EXPECT_EQ(chain.pieces[1].address, 0x3000u);
    EXPECT_EQ(chain.pieces[1].bytes, 512u);
    EXPECT_FALSE(chain.pieces[1].device_writes());
    EXPECT_EQ(chain.pieces[2].address, 0x2'0000'0000u);
    EXPECT_TRUE(chain.pieces[2].device_writes());
    EXPECT_TRUE(chain.pieces[3].device_writes());
    EXPECT_EQ(chain.writable(), 4097u);
    EXPECT_FALSE(device.take());
}

TEST_F(VirtqueueTest, WhatTheDeviceUsedComesBackWithItsCookieAndLength) {
    create(8);
    ASSERT_TRUE(add(1));
    ASSERT_TRUE(add(2));
    const Chain first = take();
    const Chain second = take();
    device.use(second.head, 64);
    device.use(first.head, 3);
    EXPECT_EQ(queue.pop()->cookie, 2);
    const auto used = queue.pop();
    ASSERT_TRUE(used);
    EXPECT_EQ(used->cookie, 1);
    EXPECT_EQ(used->bytes, 3u);
    EXPECT_EQ(queue.pop().error(), Error::kBusy);
    EXPECT_EQ(queue.free_descriptors(), 8);
    EXPECT_EQ(queue.in_flight(), 0);
}

TEST_F(VirtqueueTest, ThePartsAreAlignedAndDoNotOverlap) {
    for (const std::uint16_t entries : std::initializer_list<std::uint16_t>{1, 2, 4, 64, 256}) {
        create(entries);
        EXPECT_EQ(queue.descriptor_area() % ring::kDescAlignment, 0u);
        EXPECT_EQ(queue.driver_area() % ring::kAvailAlignment, 0u);
        EXPECT_EQ(queue.device_area() % ring::kUsedAlignment, 0u);
        EXPECT_GE(queue.driver_area(), queue.descriptor_area() + std::uint64_t{entries} * 16);
        EXPECT_GE(queue.device_area(), queue.driver_area() + ring::avail_bytes(entries));
    }
}

TEST_F(VirtqueueTest, TheIndexIsPublishedBehindEntryAndDescriptors) {
    create(8);
    ASSERT_TRUE(add(1));
    const auto& last = machine.events.back();
    EXPECT_EQ(last.address, queue.driver_area() + ring::kIdx);
    EXPECT_EQ(last.order, hal::MemoryOrder::kRelease);
}

TEST_F(VirtqueueTest, AFullBarrierStandsBetweenTheIndexAndTheLookAtSuppression) {
    for (const bool event_idx : {false, true}) {
        create(8, {.event_idx = event_idx});
        ASSERT_TRUE(add(1));
        machine.events.clear();
        EXPECT_TRUE(queue.kick());
        ASSERT_EQ(machine.events.size(), 3u);
        EXPECT_EQ(machine.events[0].kind, WatchedMachine::Kind::kBarrier);
        EXPECT_EQ(machine.events[1].kind, WatchedMachine::Kind::kLoad);
        EXPECT_EQ(machine.events[1].address,
                  queue.device_area() + (event_idx ? ring::avail_event(8) : ring::kFlags));
        EXPECT_EQ(machine.events[2].kind, WatchedMachine::Kind::kNotify);
    }
}

TEST_F(VirtqueueTest, AKickWritesTheQueueIndexToTheDoorbellOnce) {
    create(8);
    EXPECT_FALSE(queue.kick());
    ASSERT_TRUE(add(1));
    ASSERT_TRUE(add(2));
    EXPECT_TRUE(queue.kick());
    EXPECT_FALSE(queue.kick());
    EXPECT_EQ(machine.doorbells, std::vector<std::uint64_t>{5});
}

TEST_F(VirtqueueTest, NoKickWhenTheDeviceWantsNone) {
    create(8);
    device.set_no_notify(true);
    ASSERT_TRUE(add(1));
    EXPECT_FALSE(queue.kick());
    device.set_no_notify(false);
    ASSERT_TRUE(add(2));
    EXPECT_TRUE(queue.kick());
}

TEST_F(VirtqueueTest, OnlyTheLowestFlagBitSuppresses) {
    create(8);
    device.poke<std::uint16_t>(queue.device_area() + ring::kFlags, 0xfffe);
    ASSERT_TRUE(add(1));
    EXPECT_TRUE(queue.kick());
}

TEST_F(VirtqueueTest, WithEventIndicesAKickComesWhenTheEventIsPassed) {
    create(8, {.event_idx = true});
    device.set_no_notify(true);  // not looked at
    device.set_avail_event(1);
    ASSERT_TRUE(add(1));
    EXPECT_FALSE(queue.kick());  // 0 -> 1 does not pass 1
    ASSERT_TRUE(add(2));
    EXPECT_TRUE(queue.kick());  // 1 -> 2 does
    ASSERT_TRUE(add(3));
    EXPECT_FALSE(queue.kick());
}

TEST(NeedEvent, HoldsOverTheWrap) {
    EXPECT_TRUE(ring::need_event(65534, 0, 65528));
    EXPECT_TRUE(ring::need_event(65535, 0, 65535));
    EXPECT_TRUE(ring::need_event(0, 1, 65530));
    EXPECT_FALSE(ring::need_event(0, 0, 65530));
    EXPECT_FALSE(ring::need_event(65527, 0, 65528));
    EXPECT_FALSE(ring::need_event(5, 5, 5));
}

TEST_F(VirtqueueTest, ABatchThatPassesTheEventOverTheWrapIsKicked) {
    create(8, {.event_idx = true});
    for (unsigned i = 0; i < 65528; ++i) {
        ASSERT_TRUE(add(0));
        device.use(take());
        ASSERT_TRUE(queue.pop());
    }
    queue.kick();
    device.set_avail_event(65534);
    for (int i = 0; i < 4; ++i) {
        ASSERT_TRUE(add(0));
        device.use(take());
        ASSERT_TRUE(queue.pop());
    }
    EXPECT_FALSE(queue.kick());  // 65528 -> 65532
    for (int i = 0; i < 4; ++i) ASSERT_TRUE(add(0));
    EXPECT_TRUE(queue.kick());  // 65532 -> 0
}

TEST_F(VirtqueueTest, KeepsWorkingWhenTheIndicesWrap) {
    create(4);
    for (std::uint32_t i = 0; i < 70000; ++i) {
        ASSERT_TRUE(add(static_cast<std::uint16_t>(i)));
        ASSERT_TRUE(add(static_cast<std::uint16_t>(i + 1)));
        const Chain first = take();
        device.use(take());
        device.use(first);
        ASSERT_EQ(queue.pop()->cookie, static_cast<std::uint16_t>(i + 1)) << i;
        ASSERT_EQ(queue.pop()->cookie, static_cast<std::uint16_t>(i)) << i;
    }
    EXPECT_EQ(device.used_idx(), static_cast<std::uint16_t>(140000));
    EXPECT_EQ(queue.free_descriptors(), 4);
}

TEST_F(VirtqueueTest, AFullRingIsBusyUntilSomethingIsPopped) {
    create(4);
    ASSERT_TRUE(add(1));
    ASSERT_TRUE(add(2));
    EXPECT_EQ(add(3).error(), Error::kBusy);
    device.use(take());
    ASSERT_TRUE(queue.pop());
    EXPECT_TRUE(add(3));
}

TEST_F(VirtqueueTest, ALargeBufferIsBusyWhenOnlySmallOnesFit) {
    create(4);
    const std::vector<Segment> three(3, Segment{0x1000, 8});
    ASSERT_TRUE(add(1));
    EXPECT_EQ(queue.add(three, {}, 2).error(), Error::kBusy);
    EXPECT_TRUE(add(2));
}

TEST_F(VirtqueueTest, AChainMayBeAsLongAsTheQueueAndNoLonger) {
    create(256);
    const std::vector<Segment> all(255, Segment{0x1000, 8});
    const Segment last{0x2000, 1};
    ASSERT_TRUE(queue.add(all, {&last, 1}, 9));
    EXPECT_EQ(queue.free_descriptors(), 0);
    const Chain chain = take();
    EXPECT_EQ(chain.pieces.size(), 256u);
    device.use(chain);
    EXPECT_EQ(queue.pop()->cookie, 9);
    EXPECT_EQ(queue.free_descriptors(), 256);
    const std::vector<Segment> more(256, Segment{0x1000, 8});
    EXPECT_EQ(queue.add(more, {&last, 1}, 9).error(), Error::kOutOfRange);
}

TEST_F(VirtqueueTest, BuffersThatMakeNoSenseAreRefused) {
    create(8);
    EXPECT_EQ(queue.add({}, {}, 0).error(), Error::kInvalidArgument);
    const Segment empty{0x1000, 0};
    EXPECT_EQ(queue.add({&empty, 1}, {}, 0).error(), Error::kInvalidArgument);
    const std::vector<Segment> huge(2, Segment{0x1000, 0x8000'0000});
    EXPECT_EQ(queue.add({}, huge, 0).error(), Error::kInvalidArgument);
    EXPECT_FALSE(device.take());
    EXPECT_EQ(queue.free_descriptors(), 8);
}

TEST_F(VirtqueueTest, SizesThatMakeNoSenseAreRefused) {
    for (const std::uint16_t entries : std::initializer_list<std::uint16_t>{0, 3, 100, 512, 32768})
        EXPECT_EQ(queue.create(platform, entries, {}).error(), Error::kInvalidArgument) << entries;
    EXPECT_EQ(add(1).error(), Error::kProtocol);
    EXPECT_EQ(queue.pop().error(), Error::kProtocol);
}

TEST_F(VirtqueueTest, AQueueOfOneEntryWorks) {
    create(1);
    const Segment in{0x2000, 4};
    for (int i = 0; i < 3; ++i) {
        ASSERT_TRUE(queue.add({}, {&in, 1}, 1));
        EXPECT_EQ(queue.add({}, {&in, 1}, 1).error(), Error::kBusy);
        device.use(take());
        EXPECT_EQ(queue.pop()->bytes, 4u);
    }
}

// ---- Indirect descriptors ----

TEST_F(VirtqueueTest, AnIndirectBufferTakesOneDescriptor) {
    create(4, {.indirect_tables = 2, .indirect_entries = 4});
    const std::vector<Segment> out{{0x1000, 16}, {0x3000, 512}};
    const Segment in{0x2000, 1};
    ASSERT_TRUE(queue.add(out, {&in, 1}, 7));
    EXPECT_EQ(queue.free_descriptors(), 3);
    const Chain chain = take();
    EXPECT_TRUE(chain.indirect);
    ASSERT_EQ(chain.pieces.size(), 3u);
    EXPECT_EQ(chain.pieces[1].address, 0x3000u);
    EXPECT_TRUE(chain.pieces[2].device_writes());
    // The descriptor that refers to the table says nothing but that (§2.7.5.3.1).
    EXPECT_EQ(device.peek<std::uint16_t>(queue.descriptor_area() + std::uint64_t{chain.head} * 16 + 12),
              ring::kDescIndirect);
    device.use(chain.head, 1);
    EXPECT_EQ(queue.pop()->cookie, 7);
}

TEST_F(VirtqueueTest, WithoutAFreeTableABufferGoesDirect) {
    create(8, {.indirect_tables = 2, .indirect_entries = 4});
    for (std::uint16_t i = 0; i < 3; ++i) ASSERT_TRUE(add(i));
    EXPECT_EQ(queue.free_descriptors(), 4);
    const Chain first = take();
    EXPECT_TRUE(first.indirect);
    EXPECT_TRUE(take().indirect);
    EXPECT_FALSE(take().indirect);
    device.use(first);
    ASSERT_TRUE(queue.pop());
    ASSERT_TRUE(add(9));
    EXPECT_TRUE(take().indirect);
}

TEST_F(VirtqueueTest, ABufferLongerThanATableGoesDirectAndOneSegmentNeedsNone) {
    create(8, {.indirect_tables = 2, .indirect_entries = 2});
    const std::vector<Segment> three(3, Segment{0x1000, 8});
    ASSERT_TRUE(queue.add(three, {}, 1));
    ASSERT_TRUE(queue.add({three.data(), 1}, {}, 2));
    EXPECT_FALSE(take().indirect);
    EXPECT_FALSE(take().indirect);
}

TEST_F(VirtqueueTest, TablesOfBuffersInFlightAreNeverShared) {
    create(16, {.indirect_tables = 4, .indirect_entries = 4});
    std::vector<Chain> flying;
    for (int round = 0; round < 200; ++round) {
        while (flying.size() < 4) {
            ASSERT_TRUE(add(static_cast<std::uint16_t>(round)));
            flying.push_back(take());
        }
        std::set<std::uint64_t> tables;
        for (const Chain& chain : flying)
            tables.insert(
                device.peek<std::uint64_t>(queue.descriptor_area() + std::uint64_t{chain.head} * 16));
        ASSERT_EQ(tables.size(), 4u);
        const auto victim = flying.begin() + round % 4;
        device.use(*victim);
        flying.erase(victim);
        ASSERT_TRUE(queue.pop());
    }
}

TEST_F(VirtqueueTest, AChainLongerThanTheQueueIsRefusedInATableToo) {
    create(4, {.indirect_tables = 2, .indirect_entries = 8});
    const std::vector<Segment> five(5, Segment{0x1000, 8});
    EXPECT_EQ(queue.add(five, {}, 1).error(), Error::kOutOfRange);
}

// ---- Interrupt suppression ----

TEST_F(VirtqueueTest, TheFlagTellsTheDeviceWhetherToInterrupt) {
    create(8);
    EXPECT_EQ(device.avail_flags(), 0);
    queue.disable_interrupts();
    EXPECT_EQ(device.avail_flags(), ring::kAvailNoInterrupt);
    EXPECT_FALSE(queue.enable_interrupts());
    EXPECT_EQ(device.avail_flags(), 0);
}

TEST_F(VirtqueueTest, WithEventIndicesTheFlagStaysZero) {
    create(8, {.event_idx = true});
    ASSERT_TRUE(add(1));
    device.use(take());
    ASSERT_TRUE(queue.pop());
    queue.disable_interrupts();
    EXPECT_EQ(device.avail_flags(), 0);
    // The device interrupts when it passes the event: from 1 to 2 it does not.
    EXPECT_FALSE(ring::need_event(device.used_event(), 2, 1));
    EXPECT_FALSE(queue.enable_interrupts());
    EXPECT_TRUE(ring::need_event(device.used_event(), 2, 1));
}

TEST_F(VirtqueueTest, WhatWasUsedBeforeInterruptsWereOnAgainIsNotMissed) {
    for (const bool event_idx : {false, true}) {
        create(8, {.event_idx = event_idx});
        queue.disable_interrupts();
        ASSERT_TRUE(add(1));
        device.use(take());
        EXPECT_TRUE(queue.enable_interrupts());
        // The look comes behind a full barrier behind the store.
        ASSERT_GE(machine.events.size(), 3u);
        const auto look = machine.events.end() - 1;
        EXPECT_EQ(look->address, queue.device_area() + ring::kIdx);
        EXPECT_EQ((look - 1)->kind, WatchedMachine::Kind::kBarrier);
        EXPECT_EQ((look - 2)->kind, WatchedMachine::Kind::kStore);
    }
}

// ---- Memory ----

TEST_F(VirtqueueTest, GivesBackAllThatItTook) {
    EXPECT_CALL(machine, dma_allocate(_, _)).Times(2);
    create(8, {.indirect_tables = 2, .indirect_entries = 4});
    EXPECT_CALL(machine, dma_free(_, _)).Times(2);
    queue.destroy();
    queue.destroy();
}

TEST_F(VirtqueueTest, WithoutMemoryForTheTablesNothingIsKept) {
    EXPECT_CALL(machine, dma_allocate(_, _))
        .WillOnce(::testing::Return(hal::Result<std::uint64_t>(hal::testing::MockMachine::kDmaBase)))
        .WillOnce(::testing::Return(hal::Result<std::uint64_t>(Error::kNoMemory)));
    EXPECT_CALL(machine, dma_free(hal::testing::MockMachine::kDmaBase, _));
    EXPECT_EQ(queue.create(platform, 8, {.indirect_tables = 2, .indirect_entries = 4}).error(),
              Error::kNoMemory);
    EXPECT_EQ(add(1).error(), Error::kProtocol);
}

}  // namespace
}  // namespace tb::virtio
