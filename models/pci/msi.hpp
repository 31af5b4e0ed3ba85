// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "models/pci/config_space.hpp"
#include "models/pci/requester.hpp"

namespace tb::model::pci {

/// The MSI capability (PCI 3.0 §6.8.1) with one message, a 64-bit address and no mask bits, as QEMU gives it
/// to devices that ask for one vector.
class Msi {
  public:
    static constexpr unsigned kLength = 14;

    Msi(ConfigSpace& config, Requester& requester, unsigned capability_offset = 0);

    bool enabled() const;
    /// Sends the message, while enabled.
    void raise();
    /// To be called after a write to the configuration space that touched the capability: more messages than
    /// there are become one, once MSI is on.
    void config_written();
    void reset();

  private:
    ConfigSpace& config_;
    Requester& requester_;
    unsigned offset_;
};

}  // namespace tb::model::pci
