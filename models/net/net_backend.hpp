// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <span>

namespace tb::model::net {

/// The wire as a network device sees it: where its frames go.
class NetBackend {
  public:
    virtual ~NetBackend() = default;
    /// A frame leaves the device: destination address to payload, without preamble, padding or FCS. Called
    /// while the access that sent it is under way; the bytes are valid during the call only. May be empty or
    /// oversized: what a driver asks for is what goes out.
    virtual void transmit(std::span<const std::byte> frame) = 0;
};

/// What a network device offers to whoever holds the other end of its cable.
class NetDevice {
  public:
    virtual ~NetDevice() = default;
    /// A frame arrives, without FCS. One that the device cannot take now waits, in order, and is delivered
    /// when the device has room: the backend's buffer is unbounded, as a socket's is for practical purposes.
    virtual void receive(std::span<const std::byte> frame) = 0;
    /// Whether a frame that arrives now would be taken at once (it may still be filtered out).
    virtual bool can_receive() const = 0;
    /// Plugs the cable in or out. What arrives while it is out is lost, and so is what the device sends.
    virtual void set_link(bool up) = 0;
};

}  // namespace tb::model::net
