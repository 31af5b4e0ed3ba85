// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "models/core/access.hpp"
#include "models/serial/uart16550.hpp"

namespace tb::model::serial {

/// An access of any width up to 8 bytes as accesses of one byte each, low address first, as the bus splits it
/// for an 8-bit device. What reaches beyond the last register finds nobody there.
inline std::uint64_t read_bytes(Uart16550& uart, std::uint64_t offset, unsigned width) {
    return read_in_widths({1, 1}, offset, width, [&](std::uint64_t at, unsigned) {
        return std::uint64_t{at < kUartBytes ? uart.read(static_cast<unsigned>(at)) : std::uint8_t{0xff}};
    });
}

inline void write_bytes(Uart16550& uart, std::uint64_t offset, unsigned width, std::uint64_t value) {
    write_in_widths({1, 1}, offset, width, value, [&](std::uint64_t at, unsigned, std::uint64_t byte) {
        if (at < kUartBytes) uart.write(static_cast<unsigned>(at), static_cast<std::uint8_t>(byte));
    });
}

}  // namespace tb::model::serial
