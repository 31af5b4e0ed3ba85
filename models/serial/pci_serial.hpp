// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "models/pci/pci_device.hpp"
#include "models/serial/uart16550.hpp"

namespace tb::model::serial {

/// QEMU's pci-serial (1b36:0002, docs/specs/pci-serial): one 16550A behind the I/O BAR 0, INTA, no
/// capabilities.
class PciSerial : public pci::PciDevice {
  public:
    PciSerial(const sc_core::sc_module_name& name, pci::Board& board, CharBackend& backend, unsigned device,
              unsigned function = 0);

    Uart16550& uart() { return uart_; }

  private:
    std::uint64_t bar_read(unsigned bar, std::uint64_t offset, unsigned width) override;
    void bar_write(unsigned bar, std::uint64_t offset, unsigned width, std::uint64_t value) override;
    void reset_device() override { uart_.reset(); }

    Uart16550 uart_;
};

}  // namespace tb::model::serial
