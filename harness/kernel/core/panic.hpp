// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "harness/kernel/core/interrupts.hpp"

namespace tb::kernel {

/// Writes why, where from (a backtrace) and, after a fault, all registers to the debug port, and ends the
/// machine with ExitStatus::kPanic.
[[noreturn]] void panic(const char* why);
[[noreturn]] void panic(const Frame& frame);
/// For a reason of the caller's, where `frame` was interrupted.
[[noreturn]] void panic(const Frame& frame, const char* why);

}  // namespace tb::kernel
