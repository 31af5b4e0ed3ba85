// SPDX-License-Identifier: BSD-3-Clause
#include "serial/pci_serial.hpp"

namespace tb::serial {

hal::Result<hal::RegisterWindow> map_pci_serial(const pci::Function& function) {
    const hal::Result<pci::Identity> identity = function.identify();
    if (!identity) return identity.error();
    const bool known = identity->vendor == kQemuVendor && identity->device == kQemuPciSerial;
    if (!known && identity->class_code != kClass16550) return hal::Error::kUnsupported;
    const hal::Result<hal::PortWindow> ports = function.map_io_bar(0);
    if (!ports) return ports.error();
    function.set_command(pci::kCommandIo, pci::kCommandInterruptDisable);
    return hal::RegisterWindow(*ports);
}

}  // namespace tb::serial
