// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <utility>
#include <vector>

#include "models/net/net_backend.hpp"

namespace tb::model::net {

/// The other station on the wire, in process: remembers the frames that a device sent.
class NetPeer : public NetBackend {
  public:
    using Frame = std::vector<std::byte>;

    void transmit(std::span<const std::byte> frame) override {
        frames_.emplace_back(frame.begin(), frame.end());
    }

    /// In the order in which they were sent.
    const std::vector<Frame>& frames() const { return frames_; }
    /// The frames since the last call.
    std::vector<Frame> take() { return std::exchange(frames_, {}); }

  private:
    std::vector<Frame> frames_;
};

}  // namespace tb::model::net
