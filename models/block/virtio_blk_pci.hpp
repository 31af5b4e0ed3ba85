// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "models/block/virtio_blk.hpp"
#include "models/virtio/virtio_pci.hpp"

namespace tb::model::block {

struct VirtioBlkOptions {
    VirtioBlkProperties block{};
    virtio::VirtioPciOptions pci{};
};

/// QEMU's virtio-blk-pci,disable-legacy=on as a function on a board. The disk outlives it.
class VirtioBlkPci : public virtio::VirtioPci {
  public:
    VirtioBlkPci(const sc_core::sc_module_name& name, pci::Board& board, unsigned slot,
                 const VirtioBlkOptions& options, Disk& disk)
        : VirtioPci(name, board, slot, std::make_unique<VirtioBlk>(options.block, disk), options.pci) {}

    VirtioBlk& block() { return static_cast<VirtioBlk&>(device()); }
};

}  // namespace tb::model::block
