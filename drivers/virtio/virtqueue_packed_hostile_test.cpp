// SPDX-License-Identifier: BSD-3-Clause
// A device that breaks the rules of the packed ring.
#include "virtio/testing/virtqueue_fixture.hpp"
#include "virtio/virtqueue.hpp"

namespace tb::virtio {
namespace {

using hal::Error;
using testing::PackedChain;
using testing::PackedVirtqueueTest;
using testing::WatchedMachine;

class HostilePackedRing : public PackedVirtqueueTest {
  protected:
    HostilePackedRing() {
        create(8);
        EXPECT_TRUE(add(1));
        EXPECT_TRUE(add(2));
        first = take();
        second = take();
    }
    void expect_broken() {
        EXPECT_EQ(queue.pop().error(), Error::kProtocol);
        EXPECT_TRUE(queue.broken());
        // And broken it stays, whatever comes next.
        device.use(first);
        EXPECT_EQ(queue.pop().error(), Error::kProtocol);
        EXPECT_EQ(add(3).error(), Error::kProtocol);
        EXPECT_FALSE(queue.kick());
        EXPECT_FALSE(queue.has_used());
        EXPECT_FALSE(queue.enable_interrupts());
    }

    PackedChain first;
    PackedChain second;
};

TEST_F(HostilePackedRing, AnIdBeyondTheRing) {
    device.write_used(8, 0, device.used_flags());
    expect_broken();
}

TEST_F(HostilePackedRing, AnIdOfAllOnes) {
    device.write_used(0xffff, 0, device.used_flags());
    expect_broken();
}

TEST_F(HostilePackedRing, AnIdWhoseLowByteIsInFlight) {
    device.write_used(static_cast<std::uint16_t>(0x100 | first.id), 0, device.used_flags());
    expect_broken();
}

TEST_F(HostilePackedRing, AnIdThatIsNotInFlight) {
    device.write_used(7, 0, device.used_flags());
    expect_broken();
}

TEST_F(HostilePackedRing, TheSameIdTwice) {
    device.use(first);
    device.use(first);
    EXPECT_EQ(queue.pop()->cookie, 1);
    expect_broken();
}

TEST_F(HostilePackedRing, MoreBytesThanWereWritable) {
    device.use(first, 65);
    expect_broken();
}

TEST_F(HostilePackedRing, MoreBytesThanWereWritableInAllBits) {
    device.use(first, 0x8000'0001);
    expect_broken();
}

TEST_F(HostilePackedRing, BytesInABufferThatIsOnlyReadable) {
    const Segment out{0x1000, 16};
    device.use(first);
    device.use(second);
    ASSERT_TRUE(queue.pop());
    ASSERT_TRUE(queue.pop());
    // Without WRITE the length is reserved, and says nothing (§2.8.4) ...
    ASSERT_TRUE(queue.add({&out, 1}, {}, 3));
    device.use(take(), 16);
    EXPECT_EQ(queue.pop()->bytes, 0u);
    // ... with it it says that the device wrote where it may only read.
    ASSERT_TRUE(queue.add({&out, 1}, {}, 4));
    first = take();
    device.write_used(first.id, 1, static_cast<std::uint16_t>(device.used_flags() | ring::kDescWrite));
    expect_broken();
}

TEST_F(HostilePackedRing, FlagsOfAnotherLap) {
    // In the first lap a used descriptor has AVAIL and USED; neither of them is that of the lap before.
    device.write_used(first.id, 0, 0);
    expect_broken();
}

TEST_F(HostilePackedRing, FlagsThatMakeAvailableWhatIsNot) {
    device.write_used(first.id, 0, packed::kDescUsed);
    expect_broken();
}

TEST_F(HostilePackedRing, MoreUsedThanWasMadeAvailable) {
    device.use(first);
    device.use(second);
    EXPECT_TRUE(queue.pop());
    EXPECT_TRUE(queue.pop());
    device.write_used(first.id, 0, device.used_flags());
    expect_broken();
}

TEST_F(HostilePackedRing, ScribblingOnOtherDescriptorsHarmsNobody) {
    device.use(first);
    for (std::uint16_t slot = 0; slot < 8; ++slot) {
        if (slot == 0 || slot == 2) continue;
        device.poke<std::uint64_t>(device.at(slot), ~std::uint64_t{0});
        device.poke<std::uint64_t>(device.at(slot) + 8, ~std::uint64_t{0});
    }
    device.use(second);
    EXPECT_EQ(queue.pop()->bytes, 64u);
    EXPECT_EQ(queue.pop()->cookie, 2);
    EXPECT_EQ(queue.free_descriptors(), 8);
    // The slot that comes next is used, it says, with nothing in flight.
    EXPECT_EQ(queue.pop().error(), Error::kProtocol);
}

TEST_F(HostilePackedRing, OfAUsedDescriptorEachFieldIsReadOnceAndTheFlagsFirst) {
    device.use(first);
    machine.events.clear();
    ASSERT_TRUE(queue.pop());
    ASSERT_EQ(machine.events.size(), 3u);
    EXPECT_EQ(machine.events[0].address, device.at(0) + packed::kFlags);
    EXPECT_EQ(machine.events[0].order, hal::MemoryOrder::kAcquire);
    EXPECT_EQ(machine.events[1].address, device.at(0) + packed::kId);
    EXPECT_EQ(machine.events[2].address, device.at(0) + packed::kLen);
}

TEST_F(HostilePackedRing, WhatTheDriverWroteIsNeverRead) {
    machine.events.clear();
    EXPECT_EQ(queue.pop().error(), Error::kBusy);
    ASSERT_TRUE(add(3));
    queue.kick();
    for (const auto& event : machine.events) {
        if (event.kind != WatchedMachine::Kind::kLoad) continue;
        EXPECT_TRUE(event.address == device.at(0) + packed::kFlags || event.address == queue.device_area());
    }
}

TEST_F(HostilePackedRing, ABrokenQueueIsWholeAgainWhenItIsCreatedAnew) {
    device.write_used(99, 0, device.used_flags());
    EXPECT_EQ(queue.pop().error(), Error::kProtocol);
    create(8);
    ASSERT_TRUE(add(4));
    device.use(take());
    EXPECT_EQ(queue.pop()->cookie, 4);
}

}  // namespace
}  // namespace tb::virtio
