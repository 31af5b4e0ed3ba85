// SPDX-License-Identifier: BSD-3-Clause
/// The tracing variant of the seam's accesses: made, then told.
#include "harness/kernel/confirm/access.hpp"

#include <hal/traced_access.h>

#include <hal/types.hpp>

#include "harness/kernel/confirm/interrupts.hpp"
#include "harness/kernel/confirm/link.hpp"
#include "harness/kernel/core/cpu.hpp"
#include "harness/kernel/core/pci_config.hpp"

namespace tb::kernel {

std::uint64_t raw_read(unsigned space, std::uint64_t address, unsigned width) {
    constexpr std::uint64_t kAllOnes = ~std::uint64_t{0};
    if (space == TB_TRACED_MEMORY) return memory_read(address, width);
    if (width > 4) return kAllOnes;
    if (space == TB_TRACED_CONFIG) return pci_read(hal::config_function(address), address & 0xfff, width);
    return address > 0xffff ? kAllOnes : port_read(static_cast<std::uint16_t>(address), width);
}

void raw_write(unsigned space, std::uint64_t address, unsigned width, std::uint64_t value) {
    if (space == TB_TRACED_MEMORY) return memory_write(address, width, value);
    if (width > 4) return;
    const auto word = static_cast<std::uint32_t>(value);
    if (space == TB_TRACED_CONFIG)
        pci_write(hal::config_function(address), address & 0xfff, width, word);
    else if (address <= 0xffff)
        port_write(static_cast<std::uint16_t>(address), width, word);
}

}  // namespace tb::kernel

using namespace tb::kernel;

uint64_t tb_traced_read(int space, uint64_t address, unsigned width) {
    const std::uint64_t value = raw_read(static_cast<unsigned>(space), address, width);
    say(Said::kAccess, {access_kind(static_cast<unsigned>(space), width, false), address, value});
    interrupt_point();
    return value;
}

void tb_traced_write(int space, uint64_t address, unsigned width, uint64_t value) {
    raw_write(static_cast<unsigned>(space), address, width, value);
    say(Said::kAccess, {access_kind(static_cast<unsigned>(space), width, true), address, value});
    interrupt_point();
}

void tb_traced_interrupt_point() {
    interrupt_point();
}
void tb_traced_enter_critical() {
    enter_critical();
}
void tb_traced_leave_critical() {
    leave_critical();
}
