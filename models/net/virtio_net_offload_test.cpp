// SPDX-License-Identifier: BSD-3-Clause
// What the back end does with frames that have a virtio_net_hdr.
#include "models/net/host_offload.hpp"
#include "models/net/virtio_net_test_bench.hpp"

namespace tb::model::net {
namespace {

using namespace testing;

/// TCP over IPv4: 10.0.0.1 to 10.0.0.2, with `payload` bytes and the sum of the pseudo header.
Frame tcp(std::size_t payload, std::uint8_t flags = 0x18) {
    Frame frame(54 + payload, std::byte{0});
    const auto put = [&](std::size_t at, std::initializer_list<int> bytes) {
        for (const int byte : bytes) frame[at++] = std::byte(byte);
    };
    const auto total = static_cast<int>(40 + payload);
    put(0,
        {2, 0,    0, 0, 0,    1, 0x52, 0x54, 0,  0x12, 0x34, 0x56,  8,    0, 0x45, 0, total >> 8, total & 255,
         0, 7,    0, 0, 0x40, 6, 0,    0,    10, 0,    0,    1,     10,   0, 0,    2, 3,          0xe8,
         0, 0x35, 0, 0, 1,    0, 0,    0,    0,  0,    0x50, flags, 0x20, 0});
    const int pseudo = 0x0a00 + 1 + 0x0a00 + 2 + 6 + total - 20;
    put(50, {pseudo >> 8, pseudo & 255});
    for (std::size_t i = 54; i < frame.size(); ++i) frame[i] = std::byte(i & 255);
    return frame;
}
unsigned at16(const Frame& frame, std::size_t at) {
    return std::to_integer<unsigned>(frame[at]) << 8 | std::to_integer<unsigned>(frame[at + 1]);
}
/// What the words of TCP and of its pseudo header add up to; 0xffff when the checksum is right.
unsigned tcp_sum(const Frame& frame) {
    std::uint64_t sum = 6 + frame.size() - 34;
    for (std::size_t i = 26; i < frame.size(); ++i)
        sum += std::to_integer<std::uint64_t>(frame[i]) << ((i & 1) != 0 ? 0 : 8);
    while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
    return static_cast<unsigned>(sum);
}

constexpr std::uint64_t kOffloads = virtio::testing::kVersion1 | bit(VIRTIO_NET_F_CSUM) |
                                    bit(VIRTIO_NET_F_HOST_TSO4) | bit(VIRTIO_NET_F_GUEST_CSUM) |
                                    bit(VIRTIO_NET_F_CTRL_GUEST_OFFLOADS) | bit(VIRTIO_NET_F_CTRL_VQ);

TEST_F(VirtioNetTest, AChecksumIsFilledIn) {
    build({.vnet_header = true});
    start(kOffloads);
    send({.flags = 1, .csum_start = 34, .csum_offset = 16}, tcp(101));
    ASSERT_EQ(peer.frames().size(), 1U);
    EXPECT_EQ(tcp_sum(peer.frames()[0]), 0xffffU);
}

TEST_F(VirtioNetTest, WithoutNeedsCsumTheChecksumIsNotLookedAt) {
    build({.vnet_header = true});
    start(kOffloads);
    send({.csum_start = 34, .csum_offset = 16}, tcp(100));
    EXPECT_EQ(peer.frames().at(0), tcp(100));
}

TEST_F(VirtioNetTest, AHeaderThatContradictsItsFrameLosesIt) {
    build({.vnet_header = true});
    start(kOffloads);
    send({.flags = 1, .csum_start = 34, .csum_offset = 1000}, tcp(10));
    send({.flags = 1, .gso_type = 1, .csum_start = 34, .csum_offset = 16}, tcp(10));
    EXPECT_TRUE(peer.frames().empty());
    EXPECT_TRUE(findings_say("contradicts"));
    EXPECT_EQ(rings[1]->used_index(), 2U);
}

TEST_F(VirtioNetTest, TcpIsCutIntoSegmentsWhateverHdrLenSays) {
    build({.vnet_header = true});
    start(kOffloads);
    send({.flags = 1, .gso_type = 1, .hdr_len = 3, .gso_size = 100, .csum_start = 34, .csum_offset = 16},
         tcp(250, 0x99));
    ASSERT_EQ(peer.frames().size(), 3U);
    for (std::size_t i = 0; i < 3; ++i) {
        const Frame& frame = peer.frames()[i];
        EXPECT_EQ(frame.size(), i < 2 ? 154U : 104U);
        EXPECT_EQ(tcp_sum(frame), 0xffffU);
        EXPECT_EQ(at16(frame, 18), 7 + i) << "identification";
        EXPECT_EQ(at16(frame, 40), 256 + 100 * i) << "sequence";
        EXPECT_EQ(std::to_integer<unsigned>(frame[47]), (i == 0 ? 0x80U : 0U) | 0x10U | (i == 2 ? 9U : 0U));
    }
}

TEST_F(VirtioNetTest, AnUnfinishedFrameComesWithNeedsCsumAndAGoodOneWithDataValid) {
    build({.vnet_header = true});
    start(kOffloads);
    feed(3);
    arrive(tcp(100));
    auto header = bench.load<NetHeader>(buffer(0));
    EXPECT_EQ(header.flags, VIRTIO_NET_HDR_F_NEEDS_CSUM);
    EXPECT_EQ(header.csum_start, 34);
    EXPECT_EQ(header.csum_offset, 16);
    EXPECT_EQ(memory(buffer(0) + 12, 154), tcp(100));
    Frame good = tcp(100);
    (void)HostOffload::receive(good, false);
    arrive(good);
    EXPECT_EQ(bench.load<NetHeader>(buffer(1)).flags, VIRTIO_NET_HDR_F_DATA_VALID);
    good[60] ^= std::byte{1};
    arrive(good);
    EXPECT_EQ(bench.load<NetHeader>(buffer(2)).flags, 0);
}

TEST_F(VirtioNetTest, WithoutGuestCsumFramesComeFinishedAndWithoutFlags) {
    build({.vnet_header = true});
    start(virtio::testing::kVersion1);
    feed(1);
    arrive(tcp(100));
    EXPECT_EQ(bench.load<std::uint64_t>(buffer(0)), 0U);
    EXPECT_EQ(tcp_sum(memory(buffer(0) + 12, 154)), 0xffffU);
}

TEST_F(VirtioNetTest, TheOffloadIsSetByACommandAndNoOtherIsThere) {
    build({.vnet_header = true});
    start(kOffloads);
    feed(2);
    EXPECT_EQ(command({5, 0, 0, 0, 0, 0, 0, 0, 0, 0}), 0);
    arrive(tcp(100));
    EXPECT_EQ(bench.load<NetHeader>(buffer(0)).flags, 0);
    EXPECT_EQ(command({5, 0, 2, 0, 0, 0, 0, 0, 0, 0}), 0);
    arrive(tcp(100));
    EXPECT_EQ(bench.load<NetHeader>(buffer(1)).flags, VIRTIO_NET_HDR_F_NEEDS_CSUM);
    EXPECT_EQ(command({5, 0, 0x82, 0, 0, 0, 0, 0, 0, 0}), 1) << "GUEST_TSO4";
    EXPECT_EQ(command({5, 0, 2}), 1);
}

}  // namespace
}  // namespace tb::model::net
