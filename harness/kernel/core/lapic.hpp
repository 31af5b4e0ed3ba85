// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

/// The local APIC of the one processor, in its memory mapped form (Intel SDM vol. 3A chapter 11).
namespace tb::kernel::lapic {

/// Physical and logical destination 0 and 1 are this processor: interrupts come from then on, when it lets
/// them.
void initialise();
/// The interrupt in service has ended.
void end_of_interrupt();
/// Whether a vector waits to be taken.
bool requested(std::uint8_t vector);
/// Has the processor interrupt itself.
void send_to_self(std::uint8_t vector);
/// The vector is raised once, after about `ns`, by the APIC's own timer; 0 stops it.
void arm_timer(std::uint8_t vector, std::uint64_t ns);

}  // namespace tb::kernel::lapic
