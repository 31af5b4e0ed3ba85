// SPDX-License-Identifier: BSD-3-Clause
#include "models/serial/isa_serial.hpp"

#include <cstring>

#include "models/serial/uart16550_bus.hpp"

namespace tb::model::serial {

IsaSerial::IsaSerial(const sc_core::sc_module_name& name, pci::Board& board, CharBackend& backend)
    : IsaSerial(name, board, backend, Options()) {}

IsaSerial::IsaSerial(const sc_core::sc_module_name& name, pci::Board& board, CharBackend& backend,
                     const Options& options)
    : sc_module(name),
      board_(board),
      options_(options),
      ports_("ports"),
      uart_(board.queue(), backend,
            {.interrupt = [this](bool level) { set_irq(level); },
             .report = [this](const char* subject,
                              const char* message) { board_.report({basename(), subject, message}); }}) {
    ports_.register_b_transport(this, &IsaSerial::transport);
    pci::Board::Region& region = board.add_region(std::string(basename()) + "_to_ports");
    region.socket.bind(ports_);
    board.map(region, pci::Space::kPort, options.port, kUartBytes);
}

void IsaSerial::power_on_reset() {
    uart_.reset();
}

void IsaSerial::set_irq(bool level) {
    board_.set_irq(options_.irq, level);
}

void IsaSerial::transport(tlm::tlm_generic_payload& payload, sc_core::sc_time&) {
    const std::uint64_t offset = payload.get_address();
    const unsigned width = payload.get_data_length();
    std::uint64_t value = 0;
    if (payload.is_read()) {
        value = read_bytes(uart_, offset, width);
        std::memcpy(payload.get_data_ptr(), &value, width);
    } else {
        std::memcpy(&value, payload.get_data_ptr(), width);
        write_bytes(uart_, offset, width, value);
    }
    payload.set_response_status(tlm::TLM_OK_RESPONSE);
}

}  // namespace tb::model::serial
