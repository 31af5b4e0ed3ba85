// SPDX-License-Identifier: BSD-3-Clause
// A device that breaks the rules of the ring.
#include "virtio/testing/virtqueue_fixture.hpp"
#include "virtio/virtqueue.hpp"

namespace tb::virtio {
namespace {

using hal::Error;
using testing::Chain;
using testing::VirtqueueTest;
using testing::WatchedMachine;

class HostileRing : public VirtqueueTest {
  protected:
    HostileRing() {
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
        device.set_used_idx(device.used_idx());
        EXPECT_EQ(queue.pop().error(), Error::kProtocol);
        EXPECT_EQ(add(3).error(), Error::kProtocol);
        EXPECT_FALSE(queue.kick());
        EXPECT_FALSE(queue.has_used());
    }

    Chain first;
    Chain second;
};

TEST_F(HostileRing, AnIdBeyondTheRing) {
    device.use(8, 0);
    expect_broken();
}

TEST_F(HostileRing, AnIdWhoseLowHalfIsInFlight) {
    device.use(0x1'0000u | first.head, 0);
    expect_broken();
}

TEST_F(HostileRing, AnIdThatIsNotInFlight) {
    device.use(7, 0);
    expect_broken();
}

TEST_F(HostileRing, TheSecondDescriptorOfAChain) {
    device.use(first.head + 1u, 0);
    expect_broken();
}

TEST_F(HostileRing, TheSameIdTwice) {
    device.use(first);
    device.use(first);
    EXPECT_EQ(queue.pop()->cookie, 1);
    expect_broken();
}

TEST_F(HostileRing, MoreBytesThanWereWritable) {
    device.use(first.head, 65);
    expect_broken();
}

TEST_F(HostileRing, BytesInABufferThatIsOnlyReadable) {
    const Segment out{0x1000, 16};
    ASSERT_TRUE(queue.add({&out, 1}, {}, 3));
    device.use(take().head, 1);
    expect_broken();
}

TEST_F(HostileRing, AnIndexThatJumpsBeyondWhatIsInFlight) {
    device.write_element(0, first.head, 0);
    device.write_element(1, second.head, 0);
    device.set_used_idx(3);
    expect_broken();
}

TEST_F(HostileRing, AnIndexThatGoesBack) {
    device.use(first);
    ASSERT_TRUE(queue.pop());
    device.set_used_idx(0);
    expect_broken();
}

TEST_F(HostileRing, AnIndexThatGoesBackBetweenTwoPopsIsNotLookedAt) {
    device.use(first);
    device.use(second);
    ASSERT_TRUE(queue.pop());
    device.set_used_idx(0);
    EXPECT_EQ(queue.pop()->cookie, 2);
    expect_broken();
}

TEST_F(HostileRing, ScribblingOnTheDescriptorsHarmsNobody) {
    for (const int byte : {0xff, 0x00, 0x41}) {
        device.scribble_on_descriptors(byte);
        device.use(first);
        device.use(second);
        EXPECT_EQ(queue.pop()->bytes, 64u);
        EXPECT_EQ(queue.pop()->bytes, 64u);
        EXPECT_EQ(queue.free_descriptors(), 8);
        ASSERT_TRUE(add(1));
        ASSERT_TRUE(add(2));
        first = take();
        second = take();
        EXPECT_EQ(first.pieces.size(), 2u);
        EXPECT_NE(first.head, second.head);
    }
}

TEST_F(HostileRing, TheDescriptorTableIsNeverRead) {
    device.use(first);
    machine.events.clear();
    ASSERT_TRUE(queue.pop());
    ASSERT_TRUE(add(3));
    queue.kick();
    for (const auto& event : machine.events) {
        if (event.kind != WatchedMachine::Kind::kLoad) continue;
        EXPECT_GE(event.address, queue.device_area());
    }
}

TEST_F(HostileRing, IndexAndElementAreReadOnceEachAndTheIndexFirst) {
    device.use(first);
    machine.events.clear();
    ASSERT_TRUE(queue.pop());
    ASSERT_EQ(machine.events.size(), 2u);
    EXPECT_EQ(machine.events[0].address, queue.device_area() + ring::kIdx);
    EXPECT_EQ(machine.events[0].order, hal::MemoryOrder::kAcquire);
    EXPECT_EQ(machine.events[1].address, queue.device_area() + ring::kEntries);
}

TEST_F(HostileRing, ABrokenQueueIsWholeAgainWhenItIsCreatedAnew) {
    device.use(99, 0);
    EXPECT_EQ(queue.pop().error(), Error::kProtocol);
    create(8);
    ASSERT_TRUE(add(4));
    device.use(take());
    EXPECT_EQ(queue.pop()->cookie, 4);
}

}  // namespace
}  // namespace tb::virtio
