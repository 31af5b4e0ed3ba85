// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

namespace tb::kernel {

/// Measures the processor's time stamp counter against the PC's interval timer; about 10 ms. Panics on a
/// board without either.
void calibrate_clock();
/// Nanoseconds since calibration; never goes back.
std::uint64_t now_ns();
/// Returns after at least that long, with interrupts as they were.
void delay_ns(std::uint64_t span);
/// Ticks of the time stamp counter a second.
std::uint64_t clock_frequency();

}  // namespace tb::kernel
