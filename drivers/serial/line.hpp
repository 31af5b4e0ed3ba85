// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <hal/result.hpp>
#include <hal/time.hpp>

#include "serial/serial_device.hpp"
#include "serial/uart16550_regs.hpp"

namespace tb::serial {

/// How far the rate that a divisor gives may be from the one asked for, in percent. A receiver samples in the
/// middle of a bit: over the ten bits of a character both sides together may be off by half a bit.
inline constexpr std::uint64_t kBaudTolerancePercent = 3;

/// The divisor nearest to `baud` for an input clock of `clock_hz`.
/// kInvalidArgument for a baud rate or a clock of zero; kUnsupported when no divisor of 1 to 65,535 comes
/// within kBaudTolerancePercent. Never zero: PC16550D §8.3 leaves what a divisor of zero does undefined.
constexpr hal::Result<std::uint16_t> divisor_for(std::uint32_t clock_hz, std::uint32_t baud) {
    if (baud == 0 || clock_hz == 0) return hal::Error::kInvalidArgument;
    const std::uint64_t per_divisor = std::uint64_t{uart16550::kClocksPerBit} * baud;
    const std::uint64_t divisor = (clock_hz + per_divisor / 2) / per_divisor;
    if (divisor == 0 || divisor > 0xffff) return hal::Error::kUnsupported;
    const std::uint64_t ideal = divisor * per_divisor;
    const std::uint64_t off = ideal > clock_hz ? ideal - clock_hz : clock_hz - ideal;
    if (off * 100 > kBaudTolerancePercent * ideal) return hal::Error::kUnsupported;
    return static_cast<std::uint16_t>(divisor);
}

/// The line control register for a format, DLAB and break off. kInvalidArgument for data bits outside 5..8 or
/// stop bits outside 1..2 (PC16550D §8.1).
constexpr hal::Result<std::uint8_t> line_control_for(const LineFormat& format) {
    using namespace uart16550;
    if (format.data_bits < 5 || format.data_bits > 8 || format.stop_bits < 1 || format.stop_bits > 2)
        return hal::Error::kInvalidArgument;
    auto lcr = static_cast<std::uint8_t>(format.data_bits - 5);
    if (format.stop_bits == 2) lcr |= kLcrTwoStop;
    switch (format.parity) {
        case Parity::kNone:
            return lcr;
        case Parity::kOdd:
            return static_cast<std::uint8_t>(lcr | kLcrParity);
        case Parity::kEven:
            return static_cast<std::uint8_t>(lcr | kLcrParity | kLcrEven);
        case Parity::kMark:
            return static_cast<std::uint8_t>(lcr | kLcrParity | kLcrStick);
        case Parity::kSpace:
            return static_cast<std::uint8_t>(lcr | kLcrParity | kLcrStick | kLcrEven);
    }
    return hal::Error::kInvalidArgument;
}

/// How long one character of a valid format takes on the line, start and stop bits included.
constexpr hal::Duration character_time(const LineFormat& format) {
    const std::uint64_t bits =
        1u + format.data_bits + (format.parity == Parity::kNone ? 0u : 1u) + format.stop_bits;
    return hal::nanoseconds(bits * 1'000'000'000 / (format.baud == 0 ? 1 : format.baud) + 1);
}

}  // namespace tb::serial
