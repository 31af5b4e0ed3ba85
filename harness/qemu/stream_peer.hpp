// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
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
    std::uint64_t traffic() const override { return traffic_; }

  protected:
    void send_bytes(std::span<const std::uint8_t> data);
    std::vector<std::uint8_t>& input() { return input_; }

  private:
    void flush_output();

    UniqueFd socket_;
    std::vector<std::uint8_t> input_;
    std::vector<std::uint8_t> output_;
    std::size_t sent_ = 0;
    std::uint64_t traffic_ = 0;
};

/// The far end of a serial line: `-chardev socket`.
class CharPeer : public StreamPeer {
  public:
    using StreamPeer::StreamPeer;
    /// Bytes that the device will receive, as soon as its FIFO takes them.
    void send(std::span<const std::uint8_t> data) { send_bytes(data); }
    /// Bytes that the device has sent since the last call.
    std::vector<std::uint8_t> take_received();
};

/// The other station on the wire: `-netdev socket`, Ethernet frames without FCS, each preceded by its length
/// (32 bits, big endian).
class NetPeer : public StreamPeer {
  public:
    using StreamPeer::StreamPeer;
    void send(std::span<const std::uint8_t> frame);
    /// Whole frames that the device has sent since the last call, in order.
    std::vector<std::vector<std::uint8_t>> take_received();
};

}  // namespace tb::qemu
