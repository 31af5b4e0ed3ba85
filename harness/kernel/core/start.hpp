// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "harness/kernel/core/exit.hpp"

namespace tb::kernel {

/// What each image defines. Runs with interrupts off; its result ends the machine.
ExitStatus kernel_main(const char* command_line);

}  // namespace tb::kernel
