// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "models/net/virtio_net_regs.hpp"

namespace tb::model::net {

/// What stands behind a virtio-net device whose back end takes frames with their virtio_net_hdr, as a tap on
/// Linux does: it fills in checksums and cuts TCP into segments for the driver, and tells it of the checksums
/// of what comes in.
class HostOffload {
  public:
    using Frame = std::vector<std::byte>;

    /// What goes out on the wire; nothing for a header that contradicts the frame, which is dropped.
    static std::vector<Frame> send(const NetHeader& header, Frame frame);
    /// The header for a frame that has come. With `guest_checksum` a frame whose checksum field holds the sum
    /// of its pseudo header (it comes from this host, and never was on a wire) is handed on as it is, with
    /// NEEDS_CSUM, and one whose checksum is right has DATA_VALID. Without, the former is completed.
    static NetHeader receive(Frame& frame, bool guest_checksum);
};

}  // namespace tb::model::net
