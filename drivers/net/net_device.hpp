// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <hal/result.hpp>
#include <optional>
#include <span>

namespace tb::net {

using MacAddress = std::array<std::uint8_t, 6>;

struct Info {
    MacAddress mac{};
    std::uint32_t max_frame = 1514;  ///< bytes with header, without FCS
    bool tx_checksum = false;
    bool tx_segmentation = false;
    bool vlan = false;
    std::uint32_t max_fragments = 1;
};

struct LinkState {
    bool up = false;
    std::uint32_t megabits = 0;  ///< 10, 100, 1000; meaningful when up
    bool full_duplex = false;
};

/// What the device is to do to a frame on its way out. Offsets are bytes from the start of the frame (as
/// given, without an inserted tag).
struct Offload {
    bool ip_checksum = false;  ///< insert the IPv4 header checksum
    bool l4_checksum = false;  ///< insert the TCP or UDP checksum; the field holds the pseudo-header sum
    bool tcp = true;           ///< TCP rather than UDP
    bool ipv6 = false;
    std::uint8_t ip_offset = 14;
    std::uint8_t l4_offset = 34;
    std::uint8_t header_bytes = 0;  ///< all headers, for segmentation
    std::uint16_t mss = 0;          ///< payload bytes a segment; 0: no segmentation
    bool insert_vlan = false;
    std::uint16_t vlan_tag = 0;  ///< TCI as in IEEE 802.1Q
};

struct TxFrame {
    // With a default, so that a designated initializer may leave it out.
    // NOLINTNEXTLINE(readability-redundant-member-init)
    std::span<const std::span<std::byte>> fragments{};  ///< the caller's until the completion was taken
    Offload offload{};
    bool more = false;  ///< others follow at once: the device may be told with the last of them, or by poll()
};

struct Token {
    std::uint32_t value = 0;
    constexpr bool operator==(const Token&) const = default;
};

struct TxCompletion {
    Token token;
    hal::Status status;
};

/// A frame that was copied out of the ring.
struct RxFrame {
    std::uint32_t bytes = 0;  ///< without FCS
    bool ip_checksum_checked = false;
    bool ip_checksum_good = false;
    bool l4_checksum_checked = false;
    bool l4_checksum_good = false;
    bool has_vlan = false;
    std::uint16_t vlan_tag = 0;
};

/// Counters since start.
struct Statistics {
    std::uint64_t rx_frames = 0;
    std::uint64_t rx_bytes = 0;
    std::uint64_t rx_errors =
        0;  ///< frames that the device marked bad, or that did not fit what was said about them
    std::uint64_t rx_missed = 0;  ///< frames lost for want of a buffer
    std::uint64_t tx_frames = 0;
    std::uint64_t tx_bytes = 0;
    std::uint64_t tx_hangs = 0;  ///< times the transmitter had to be reset
};

/// The device class of network interfaces.
class NetDevice {
  public:
    virtual const Info& info() const = 0;
    virtual LinkState link() = 0;
    /// kBusy: the ring is full. kLinkDown, kInvalidArgument, kUnsupported are answered without touching the
    /// device.
    virtual hal::Result<Token> send(const TxFrame& frame) = 0;
    virtual std::optional<TxCompletion> next_sent() = 0;
    /// Takes the oldest received frame; kBusy when there is none, kOutOfRange (and the frame is dropped) when
    /// it does not fit.
    virtual hal::Result<RxFrame> receive(std::span<std::byte> buffer) = 0;
    /// Tells the device of frames that it was not told of yet (TxFrame::more), and does the work that
    /// interrupts marked, at most `budget` frames each way; returns how many were handled.
    virtual unsigned poll(unsigned budget) = 0;
    virtual hal::Status set_promiscuous(bool on) = 0;
    /// Replaces the multicast list; an empty one receives none.
    virtual hal::Status set_multicast(std::span<const MacAddress> addresses) = 0;
    virtual hal::Status set_mac(const MacAddress& mac) = 0;
    virtual Statistics statistics() = 0;

  protected:
    ~NetDevice() = default;
};

}  // namespace tb::net
