// SPDX-License-Identifier: BSD-3-Clause
#include "models/serial/uart16550.hpp"

#include <utility>

namespace tb::model::serial {

namespace {

constexpr float kSecond = 1e9F;  // in ns; single precision because QEMU's rounding shows in the timeout
constexpr std::uint64_t kPowerOnCharacter = std::uint64_t{1'000'000'000} / 9'600 * 10;
constexpr float kBaudOfDivisorZero = 3'500;
constexpr std::uint64_t kModemPollInterval = 10'000'000;
constexpr unsigned kTimeoutCharacters = 4;
constexpr unsigned kMostRetries = 4;
constexpr std::uint16_t kPowerOnDivisor = 12;
constexpr unsigned kTriggers[] = {1, 4, 8, 14};

// Equal times: a timeout is seen before what new input does to it.
constexpr std::uint32_t kTimeoutPriority = 10;
constexpr std::uint32_t kModemPriority = 11;
constexpr std::uint32_t kRoomPriority = 12;

constexpr void assign(std::uint8_t& value, std::uint8_t bits, bool on) {
    value = static_cast<std::uint8_t>(on ? value | bits : value & ~bits);
}

}  // namespace

Uart16550::Uart16550(EventQueue& queue, CharBackend& backend, Wiring wiring, std::uint32_t baud_base)
    : backend_(backend),
      wiring_(std::move(wiring)),
      baud_base_(baud_base),
      timeout_(queue, kTimeoutPriority, [this] { receive_timed_out(); }),
      modem_poll_(queue, kModemPriority, [this] { sample_modem_lines(); }),
      room_(queue, kRoomPriority, [this] { backend_.room(); }) {
    backend_.connect(*this);
    reset();
}

void Uart16550::reset() {
    timeout_.cancel();
    modem_poll_.cancel();
    room_.cancel();
    rx_.clear();
    tx_.clear();
    rbr_ = thr_ = shift_ = std::byte{0};
    retries_ = 0;
    trigger_ = 1;
    divisor_ = kPowerOnDivisor;
    ier_ = 0;
    iir_ = iir::kNone;
    fcr_ = 0;
    lcr_ = 0;
    mcr_ = mcr::kOut2;
    lsr_ = lsr::kHoldingEmpty | lsr::kTransmitterEmpty;
    msr_ = msr::kCts | msr::kDsr | msr::kDcd;
    scr_ = 0;
    thre_pending_ = timeout_pending_ = break_on_ = false;
    character_ns_ = kPowerOnCharacter;
    modem_polling_ = ModemPolling::kOnDemand;
    sample_modem_lines();
    msr_ &= static_cast<std::uint8_t>(~msr::kDeltas);
    update_interrupt();
}

std::uint8_t Uart16550::read(unsigned offset) {
    switch (offset) {
        case reg::kData:
            return dlab() ? static_cast<std::uint8_t>(divisor_) : read_data();
        case reg::kEnable:
            return dlab() ? static_cast<std::uint8_t>(divisor_ >> 8) : ier_;
        case reg::kIdentity:
            return read_identity();
        case reg::kLine:
            return lcr_;
        case reg::kModem:
            return mcr_;
        case reg::kLineStatus:
            return read_line_status();
        case reg::kModemStatus:
            return read_modem_status();
        default:
            return scr_;
    }
}

void Uart16550::write(unsigned offset, std::uint8_t value) {
    switch (offset) {
        case reg::kData:
            if (!dlab()) return write_data(value);
            divisor_ = static_cast<std::uint16_t>((divisor_ & 0xff00) | value);
            return update_line();
        case reg::kEnable:
            if (!dlab()) return write_enable(value);
            divisor_ = static_cast<std::uint16_t>((divisor_ & 0x00ff) | value << 8);
            return update_line();
        case reg::kIdentity:
            return write_fifo_control(value);
        case reg::kLine:
            return write_line(value);
        case reg::kModem:
            return write_modem(value);
        case reg::kLineStatus:
            return wiring_.report("LSR", "written; it is read-only outside factory tests");
        case reg::kModemStatus:
            return wiring_.report("MSR", "written; it is read-only");
        default:
            scr_ = value;
            return;
    }
}

std::uint8_t Uart16550::read_data() {
    std::byte value = rbr_;
    if (fifos_on()) {
        value = std::byte{0};
        if (!rx_.empty()) {
            value = rx_.front();
            rx_.pop_front();
        }
        timeout_pending_ = false;
        if (!rx_.empty()) timeout_.start(kTimeoutCharacters * character_ns_);
    }
    if (!fifos_on() || rx_.empty()) assign(lsr_, lsr::kDataReady | lsr::kBreak, false);
    update_interrupt();
    room_.start(0);
    return static_cast<std::uint8_t>(value);
}

std::uint8_t Uart16550::read_identity() {
    const std::uint8_t value = iir_;
    if ((value & iir::kSourceMask) == iir::kTransmit) {
        thre_pending_ = false;
        update_interrupt();
    }
    return value;
}

std::uint8_t Uart16550::read_line_status() {
    const std::uint8_t value = lsr_;
    if ((value & (lsr::kBreak | lsr::kOverrun)) != 0) {
        assign(lsr_, lsr::kBreak | lsr::kOverrun, false);
        update_interrupt();
    }
    return value;
}

std::uint8_t Uart16550::read_modem_status() {
    if (looped()) {
        std::uint8_t value = 0;
        assign(value, msr::kCts, (mcr_ & mcr::kRts) != 0);
        assign(value, msr::kDsr, (mcr_ & mcr::kDtr) != 0);
        assign(value, msr::kRi, (mcr_ & mcr::kOut1) != 0);
        assign(value, msr::kDcd, (mcr_ & mcr::kOut2) != 0);
        return value;
    }
    if (modem_polling_ != ModemPolling::kNever) sample_modem_lines();
    const std::uint8_t value = msr_;
    if ((value & msr::kDeltas) != 0) {
        assign(msr_, msr::kDeltas, false);
        update_interrupt();
    }
    return value;
}

void Uart16550::write_data(std::uint8_t value) {
    thr_ = std::byte{value};
    if (fifos_on()) {
        if (tx_.size() == kFifoDepth) {
            wiring_.report("THR", "written with the transmit FIFO full; its oldest character is lost");
            tx_.pop_front();
        }
        tx_.push_back(thr_);
    } else if ((lsr_ & lsr::kHoldingEmpty) == 0) {
        wiring_.report("THR", "written before it was empty; the character in it is lost");
    }
    thre_pending_ = false;
    assign(lsr_, lsr::kHoldingEmpty | lsr::kTransmitterEmpty, false);
    update_interrupt();
    if (retries_ == 0) transmit();
}

void Uart16550::write_enable(std::uint8_t value) {
    const auto changed = static_cast<std::uint8_t>((ier_ ^ value) & ier::kMask);
    ier_ = value & ier::kMask;
    if ((changed & ier::kModemStatus) != 0 && modem_polling_ != ModemPolling::kNever) {
        const bool on = (ier_ & ier::kModemStatus) != 0;
        modem_polling_ = on ? ModemPolling::kPeriodic : ModemPolling::kOnDemand;
        if (on)
            sample_modem_lines();
        else
            modem_poll_.cancel();
    }
    // Only the step from 0 to 1 makes an empty register a cause again.
    if ((changed & ier::kTransmit) != 0)
        thre_pending_ = (ier_ & ier::kTransmit) != 0 && (lsr_ & lsr::kHoldingEmpty) != 0;
    if (changed != 0) update_interrupt();
}

void Uart16550::write_fifo_control(std::uint8_t value) {
    const bool switched = ((value ^ fcr_) & fcr::kEnable) != 0;
    if (switched || (value & fcr::kClearReceive) != 0) {
        rx_.clear();
        timeout_.cancel();
        timeout_pending_ = false;
        assign(lsr_, lsr::kDataReady | lsr::kBreak, false);
    }
    if (switched || (value & fcr::kClearTransmit) != 0) {
        tx_.clear();
        assign(lsr_, lsr::kHoldingEmpty, true);
        thre_pending_ = true;
    }
    fcr_ = value & fcr::kKept;
    assign(iir_, iir::kFifos, fifos_on());
    if (fifos_on()) trigger_ = kTriggers[value >> fcr::kTriggerShift];
    update_interrupt();
    room_.start(0);
}

void Uart16550::write_line(std::uint8_t value) {
    const bool was_dlab = dlab();
    lcr_ = value;
    if (was_dlab && !dlab() && divisor_ == 0)
        wiring_.report("DLL", "divisor 0: what the baud rate generator does with it is not defined");
    update_line();
    const bool on = (value & lcr::kBreak) != 0;
    if (on != break_on_) {
        break_on_ = on;
        backend_.set_break(on);
    }
}

void Uart16550::write_modem(std::uint8_t value) {
    const std::uint8_t before = mcr_;
    mcr_ = value & mcr::kMask;
    if (looped() || modem_polling_ == ModemPolling::kNever || before == mcr_) return;
    backend_.set_modem_outputs({.dtr = (mcr_ & mcr::kDtr) != 0, .rts = (mcr_ & mcr::kRts) != 0});
    // The other side may answer; look after one character's time.
    modem_poll_.start(character_ns_);
}

void Uart16550::update_interrupt() {
    std::uint8_t cause = iir::kNone;
    if ((ier_ & ier::kLineStatus) != 0 && (lsr_ & lsr::kErrors) != 0)
        cause = iir::kLineStatus;
    else if ((ier_ & ier::kReceive) != 0 && timeout_pending_)
        cause = iir::kTimeout;
    else if ((ier_ & ier::kReceive) != 0 && (lsr_ & lsr::kDataReady) != 0 &&
             (!fifos_on() || rx_.size() >= trigger_))
        cause = iir::kReceive;
    else if ((ier_ & ier::kTransmit) != 0 && thre_pending_)
        cause = iir::kTransmit;
    else if ((ier_ & ier::kModemStatus) != 0 && (msr_ & msr::kDeltas) != 0)
        cause = iir::kModemStatus;
    iir_ = static_cast<std::uint8_t>((iir_ & iir::kUpper) | cause);
    const bool level = cause != iir::kNone;
    if (level == level_) return;
    level_ = level;
    wiring_.interrupt(level);
}

void Uart16550::update_line() {
    LineSettings line;
    line.data_bits = static_cast<std::uint8_t>((lcr_ & lcr::kLength) + 5);
    line.stop_bits = (lcr_ & lcr::kTwoStop) != 0 ? 2 : 1;
    if ((lcr_ & lcr::kParity) != 0) line.parity = (lcr_ & lcr::kEven) != 0 ? 'E' : 'O';
    line.baud =
        divisor_ == 0 ? kBaudOfDivisorZero : static_cast<float>(baud_base_) / static_cast<float>(divisor_);
    const int bits = 1 + line.data_bits + line.stop_bits + (line.parity != 'N' ? 1 : 0);
    character_ns_ = static_cast<std::uint64_t>(kSecond / line.baud * static_cast<float>(bits));
    backend_.set_line(line);
}

void Uart16550::sample_modem_lines() {
    modem_poll_.cancel();
    if (!backend_.has_modem_lines()) {
        modem_polling_ = ModemPolling::kNever;
        return;
    }
    const std::uint8_t before = msr_;
    const ModemInputs inputs = backend_.modem_inputs();
    assign(msr_, msr::kCts, inputs.cts);
    assign(msr_, msr::kDsr, inputs.dsr);
    assign(msr_, msr::kDcd, inputs.dcd);
    assign(msr_, msr::kRi, inputs.ri);
    if (msr_ != before) {
        msr_ |= static_cast<std::uint8_t>((msr_ ^ before) >> 4);
        // The ring indicator's bit tells of trailing edges only.
        if ((before & msr::kRi) == 0) assign(msr_, msr::kTrailingRi, false);
        update_interrupt();
    }
    if (modem_polling_ == ModemPolling::kPeriodic) modem_poll_.start(kModemPollInterval);
}

void Uart16550::transmit() {
    do {
        if (retries_ == 0) {
            shift_ = thr_;
            if (fifos_on()) {
                shift_ = tx_.front();
                tx_.pop_front();
            }
            if (!fifos_on() || tx_.empty()) {
                assign(lsr_, lsr::kHoldingEmpty, true);
                if (!thre_pending_) {
                    thre_pending_ = true;
                    update_interrupt();
                }
            }
        }
        if (!send_one()) return;
    } while ((lsr_ & lsr::kHoldingEmpty) == 0);
    assign(lsr_, lsr::kTransmitterEmpty, true);
}

bool Uart16550::send_one() {
    if (looped()) {
        receive({&shift_, 1});
        // A FIFO that loopback has filled beyond the trigger level takes from the back end again, one at a
        // time.
        room_.start(0);
    } else if (backend_.send(shift_) == Sent::kWouldBlock && retries_ < kMostRetries) {
        ++retries_;
        return false;
    }
    retries_ = 0;
    return true;
}

void Uart16550::output_ready() {
    if (retries_ != 0) transmit();
}

std::size_t Uart16550::can_receive() const {
    if (!fifos_on()) return (lsr_ & lsr::kDataReady) != 0 ? 0 : 1;
    if (rx_.size() >= kFifoDepth) return 0;
    return rx_.size() <= trigger_ ? trigger_ - rx_.size() : 1;
}

void Uart16550::push_received(std::byte character) {
    if (rx_.size() < kFifoDepth)
        rx_.push_back(character);
    else
        assign(lsr_, lsr::kOverrun, true);
}

void Uart16550::receive(std::span<const std::byte> characters) {
    if (characters.empty()) return;
    if (fifos_on()) {
        for (const std::byte character : characters) push_received(character);
        timeout_.start(kTimeoutCharacters * character_ns_);
    } else {
        if ((lsr_ & lsr::kDataReady) != 0) assign(lsr_, lsr::kOverrun, true);
        rbr_ = characters.front();
    }
    assign(lsr_, lsr::kDataReady, true);
    update_interrupt();
}

void Uart16550::receive_break() {
    rbr_ = std::byte{0};
    push_received(std::byte{0});
    assign(lsr_, lsr::kBreak | lsr::kDataReady, true);
    update_interrupt();
}

void Uart16550::receive_timed_out() {
    if (rx_.empty()) return;
    timeout_pending_ = true;
    update_interrupt();
}

}  // namespace tb::model::serial
