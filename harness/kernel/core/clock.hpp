// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

namespace tb::kernel {

/// Ticks of the processor's time stamp counter a second, measured against the PC's interval timer in about
/// 10 ms. Panics on a board without either.
std::uint64_t measure_frequency();
/// Sets the clock to what measure_frequency() finds. Needed once, before all that follows.
void calibrate_clock();
/// Nanoseconds since calibration; never goes back.
std::uint64_t now_ns();
/// Returns after at least that long, with interrupts as they were.
void delay_ns(std::uint64_t span);
/// Ticks a second, as calibrated.
std::uint64_t clock_frequency();

}  // namespace tb::kernel
