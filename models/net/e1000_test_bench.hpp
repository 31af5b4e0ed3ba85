// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <string_view>
#include <vector>

#include "models/net/e1000.hpp"
#include "models/net/net_peer.hpp"
#include "models/testing/board_harness.hpp"

namespace tb::model::net {

using Bytes = std::vector<std::byte>;

inline Bytes from_hex(std::string_view text) {
    const auto digit = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
    Bytes bytes;
    for (std::size_t i = 0; i + 1 < text.size(); i += 2)
        bytes.push_back(std::byte(digit(text[i]) << 4 | digit(text[i + 1])));
    return bytes;
}

inline Bytes pattern(std::size_t size, unsigned first = 3) {
    Bytes bytes(size);
    for (std::size_t i = 0; i < size; ++i) bytes[i] = std::byte((i * 7 + first) & 0xff);
    return bytes;
}

inline Bytes operator+(Bytes left, const Bytes& right) {
    left.insert(left.end(), right.begin(), right.end());
    return left;
}

/// A frame with a recognisable payload; `size` counts addresses and type, no FCS.
inline Bytes frame_to(std::string_view destination, std::size_t size = 100) {
    Bytes frame = from_hex(destination) + from_hex("0200000000990800");
    return frame + pattern(size - frame.size());
}
inline constexpr std::string_view kOwnAddress = "525400123456";
inline constexpr std::string_view kBroadcast = "ffffffffffff";

/// A driver's side by hand: one device in slot 4, its rings and buffers at fixed places.
class E1000Test : public ::testing::Test {
  protected:
    static constexpr unsigned kSlot = 4;
    static constexpr unsigned kIrq = 20;
    static constexpr std::uint64_t kBar = 0xe000'0000;
    static constexpr std::uint64_t kPorts = 0xc000;
    static constexpr std::uint64_t kTxRing = 0x1'0000;
    static constexpr std::uint64_t kRxRing = 0x2'0000;
    static constexpr std::uint64_t kTxBuffer = 0x3'0000;
    static constexpr std::uint64_t kRxBuffers = 0x8'0000;
    static constexpr std::uint64_t kRxStride = 0x4000;
    static constexpr std::uint64_t kMillisecond = 1'000'000;

    explicit E1000Test(const E1000Options& options = {})
        : device("e1000", bench.board, kSlot, options, peer) {
        bench.start();
        device.power_on_reset();
        enable();
    }
    ~E1000Test() override { EXPECT_EQ(findings_expected, !bench.seen.findings.empty()) << first_finding(); }

    void enable(std::uint16_t command = 7) {
        bench.config_write(kSlot, 0x10, kBar);
        bench.config_write(kSlot, 0x14, kPorts | 1);
        bench.config_write(kSlot, 4, command, 2);
    }
    std::string first_finding() const {
        if (bench.seen.findings.empty()) return "nothing was reported";
        return bench.seen.findings[0].subject + ": " + bench.seen.findings[0].message;
    }

    static std::uint32_t offset_of(std::string_view name, unsigned index = 0) {
        for (const RegisterSpec& spec : E1000::registers())
            if (spec.name == name) return spec.offset + index * spec.stride;
        ADD_FAILURE() << "no register " << name;
        return 0;
    }
    std::uint32_t read(std::string_view name, unsigned index = 0) {
        return static_cast<std::uint32_t>(bench.read(kBar + offset_of(name, index)));
    }
    void write(std::string_view name, std::uint32_t value, unsigned index = 0) {
        bench.write(kBar + offset_of(name, index), value);
    }
    void pass(std::uint64_t ns) { bench.simulation.advance(ns); }
    bool line() const { return bench.board.irq_level(kIrq); }

    Bytes memory(std::uint64_t address, std::size_t size) {
        const auto from = bench.board.ram().subspan(address, size);
        return {from.begin(), from.end()};
    }
    void put(std::uint64_t address, const Bytes& bytes) {
        std::copy(bytes.begin(), bytes.end(),
                  bench.board.ram().begin() + static_cast<std::ptrdiff_t>(address));
    }

    // Transmit.
    void start_transmitter(unsigned descriptors = 8) {
        tx_count = descriptors;
        write("TDBAL", kTxRing);
        write("TDLEN", descriptors * 16);
        write("TCTL", 0x4010a);
    }
    void describe(std::uint64_t address, std::uint32_t lower, std::uint32_t upper = 0) {
        const std::uint64_t at = kTxRing + std::uint64_t{16} * tx_tail;
        bench.store(at, address);
        bench.store(at + 8, lower);
        bench.store(at + 12, upper);
        tx_tail = (tx_tail + 1) % tx_count;
    }
    void ring_doorbell() { write("TDT", tx_tail); }
    /// A whole frame in one legacy descriptor.
    void send(const Bytes& frame, std::uint32_t flags = txd::kEop | txd::kReportStatus) {
        put(kTxBuffer, frame);
        describe(kTxBuffer, static_cast<std::uint32_t>(frame.size()) | flags);
        ring_doorbell();
    }
    std::uint8_t tx_status(unsigned index) {
        return bench.load<std::uint8_t>(kTxRing + std::uint64_t{16} * index + 12);
    }

    // Receive.
    void start_receiver(std::uint32_t control = rctl::kBroadcast, unsigned descriptors = 8) {
        rx_count = descriptors;
        write("RCTL", 0);
        for (unsigned i = 0; i < descriptors; ++i) {
            bench.store<std::uint64_t>(kRxRing + std::uint64_t{16} * i, kRxBuffers + i * kRxStride);
            bench.store<std::uint64_t>(kRxRing + std::uint64_t{16} * i + 8, 0);
        }
        write("RDBAL", kRxRing);
        write("RDLEN", descriptors * 16);
        write("RDH", 0);
        write("RDT", descriptors - 1);
        write("RCTL", control | rctl::kEnable);
        pass(1000 * kMillisecond);
    }
    std::uint8_t rx_status(unsigned index) {
        return bench.load<std::uint8_t>(kRxRing + std::uint64_t{16} * index + 12);
    }
    std::uint16_t rx_length(unsigned index) {
        return bench.load<std::uint16_t>(kRxRing + std::uint64_t{16} * index + 8);
    }
    std::uint16_t rx_special(unsigned index) {
        return bench.load<std::uint16_t>(kRxRing + std::uint64_t{16} * index + 14);
    }
    Bytes rx_data(unsigned index, std::size_t size) { return memory(kRxBuffers + index * kRxStride, size); }

    // PHY.
    std::uint16_t phy_read(unsigned index) {
        write("MDIC", mdic::kOpRead | mdic::kPhyOne | index << 16);
        return static_cast<std::uint16_t>(read("MDIC"));
    }
    void phy_write(unsigned index, std::uint16_t value) {
        write("MDIC", mdic::kOpWrite | mdic::kPhyOne | index << 16 | value);
    }

    testing::BoardHarness bench;
    NetPeer peer;
    E1000 device;
    unsigned tx_tail = 0;
    unsigned tx_count = 8;
    unsigned rx_count = 8;
    /// A test that breaks the datasheet's rules says so.
    bool findings_expected = false;
};

}  // namespace tb::model::net
