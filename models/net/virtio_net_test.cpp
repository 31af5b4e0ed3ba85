// SPDX-License-Identifier: BSD-3-Clause
#include "models/net/virtio_net.hpp"

#include <algorithm>

#include "models/net/virtio_net_test_bench.hpp"

namespace tb::model::net {
namespace {

using namespace testing;

TEST_F(VirtioNetTest, OffersQemusFeaturesAndConfiguration) {
    build();
    EXPECT_EQ(driver.offered_features(), 0x101'30bf8024U);
    EXPECT_EQ(driver.read(kDeviceConfig, 4), 0x12005452U);
    EXPECT_EQ(driver.read(kDeviceConfig + 6, 2), unsigned{VIRTIO_NET_S_LINK_UP});
    EXPECT_EQ(driver.read(kDeviceConfig + 8, 2), 0xffffU) << "behind its end";
    EXPECT_EQ(bench.config_read(virtio::testing::kSlot, 0), 0x1041'1af4U);
}

TEST_F(VirtioNetTest, ConfigurationOfMqMtuAndSpeed) {
    build({.mq = true, .pairs = 2, .host_mtu = 9000, .speed = 10000});
    EXPECT_EQ(driver.read(kDeviceConfig + 8, 2), 2U);
    EXPECT_EQ(driver.read(kDeviceConfig + 10, 2), 9000U);
    EXPECT_EQ(driver.read(kDeviceConfig + 12, 4), 10000U);
    EXPECT_EQ(driver.read(kDeviceConfig + 16, 1), 1U);
    EXPECT_NE(driver.offered_features() & bit(VIRTIO_NET_F_SPEED_DUPLEX), 0U);
}

TEST_F(VirtioNetTest, AFrameThatIsSentGoesOutAsItIs) {
    build();
    start();
    send({}, own(61));
    ASSERT_EQ(peer.frames().size(), 1U);
    EXPECT_EQ(peer.frames()[0], own(61));
    EXPECT_EQ(rings[1]->used(0), (Used{0, 0}));
}

TEST_F(VirtioNetTest, FlagsAndPlacesThatWereNotAgreedOnAreIgnored) {
    build({.vnet_header = true});
    start();
    send({.flags = 0xfe, .hdr_len = 0xffff, .csum_start = 20, .csum_offset = 2}, own());
    ASSERT_EQ(peer.frames().size(), 1U);
    EXPECT_EQ(peer.frames()[0], own());
}

TEST_F(VirtioNetTest, AFrameOfTheMtuIsForwardedWhole) {
    build({.host_mtu = 9000});
    start(virtio::testing::kVersion1 | bit(VIRTIO_NET_F_MTU));
    Frame frame(9014, std::byte{1});
    const std::uint64_t at = 0x80'0000;
    bench.store(at, NetHeader{});
    std::memcpy(bench.board.ram().data() + at + 12, frame.data(), frame.size());
    rings[1]->put(0, {at, 9026, 0, 0});
    rings[1]->offer(0);
    driver.notify(1);
    ASSERT_EQ(peer.frames().size(), 1U);
    EXPECT_EQ(peer.frames()[0], frame);
}

TEST_F(VirtioNetTest, AFrameBeyondTheMtuIsHandedOnAsQemuDoes) {
    build({.host_mtu = 1280});
    start(virtio::testing::kVersion1 | bit(VIRTIO_NET_F_MTU));
    feed(1);
    arrive(own(1400));
    EXPECT_EQ(received(), 1U);
}

TEST_F(VirtioNetTest, WithoutMergeableBuffersNumBuffersIsLeftAsItWas) {
    build();
    start();
    feed(1);
    arrive(own());
    ASSERT_EQ(received(), 1U);
    EXPECT_EQ(rings[0]->used(0), (Used{0, 72}));
    EXPECT_EQ(bench.load<std::uint64_t>(buffer(0)), 0U);
    EXPECT_EQ(bench.load<std::uint32_t>(buffer(0) + 8), 0xeeee0000U);
    EXPECT_EQ(memory(buffer(0) + 12, 60), own());
}

TEST_F(VirtioNetTest, WithoutMergeableBuffersALongFrameIsDropped) {
    build();
    start();
    feed(2, 64);
    arrive(own(60));
    EXPECT_EQ(received(), 0U);
    EXPECT_TRUE(findings_say("does not fit"));
    arrive(own(52));
    EXPECT_EQ(received(), 1U);
}

TEST_F(VirtioNetTest, MergeableBuffersAreFullButTheLastAndComeTogether) {
    build();
    start(virtio::testing::kVersion1 | bit(VIRTIO_NET_F_MRG_RXBUF));
    feed(2, 100);
    arrive(own(250));
    EXPECT_EQ(received(), 0U) << "two are not enough";
    feed(1, 100);
    ASSERT_EQ(received(), 3U);
    EXPECT_EQ(bench.load<std::uint16_t>(buffer(0) + 10), 3U);
    EXPECT_EQ(rings[0]->used(0), (Used{0, 100}));
    EXPECT_EQ(rings[0]->used(1), (Used{1, 100}));
    EXPECT_EQ(rings[0]->used(2), (Used{2, 62}));
}

TEST_F(VirtioNetTest, AllIsLetInUntilTheFilterIsTold) {
    build();
    start(kCommands);
    feed(10);
    arrive(foreign());
    EXPECT_EQ(received(), 1U);
    EXPECT_EQ(command({0, 0, 0}), 0);
    arrive(foreign());
    arrive(group());
    EXPECT_EQ(received(), 1U);
    arrive(own());
    arrive(broadcast());
    EXPECT_EQ(received(), 3U);
}

TEST_F(VirtioNetTest, PromiscuousGoesBeforeAllOtherModes) {
    build();
    start(kCommands);
    feed(10);
    for (std::uint8_t mode = 3; mode < 6; ++mode) EXPECT_EQ(command({0, mode, 1}), 0);
    for (const Frame& frame : {own(), foreign(), group(), broadcast()}) arrive(frame);
    EXPECT_EQ(received(), 4U);
}

TEST_F(VirtioNetTest, AllMulticastAndItsSuppression) {
    build();
    start(kCommands);
    feed(10);
    EXPECT_EQ(command({0, 0, 0}), 0);
    EXPECT_EQ(command({0, 1, 1}), 0);
    arrive(group());
    EXPECT_EQ(received(), 1U);
    EXPECT_EQ(command({0, 3, 1}), 0);
    arrive(group());
    EXPECT_EQ(received(), 1U);
    arrive(broadcast());
    EXPECT_EQ(received(), 2U) << "broadcasts are no multicasts here";
}

TEST_F(VirtioNetTest, AllUnicastAndItsSuppression) {
    build();
    start(kCommands);
    feed(10);
    EXPECT_EQ(command({0, 0, 0}), 0);
    EXPECT_EQ(command({0, 2, 1}), 0);
    arrive(foreign());
    EXPECT_EQ(received(), 1U);
    EXPECT_EQ(command({0, 4, 1}), 0);
    arrive(foreign());
    arrive(own());
    EXPECT_EQ(received(), 1U);
}

TEST_F(VirtioNetTest, BroadcastsAreSuppressedWhateverElseIsLetIn) {
    build();
    start(kCommands);
    feed(10);
    EXPECT_EQ(command({0, 0, 0}), 0);
    EXPECT_EQ(command({0, 1, 1}), 0);
    EXPECT_EQ(command({0, 5, 1}), 0);
    arrive(broadcast());
    EXPECT_EQ(received(), 0U);
}

TEST_F(VirtioNetTest, TheTableOfAddressesFiltersAndIsEmptyAfterAReset) {
    build();
    start(kCommands);
    feed(10);
    EXPECT_EQ(command({0, 0, 0}), 0);
    EXPECT_EQ(command({1, 0, 1, 0, 0, 0, 2, 0, 0, 0, 0, 0x99, 1, 0, 0, 0, 1, 0, 0x5e, 0, 0, 1}), 0);
    arrive(foreign());
    arrive(group());
    EXPECT_EQ(received(), 2U);
    for (auto& ring : rings) ring->set_next(0);
    std::memset(bench.board.ram().data() + 0x20'0000, 0, 0x28000);
    start(kCommands);
    feed(10);
    EXPECT_EQ(command({0, 0, 0}), 0);
    arrive(foreign());
    arrive(group());
    EXPECT_EQ(received(), 0U);
}

TEST_F(VirtioNetTest, ANewAddressIsInTheConfigurationAndForgottenByAReset) {
    build();
    start(kCommands);
    EXPECT_EQ(command({1, 1, 2, 0, 0, 0, 0, 0x99}), 0);
    EXPECT_EQ(driver.read(kDeviceConfig + 5, 1), 0x99U);
    EXPECT_EQ(command({1, 1, 2, 0, 0, 0, 0}), 1);
    driver.set_status(0);
    EXPECT_EQ(driver.read(kDeviceConfig + 5, 1), 0x56U);
}

TEST_F(VirtioNetTest, ATableThatDoesNotAddUpIsRefused) {
    build();
    start(kCommands);
    EXPECT_EQ(command({1, 0}), 1);
    EXPECT_EQ(command({1, 0, 2, 0, 0, 0, 2, 0, 0, 0, 0, 1}), 1);
    EXPECT_EQ(command({1, 0, 0, 0, 0, 0, 1, 0, 0, 0}), 1);
    EXPECT_EQ(command({1, 0, 0xff, 0xff, 0xff, 0xff}), 1);
}

TEST_F(VirtioNetTest, VlansThatWereNotAddedAreDropped) {
    build();
    start(kCommands);
    feed(4);
    EXPECT_EQ(command({0, 0, 0}), 0);
    Frame tagged = own();
    tagged[12] = std::byte{0x81};
    tagged[13] = tagged[14] = std::byte{0};
    tagged[15] = std::byte{5};
    arrive(tagged);
    EXPECT_EQ(received(), 0U);
    EXPECT_EQ(command({2, 0, 5, 0}), 0);
    arrive(tagged);
    EXPECT_EQ(received(), 1U);
    EXPECT_EQ(command({2, 1, 5, 0}), 0);
    arrive(tagged);
    EXPECT_EQ(received(), 1U);
    EXPECT_EQ(command({2, 0, 0, 0x10}), 1);
}

TEST_F(VirtioNetTest, AnAnnouncementIsAskedForUntilItIsAcknowledged) {
    build();
    start(kCommands);
    EXPECT_EQ(command({3, 0}), 1) << "nobody asked";
    device->net().announce();
    ASSERT_EQ(peer.frames().size(), 1U);
    EXPECT_EQ(peer.frames()[0].size(), 60U);
    EXPECT_EQ(driver.read(kDeviceConfig + 6, 2), 3U);
    EXPECT_EQ(driver.acknowledge(), 3U);
    EXPECT_EQ(command({3, 0}), 0);
    EXPECT_EQ(driver.read(kDeviceConfig + 6, 2), 1U);
}

TEST_F(VirtioNetTest, TheLinkIsInTheStatusAndItsChangeInterrupts) {
    build();
    start();
    device->net().set_link(false);
    EXPECT_EQ(driver.read(kDeviceConfig + 6, 2), 0U);
    EXPECT_EQ(driver.acknowledge(), 3U);
    send({}, own());
    EXPECT_TRUE(peer.frames().empty());
    EXPECT_EQ(rings[1]->used_index(), 1U);
}

constexpr std::uint64_t kManyQueues = kCommands | bit(VIRTIO_NET_F_MQ);

TEST_F(VirtioNetTest, UntilItIsToldFramesComeInByTheFirstPair) {
    build({.mq = true, .pairs = 2});
    start(kManyQueues, 5);
    feed(2);
    feed(2, 1526, 2);
    send({}, own(), 3);
    EXPECT_TRUE(findings_say("which is not enabled"));
    arrive(foreign());
    EXPECT_EQ(received(0), 1U);
    EXPECT_EQ(received(2), 0U);
}

TEST_F(VirtioNetTest, AFlowComesInWhereItGoesOut) {
    build({.mq = true, .pairs = 2});
    start(kManyQueues, 5);
    feed(4);
    feed(4, 1526, 2);
    EXPECT_EQ(command({4, 0, 0, 0}, 4), 1);
    EXPECT_EQ(command({4, 0, 3, 0}, 4), 1);
    EXPECT_EQ(command({4, 0, 2, 0}, 4), 0);
    Frame out = own();
    Frame back = out;
    std::swap_ranges(back.begin(), back.begin() + 6, back.begin() + 6);
    arrive(back);
    EXPECT_EQ(received(0), 1U) << "a flow that nobody sent";
    send({}, out, 3);
    arrive(back);
    EXPECT_EQ(received(2), 1U);
    EXPECT_EQ(command({4, 0, 1, 0}, 4), 0);
    arrive(back);
    EXPECT_EQ(received(2), 1U) << "the second pair is off again";
    EXPECT_EQ(received(0), 2U);
}

TEST_F(VirtioNetTest, RssIsNotThere) {
    build({.mq = true, .pairs = 2});
    EXPECT_EQ(driver.offered_features() & bit(VIRTIO_NET_F_RSS), 0U);
    start(kManyQueues, 5);
    EXPECT_EQ(command({4, 1, 0, 0, 0, 0}, 4), 1);
}

TEST_F(VirtioNetTest, ACommandWithoutRoomForItsAnswerBreaksTheDevice) {
    build();
    start(kCommands);
    rings[2]->put(0, {kCommand, 3, 0, 0});
    rings[2]->offer(0);
    driver.notify(2);
    EXPECT_EQ(driver.status() & 0x40, 0x40);
}

TEST_F(VirtioNetTest, AReceiveBufferThatIsNotWritableBreaksTheDevice) {
    build();
    start();
    rings[0]->put(0, {buffer(0), 1526, 0, 0});
    rings[0]->offer(0);
    driver.notify(0);
    arrive(own());
    EXPECT_EQ(driver.status() & 0x40, 0x40);
}

TEST_F(VirtioNetTest, PropertiesOutOfRangeAreRefused) {
    EXPECT_THROW(VirtioNet::check({.rx_queue_size = 100}), std::invalid_argument);
    EXPECT_THROW(VirtioNet::check({.pairs = 0}), std::invalid_argument);
    EXPECT_THROW(VirtioNet::check({.pairs = 9}), std::invalid_argument);
    EXPECT_NO_THROW(VirtioNet::check({.rx_queue_size = 1024}));
}

}  // namespace
}  // namespace tb::model::net
