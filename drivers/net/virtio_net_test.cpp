// SPDX-License-Identifier: BSD-3-Clause
#include "net/virtio_net.hpp"

#include <linux/virtio_ids.h>

#include <cstddef>

#include "net/testing/fake_virtio_net.hpp"
#include "net/virtio_net_checksum.hpp"

// A field of struct virtio_net_ctrl_hdr has the name of a keyword.
#ifdef __clang__
#pragma clang diagnostic ignored "-Wkeyword-macro"
#endif
#define class device_class
#include <linux/virtio_net.h>
#undef class

namespace tb::net {
namespace {

using namespace virtio_net;
using hal::Error;
using testing::VirtioNetTest;
using virtio::InterruptMode;

constexpr std::uint64_t bit(unsigned number) {
    return std::uint64_t{1} << number;
}

TEST(NetConstants, AreThoseOfTheSystemsHeaders) {
    EXPECT_EQ(kModernDevice, virtio::kModernDeviceBase + VIRTIO_ID_NET);
    EXPECT_EQ(kTransitionalDevice, VIRTIO_TRANS_ID_NET);
    EXPECT_EQ(kFeatureCsum, bit(VIRTIO_NET_F_CSUM));
    EXPECT_EQ(kFeatureGuestCsum, bit(VIRTIO_NET_F_GUEST_CSUM));
    EXPECT_EQ(kFeatureCtrlGuestOffloads, bit(VIRTIO_NET_F_CTRL_GUEST_OFFLOADS));
    EXPECT_EQ(kFeatureMtu, bit(VIRTIO_NET_F_MTU));
    EXPECT_EQ(kFeatureMac, bit(VIRTIO_NET_F_MAC));
    EXPECT_EQ(kFeatureHostTso4, bit(VIRTIO_NET_F_HOST_TSO4));
    EXPECT_EQ(kFeatureHostTso6, bit(VIRTIO_NET_F_HOST_TSO6));
    EXPECT_EQ(kFeatureHostEcn, bit(VIRTIO_NET_F_HOST_ECN));
    EXPECT_EQ(kFeatureMergeableBuffers, bit(VIRTIO_NET_F_MRG_RXBUF));
    EXPECT_EQ(kFeatureStatus, bit(VIRTIO_NET_F_STATUS));
    EXPECT_EQ(kFeatureCtrlQueue, bit(VIRTIO_NET_F_CTRL_VQ));
    EXPECT_EQ(kFeatureCtrlRx, bit(VIRTIO_NET_F_CTRL_RX));
    EXPECT_EQ(kFeatureCtrlVlan, bit(VIRTIO_NET_F_CTRL_VLAN));
    EXPECT_EQ(kFeatureGuestAnnounce, bit(VIRTIO_NET_F_GUEST_ANNOUNCE));
    EXPECT_EQ(kFeatureMultiQueue, bit(VIRTIO_NET_F_MQ));
    EXPECT_EQ(kFeatureCtrlMacAddress, bit(VIRTIO_NET_F_CTRL_MAC_ADDR));
    EXPECT_EQ(kFeatureSpeedDuplex, bit(VIRTIO_NET_F_SPEED_DUPLEX));
    EXPECT_EQ(config::kStatus, offsetof(virtio_net_config, status));
    EXPECT_EQ(config::kMaxVirtqueuePairs, offsetof(virtio_net_config, max_virtqueue_pairs));
    EXPECT_EQ(config::kMtu, offsetof(virtio_net_config, mtu));
    EXPECT_EQ(config::kSpeed, offsetof(virtio_net_config, speed));
    EXPECT_EQ(config::kDuplex, offsetof(virtio_net_config, duplex));
    EXPECT_EQ(header::kBytes, sizeof(virtio_net_hdr_mrg_rxbuf));
    EXPECT_EQ(header::kCsumOffset, offsetof(virtio_net_hdr, csum_offset));
    EXPECT_EQ(header::kNumBuffers, offsetof(virtio_net_hdr_mrg_rxbuf, num_buffers));
    EXPECT_EQ(header::kGsoTcpV6, VIRTIO_NET_HDR_GSO_TCPV6);
    EXPECT_EQ(header::kGsoEcn, VIRTIO_NET_HDR_GSO_ECN);
    EXPECT_EQ(control::kMac, VIRTIO_NET_CTRL_MAC);
    EXPECT_EQ(control::kVlan, VIRTIO_NET_CTRL_VLAN);
    EXPECT_EQ(control::kAnnounce, VIRTIO_NET_CTRL_ANNOUNCE);
    EXPECT_EQ(control::kMultiQueue, VIRTIO_NET_CTRL_MQ);
    EXPECT_EQ(control::kGuestOffloads, VIRTIO_NET_CTRL_GUEST_OFFLOADS);
}

TEST(NetFeatures, AreChosenWithWhatTheyRequire) {
    EXPECT_EQ(choose_features(kFeatureCtrlRx | kFeatureMac, ~std::uint64_t{0}), kFeatureMac);
    EXPECT_EQ(choose_features(kFeatureHostTso4, ~std::uint64_t{0}), 0u);
    EXPECT_EQ(choose_features(kFeatureHostEcn | kFeatureCsum, ~std::uint64_t{0}), kFeatureCsum);
    const std::uint64_t sound = kFeatureHostEcn | kFeatureHostTso6 | kFeatureCsum;
    EXPECT_EQ(choose_features(sound, ~std::uint64_t{0}), sound);
    EXPECT_EQ(choose_features(kFeatureCtrlGuestOffloads, ~std::uint64_t{0}), 0u);
}

TEST_F(VirtioNetTest, StartsAndGivesEverythingBack) {
    start();
    EXPECT_EQ(driver->info().mac, (MacAddress{0x52, 0x54, 0, 0x12, 0x34, 0x56}));
    EXPECT_EQ(device.wrong_widths, 0u);
    expect_usable();
    EXPECT_TRUE(driver->stop());
    EXPECT_EQ(driver->stop().error(), Error::kNotStarted);
}

TEST_F(VirtioNetTest, IsAbsentWhereAnotherDeviceIs) {
    device.function.set16(pci::kDeviceId, 0x1042);
    EXPECT_EQ(try_start().error(), Error::kAbsent);
}

TEST_F(VirtioNetTest, WithoutAnAddressOfTheDevicesOneIsMadeUpThatIsLocal) {
    device.features &= ~kFeatureMac;
    start();
    EXPECT_EQ(driver->info().mac[0] & 3, 2);
}

TEST_F(VirtioNetTest, AFeatureWithoutWhatItRequiresIsNotAccepted) {
    device.features &= ~kFeatureCtrlQueue;
    start();
    EXPECT_EQ(driver->features() & (kFeatureCtrlRx | kFeatureCtrlVlan | kFeatureGuestAnnounce), 0u);
    EXPECT_EQ(driver->set_promiscuous(true).error(), Error::kUnsupported);
    expect_usable();
}

TEST_F(VirtioNetTest, EveryHeaderHasNumBuffersZeroAndNoFlagsWithoutOffload) {
    start();
    Bytes out = frame(60);
    ASSERT_TRUE(send(out));
    EXPECT_EQ(device.sent.at(0).header, (Bytes{0, 0, 60, 0, 0, 0, 0, 0, 0, 0, 0, 0}));
}

TEST_F(VirtioNetTest, AnOffloadIsInTheHeader) {
    device.features |= kFeatureCsum | kFeatureHostTso4;
    start();
    Bytes out = frame(1000);
    out[12] = 8;
    out[13] = 0;
    ASSERT_TRUE(send(out, {.l4_checksum = true, .l4_offset = 34}));
    EXPECT_EQ(device.sent.at(0).header, (Bytes{1, 0, 118, 0, 0, 0, 34, 0, 16, 0, 0, 0}));
    ASSERT_TRUE(send(out, {.l4_checksum = true, .l4_offset = 34, .header_bytes = 54, .mss = 500}));
    EXPECT_EQ(device.sent.at(1).header, (Bytes{1, 1, 54, 0, 0xf4, 1, 34, 0, 16, 0, 0, 0}));
    EXPECT_EQ(send(out, {.ipv6 = true, .l4_offset = 54, .header_bytes = 74, .mss = 500}).error(),
              Error::kUnsupported);
    EXPECT_EQ(send(out, {.ip_checksum = true}).error(), Error::kUnsupported);
    EXPECT_EQ(send(out, {.l4_checksum = true, .l4_offset = 30}).error(), Error::kInvalidArgument);
}

TEST_F(VirtioNetTest, ARingThatIsFullHasRoomWhenSomethingWasSent) {
    device.queues[1].size = 4;
    start({.indirect = false, .rx_buffers = 16});
    device.holding = true;
    Bytes out = frame(60);
    ASSERT_TRUE(send(out));
    ASSERT_TRUE(send(out));
    EXPECT_EQ(send(out).error(), Error::kBusy);
    device.holding = false;
    device.send_all();
    device.board.host.interrupt_point();
    EXPECT_TRUE(driver->work_pending()) << "who was refused is told that there is room";
    EXPECT_TRUE(send(out));
    EXPECT_TRUE(driver->next_sent());
}

TEST_F(VirtioNetTest, FramesThatAreSentMakeNoInterrupt) {
    for (const bool event_idx : {true, false}) {
        start({.event_idx = event_idx, .rx_buffers = 16});
        Bytes out = frame(60);
        for (int i = 0; i < 20; ++i) ASSERT_TRUE(send(out));
        device.board.host.interrupt_point();
        EXPECT_FALSE(driver->work_pending());
        ASSERT_TRUE(driver->stop());
    }
}

TEST_F(VirtioNetTest, ALongFrameComesOutOfSeveralBuffers) {
    start({.rx_buffers = 16, .rx_buffer_bytes = 128});
    Bytes in = frame(1000);
    for (std::size_t i = 14; i < in.size(); ++i) in[i] = static_cast<std::uint8_t>(i);
    for (int round = 0; round < 10; ++round) {
        ASSERT_TRUE(device.arrive(in));
        poll();
        const auto got = receive();
        ASSERT_TRUE(got);
        EXPECT_EQ(*got, in);
    }
}

TEST_F(VirtioNetTest, FramesGoRoundTheRings) {
    for (const bool event_idx : {true, false}) {
        start({.event_idx = event_idx, .rx_buffers = 16});
        for (int i = 0; i < 600; ++i) {
            Bytes out = frame(60, static_cast<std::uint8_t>(i));
            ASSERT_TRUE(send(out));
            ASSERT_TRUE(device.arrive(frame(60, static_cast<std::uint8_t>(i + 1))));
            poll();
            ASSERT_TRUE(driver->next_sent());
            EXPECT_EQ(device.sent.back().frame, out);
            const auto got = receive();
            ASSERT_TRUE(got);
            EXPECT_EQ(*got, frame(60, static_cast<std::uint8_t>(i + 1)));
        }
        ASSERT_TRUE(driver->stop());
    }
}

TEST_F(VirtioNetTest, TheFilterIsToldAfterEveryReset) {
    start({.vlan_filter = true, .rx_buffers = 16});
    const MacAddress group = {1, 0, 0x5e, 0, 0, 1};
    ASSERT_TRUE(driver->set_multicast({&group, 1}));
    ASSERT_TRUE(driver->set_vlan(5, true));
    ASSERT_TRUE(driver->set_mac({2, 0, 0, 0, 0, 1}));
    device.commands.clear();
    ASSERT_TRUE(driver->recover());
    ASSERT_EQ(device.commands.size(), 5u);
    EXPECT_EQ(device.commands[0].device_class, control::kRx);
    EXPECT_EQ(device.commands[1].data, (Bytes{0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0x5e, 0, 0, 1}));
    EXPECT_EQ(device.commands[2].data, (Bytes{0, 0}));
    EXPECT_EQ(device.commands[3].data, (Bytes{5, 0}));
    EXPECT_EQ(device.commands[4].data, (Bytes{2, 0, 0, 0, 0, 1}));
}

TEST_F(VirtioNetTest, AWishToBeAnnouncedIsFulfilledAndAcknowledged) {
    for (const InterruptMode mode : {InterruptMode::kPolled, InterruptMode::kMsix}) {
        start({.interrupts = mode, .rx_buffers = 16});
        device.sent.clear();
        device.set_config<std::uint16_t>(config::kStatus, 3);
        device.interrupt_config();
        pass(hal::milliseconds(20));
        poll();
        ASSERT_EQ(device.sent.size(), 1u);
        EXPECT_EQ(device.sent[0].frame.size(), 60u);
        ASSERT_EQ(device.commands.size(), 1u);
        EXPECT_EQ(device.commands[0].device_class, control::kAnnounce);
        EXPECT_FALSE(driver->next_sent()) << "nobody waits for an announcement";
        device.set_config<std::uint16_t>(config::kStatus, 1);
        ASSERT_TRUE(driver->stop());
    }
}

TEST_F(VirtioNetTest, NoLinkNoFrames) {
    start();
    device.set_config<std::uint16_t>(config::kStatus, 0);
    device.interrupt_config();
    poll();
    Bytes out = frame(60);
    EXPECT_EQ(send(out).error(), Error::kLinkDown);
    EXPECT_FALSE(driver->link().up);
}

// A TCP segment over IPv4 whose checksum field holds the sum of its pseudo header.
std::vector<std::byte> unfinished() {
    constexpr std::uint8_t kFrame[] = {
        2, 0, 0, 0,    0, 1, 0x52, 0x54, 0,    0x12, 0x34, 0x56, 8,    0,    0x45, 0, 0,    0x2a, 0,
        0, 0, 0, 0x40, 6, 0, 0,    10,   0,    0,    1,    10,   0,    0,    2,    3, 0xe8, 0,    0x35,
        0, 0, 0, 1,    0, 0, 0,    0,    0x50, 0x10, 0x20, 0,    0x14, 0x1f, 0,    0, 'o',  'k'};
    std::vector<std::byte> frame;
    for (const std::uint8_t byte : kFrame) frame.push_back(static_cast<std::byte>(byte));
    return frame;
}

TEST(NetChecksum, IsCompletedWhereItIsUnfinished) {
    auto frame = unfinished();
    ASSERT_TRUE(complete_checksum(frame, 34, 16));
    std::uint32_t sum = 0;
    for (std::size_t i = 26; i < frame.size(); i += 2)
        sum += static_cast<std::uint32_t>(frame[i]) << 8 | static_cast<std::uint32_t>(frame[i + 1]);
    sum += 6 + 22;
    EXPECT_EQ((sum & 0xffff) + (sum >> 16), 0xffffu);
    EXPECT_FALSE(complete_checksum(frame, 34, 16)) << "it is finished";
}

TEST(NetChecksum, IsLeftAloneWhereSomethingContradicts) {
    for (const auto& [start, offset] : {std::pair{33U, 16U}, {34U, 6U}, {0U, 0U}, {0xffffU, 0xffffU}}) {
        auto frame = unfinished();
        EXPECT_FALSE(complete_checksum(frame, start, offset));
        EXPECT_EQ(frame, unfinished());
    }
    auto frame = unfinished();
    frame[51] ^= std::byte{1};
    EXPECT_FALSE(complete_checksum(frame, 34, 16)) << "the field holds something else";
    for (std::size_t bytes = 0; bytes < frame.size(); ++bytes)
        EXPECT_FALSE(complete_checksum(std::span(frame).first(bytes), 34, 16)) << bytes;
}

}  // namespace
}  // namespace tb::net
