// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "models/net/virtio_net.hpp"
#include "models/virtio/virtio_pci.hpp"

namespace tb::model::net {

struct VirtioNetOptions {
    VirtioNetProperties net{};
    virtio::VirtioPciOptions pci{};
};

/// QEMU's virtio-net-pci,disable-legacy=on,romfile= as a function on a board. The back end outlives it.
class VirtioNetPci : public virtio::VirtioPci {
  public:
    VirtioNetPci(const sc_core::sc_module_name& name, pci::Board& board, unsigned slot,
                 const VirtioNetOptions& options, NetBackend& backend)
        : VirtioPci(name, board, slot, std::make_unique<VirtioNet>(options.net, backend), options.pci) {}

    VirtioNet& net() { return static_cast<VirtioNet&>(device()); }
};

}  // namespace tb::model::net
