// SPDX-License-Identifier: BSD-3-Clause
#include "models/net/virtio_net.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <vector>

#include "models/net/host_offload.hpp"
#include "models/net/net_peer.hpp"
#include "models/net/virtio_net_pci.hpp"
#include "models/virtio/testing/ring_driver.hpp"

// A field of struct virtio_net_ctrl_hdr has the name of a keyword.
#ifdef __clang__
#pragma clang diagnostic ignored "-Wkeyword-macro"
#endif
#define class device_class
#include <linux/virtio_net.h>
#undef class

namespace tb::model::net {
namespace {

using virtio::testing::Descriptor;
using virtio::testing::DriverRing;
using virtio::testing::PciDriver;
using virtio::testing::Used;

using Frame = std::vector<std::byte>;

constexpr std::uint64_t kDeviceConfig = virtio::testing::kDeviceBlock;
constexpr std::uint64_t bit(unsigned feature) {
    return std::uint64_t{1} << feature;
}
constexpr std::uint64_t kCommands = virtio::testing::kVersion1 | bit(VIRTIO_NET_F_CTRL_VQ) |
                                    bit(VIRTIO_NET_F_CTRL_RX) | bit(VIRTIO_NET_F_CTRL_RX_EXTRA) |
                                    bit(VIRTIO_NET_F_CTRL_VLAN) | bit(VIRTIO_NET_F_CTRL_MAC_ADDR) |
                                    bit(VIRTIO_NET_F_GUEST_ANNOUNCE) | bit(VIRTIO_NET_F_MAC);

Frame frame_to(std::initializer_list<int> destination, std::size_t bytes = 60) {
    Frame frame(bytes, std::byte{0x5a});
    std::size_t at = 0;
    for (const int byte : destination) frame[at++] = std::byte(byte);
    return frame;
}
Frame own(std::size_t bytes = 60) {
    return frame_to({0x52, 0x54, 0, 0x12, 0x34, 0x56}, bytes);
}
Frame group() {
    return frame_to({1, 0, 0x5e, 0, 0, 1});
}
Frame foreign() {
    return frame_to({2, 0, 0, 0, 0, 0x99});
}
Frame broadcast() {
    return frame_to({255, 255, 255, 255, 255, 255});
}

/// A virtio-net-pci on a board, with the queues of two pairs and a driver that does as the test says.
class VirtioNetTest : public ::testing::Test {
  protected:
    static constexpr std::uint64_t kBuffers = 0x40'0000;  ///< 4 KiB each
    static constexpr std::uint64_t kCommand = 0x30'0000;
    static constexpr std::uint64_t kAnswer = 0x31'0000;

    VirtioNetTest() : driver(bench) {
        for (unsigned i = 0; i < 5; ++i)
            rings.push_back(std::make_unique<DriverRing>(bench, 0x20'0000 + 0x8000ULL * i, 16));
    }
    void build(const VirtioNetProperties& properties = {}) {
        device = std::make_unique<VirtioNetPci>("net", bench.board, virtio::testing::kSlot,
                                                VirtioNetOptions{.net = properties, .pci = {}}, peer);
        bench.start();
        device->power_on_reset();
        driver.enable_function();
    }
    void start(std::uint64_t features = virtio::testing::kVersion1, unsigned queues = 3) {
        driver.negotiate(features);
        for (unsigned i = 0; i < queues; ++i) driver.enable_queue(i, *rings[i]);
        driver.driver_ok();
    }
    static std::uint64_t buffer(unsigned n) { return kBuffers + 0x1000ULL * n; }
    /// Makes `count` receive buffers of `bytes` available.
    void feed(unsigned count, std::uint32_t bytes = 1526, unsigned queue = 0) {
        for (unsigned i = 0; i < count; ++i) {
            const unsigned n = 16 * queue + rings[queue]->next() % 16U;
            std::memset(bench.board.ram().data() + buffer(n), 0xee, 0x1000);
            rings[queue]->put(n % 16, {buffer(n), bytes, virtio::testing::kWrite, 0});
            rings[queue]->offer(static_cast<std::uint16_t>(n % 16));
        }
        driver.notify(queue);
    }
    void arrive(const Frame& frame) {
        device->net().receive(frame);
        bench.simulation.settle();
    }
    Frame memory(std::uint64_t address, std::size_t bytes) {
        const auto* from = reinterpret_cast<const std::byte*>(bench.board.ram().data()) + address;
        return {from, from + bytes};
    }
    void send(const NetHeader& header, const Frame& frame, unsigned queue = 1) {
        const std::uint64_t at = buffer(60);
        bench.store(at, header);
        std::memcpy(bench.board.ram().data() + at + 12, frame.data(), frame.size());
        const unsigned slot = rings[queue]->next() % 16U;
        rings[queue]->put(slot, {at, static_cast<std::uint32_t>(12 + frame.size()), 0, 0});
        rings[queue]->offer(static_cast<std::uint16_t>(slot));
        driver.notify(queue);
    }
    int command(std::vector<std::uint8_t> data, unsigned queue = 2) {
        DriverRing& ring = *rings[queue];
        std::memcpy(bench.board.ram().data() + kCommand, data.data(), data.size());
        bench.store<std::uint8_t>(kAnswer, 0xee);
        const std::uint16_t before = ring.used_index();
        ring.offer(ring.chain(0, {{kCommand, static_cast<std::uint32_t>(data.size()), 0, 0},
                                  {kAnswer, 1, virtio::testing::kWrite, 0}}));
        driver.notify(queue);
        return ring.used_index() == before ? -1 : bench.load<std::uint8_t>(kAnswer);
    }
    unsigned received(unsigned queue = 0) { return rings[queue]->used_index(); }
    bool findings_say(const std::string& text) {
        for (const auto& finding : bench.seen.findings)
            if (finding.message.find(text) != std::string::npos) return true;
        return false;
    }

    model::testing::BoardHarness bench;
    PciDriver driver;
    NetPeer peer;
    std::vector<std::unique_ptr<DriverRing>> rings;
    std::unique_ptr<VirtioNetPci> device;
};

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
