// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <hal/window.hpp>

#include "pci/pci.hpp"

namespace tb::serial {

/// Class 07 (simple communication), subclass 00 (serial), interface 02 (16550-compatible): PCI 3.0 appendix
/// D.
inline constexpr std::uint32_t kClass16550 = 0x07'00'02;
/// QEMU's pci-serial: one 16550A behind an I/O BAR (QEMU, docs/specs/pci-serial).
inline constexpr std::uint16_t kQemuVendor = 0x1b36;
inline constexpr std::uint16_t kQemuPciSerial = 0x0002;

/// The registers of a UART behind BAR 0 of a PCI function, with I/O decoding and INTx switched on: give them
/// to Uart16550::probe, and InterruptSource::pci(function.config().address()) to start. kAbsent when nothing
/// answers or the BAR is not assigned, kUnsupported when the function is no 16550 or its BAR no I/O BAR.
hal::Result<hal::RegisterWindow> map_pci_serial(const pci::Function& function);

}  // namespace tb::serial
