// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <hal/window.hpp>
#include <span>

#include "serial/uart16550_regs.hpp"

namespace tb::serial {

/// A write-only console for the time before there are interrupts, memory or a clock: needs nothing but the
/// registers.
///
/// Waits are bounded by a number of status reads. A transmitter that does not become empty within them is
/// given up for good, so a missing UART costs a boot one bound and not one a character.
class EarlyConsole {
  public:
    /// Status reads a character. A port read takes about a microsecond: enough for one character at 300 baud.
    static constexpr unsigned kPatience = 50'000;

    EarlyConsole() = default;
    /// Programs 8 data bits, no parity, one stop bit at `divisor` (1: 115,200 baud on a PC; 0 leaves the line
    /// as the firmware set it). Interrupts go off; FIFOs stay as they are.
    explicit EarlyConsole(hal::RegisterWindow registers, std::uint16_t divisor = 1) : registers_(registers) {
        using namespace uart16550;
        if (!registers.valid() || registers.size() < kRegisters) return;
        // Error bits clear when read: no UART answers all-ones twice.
        if (get(kLsr) == kAllOnes && get(kLsr) == kAllOnes) return;
        constexpr std::uint8_t kEightBits = 3;
        put(kLcr, kEightBits);
        put(kIer, 0);
        if (divisor != 0) {
            put(kLcr, kEightBits | kLcrDlab);
            put(kDll, static_cast<std::uint8_t>(divisor));
            put(kDlm, static_cast<std::uint8_t>(divisor >> 8));
            put(kLcr, kEightBits);
        }
        put(kMcr, kMcrDtr | kMcrRts);
        alive_ = true;
    }

    /// False once there is no UART, or it stopped taking characters.
    bool alive() const { return alive_; }

    /// Sends all of `data`, or as much as the device takes; returns how much.
    std::size_t write(std::span<const std::byte> data) {
        std::size_t sent = 0;
        while (sent < data.size() && send(static_cast<std::uint8_t>(data[sent]))) ++sent;
        return sent;
    }

    /// Sends text; a line feed goes out as carriage return and line feed.
    void print(const char* text) {
        for (; *text != '\0' && alive_; ++text) {
            if (*text == '\n') send('\r');
            send(static_cast<std::uint8_t>(*text));
        }
    }

  private:
    std::uint8_t get(std::uint32_t reg) const { return registers_.read<std::uint8_t>(reg); }
    void put(std::uint32_t reg, std::uint8_t value) const { registers_.write<std::uint8_t>(reg, value); }

    bool send(std::uint8_t character) {
        using namespace uart16550;
        for (unsigned asked = 0; alive_ && asked < kPatience; ++asked) {
            const std::uint8_t lsr = get(kLsr);
            if (lsr == kAllOnes && get(kLsr) == kAllOnes) break;
            if ((lsr & kLsrThre) != 0) {
                put(kThr, character);
                return true;
            }
        }
        alive_ = false;
        return false;
    }

    hal::RegisterWindow registers_;
    bool alive_ = false;
};

}  // namespace tb::serial
