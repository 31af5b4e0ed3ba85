// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace tb::model::serial {

/// What became of a character that a device sent.
enum class Sent : std::uint8_t {
    kTaken,
    kWouldBlock,  ///< the other side takes nothing now; it will say when (CharDevice::output_ready)
    kLost,        ///< nobody is there, and nobody will be
};

/// The format that the device's registers ask for, as a real line would have to be set.
struct LineSettings {
    float baud = 0;
    std::uint8_t data_bits = 8;
    std::uint8_t stop_bits = 1;
    char parity = 'N';  ///< N, E or O
    bool operator==(const LineSettings&) const = default;
};

struct ModemInputs {
    bool cts = true;
    bool dsr = true;
    bool ri = false;
    bool dcd = true;
    bool operator==(const ModemInputs&) const = default;
};

struct ModemOutputs {
    bool dtr = false;
    bool rts = false;
    bool operator==(const ModemOutputs&) const = default;
};

/// What a character device offers to whoever holds the other end of its line.
class CharDevice {
  public:
    virtual ~CharDevice() = default;
    /// How many characters the device takes now.
    virtual std::size_t can_receive() const = 0;
    /// Characters arrive; at most can_receive() of them.
    virtual void receive(std::span<const std::byte> characters) = 0;
    /// A break arrives, whatever can_receive() says.
    virtual void receive_break() = 0;
    /// After Sent::kWouldBlock: the other side takes characters again.
    virtual void output_ready() = 0;
};

/// The other end of a character device's line.
class CharBackend {
  public:
    virtual ~CharBackend() = default;

    /// The device introduces itself; called once, at construction of the device.
    virtual void connect(CharDevice& device) = 0;
    /// A character leaves the device. Called while the access that sent it is under way.
    virtual Sent send(std::byte character) = 0;
    /// The device may take characters again. Called from the event queue, between accesses.
    virtual void room() = 0;

    /// Whether modem lines exist. Sockets and files have none: the device then shows CTS, DSR and DCD as on
    /// for ever.
    virtual bool has_modem_lines() const { return false; }
    virtual ModemInputs modem_inputs() const { return {}; }
    virtual void set_modem_outputs(ModemOutputs /*outputs*/) {}
    virtual void set_break(bool /*on*/) {}
    virtual void set_line(const LineSettings& /*settings*/) {}
};

}  // namespace tb::model::serial
