// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <hal/result.hpp>
#include <span>

namespace tb::serial {

enum class Parity : std::uint8_t { kNone, kOdd, kEven, kMark, kSpace };

struct LineFormat {
    std::uint32_t baud = 115200;
    std::uint8_t data_bits = 8;  ///< 5 to 8
    std::uint8_t stop_bits = 1;  ///< 1 or 2 (1.5 with 5 data bits)
    Parity parity = Parity::kNone;
};

/// Modem control outputs and status inputs (TIA-232 circuit names).
struct ModemControl {
    bool dtr = false;
    bool rts = false;
};

struct ModemStatus {
    bool cts = false;
    bool dsr = false;
    bool ri = false;
    bool dcd = false;
};

/// Counters since start.
struct Statistics {
    std::uint64_t received = 0;  ///< characters
    std::uint64_t sent = 0;      ///< characters
    std::uint64_t overruns = 0;  ///< LSR.OE seen
    std::uint64_t parity_errors = 0;
    std::uint64_t framing_errors = 0;
    std::uint64_t breaks = 0;
    std::uint64_t dropped = 0;         ///< characters that the receive buffer had no room for
    std::uint64_t modem_changes = 0;   ///< delta bits seen in the modem status
    std::uint64_t spurious = 0;        ///< interrupts with nothing pending
    std::uint64_t ghost_timeouts = 0;  ///< receive timeouts with no character behind them
    std::uint64_t storms = 0;          ///< handlers that reached their bound with the device still asking
};

/// The device class of character lines. `write` and `read` never wait: they take what fits and give what is
/// there.
class SerialDevice {
  public:
    virtual hal::Status configure(const LineFormat& format) = 0;
    /// Queues characters; returns how many were taken (0 to data.size()).
    virtual hal::Result<std::uint32_t> write(std::span<const std::byte> data) = 0;
    /// Waits, with the line's own deadline, until all queued characters have left the shift register.
    virtual hal::Status drain() = 0;
    /// Copies received characters out; returns how many.
    virtual hal::Result<std::uint32_t> read(std::span<std::byte> buffer) = 0;
    virtual unsigned poll(unsigned budget) = 0;
    virtual hal::Status set_modem(ModemControl control) = 0;
    virtual hal::Result<ModemStatus> modem() = 0;
    virtual hal::Status set_break(bool on) = 0;
    virtual hal::Status set_loopback(bool on) = 0;
    virtual Statistics statistics() const = 0;

  protected:
    ~SerialDevice() = default;
};

}  // namespace tb::serial
