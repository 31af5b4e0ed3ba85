// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <string>
#include <vector>

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

namespace tb::model::net::testing {

using virtio::testing::Descriptor;
using virtio::testing::DriverRing;
using virtio::testing::PciDriver;
using virtio::testing::Used;

using Frame = std::vector<std::byte>;

inline constexpr std::uint64_t kDeviceConfig = virtio::testing::kDeviceBlock;
constexpr std::uint64_t bit(unsigned feature) {
    return std::uint64_t{1} << feature;
}
inline constexpr std::uint64_t kCommands = virtio::testing::kVersion1 | bit(VIRTIO_NET_F_CTRL_VQ) |
                                           bit(VIRTIO_NET_F_CTRL_RX) | bit(VIRTIO_NET_F_CTRL_RX_EXTRA) |
                                           bit(VIRTIO_NET_F_CTRL_VLAN) | bit(VIRTIO_NET_F_CTRL_MAC_ADDR) |
                                           bit(VIRTIO_NET_F_GUEST_ANNOUNCE) | bit(VIRTIO_NET_F_MAC);

inline Frame frame_to(std::initializer_list<int> destination, std::size_t bytes = 60) {
    Frame frame(bytes, std::byte{0x5a});
    std::size_t at = 0;
    for (const int byte : destination) frame[at++] = std::byte(byte);
    return frame;
}
inline Frame own(std::size_t bytes = 60) {
    return frame_to({0x52, 0x54, 0, 0x12, 0x34, 0x56}, bytes);
}
inline Frame group() {
    return frame_to({1, 0, 0x5e, 0, 0, 1});
}
inline Frame foreign() {
    return frame_to({2, 0, 0, 0, 0, 0x99});
}
inline Frame broadcast() {
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

}  // namespace tb::model::net::testing
