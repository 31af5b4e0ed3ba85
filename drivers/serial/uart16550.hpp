// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <hal/platform.hpp>

#include "serial/byte_ring.hpp"
#include "serial/serial_device.hpp"
#include "serial/uart16550_regs.hpp"

namespace tb::serial {

/// The members of the family, told apart by what they have.
enum class Chip : std::uint8_t {
    k8250,    ///< no scratch register, no FIFO
    k16450,   ///< scratch register, no FIFO
    k16550,   ///< FIFOs that lose data: used as if it had none
    k16550A,  ///< 16-byte FIFOs
    k16750,   ///< 64-byte FIFOs; used in its 16-byte mode, which needs no exception anywhere
};

constexpr const char* to_string(Chip chip) {
    switch (chip) {
        case Chip::k8250:
            return "8250";
        case Chip::k16450:
            return "16450";
        case Chip::k16550:
            return "16550";
        case Chip::k16550A:
            return "16550A";
        case Chip::k16750:
            return "16750";
    }
    return "unknown";
}

/// Where the device's interrupts come from.
struct InterruptSource {
    enum class Kind : std::uint8_t { kPolled, kIsa, kPci };
    Kind kind = Kind::kPolled;
    std::uint8_t isa_line = 0;  ///< 0 to 15; COM1 and COM3 have 4, COM2 and COM4 have 3
    hal::PciAddress function{};

    static constexpr InterruptSource polled() { return {}; }
    static constexpr InterruptSource isa(std::uint8_t line) { return {Kind::kIsa, line, {}}; }
    static constexpr InterruptSource pci(hal::PciAddress function) { return {Kind::kPci, 0, function}; }
};

struct Options {
    InterruptSource interrupt{};
    /// Characters in the receive FIFO that raise an interrupt: 1, 4, 8 or 14. Ignored where there is no FIFO.
    std::uint8_t fifo_trigger = 8;
    /// RTS/CTS: nothing is loaded into the transmitter while CTS is off (up to a FIFO's worth may still
    /// leave), and RTS is dropped while the receive ring is nearly full.
    bool flow_control = false;
    /// Input clock in Hz: 16 times the baud rate base. A PC's base is 115,200.
    std::uint32_t clock_hz = uart16550::kPcClock;
    LineFormat format{};
};

/// A 16550 behind ports (COM1 at 0x3f8), in memory with a stride, or behind the I/O BAR of a PCI function.
///
/// Life: probe, start, then any of the operations, stop; stop and start may repeat. Calls are serialised by
/// the caller; the interrupt handler may come between any two accesses outside the driver's critical
/// sections, on the same processor.
///
/// The handler does more than acknowledge, because acknowledging a 16550 *is* reading its data: the cause of
/// a receive interrupt goes away when the FIFO is read, that of a transmit interrupt when it is filled or the
/// cause is disabled. And it must go on until the device says "no interrupt": an ISA line is edge triggered,
/// so a cause that is left behind holds the line up and no edge ever comes again. What it does is bounded; at
/// the bound it turns the device's interrupts off and leaves the rest to `poll`, which turns them on again.
/// `poll` also finds what a lost interrupt left lying, so a caller that polls now and then loses time and no
/// data.
///
/// Errors of the operations: kNotStarted; kDeviceGone once the device read as all-ones (then only stop and a
/// new probe help).
class Uart16550 final : public SerialDevice {
  public:
    static constexpr std::uint32_t kRingSize = 1024;
    /// Receive ring levels at which flow control stops and resumes the other side.
    static constexpr std::uint32_t kHighWater = kRingSize - 128;
    static constexpr std::uint32_t kLowWater = kRingSize / 4;
    /// The handler's bounds: causes that led to no character sent (those that did are bounded by the ring),
    /// and characters read.
    static constexpr unsigned kPassLimit = 128;
    static constexpr unsigned kHandlerCharacters = 512;

    Uart16550() = default;
    Uart16550(const Uart16550&) = delete;
    Uart16550& operator=(const Uart16550&) = delete;

    /// Finds out whether there is a UART behind the window's first eight registers, and which. Leaves it
    /// quiet: interrupts off, FIFOs off and empty, modem outputs off. Characters that an earlier user left in
    /// the transmitter get 20 ms to leave. kInvalidArgument for a window of fewer than eight registers,
    /// kAbsent when nothing answers like a UART, kBusy while started.
    hal::Result<Chip> probe(hal::Platform platform, hal::RegisterWindow registers);

