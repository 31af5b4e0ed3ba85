// SPDX-License-Identifier: BSD-3-Clause
// virtio-blk on a device that is late, needs a reset, or is gone.
#include "block/testing/virtio_blk_fixture.hpp"
#include "block/virtio_blk.hpp"

namespace tb::block {
namespace {

using hal::Error;
using testing::HostileBlk;
using virtio::InterruptMode;

class LateBlk : public HostileBlk, public ::testing::WithParamInterface<InterruptMode> {};

INSTANTIATE_TEST_SUITE_P(Modes, LateBlk,
                         ::testing::Values(InterruptMode::kPolled, InterruptMode::kIntx,
                                           InterruptMode::kMsix));

TEST_P(LateBlk, ALateRequestTimesOutTheOthersAreResetAndTheDeviceWorksAgain) {
    start({.interrupts = GetParam(), .request_timeout = hal::milliseconds(100)});
    device.holding = true;
    Bytes late(512);
    Bytes young(512);
    const auto late_token = read(1, late);
    pass(hal::milliseconds(60));
    const auto young_token = read(2, young);
    ASSERT_TRUE(late_token && young_token);
    pass(hal::milliseconds(39));
    EXPECT_TRUE(completions().empty());
    pass(hal::milliseconds(1));
    const auto all = completions();
    ASSERT_EQ(all.size(), 2u);
    EXPECT_EQ(all[0].token, *late_token);
    EXPECT_EQ(all[0].status.error(), Error::kTimeout);
    EXPECT_EQ(all[1].token, *young_token);
    EXPECT_EQ(all[1].status.error(), Error::kReset);
    EXPECT_EQ(driver->counters().resets, 1u);
    EXPECT_EQ(device.board.machine.mapped(), 0);
    expect_usable();
}

TEST_P(LateBlk, WhatIsFinishedAtTheDeadlineIsNotLate) {
    start({.interrupts = GetParam(), .request_timeout = hal::milliseconds(100)});
    device.holding = true;
    Bytes data(512);
    ASSERT_TRUE(read(1, data));
    pass(hal::seconds(10));
    device.silent = true;
    device.serve();
    EXPECT_TRUE(only_completion().status);
    EXPECT_EQ(driver->counters().resets, 0u);
}

TEST_P(LateBlk, ACompletionAfterTheResetReachesNobody) {
    start({.interrupts = GetParam(), .request_timeout = hal::milliseconds(100)});
    device.holding = true;
    Bytes data(512, std::byte{0x11});
    ASSERT_TRUE(read(1, data));
    const auto old_ring = device.queues[0].ring;
    const auto stale = device.held[0];
    pass(hal::milliseconds(100));
    EXPECT_EQ(only_completion().status.error(), Error::kTimeout);
    const Bytes before = data;
    // The device had it under way and finishes it into memory that is no longer its own.
    auto ring = old_ring;
    std::memset(device.board.machine.at(stale.chain.pieces[1].address), 0xee, 512);
    ring.use(stale.chain.head, 513);
    EXPECT_TRUE(completions().empty());
    EXPECT_EQ(data, before);
    expect_usable();
}

TEST_P(LateBlk, ADeviceThatNeedsResetGetsOne) {
    start_two({.interrupts = GetParam()});
    device.status |= virtio::kStatusNeedsReset;
    device.interrupt_config();
    if (GetParam() == InterruptMode::kPolled) pass(VirtioBlk::kCheckInterval);
    device.status |= virtio::kStatusNeedsReset;
    const auto all = completions();
    ASSERT_EQ(all.size(), 2u);
    for (const Completion& done : all) EXPECT_EQ(done.status.error(), Error::kReset);
    EXPECT_EQ(driver->counters().resets, 1u);
    expect_usable();
}

TEST_P(LateBlk, ADeviceThatIsPulledEndsEverythingAtOnce) {
    start_two({.interrupts = GetParam()});
    device.remove();
    pass(VirtioBlk::kCheckInterval);
    const auto before = device.board.platform.now();
    const auto all = completions();
    ASSERT_EQ(all.size(), 2u);
    for (const Completion& done : all) EXPECT_EQ(done.status.error(), Error::kDeviceGone);
    EXPECT_EQ(device.board.platform.now(), before);
    expect_nothing_left();
    EXPECT_EQ(read(0, first).error(), Error::kDeviceGone);
    EXPECT_EQ(driver->recover().error(), Error::kDeviceGone);
    // And when it is plugged in again, it can be had back.
    device.removed = false;
    device.function.present = true;
    device.status = 0;
    EXPECT_TRUE(driver->recover());
    expect_usable();
}

TEST_P(LateBlk, ACallerMayResetTheDeviceUnderARequest) {
    start_two({.interrupts = GetParam()});
    EXPECT_TRUE(driver->recover());
    const auto all = completions();
    ASSERT_EQ(all.size(), 2u);
    for (const Completion& done : all) EXPECT_EQ(done.status.error(), Error::kReset);
    expect_usable();
}

TEST_F(HostileBlk, ADeviceThatDoesNotComeBackIsCutOffAndCanBeTriedAgain) {
    start_two({.request_timeout = hal::milliseconds(50)});
    device.reset_hangs = true;
    pass(hal::milliseconds(50));
    const auto all = completions();
    ASSERT_EQ(all.size(), 2u);
    for (const Completion& done : all) EXPECT_EQ(done.status.error(), Error::kTimeout);
    EXPECT_FALSE(driver->running());
    EXPECT_FALSE(device.bus_master());
    expect_nothing_left();
    EXPECT_EQ(read(0, first).error(), Error::kTimeout);
    EXPECT_EQ(driver->poll(64), 0u);
    device.reset_hangs = false;
    EXPECT_TRUE(driver->recover());
    expect_usable();
}

TEST_F(HostileBlk, AStopThatTheDeviceDoesNotConfirmCutsItOff) {
    start_two();
    device.reset_hangs = true;
    EXPECT_EQ(driver->stop().error(), Error::kTimeout);
    EXPECT_FALSE(device.bus_master());
    expect_nothing_left();
    device.reset_hangs = false;
}

TEST_F(HostileBlk, AMissingDoorbellEndsInATimeout) {
    start({.event_idx = false, .request_timeout = hal::milliseconds(20)});
    device.queues[0].ring.set_no_notify(true);  // and does not look by itself
    Bytes data(512);
    ASSERT_TRUE(read(1, data));
    pass(hal::milliseconds(20));
    EXPECT_EQ(only_completion().status.error(), Error::kTimeout);
    expect_usable();
}

}  // namespace
}  // namespace tb::block
