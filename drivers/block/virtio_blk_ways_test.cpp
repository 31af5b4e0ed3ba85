// SPDX-License-Identifier: BSD-3-Clause
// What virtio-blk does in each way of running it.
#include <set>
#include <string>

#include "block/testing/virtio_blk_fixture.hpp"
#include "block/virtio_blk.hpp"

namespace tb::block {
namespace {

using hal::Error;
using virtio::InterruptMode;

using VirtioBlkTest = testing::VirtioBlkTest;

/// Everything that moves data works alike in these ways of running.
struct Way {
    const char* name;
    VirtioBlk::Options options;
};

class VirtioBlkWays : public VirtioBlkTest, public ::testing::WithParamInterface<Way> {};

INSTANTIATE_TEST_SUITE_P(
    Ways, VirtioBlkWays,
    ::testing::Values(
        Way{"polled", {.interrupts = InterruptMode::kPolled}},
        Way{"polled_plain", {.interrupts = InterruptMode::kPolled, .indirect = false, .event_idx = false}},
        Way{"intx", {.interrupts = InterruptMode::kIntx}},
        Way{"intx_plain", {.interrupts = InterruptMode::kIntx, .indirect = false, .event_idx = false}},
        Way{"msix", {.interrupts = InterruptMode::kMsix}},
        Way{"msix_no_event", {.interrupts = InterruptMode::kMsix, .event_idx = false}},
        Way{"msix_no_indirect", {.interrupts = InterruptMode::kMsix, .indirect = false}},
        Way{"msix_queues", {.interrupts = InterruptMode::kMsix, .queues = 3}},
        Way{"msix_shared", {.interrupts = InterruptMode::kMsix, .queues = 4}}),
    [](const auto& tested) { return std::string(tested.param.name); });

TEST_P(VirtioBlkWays, ReadsWhatIsOnTheDisk) {
    start(GetParam().options);
    EXPECT_EQ(driver->interrupt_mode(), GetParam().options.interrupts);
    Bytes data(4096);
    const auto token = read(8, data);
    ASSERT_TRUE(token);
    const Completion done = only_completion();
    EXPECT_EQ(done.token, *token);
    EXPECT_TRUE(done.status);
    EXPECT_EQ(done.bytes, 4096u);
    EXPECT_EQ(data, disk_at(8, 4096));
    EXPECT_EQ(device.wrong_widths, 0u);
}

TEST_P(VirtioBlkWays, WritesAndReadsBack) {
    start(GetParam().options);
    Bytes data(1024, std::byte{0x5a});
    ASSERT_TRUE(write(3, data));
    EXPECT_TRUE(only_completion().status);
    EXPECT_EQ(disk_at(3, 1024), data);
    Bytes back(1024);
    ASSERT_TRUE(read(3, back));
    EXPECT_TRUE(only_completion().status);
    EXPECT_EQ(back, data);
}

TEST_P(VirtioBlkWays, ManyRequestsInFlightEndInAnyOrder) {
    start(GetParam().options);
    device.holding = true;
    std::vector<Bytes> data(60, Bytes(512));
    std::vector<Token> tokens;
    for (std::uint16_t i = 0; i < 60; ++i) {
        const auto token = read(i, data[i]);
        ASSERT_TRUE(token);
        tokens.push_back(*token);
    }
    EXPECT_EQ(driver->in_flight(), 60);
    std::vector<Token> order;
    std::set<std::uint32_t> seen;
    for (std::size_t i = 0; i < 60; ++i) {
        const std::size_t pick = i * 7 % device.held.size();
        order.push_back(tokens[device.held[pick].sector]);
        device.serve(pick);
    }
    for (const Completion& done : completions()) {
        EXPECT_TRUE(done.status);
        EXPECT_EQ(done.token, order[seen.size()]);
        seen.insert(done.token.value);
    }
    EXPECT_EQ(seen.size(), 60u);
    for (std::uint16_t i = 0; i < 60; ++i) EXPECT_EQ(data[i], disk_at(i, 512));
}

TEST_P(VirtioBlkWays, LongRunsWork) {
    start(GetParam().options);
    Bytes data(512);
    for (std::uint32_t i = 0; i < 600; ++i) {
        ASSERT_TRUE(read(i % 200, data)) << i;
        ASSERT_TRUE(only_completion().status) << i;
        ASSERT_EQ(data, disk_at(i % 200, 512)) << i;
    }
    EXPECT_EQ(driver->counters().lost_interrupts, 0u);
}

TEST_P(VirtioBlkWays, StopsWithRequestsInFlightAndStartsAgain) {
    start(GetParam().options);
    device.holding = true;
    Bytes data(512);
    ASSERT_TRUE(read(0, data));
    EXPECT_TRUE(driver->stop());
    expect_nothing_left();
    EXPECT_EQ(device.status, 0);
    EXPECT_EQ(only_completion().status.error(), Error::kReset);
    EXPECT_EQ(read(0, data).error(), Error::kNotStarted);
    device.holding = false;
    device.held.clear();
    ASSERT_TRUE(driver->start(GetParam().options));
    ASSERT_TRUE(read(1, data));
    EXPECT_TRUE(only_completion().status);
    EXPECT_EQ(data, disk_at(1, 512));
}

}  // namespace
}  // namespace tb::block
