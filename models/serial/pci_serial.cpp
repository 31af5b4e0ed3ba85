// SPDX-License-Identifier: BSD-3-Clause
#include "models/serial/pci_serial.hpp"

#include "models/serial/uart16550_bus.hpp"

namespace tb::model::serial {

namespace {

constexpr pci::Identity kIdentity{.vendor = 0x1b36,
                                  .device = 0x0002,
                                  .revision = 1,
                                  .class_code = 0x07'00'02,
                                  .subsystem_vendor = 0x1af4,
                                  .subsystem = 0x1100,
                                  .interrupt_pin = 1};

}  // namespace

PciSerial::PciSerial(const sc_core::sc_module_name& name, pci::Board& board, CharBackend& backend,
                     unsigned device, unsigned function)
    : PciDevice(name, board, device, function, kIdentity),
      uart_(board.queue(), backend,
            {.interrupt = [this](bool level) { set_intx(level); },
             .report = [this](const char* subject, const char* message) { report(subject, message); }}) {
    add_io_bar(0, kUartBytes);
}

std::uint64_t PciSerial::bar_read(unsigned, std::uint64_t offset, unsigned width) {
    return read_bytes(uart_, offset, width);
}

void PciSerial::bar_write(unsigned, std::uint64_t offset, unsigned width, std::uint64_t value) {
    write_bytes(uart_, offset, width, value);
}

}  // namespace tb::model::serial
