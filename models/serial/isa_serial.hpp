// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "models/pci/board.hpp"
#include "models/serial/uart16550.hpp"

namespace tb::model::serial {

/// A 16550A behind ISA ports: COM1 unless told otherwise.
class IsaSerial : public sc_core::sc_module {
  public:
    struct Options {
        std::uint16_t port = 0x3f8;
        unsigned irq = 4;
    };

    IsaSerial(const sc_core::sc_module_name& name, pci::Board& board, CharBackend& backend);
    IsaSerial(const sc_core::sc_module_name& name, pci::Board& board, CharBackend& backend,
              const Options& options);

    void power_on_reset();
    Uart16550& uart() { return uart_; }

  private:
    void transport(tlm::tlm_generic_payload& payload, sc_core::sc_time& delay);
    void set_irq(bool level);

    pci::Board& board_;
    Options options_;
    tlm_utils::simple_target_socket<IsaSerial> ports_;
    Uart16550 uart_;
};

}  // namespace tb::model::serial