    /// kInvalidArgument for a trigger level, line format or interrupt line that does not exist, kUnsupported
    /// for a baud rate out of reach, kBusy when started, kProtocol when the divisor latch does not hold what
    /// was written.
    hal::Status start(const Options& options);
    /// Interrupts off and detached, modem outputs off, FIFOs off; what was queued is dropped. Harmless when
    /// not started.
    void stop();

    /// The interrupt handler. Returns whether the device had anything to say (for a shared line).
    bool on_interrupt();
    /// Moves up to `budget` characters each way between the device and the rings, and turns interrupts on
    /// again after a storm. Returns how many characters were moved.
    unsigned poll(unsigned budget) override;

    /// Takes effect when the characters already in the transmitter have left (kTimeout when they do not);
    /// those still in the ring are sent in the new format.
    hal::Status configure(const LineFormat& format) override;
    hal::Result<std::uint32_t> write(std::span<const std::byte> data) override;
    /// kTimeout when the other side holds CTS off, a break is on, or the transmitter never becomes empty,
    /// after twice the time that the characters take.
    hal::Status drain() override;
    /// Characters with parity or framing errors are delivered as they came; the statistics tell. A break
    /// delivers none.
    hal::Result<std::uint32_t> read(std::span<std::byte> buffer) override;
    /// With flow control the driver drops RTS on its own too, and raises it only while `control.rts`.
    hal::Status set_modem(ModemControl control) override;
    hal::Result<ModemStatus> modem() override;
    /// Starts (after the characters in the transmitter; kTimeout when they never leave) or ends a break. How
    /// long it lasts is the caller's affair; nothing is sent meanwhile.
    hal::Status set_break(bool on) override;
    /// The chip's own loopback. On a PC it also takes OUT2, and with it the interrupt, off the bus: use
    /// `poll`.
    hal::Status set_loopback(bool on) override;
    Statistics statistics() const override { return statistics_; }

    bool started() const { return started_; }
    /// Meaningful after a successful probe.
    Chip chip() const { return chip_; }

  private:
    bool has_fifo() const { return chip_ == Chip::k16550A || chip_ == Chip::k16750; }
    std::uint8_t read_reg(std::uint32_t reg) const { return registers_.read<std::uint8_t>(reg); }
    void write_reg(std::uint32_t reg, std::uint8_t value) const {
        registers_.write<std::uint8_t>(reg, value);
    }
    hal::Status usable() const;

    bool answers_like_a_uart() const;
    Chip identify() const;

    hal::Status attach(const InterruptSource& source);
    hal::Status program_line(std::uint16_t divisor, std::uint8_t lcr);
    void write_mcr();
    void write_ier(std::uint8_t value);
    void forget_causes();

    /// Reads the line status, counts its errors, and notices removal.
    std::uint8_t line_status();
    /// Reads the modem status and counts its changes.
    std::uint8_t modem_status();
    bool may_send() const;
    unsigned receive(std::uint8_t lsr, unsigned most);
    unsigned transmit(std::uint8_t lsr, unsigned most);
    struct Moved {
        unsigned received = 0;
        unsigned sent = 0;
    };
    Moved serve_cause(std::uint8_t cause, unsigned most);
    void arm_transmitter();
    void disarm_idle_transmitter();
    hal::Status wait_transmitter_empty();

    hal::Platform platform_;
    hal::RegisterWindow registers_;
    hal::Interrupt interrupt_{};
    ByteRing<kRingSize> rx_;
    ByteRing<kRingSize> tx_;
    Statistics statistics_{};
    LineFormat format_{};
    std::uint32_t clock_hz_ = uart16550::kPcClock;
    Chip chip_ = Chip::k16450;
    ModemControl modem_{};
    std::uint8_t ier_ = 0;  ///< what the register holds
    std::uint8_t lcr_ = 0;
    std::uint8_t msr_ = 0;  ///< the lines, when last read
    bool probed_ = false;
    bool started_ = false;
    bool gone_ = false;
    bool interrupts_ = false;
    bool flow_control_ = false;
    bool throttled_ = false;  ///< RTS is off because the receive ring is nearly full
    bool hold_ = false;       ///< the line format is changing: load nothing
    bool break_on_ = false;
    bool loopback_ = false;
    bool break_pending_ = false;  ///< a break was seen whose zero character is still to be read
    bool parked_ = false;         ///< the handler gave up; poll turns interrupts on again
};

}  // namespace tb::serial
