// SPDX-License-Identifier: BSD-3-Clause
// What the driver does when the device does what it must not.
#include "net/testing/fake_virtio_net.hpp"

namespace tb::net {
namespace {

using namespace virtio_net;
using hal::Error;
using testing::VirtioNetTest;
using virtio::InterruptMode;

TEST_F(VirtioNetTest, AHeaderThatWasNeverWrittenIsNoFrame) {
    for (const bool mergeable : {true, false}) {
        start({.mergeable = mergeable, .rx_buffers = 16});
        device.write_header = false;
        ASSERT_TRUE(device.arrive(frame(60)));
        poll();
        EXPECT_EQ(receive().error(), Error::kBusy);
        expect_usable();
        ASSERT_TRUE(driver->stop());
    }
}

TEST_F(VirtioNetTest, BuffersThatDoNotComeAreNotWaitedFor) {
    for (const int claimed : {0, 2, 16, 17, 0xffff}) {
        start();
        ASSERT_TRUE(device.arrive(frame(60), Bytes(10), claimed));
        poll();
        EXPECT_EQ(driver->counters().resets, 1u) << claimed;
        EXPECT_EQ(receive().error(), Error::kBusy);
        expect_usable();
        ASSERT_TRUE(driver->stop());
    }
}

TEST_F(VirtioNetTest, FramesOfImpossibleLengthsAreDropped) {
    start({.mergeable = false, .rx_buffers = 16});
    for (const std::uint32_t off : {0U - 72U, 0U - 61U, 0U - 47U}) {
        device.length_lie = off;
        ASSERT_TRUE(device.arrive(frame(60)));
        poll();
        EXPECT_EQ(receive().error(), Error::kBusy);
    }
    EXPECT_EQ(driver->statistics().rx_errors, 3u);
    expect_usable();
}

TEST_F(VirtioNetTest, AFrameBeyondTheAgreedLengthIsDropped) {
    start();
    ASSERT_TRUE(device.arrive(frame(1519)));
    poll();
    EXPECT_EQ(receive().error(), Error::kBusy);
    ASSERT_TRUE(device.arrive(frame(1518)));
    poll();
    EXPECT_TRUE(receive());
}

TEST_F(VirtioNetTest, SegmentationThatWasNotAgreedOnIsDropped) {
    start();
    ASSERT_TRUE(device.arrive(frame(60), {0, 1, 0, 0, 0, 0, 0, 0, 0, 0}));
    poll();
    EXPECT_EQ(receive().error(), Error::kBusy);
    EXPECT_EQ(driver->statistics().rx_errors, 1u);
    // Flags that were not agreed on say nothing.
    ASSERT_TRUE(device.arrive(frame(60), {0xff, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}));
    poll();
    EXPECT_TRUE(receive());
}

TEST_F(VirtioNetTest, ACommandThatIsNotAnsweredEndsAndTheDeviceIsReset) {
    start();
    device.deaf = true;
    const hal::Instant before = device.board.platform.now();
    // The restart commands too, in vain: the driver has failed then.
    EXPECT_EQ(driver->set_promiscuous(true).error(), Error::kTimeout);
    EXPECT_LT((device.board.platform.now() - before).ns, hal::seconds(4).ns);
    EXPECT_FALSE(driver->running());
    device.deaf = false;
    ASSERT_TRUE(driver->recover());
    expect_usable();
}

TEST_F(VirtioNetTest, ARefusalIsAnErrorAndNothingChanges) {
    start();
    device.answer = control::kErr;
    EXPECT_EQ(driver->set_mac({2, 0, 0, 0, 0, 1}).error(), Error::kDeviceError);
    EXPECT_EQ(driver->info().mac[0], 0x52);
    EXPECT_EQ(driver->counters().resets, 0u);
    expect_usable();
}

TEST_F(VirtioNetTest, AnAnswerThatIsNoneLeavesADeviceThatIsReset) {
    start();
    device.answer = 7;
    EXPECT_EQ(driver->set_promiscuous(true).error(), Error::kProtocol);
    device.answer = control::kOk;
    EXPECT_EQ(driver->counters().resets, 1u);
}

TEST_F(VirtioNetTest, ATransmitterThatHangsIsReset) {
    start({.rx_buffers = 16, .tx_timeout = hal::seconds(1)});
    device.holding = true;
    Bytes out = frame(60);
    ASSERT_TRUE(send(out));
    pass(hal::milliseconds(1100));
    poll();
    const auto done = driver->next_sent();
    ASSERT_TRUE(done);
    EXPECT_EQ(done->status.error(), Error::kTimeout);
    EXPECT_EQ(driver->statistics().tx_hangs, 1u);
    expect_usable();
}

TEST_F(VirtioNetTest, AResetBehindItsBackIsNoticed) {
    start();
    device.status = 0;
    pass(hal::milliseconds(20));
    poll();
    EXPECT_EQ(driver->counters().resets, 1u);
    expect_usable();
}

TEST_F(VirtioNetTest, WhenItIsPulledEverythingEndsAndNothingIsLeft) {
    start();
    device.holding = true;
    Bytes out = frame(60);
    ASSERT_TRUE(send(out));
    device.remove();
    pass(hal::milliseconds(20));
    poll();
    const auto done = driver->next_sent();
    ASSERT_TRUE(done);
    EXPECT_EQ(done->status.error(), Error::kDeviceGone);
    EXPECT_EQ(send(out).error(), Error::kDeviceGone);
    expect_nothing_left();
}

TEST_F(VirtioNetTest, AnyAllocationMayFail) {
    for (int left = 0;; ++left) {
        allocations_left = left;
        const hal::Status started = try_start();
        if (started) break;
        EXPECT_EQ(started.error(), Error::kNoMemory) << left;
        expect_nothing_left();
        ASSERT_LT(left, 20);
    }
    allocations_left = 1 << 20;
    expect_usable();
}

TEST_F(VirtioNetTest, AbsurdConfigurationsAreNotBelieved) {
    device.set_config<std::uint8_t>(0, 1);
    EXPECT_EQ(try_start().error(), Error::kProtocol) << "a group's address";
    for (std::uint32_t i = 0; i < 6; ++i) device.set_config<std::uint8_t>(i, 0);
    EXPECT_EQ(try_start().error(), Error::kProtocol) << "no address";
    device.set_config<std::uint8_t>(0, 2);
    device.features |= kFeatureMtu | kFeatureMultiQueue;
    device.set_config<std::uint16_t>(config::kMtu, 67);
    EXPECT_EQ(try_start().error(), Error::kProtocol);
    device.set_config<std::uint16_t>(config::kMtu, 1500);
    for (const std::uint16_t pairs : {std::uint16_t{0}, std::uint16_t{0x8001}, std::uint16_t{2}}) {
        device.set_config<std::uint16_t>(config::kMaxVirtqueuePairs, pairs);
        EXPECT_EQ(try_start({.pairs = 4, .rx_buffers = 16}).error(), Error::kProtocol) << pairs;
    }
    device.set_config<std::uint16_t>(config::kMaxVirtqueuePairs, 1);
    EXPECT_TRUE(try_start({.pairs = 4, .rx_buffers = 16}));
}

/// A whole life with a device that is pulled at its n-th read: nothing may hang or be left behind.
TEST_F(VirtioNetTest, MayBePulledAtEveryRead) {
    for (const InterruptMode mode : {InterruptMode::kPolled, InterruptMode::kIntx, InterruptMode::kMsix}) {
        for (std::uint64_t n = 0;; ++n) {
            ASSERT_LT(n, 2000u);
            testing::FakeVirtioNet pulled;
            auto fresh = std::make_unique<VirtioNet>();
            std::uint64_t left = n;
            bool gone = false;
            pulled.board.before_read = [&] {
                if (gone || left-- != 0) return;
                pulled.remove();
                gone = true;
            };
            hal::Status status = fresh->probe(pulled.board.platform, pulled.board.function());
            if (status) status = fresh->start({.interrupts = mode, .rx_buffers = 4});
            if (status) {
                (void)fresh->set_promiscuous(true);
                for (int tick = 0; tick < 3; ++tick) {
                    pulled.board.platform.delay(VirtioNet::kCheckInterval);
                    fresh->poll(8);
                }
                (void)fresh->stop();
            }
            EXPECT_EQ(pulled.board.machine.mapped(), 0) << n;
            EXPECT_LT(pulled.board.reads, 3000u) << n;
            if (!gone) break;
        }
    }
}

}  // namespace
}  // namespace tb::net
