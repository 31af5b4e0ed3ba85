// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <hal/types.hpp>

namespace tb::kernel {

/// The boards that we know how to find our way on.
enum class BoardKind : std::uint8_t { kQ35, kI440fx, kMicrovmPcie, kNoPci };

/// Finds out by which mechanism configuration space is reached: ports 0xcf8 and 0xcfc (PCI 3.0 §3.2.2.3.2),
/// else the enhanced one at `ecam` (0: unknown).
BoardKind initialise_pci();
BoardKind board_kind();

/// `width` is 1, 2 or 4, the offset aligned to it. All-ones where nothing is; on ports, offsets above 0xff
/// are nothing.
std::uint32_t pci_read(hal::PciAddress function, std::uint32_t offset, unsigned width);
void pci_write(hal::PciAddress function, std::uint32_t offset, unsigned width, std::uint32_t value);

/// The I/O APIC's pin that INTA of a function on bus 0 reaches.
unsigned intx_pin(hal::PciAddress function);

}  // namespace tb::kernel
