// SPDX-License-Identifier: BSD-3-Clause
#include "block/sync.hpp"

#include <array>

#include "block/testing/virtio_blk_fixture.hpp"

namespace tb::block {
namespace {

using hal::Error;

constexpr hal::Duration kPatience = hal::milliseconds(100);

class SyncTest : public testing::VirtioBlkTest {
  protected:
    hal::Platform& platform() { return device.board.platform; }
};

TEST_F(SyncTest, ReadsAndWrites) {
    start();
    Bytes data(1024, std::byte{0x77});
    EXPECT_TRUE(write_sync(*driver, platform(), 4, data, kPatience));
    EXPECT_EQ(disk_at(4, 1024), data);
    Bytes back(1024);
    EXPECT_TRUE(read_sync(*driver, platform(), 4, back, kPatience));
    EXPECT_EQ(back, data);
}

TEST_F(SyncTest, DoesTheOthersToo) {
    start();
    EXPECT_TRUE(flush_sync(*driver, platform(), kPatience));
    EXPECT_TRUE(write_zeroes_sync(*driver, platform(), 4, 1, false, kPatience));
    EXPECT_EQ(disk_at(4, 512), Bytes(512));
    EXPECT_TRUE(discard_sync(*driver, platform(), 5, 1, kPatience));
    EXPECT_EQ(disk_at(5, 512), Bytes(512));
    std::array<std::byte, 20> id{};
    EXPECT_TRUE(get_id_sync(*driver, platform(), id, kPatience));
    EXPECT_EQ(id[0], std::byte{'t'});
}

TEST_F(SyncTest, ErrorsComeBack) {
    Bytes data(512);
    EXPECT_EQ(read_sync(*driver, platform(), 0, data, kPatience).error(), Error::kNotStarted);
    start();
    EXPECT_EQ(read_sync(*driver, platform(), 256, data, kPatience).error(), Error::kOutOfRange);
    device.holding = true;
    const auto token = read(0, data);
    ASSERT_TRUE(token);
    device.serve(0, virtio_blk::kStatusIoError);
    EXPECT_EQ(only_completion().status.error(), Error::kDeviceError);
}

TEST_F(SyncTest, AfterItsTimeoutTheBufferIsTheCallersAgain) {
    start();
    device.holding = true;
    {
        Bytes data(512);
        EXPECT_EQ(read_sync(*driver, platform(), 1, data, kPatience).error(), Error::kTimeout);
        EXPECT_EQ(device.board.machine.mapped(), 0);
        EXPECT_FALSE(driver->next_completion());
    }
    EXPECT_EQ(driver->counters().resets, 1u);
    device.holding = false;
    device.held.clear();
    Bytes data(512);
    EXPECT_TRUE(read_sync(*driver, platform(), 1, data, kPatience));
    EXPECT_EQ(data, disk_at(1, 512));
}

TEST_F(SyncTest, ADeviceThatIsPulledIsReported) {
    start();
    device.holding = true;
    Bytes data(512);
    unsigned asked = 0;
    device.board.before_read = [&] {
        if (++asked == 1) device.remove();
    };
    EXPECT_EQ(read_sync(*driver, platform(), 1, data, kPatience).error(), Error::kDeviceGone);
}

TEST_F(SyncTest, CompletionsOfOthersAreHandedOn) {
    start();
    device.holding = true;
    Bytes mine(512);
    Bytes other(512);
    const auto token = read(9, other);
    ASSERT_TRUE(token);
    device.serve();
    device.holding = false;
    std::vector<Completion> taken;
    const Others others{[](void* context, const Completion& done) {
                            static_cast<std::vector<Completion>*>(context)->push_back(done);
                        },
                        &taken};
    EXPECT_TRUE(read_sync(*driver, platform(), 1, mine, kPatience, others));
    ASSERT_EQ(taken.size(), 1u);
    EXPECT_EQ(taken[0].token, *token);
    EXPECT_EQ(other, disk_at(9, 512));
}

}  // namespace
}  // namespace tb::block
