// SPDX-License-Identifier: BSD-3-Clause
#include "harness/kernel/core/pci_config.hpp"

#include "harness/kernel/core/cpu.hpp"

namespace tb::kernel {

namespace {

constexpr std::uint16_t kAddressPort = 0xcf8;
constexpr std::uint16_t kDataPort = 0xcfc;
constexpr std::uint64_t kMicrovmEcam = 0xe000'0000;

// Vendor and device of what sits at 00:00.0.
constexpr std::uint32_t kQ35HostBridge = 0x29c0'8086;
constexpr std::uint32_t kI440fxHostBridge = 0x1237'8086;
constexpr std::uint32_t kGenericHostBridge = 0x0008'1b36;

constinit BoardKind kind = BoardKind::kNoPci;

bool has_ports() {
    out32(kAddressPort, 0x8000'0000);
    return in32(kAddressPort) == 0x8000'0000;
}

void select(hal::PciAddress function, std::uint32_t offset) {
    out32(kAddressPort, 0x8000'0000 | std::uint32_t{function.bus} << 16 |
                            std::uint32_t{function.device} << 11 | std::uint32_t{function.function} << 8 |
                            (offset & 0xfc));
}

std::uint64_t ecam_address(hal::PciAddress function, std::uint32_t offset) {
    return kMicrovmEcam + hal::config_address(function, offset);
}

std::uint16_t data_port(std::uint32_t offset) {
    return static_cast<std::uint16_t>(kDataPort + (offset & 3));
}

// PIIX3's four interrupt router registers hold ISA lines; firmware may have left them off.
void route_piix3() {
    constexpr hal::PciAddress kPiix3{0, 1, 0};
    constexpr std::uint32_t kPirqRouting = 0x60;
    pci_write(kPiix3, kPirqRouting, 4, 0x0b0b'0a0a);
}

// ICH9 raises a PIRQ on its own pin of the I/O APIC, and on the 8259's line that the router names besides; a
// firmware has named one. Nobody listens there.
void unroute_ich9() {
    constexpr hal::PciAddress kLpc{0, 31, 0};
    constexpr std::uint32_t kOff = 0x8080'8080;
    pci_write(kLpc, 0x60, 4, kOff);
    pci_write(kLpc, 0x68, 4, kOff);
}

}  // namespace

BoardKind initialise_pci() {
    if (has_ports()) {
        kind = BoardKind::kQ35;
        if (pci_read({}, 0, 4) == kQ35HostBridge) {
            unroute_ich9();
            return kind;
        }
        if (pci_read({}, 0, 4) == kI440fxHostBridge) {
            kind = BoardKind::kI440fx;
            route_piix3();
            return kind;
        }
    } else if (memory_at<std::uint32_t>(ecam_address({}, 0)) == kGenericHostBridge) {
        return kind = BoardKind::kMicrovmPcie;
    }
    return kind = BoardKind::kNoPci;
}

BoardKind board_kind() {
    return kind;
}

std::uint32_t pci_read(hal::PciAddress function, std::uint32_t offset, unsigned width) {
    const std::uint32_t all_ones = width == 4 ? 0xffff'ffff : (1U << 8 * width) - 1;
    if (kind == BoardKind::kNoPci) return all_ones;
    if (kind == BoardKind::kMicrovmPcie)
        return static_cast<std::uint32_t>(memory_read(ecam_address(function, offset), width));
    if (offset > 0xff) return all_ones;
    select(function, offset);
    return port_read(data_port(offset), width);
}

void pci_write(hal::PciAddress function, std::uint32_t offset, unsigned width, std::uint32_t value) {
    if (kind == BoardKind::kNoPci) return;
    if (kind == BoardKind::kMicrovmPcie) return memory_write(ecam_address(function, offset), width, value);
    if (offset > 0xff) return;
    select(function, offset);
    port_write(data_port(offset), width, value);
}

unsigned intx_pin(hal::PciAddress function) {
    switch (kind) {
        case BoardKind::kI440fx:
            // Slot and pin are turned against each other by the wiring, one step behind the slot's number.
            return pci_read({0, 1, 0}, 0x60 + (function.device - 1U) % 4, 1) & 0xf;
        case BoardKind::kMicrovmPcie:
            return 16 + function.device % 4U;
        case BoardKind::kQ35:
        case BoardKind::kNoPci:
            break;
    }
    // ICH9 wires PIRQE to PIRQH, which slots below 25 use, to the pins from 20 on.
    return 20 + function.device % 4U;
}

}  // namespace tb::kernel
