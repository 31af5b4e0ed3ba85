// SPDX-License-Identifier: BSD-3-Clause
#include "harness/kernel/core/clock.hpp"

#include "harness/kernel/core/cpu.hpp"
#include "harness/kernel/core/panic.hpp"

namespace tb::kernel {

namespace {

__extension__ using Wide = unsigned __int128;

// Channel 2 of the 8254. Its gate is a bit of port 0x61, and so is its output, but a board without a speaker
// (microvm) has no such port, and there the gate is open: the output is asked of the timer itself.
constexpr std::uint16_t kTimer2 = 0x42;
constexpr std::uint16_t kTimerCommand = 0x43;
constexpr std::uint16_t kSystemControl = 0x61;
constexpr std::uint8_t kGate = 1;
constexpr std::uint8_t kSpeaker = 2;
constexpr std::uint8_t kOneShot = 0xb0;     // channel 2, both bytes, mode 0
constexpr std::uint8_t kReadStatus = 0xe8;  // read-back: the status of channel 2
constexpr std::uint8_t kOutput = 0x80;
constexpr std::uint8_t kProgrammed = 0x3f;  // in the status: what was programmed
constexpr std::uint64_t kTimerHz = 1'193'182;
constexpr std::uint32_t kTicks = 3'580;  // 3 ms
constexpr unsigned kRounds = 3;
constexpr std::uint64_t kNanosecondsPerSecond = 1'000'000'000;
/// A timer that never ends is none. Each look takes a good part of a microsecond.
constexpr unsigned kMostLooks = 10'000'000;

constinit std::uint64_t frequency = 0;
constinit std::uint64_t start = 0;
/// Nanoseconds a tick, times 2 to the 32nd.
constinit std::uint64_t scale = 0;

/// Ticks of the time stamp counter while the interval timer makes kTicks.
std::uint64_t measure() {
    const auto control = static_cast<std::uint8_t>(in8(kSystemControl) & ~(kSpeaker | kGate));
    out8(kSystemControl, control | kGate);
    out8(kTimerCommand, kOneShot);
    out8(kTimer2, kTicks & 0xff);
    // From before the timer starts until after it has ended: what comes in between makes a round longer, and
    // never shorter.
    const std::uint64_t first = read_tsc();
    out8(kTimer2, kTicks >> 8);
    for (unsigned looks = 0;; ++looks) {
        out8(kTimerCommand, kReadStatus);
        const std::uint8_t status = in8(kTimer2);
        if ((status & kProgrammed) != (kOneShot & kProgrammed) || looks == kMostLooks)
            panic("the interval timer does not run: there is no clock to measure with");
        if ((status & kOutput) != 0) break;
    }
    const std::uint64_t last = read_tsc();
    if (last <= first) panic("the time stamp counter does not run");
    out8(kSystemControl, control);
    return last - first;
}

}  // namespace

std::uint64_t measure_frequency() {
    const InterruptsOff quiet;
    // So the shortest is the one in which the host took the processor away least.
    std::uint64_t least = ~std::uint64_t{0};
    for (unsigned round = 0; round < kRounds; ++round) {
        const std::uint64_t ticks = measure();
        if (ticks < least) least = ticks;
    }
    return least * kTimerHz / kTicks;
}

void calibrate_clock() {
    frequency = measure_frequency();
    scale = (kNanosecondsPerSecond << 32) / frequency;
    start = read_tsc();
}

std::uint64_t now_ns() {
    const std::uint64_t ticks = read_tsc() - start;
    return static_cast<std::uint64_t>(static_cast<Wide>(ticks) * scale >> 32);
}

void delay_ns(std::uint64_t span) {
    const std::uint64_t begin = now_ns();
    while (now_ns() - begin < span) pause();
}

std::uint64_t clock_frequency() {
    return frequency;
}

}  // namespace tb::kernel
