// SPDX-License-Identifier: BSD-3-Clause
#include "serial/uart16550.hpp"

/// The data path of the driver: interrupt causes, the two rings, flow control.
namespace tb::serial {

using namespace uart16550;

namespace {

constexpr const char* kDevice = "uart16550";

constexpr std::uint64_t count(std::uint8_t value, std::uint8_t bit) {
    return (value & bit) != 0 ? 1 : 0;
}

}  // namespace

std::uint8_t Uart16550::line_status() {
    std::uint8_t lsr = read_reg(kLsr);
    if (lsr == kAllOnes) {
        // All-ones once may be a break in a full FIFO with an overrun. Its error bits went away with the
        // read.
        lsr = read_reg(kLsr);
        if (lsr == kAllOnes) {
            gone_ = true;
            probed_ = false;
            platform_.log(hal::LogLevel::kError, kDevice, "all registers read as ones: removed", 0);
            return lsr;
        }
        lsr |= kLsrOe | kLsrPe | kLsrFe | kLsrBi;
    }
    statistics_.overruns += count(lsr, kLsrOe);
    statistics_.parity_errors += count(lsr, kLsrPe);
    statistics_.breaks += count(lsr, kLsrBi);
    if ((lsr & kLsrBi) != 0) {
        // A break is a zero without a stop bit, and its framing error says nothing more.
        break_pending_ = true;
    } else {
        statistics_.framing_errors += count(lsr, kLsrFe);
    }
    return lsr;
}

std::uint8_t Uart16550::modem_status() {
    const std::uint8_t msr = read_reg(kMsr);
    if (msr == kAllOnes) {
        (void)line_status();
        if (gone_) return msr;
    }
    for (const std::uint8_t delta : {kMsrDeltaCts, kMsrDeltaDsr, kMsrTrailingRi, kMsrDeltaDcd})
        statistics_.modem_changes += count(msr, delta);
    const bool resumed = flow_control_ && (msr & kMsrCts) != 0 && (msr_ & kMsrCts) == 0;
    msr_ = msr & kMsrLines;
    if (resumed && started_) arm_transmitter();
    return msr;
}

bool Uart16550::may_send() const {
    return !hold_ && !break_on_ && (!flow_control_ || (msr_ & kMsrCts) != 0);
}

unsigned Uart16550::receive(std::uint8_t lsr, unsigned most) {
    unsigned taken = 0;
    while ((lsr & kLsrDr) != 0 && taken < most) {
        const auto value = static_cast<std::byte>(read_reg(kRbr));
        const bool is_break = break_pending_ && value == std::byte{0};
        if (is_break) break_pending_ = false;
        lsr = line_status();
        // What was read from a device that is gone by now was never received.
        if (gone_) return taken;
        ++taken;
        if (is_break) continue;
        ++statistics_.received;
        if (!rx_.push(value)) ++statistics_.dropped;
    }
    if ((lsr & kLsrDr) == 0) break_pending_ = false;
    if (flow_control_ && !throttled_ && rx_.size() >= kHighWater) {
        throttled_ = true;
        write_mcr();
    }
    return taken;
}

unsigned Uart16550::transmit(std::uint8_t lsr, unsigned most) {
    if ((lsr & kLsrThre) == 0 || !may_send()) return 0;
    const unsigned room = has_fifo() ? kFifoDepth : 1;
    unsigned given = 0;
    while (given < room && given < most && !tx_.empty()) {
        write_reg(kThr, static_cast<std::uint8_t>(tx_.pop()));
        ++given;
    }
    statistics_.sent += given;
    return given;
}

void Uart16550::write_ier(std::uint8_t value) {
    if (value == ier_) return;
    ier_ = value;
    write_reg(kIer, value);
}

void Uart16550::arm_transmitter() {
    if (gone_ || tx_.empty() || !may_send()) return;
    // Loading an idle transmitter directly saves an interrupt, and helps chips that raise none when the
    // enable comes after the holding register became empty.
    const std::uint8_t lsr = line_status();
    if (gone_) return;
    (void)transmit(lsr, kFifoDepth);
    if (!interrupts_ || parked_ || tx_.empty()) return;
    // Only the step from 0 to 1 raises an interrupt for a register that is empty already: if the last one was
    // lost, or taken by an IIR read that found nothing to load, the enable must go down before it goes up.
    write_ier(static_cast<std::uint8_t>(ier_ & ~kIerThri));
    write_ier(ier_ | kIerThri);
}

void Uart16550::disarm_idle_transmitter() {
    if (tx_.empty() || !may_send()) write_ier(static_cast<std::uint8_t>(ier_ & ~kIerThri));
}

Uart16550::Moved Uart16550::serve_cause(std::uint8_t cause, unsigned most) {
    switch (cause) {
        case kIirRls:
        case kIirRda:
        case kIirTimeout: {
            const std::uint8_t lsr = line_status();
            if (gone_) return {};
            if ((lsr & kLsrDr) == 0 && cause != kIirRls) {
                // Some chips raise a timeout with nothing in the FIFO, and only a read of the data register
                // ends it.
                (void)read_reg(kRbr);
                ++statistics_.ghost_timeouts;
                return {};
            }
            return {.received = receive(lsr, most)};
        }
        case kIirThre: {
            const std::uint8_t lsr = line_status();
            if (gone_) return {};
            const unsigned sent = transmit(lsr, kFifoDepth);
            disarm_idle_transmitter();
            return {.sent = sent};
        }
        case kIirMsr:
            (void)modem_status();
            return {};
        default:
            ++statistics_.spurious;
            return {};
    }
}

bool Uart16550::on_interrupt() {
    // While parked the device's interrupts are off: a line that is up all the same is another device's, or
    // broken.
    if (!started_ || gone_ || parked_) return false;
    bool served = false;
    unsigned received = 0;
    for (unsigned passes = 0; passes < kPassLimit && received < kHandlerCharacters;) {
        const std::uint8_t iir = read_reg(kIir);
        if (iir == kAllOnes) (void)line_status();
        if (gone_) return served;
        if ((iir & kIirNoInterrupt) != 0) {
            if (!served) ++statistics_.spurious;
            return served;
        }
        served = true;
        const Moved moved = serve_cause(iir & kIirCauseMask, kHandlerCharacters - received);
        if (gone_) return true;
        received += moved.received;
        if (moved.sent == 0) ++passes;
    }
    ++statistics_.storms;
    parked_ = true;
    write_ier(0);
    return true;
}

unsigned Uart16550::poll(unsigned budget) {
    if (!started_ || gone_) return 0;
    const hal::CriticalSection critical(platform_);
    unsigned moved = receive(line_status(), budget);
    if (gone_) return moved;
    (void)modem_status();
    if (gone_) return moved;
    if (!tx_.empty()) {
        const std::uint8_t lsr = line_status();
        if (gone_) return moved;
        moved += transmit(lsr, budget);
    }
    if (!interrupts_) return moved;
    if (parked_) {
        parked_ = false;
        write_ier(kIerRdi | kIerRlsi | kIerMsi);
        arm_transmitter();
    } else {
        disarm_idle_transmitter();
    }
    return moved;
}

hal::Result<std::uint32_t> Uart16550::write(std::span<const std::byte> data) {
    const hal::Status ready = usable();
    if (!ready) return ready.error();
    const hal::CriticalSection critical(platform_);
    std::uint32_t taken = 0;
    while (taken < data.size() && tx_.push(data[taken])) ++taken;
    arm_transmitter();
    if (gone_) return hal::Error::kDeviceGone;
    return taken;
}

hal::Result<std::uint32_t> Uart16550::read(std::span<std::byte> buffer) {
    if (!started_) return hal::Error::kNotStarted;
    const hal::CriticalSection critical(platform_);
    // What arrived before the device went is still the caller's.
    if (gone_ && rx_.empty()) return hal::Error::kDeviceGone;
    std::uint32_t given = 0;
    while (given < buffer.size() && !rx_.empty()) buffer[given++] = rx_.pop();
    if (throttled_ && !gone_ && rx_.size() <= kLowWater) {
        throttled_ = false;
        write_mcr();
    }
    return given;
}

}  // namespace tb::serial
