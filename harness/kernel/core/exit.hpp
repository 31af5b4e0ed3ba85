// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

#include "harness/kernel/core/cpu.hpp"

namespace tb::kernel {

/// How a run ends, as QEMU's isa-debug-exit reports it: the exit status of QEMU is value * 2 + 1.
enum class ExitStatus : std::uint8_t { kSuccess = 0x10, kTestsFailed = 0x11, kPanic = 0x12 };

[[noreturn]] inline void exit_machine(std::uint8_t value) {
    constexpr std::uint16_t kDebugExitPort = 0xf4;
    disable_interrupts();
    out32(kDebugExitPort, value);
    // No such device: whoever waits for us has a deadline.
    while (true) asm volatile("hlt");
}
[[noreturn]] inline void exit_machine(ExitStatus status) {
    exit_machine(static_cast<std::uint8_t>(status));
}

}  // namespace tb::kernel
