// SPDX-License-Identifier: BSD-3-Clause
// The packed ring, driver's side (VIRTIO 1.2 §2.8).
#include <gtest/gtest.h>

#include <set>
#include <vector>

#include "virtio/testing/virtqueue_fixture.hpp"
#include "virtio/virtqueue.hpp"

namespace tb::virtio {
namespace {

using hal::Error;
using testing::PackedChain;
using testing::PackedVirtqueueTest;
using testing::WatchedMachine;

TEST_F(PackedVirtqueueTest, TheDeviceFindsABufferAsItWasAdded) {
    create(8);
    const std::vector<Segment> out{{0x1000, 16}, {0x3000, 512}};
    const std::vector<Segment> in{{0x2'0000'0000, 4096}, {0x2000, 1}};
    ASSERT_TRUE(queue.add(out, in, 7));
    EXPECT_EQ(queue.free_descriptors(), 4);
    const PackedChain chain = take();
    ASSERT_EQ(chain.pieces.size(), 4u);
    EXPECT_EQ(chain.pieces[1].address, 0x3000u);
    EXPECT_EQ(chain.pieces[1].bytes, 512u);
    EXPECT_FALSE(chain.pieces[1].device_writes());
    EXPECT_EQ(chain.pieces[2].address, 0x2'0000'0000u);
    EXPECT_TRUE(chain.pieces[2].device_writes());
    EXPECT_EQ(chain.writable(), 4097u);
    EXPECT_FALSE(device.take());
}

TEST_F(PackedVirtqueueTest, BuffersComeBackInAnyOrderWithCookieAndLength) {
    create(8);
    ASSERT_TRUE(add(1));
    ASSERT_TRUE(add_one(2));
    ASSERT_TRUE(add(3));
    const PackedChain first = take();
    const PackedChain second = take();
    const PackedChain third = take();
    device.use(second, 9);
    device.use(third);
    device.use(first, 3);
    const auto used = queue.pop();
    ASSERT_TRUE(used);
    EXPECT_EQ(used->cookie, 2);
    EXPECT_EQ(used->bytes, 9u);
    EXPECT_EQ(queue.pop()->cookie, 3);
    EXPECT_EQ(queue.pop()->cookie, 1);
    EXPECT_EQ(queue.pop().error(), Error::kBusy);
    EXPECT_EQ(queue.free_descriptors(), 8);
    EXPECT_EQ(queue.in_flight(), 0);
}

TEST_F(PackedVirtqueueTest, ThePartsAreAlignedAndDoNotOverlap) {
    for (const std::uint16_t entries : std::initializer_list<std::uint16_t>{1, 3, 4, 100, 256}) {
        create(entries);
        EXPECT_EQ(queue.descriptor_area() % packed::kDescAlignment, 0u);
        EXPECT_EQ(queue.driver_area() % packed::kEventAlignment, 0u);
        EXPECT_EQ(queue.device_area() % packed::kEventAlignment, 0u);
        EXPECT_GE(queue.driver_area(), queue.descriptor_area() + std::uint64_t{entries} * 16);
        EXPECT_GE(queue.device_area(), queue.driver_area() + packed::kEventBytes);
    }
}

TEST_F(PackedVirtqueueTest, TheHeadIsPublishedBehindTheOthers) {
    create(8);
    ASSERT_TRUE(add_one(0));  // so that the list does not start where the ring does
    ASSERT_TRUE(add(1));
    const auto& last = machine.events.back();
    EXPECT_EQ(last.address, device.at(1) + packed::kLen);
    EXPECT_EQ(last.order, hal::MemoryOrder::kRelease);
}

TEST_F(PackedVirtqueueTest, AListGoesOverTheEndOfTheRingWithAnotherWrapCounter) {
    create(4);
    const std::vector<Segment> three(3, Segment{0x1000, 8});
    for (std::uint16_t i = 0; i < 50; ++i) {
        ASSERT_TRUE(queue.add(three, {}, i));
        const PackedChain chain = take();
        ASSERT_EQ(chain.pieces.size(), 3u) << i;
        device.use(chain);
        ASSERT_EQ(queue.pop()->cookie, i);
    }
}

TEST_F(PackedVirtqueueTest, WorksLapAfterLapWithAnySizeAndOutOfOrder) {
    for (const std::uint16_t entries : std::initializer_list<std::uint16_t>{5, 8, 255}) {
        create(entries);
        for (std::uint32_t i = 0; i < 3000; ++i) {
            ASSERT_TRUE(add(static_cast<std::uint16_t>(i)));
            ASSERT_TRUE(add_one(static_cast<std::uint16_t>(i + 1)));
            const PackedChain first = take();
            device.use(take());
            device.use(first);
            ASSERT_EQ(queue.pop()->cookie, static_cast<std::uint16_t>(i + 1)) << i;
            ASSERT_EQ(queue.pop()->cookie, static_cast<std::uint16_t>(i)) << i;
            ASSERT_EQ(queue.pop().error(), Error::kBusy);
        }
        EXPECT_EQ(queue.free_descriptors(), entries);
    }
}

TEST_F(PackedVirtqueueTest, BufferIdsInFlightAreNeverShared) {
    create(8);
    std::vector<PackedChain> flying;
    for (int round = 0; round < 300; ++round) {
        while (flying.size() < 4) {
            ASSERT_TRUE(add(static_cast<std::uint16_t>(round)));
            flying.push_back(take());
        }
        std::set<std::uint16_t> ids;
        for (const PackedChain& chain : flying) ids.insert(chain.id);
        ASSERT_EQ(ids.size(), 4u);
        const auto victim = flying.begin() + round % 4;
        device.use(*victim);
        flying.erase(victim);
        ASSERT_TRUE(queue.pop());
    }
}

TEST_F(PackedVirtqueueTest, AFullRingIsBusyUntilSomethingIsPopped) {
    create(4);
    ASSERT_TRUE(add(1));
    ASSERT_TRUE(add_one(2));
    EXPECT_EQ(add(3).error(), Error::kBusy);
    EXPECT_TRUE(add_one(3));
    EXPECT_EQ(add_one(4).error(), Error::kBusy);
    device.use(take());
    ASSERT_TRUE(queue.pop());
    EXPECT_TRUE(add(4));
}

TEST_F(PackedVirtqueueTest, AListMayBeAsLongAsTheQueueAndNoLonger) {
    create(6, {.indirect_tables = 2, .indirect_entries = 8});
    const std::vector<Segment> seven(7, Segment{0x1000, 8});
    EXPECT_EQ(queue.add(seven, {}, 9).error(), Error::kOutOfRange);
    create(6);
    ASSERT_TRUE(queue.add({seven.data(), 6}, {}, 9));
    EXPECT_EQ(queue.free_descriptors(), 0);
    device.use(take());
    EXPECT_EQ(queue.pop()->cookie, 9);
}

TEST_F(PackedVirtqueueTest, SizesThatMakeNoSenseAreRefused) {
    for (const std::uint16_t entries : std::initializer_list<std::uint16_t>{0, 257, 32768})
        EXPECT_EQ(queue.create(platform, entries, {.packed = true}).error(), Error::kInvalidArgument);
}

// ---- Indirect descriptors ----

TEST_F(PackedVirtqueueTest, AnIndirectBufferTakesOneDescriptor) {
    create(4, {.indirect_tables = 2, .indirect_entries = 4});
    const std::vector<Segment> out{{0x1000, 16}, {0x3000, 512}};
    const Segment in{0x2000, 1};
    ASSERT_TRUE(queue.add(out, {&in, 1}, 7));
    EXPECT_EQ(queue.free_descriptors(), 3);
    EXPECT_EQ(device.flags_at(0), ring::kDescIndirect | packed::kDescAvail);
    const PackedChain chain = take();
    ASSERT_EQ(chain.pieces.size(), 3u);
    // Nothing but WRITE in a table (§2.8.19).
    EXPECT_EQ(chain.pieces[0].flags, 0);
    EXPECT_EQ(chain.pieces[1].address, 0x3000u);
    EXPECT_EQ(chain.pieces[2].flags, ring::kDescWrite);
    device.use(chain, 1);
    EXPECT_EQ(queue.pop()->cookie, 7);
    EXPECT_EQ(queue.free_descriptors(), 4);
}

TEST_F(PackedVirtqueueTest, WithoutAFreeTableABufferGoesDirect) {
    create(8, {.indirect_tables = 2, .indirect_entries = 4});
    for (std::uint16_t i = 0; i < 3; ++i) ASSERT_TRUE(add(i));
    EXPECT_EQ(queue.free_descriptors(), 4);
    const PackedChain first = take();
    EXPECT_TRUE(first.indirect);
    EXPECT_TRUE(take().indirect);
    EXPECT_FALSE(take().indirect);
    device.use(first);
    ASSERT_TRUE(queue.pop());
    ASSERT_TRUE(add(9));
    EXPECT_TRUE(take().indirect);
}

// ---- Notifications ----

TEST_F(PackedVirtqueueTest, AFullBarrierStandsBetweenTheDescriptorAndTheLookAtSuppression) {
    create(8);
    ASSERT_TRUE(add(1));
    machine.events.clear();
    EXPECT_TRUE(queue.kick());
    EXPECT_FALSE(queue.kick());
    ASSERT_EQ(machine.events.size(), 3u);
    EXPECT_EQ(machine.events[0].kind, WatchedMachine::Kind::kBarrier);
    EXPECT_EQ(machine.events[1].kind, WatchedMachine::Kind::kLoad);
    EXPECT_EQ(machine.events[1].address, queue.device_area());
    EXPECT_EQ(machine.events[2].kind, WatchedMachine::Kind::kNotify);
    EXPECT_EQ(machine.doorbells, std::vector<std::uint64_t>{5});
}

TEST_F(PackedVirtqueueTest, NoKickWhenTheDeviceWantsNone) {
    create(8);
    device.suppress(packed::kEventDisable);
    ASSERT_TRUE(add(1));
    EXPECT_FALSE(queue.kick());
    // Without event indices a device may not name a descriptor; one that does hears of every buffer.
    for (const std::uint16_t flags : {packed::kEventEnable, packed::kEventForDesc, std::uint16_t{3}}) {
        device.suppress(flags, 0x1234);
        ASSERT_TRUE(add_one(2));
        EXPECT_TRUE(queue.kick());
    }
}

TEST_F(PackedVirtqueueTest, WithEventIndicesAKickComesWhenTheDescriptorIsPassed) {
    create(4, {.event_idx = true});
    device.suppress(packed::kEventForDesc, 1 | packed::kEventWrap);
    ASSERT_TRUE(add_one(1));
    EXPECT_FALSE(queue.kick());  // slot 0 is not slot 1
    ASSERT_TRUE(add_one(2));
    EXPECT_TRUE(queue.kick());
    ASSERT_TRUE(add_one(3));
    EXPECT_FALSE(queue.kick());
    for (int i = 0; i < 3; ++i) device.use(take());
    for (int i = 0; i < 3; ++i) ASSERT_TRUE(queue.pop());
    // Slot 0 of the next lap, reached by a list that goes over the end.
    device.suppress(packed::kEventForDesc, 0);
    ASSERT_TRUE(add(4));
    EXPECT_TRUE(queue.kick());
    // Slot 1 of the lap before: passed long ago.
    device.suppress(packed::kEventForDesc, 1 | packed::kEventWrap);
    ASSERT_TRUE(add_one(5));
    EXPECT_FALSE(queue.kick());
}

TEST(PackedNeedEvent, CountsOverTheEndOfTheRing) {
    EXPECT_TRUE(packed::need_event(7 | packed::kEventWrap, 8, 1, false, 2));
    EXPECT_TRUE(packed::need_event(0, 8, 1, false, 2));
    EXPECT_FALSE(packed::need_event(1, 8, 1, false, 2));
    EXPECT_FALSE(packed::need_event(6 | packed::kEventWrap, 8, 1, false, 2));
    EXPECT_FALSE(packed::need_event(0, 8, 1, false, 0));
}

TEST_F(PackedVirtqueueTest, TellsTheDeviceWhetherToInterrupt) {
    create(8);
    EXPECT_EQ(device.driver_flags(), packed::kEventEnable);
    queue.disable_interrupts();
    EXPECT_EQ(device.driver_flags(), packed::kEventDisable);
    EXPECT_FALSE(queue.enable_interrupts());
    EXPECT_EQ(device.driver_flags(), packed::kEventEnable);
    EXPECT_EQ(device.driver_desc(), 0);
}

TEST_F(PackedVirtqueueTest, WithEventIndicesItAsksForTheNextDescriptor) {
    create(3, {.event_idx = true});
    for (int i = 0; i < 2; ++i) {
        ASSERT_TRUE(add(1));
        device.use(take());
        ASSERT_TRUE(queue.pop());
        EXPECT_FALSE(queue.enable_interrupts());
        EXPECT_EQ(device.driver_flags(), packed::kEventForDesc);
        // Slot 2 of the first lap, then slot 1 of the second.
        EXPECT_EQ(device.driver_desc(), i == 0 ? (2 | packed::kEventWrap) : 1);
    }
    queue.disable_interrupts();
    EXPECT_EQ(device.driver_flags(), packed::kEventDisable);
}

TEST_F(PackedVirtqueueTest, WhatWasUsedBeforeInterruptsWereOnAgainIsNotMissed) {
    for (const bool event_idx : {false, true}) {
        create(8, {.event_idx = event_idx});
        queue.disable_interrupts();
        ASSERT_TRUE(add(1));
        device.use(take());
        machine.events.clear();
        EXPECT_TRUE(queue.enable_interrupts());
        ASSERT_EQ(machine.events.size(), 3u);
        EXPECT_EQ(machine.events[0].kind, WatchedMachine::Kind::kStore);
        EXPECT_EQ(machine.events[0].address, queue.driver_area());
        EXPECT_EQ(machine.events[1].kind, WatchedMachine::Kind::kBarrier);
        EXPECT_EQ(machine.events[2].address, device.at(0) + packed::kFlags);
    }
}

}  // namespace
}  // namespace tb::virtio
