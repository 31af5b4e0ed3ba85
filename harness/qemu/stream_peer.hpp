// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <vector>

#include "harness/qemu/event_loop.hpp"
#include "harness/qemu/fd.hpp"

namespace tb::qemu {

/// One end of a byte stream with QEMU: what is common to the network peer and the serial line.
class StreamPeer : public Service {
  public:
    explicit StreamPeer(UniqueFd socket) : socket_(std::move(socket)) {}

    int fd() const override { return socket_.get(); }
    void pump() override;
    bool wants_write() const override { return sent_ < output_.size(); }
    bool step() override;
    bool has_more() const override { return !pieces_.empty(); }
    std::uint64_t traffic() const override { return traffic_; }

  protected:
    /// Queues a piece for the next settle().
    void enqueue(std::vector<std::uint8_t> piece) { pieces_.push_back(std::move(piece)); }
    std::vector<std::uint8_t>& input() { return input_; }

  private:
    void flush_output();

    UniqueFd socket_;
    std::vector<std::uint8_t> input_;
    std::deque<std::vector<std::uint8_t>> pieces_;
    std::vector<std::uint8_t> output_;  ///< the piece under way
    std::size_t sent_ = 0;
    std::uint64_t traffic_ = 0;
};

/// The far end of a serial line: `-chardev socket`.
class CharPeer : public StreamPeer {
  public:
    using StreamPeer::StreamPeer;
    /// Bytes that the device receives from the next settle() on, as far as its FIFO takes them.
    void send(std::span<const std::uint8_t> data) { typed_.insert(typed_.end(), data.begin(), data.end()); }
    /// One byte, once QEMU has taken the one before. A longer piece is read in parts, as the device has room,
    /// and the kernel counts it as unread until its last byte is: QEMU would look idle while it still reads.
    bool step() override;
    bool has_more() const override { return !typed_.empty(); }
    /// Bytes that the device has sent since the last call.
    std::vector<std::uint8_t> take_received();

  private:
    std::deque<std::uint8_t> typed_;
};

/// The other station on the wire: `-netdev socket`, Ethernet frames without FCS, each preceded by its length
/// (32 bits, big endian).
class NetPeer : public StreamPeer {
  public:
    using StreamPeer::StreamPeer;
    /// A frame that the device receives in the next settle(). QEMU pads it to 60 bytes, and keeps it while
    /// the device has no buffer for it.
    void send(std::span<const std::uint8_t> frame);
    /// Whole frames that the device has sent since the last call, in order.
    std::vector<std::vector<std::uint8_t>> take_received();
};

}  // namespace tb::qemu
