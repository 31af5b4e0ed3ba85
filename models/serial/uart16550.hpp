// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <deque>
#include <functional>

#include "models/core/event_queue.hpp"
#include "models/serial/char_backend.hpp"
#include "models/serial/uart16550_regs.hpp"

namespace tb::model::serial {

/// The register logic of QEMU's 16550A, without a bus: IsaSerial and PciSerial put it behind one.
///
/// Bit-exact to QEMU 7.2, and so unlike a chip in these ways:
/// - Sending takes no time: a character leaves when it is written, unless the back end would block. TEMT and
/// THRE
///   are low only then. A character that the back end refuses five times is lost.
/// - The receiver asks its back end for as many characters as the trigger level lacks, so an overrun happens
///   in loopback alone. Parity and framing errors never happen.
/// - OUT2 does not gate the interrupt. Loopback cuts the transmitter off, not the receiver.
/// - A divisor of 0 counts as 3,500 baud. The baud rate matters for one thing: the receive FIFO's timeout,
/// four
///   characters after the last one moved.
/// - A break is shown at once, although the characters before it are still in the FIFO, and its zero enters
/// the FIFO even
///   while that is off.
class Uart16550 : public CharDevice {
  public:
    static constexpr unsigned kFifoDepth = 16;

    struct Wiring {
        std::function<void(bool level)> interrupt;
        /// A driver did what the data sheet does not allow.
        std::function<void(const char* subject, const char* message)> report;
    };

    /// `baud_base` is the input clock over 16, in Hz.
    Uart16550(EventQueue& queue, CharBackend& backend, Wiring wiring, std::uint32_t baud_base = 115'200);

    /// `offset` is below kUartBytes; one byte.
    std::uint8_t read(unsigned offset);
    void write(unsigned offset, std::uint8_t value);
    /// Power-on values, FIFOs empty, interrupt low.
    void reset();

    std::size_t can_receive() const override;
    void receive(std::span<const std::byte> characters) override;
    void receive_break() override;
    void output_ready() override;

    /// How long one character takes at the programmed format, in ns of virtual time.
    std::uint64_t character_ns() const { return character_ns_; }

  private:
    bool fifos_on() const { return (fcr_ & fcr::kEnable) != 0; }
    bool dlab() const { return (lcr_ & lcr::kDlab) != 0; }
    bool looped() const { return (mcr_ & mcr::kLoop) != 0; }

    std::uint8_t read_data();
    std::uint8_t read_identity();
    std::uint8_t read_line_status();
    std::uint8_t read_modem_status();
    void write_data(std::uint8_t value);
    void write_enable(std::uint8_t value);
    void write_fifo_control(std::uint8_t value);
    void write_line(std::uint8_t value);
    void write_modem(std::uint8_t value);

    /// Works out the highest cause and drives the interrupt.
    void update_interrupt();
    void update_line();
    void sample_modem_lines();
    void transmit();
    bool send_one();
    void push_received(std::byte character);
    void receive_timed_out();

    CharBackend& backend_;
    Wiring wiring_;
    std::uint32_t baud_base_;
    Timer timeout_;     ///< characters wait in the receive FIFO
    Timer modem_poll_;  ///< QEMU looks at the back end's modem lines now and then
    Timer room_;        ///< tells the back end, between accesses, that it may send

    std::deque<std::byte> rx_;
    std::deque<std::byte> tx_;
    std::byte rbr_{};
    std::byte thr_{};
    std::byte shift_{};  ///< waits for the back end while retries_ != 0
    unsigned retries_ = 0;
    unsigned trigger_ = 1;
    std::uint16_t divisor_ = 0;
    std::uint8_t ier_ = 0;
    std::uint8_t iir_ = 0;
    std::uint8_t fcr_ = 0;
    std::uint8_t lcr_ = 0;
    std::uint8_t mcr_ = 0;
    std::uint8_t lsr_ = 0;
    std::uint8_t msr_ = 0;
    std::uint8_t scr_ = 0;
    bool thre_pending_ = false;
    bool timeout_pending_ = false;
    bool break_on_ = false;
    bool level_ = false;
    enum class ModemPolling : std::uint8_t {
        kNever,
        kOnDemand,
        kPeriodic
    } modem_polling_ = ModemPolling::kOnDemand;
    std::uint64_t character_ns_ = 0;
};

}  // namespace tb::model::serial
