// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <hal/platform.hpp>
#include <span>

#include "harness/kernel/bench/control.hpp"
#include "harness/kernel/core/cpu.hpp"
#include "pci/pci.hpp"

namespace tb::kernel::bench {

/// What all measurements share.
struct Bench {
    hal::Platform platform;
    Control& control;
    std::uint64_t row_ns = 0;    ///< how long a row is measured
    bool by_interrupts = false;  ///< rest until an interrupt comes; else poll
};

/// Each measures its rows, one after the other, and checks what was moved after each; false when one failed.
bool measure_disk(const Bench& bench, const pci::Function& function);
bool measure_network(const Bench& bench, const pci::Function& function);
bool measure_serial(const Bench& bench);

/// For a loop with nothing to do: the processor rests until an interrupt, unless `pending()` says that one
/// has left work already. Interrupts are on before and after.
template <class Pending>
void rest_unless(const Bench& bench, Pending pending) {
    if (!bench.by_interrupts) return pause();
    disable_interrupts();
    if (!pending()) wait_for_interrupt();
    enable_interrupts();
}

/// The value that `percent` of the samples do not exceed; 0 when there are none. Changes their order.
std::uint32_t percentile(std::span<std::uint32_t> samples, unsigned percent);

}  // namespace tb::kernel::bench
