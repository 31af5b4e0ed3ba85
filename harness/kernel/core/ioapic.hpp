// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

/// The I/O APIC (82093AA): lines of devices to vectors of the processor.
namespace tb::kernel::ioapic {

enum class Trigger : std::uint8_t { kEdge, kLevel };

/// All pins masked, and the two 8259 silenced.
void initialise();
/// Says what a pin becomes; it is masked until unmask().
void route(unsigned pin, std::uint8_t vector, Trigger trigger);
void mask(unsigned pin);
void unmask(unsigned pin);

}  // namespace tb::kernel::ioapic
