// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <memory>
#include <vector>

#include "models/pci/pci_device.hpp"

namespace tb::model::pci {

/// The functions that every q35 machine of QEMU has on bus 0: the host bridge, and the ISA bridge, SATA and
/// SMBus functions of the ICH9. Configuration space only: a driver that walks the bus meets them, and what it
/// sizes and writes in their headers behaves as on QEMU 7.2; there is nothing behind their BARs.
class Q35Functions {
  public:
    explicit Q35Functions(Board& board);

    void power_on_reset();

  private:
    std::vector<std::unique_ptr<PciDevice>> functions_;
};

}  // namespace tb::model::pci
