// SPDX-License-Identifier: BSD-3-Clause
#include "serial/uart16550.hpp"

#include <hal/poll.hpp>

#include "serial/line.hpp"

namespace tb::serial {

using namespace uart16550;

namespace {

constexpr std::uint8_t kQuietMcr = 0;
/// For characters that a boot loader or an early console left in the transmitter.
constexpr hal::Duration kLeftoverTime = hal::milliseconds(20);
constexpr hal::Duration kLeftoverInterval = hal::microseconds(50);
/// Twice what that many characters take, and a little for the device's own pace.
constexpr hal::Duration time_for(std::uint64_t characters, hal::Duration each) {
    return hal::nanoseconds(2 * characters * each.ns + hal::milliseconds(1).ns);
}

bool trigger_bits(std::uint8_t characters, std::uint8_t& bits) {
    switch (characters) {
        case 1:
            bits = kFcrTrigger1;
            return true;
        case 4:
            bits = kFcrTrigger4;
            return true;
        case 8:
            bits = kFcrTrigger8;
            return true;
        case 14:
            bits = kFcrTrigger14;
            return true;
        default:
            return false;
    }
}

void handle_interrupt(void* uart) {
    static_cast<Uart16550*>(uart)->on_interrupt();
}

}  // namespace

hal::Result<Chip> Uart16550::probe(hal::Platform platform, hal::RegisterWindow registers) {
    if (started_) return hal::Error::kBusy;
    if (!registers.valid() || registers.size() < kRegisters) return hal::Error::kInvalidArgument;
    platform_ = platform;
    registers_ = registers;
    probed_ = false;

    // The error bits of a line status go away when it is read: a UART cannot answer all-ones twice.
    if (read_reg(kLsr) == kAllOnes && read_reg(kLsr) == kAllOnes) return hal::Error::kAbsent;
    write_reg(kLcr, 0);
    write_reg(kMcr, kQuietMcr);
    write_reg(kIer, 0);
    if (!answers_like_a_uart()) return hal::Error::kAbsent;
    // Ends at the deadline at the latest; a transmitter that is stuck shows when it is used.
    (void)hal::poll_until(platform_, kLeftoverTime, kLeftoverInterval,
                          [this] { return (read_reg(kLsr) & kLsrTemt) != 0; });
    chip_ = identify();
    probed_ = true;
    gone_ = false;
    return chip_;
}

bool Uart16550::answers_like_a_uart() const {
    // Line status and modem status enables: unlike the transmitter's, these two raise nothing on an idle
    // line.
    constexpr std::uint8_t kQuietEnables = kIerRlsi | kIerMsi;
    const auto none = static_cast<std::uint8_t>(read_reg(kIer) & kIerAll);
    write_reg(kIer, kQuietEnables);
    const auto two = static_cast<std::uint8_t>(read_reg(kIer) & kIerAll);
    write_reg(kIer, 0);
    if (none != 0 || two != kQuietEnables) return false;

    // PC16550D §8.7: in loopback the outputs appear as inputs: RTS as CTS, DTR as DSR, OUT1 as RI, OUT2 as
    // DCD. Both halves, so that neither a bus that floats nor one that repeats the last value passes.
    write_reg(kMcr, kMcrLoop | kMcrOut2 | kMcrRts);
    const auto first = static_cast<std::uint8_t>(read_reg(kMsr) & kMsrLines);
    write_reg(kMcr, kMcrLoop | kMcrOut1 | kMcrDtr);
    const auto second = static_cast<std::uint8_t>(read_reg(kMsr) & kMsrLines);
    write_reg(kMcr, kQuietMcr);
    return first == (kMsrDcd | kMsrCts) && second == (kMsrRi | kMsrDsr);
}

Chip Uart16550::identify() const {
    for (const std::uint8_t pattern : {std::uint8_t{0x5a}, std::uint8_t{0xa5}}) {
        write_reg(kScr, pattern);
        if (read_reg(kScr) != pattern) return Chip::k8250;
    }
    write_reg(kFcr, kFcrEnable);
    const auto fifo = static_cast<std::uint8_t>(read_reg(kIir) & kIirFifoMask);
    Chip chip = Chip::k16450;
    if (fifo == kIirFifoBroken) chip = Chip::k16550;
    if (fifo == kIirFifoWorking) {
        // TL16C750: the bit for 64 bytes is writable only with DLAB on, and is shown in the identification.
        write_reg(kLcr, kLcrDlab);
        write_reg(kFcr, kFcrEnable | kFcrFifo64);
        chip = (read_reg(kIir) & kIirFifo64) != 0 ? Chip::k16750 : Chip::k16550A;
        write_reg(kFcr, kFcrEnable);
        write_reg(kLcr, 0);
    }
    write_reg(kFcr, 0);
    return chip;
}

hal::Status Uart16550::start(const Options& options) {
    if (started_) return hal::Error::kBusy;
    if (!probed_) return hal::Error::kAbsent;
    std::uint8_t trigger = 0;
    if (!trigger_bits(options.fifo_trigger, trigger)) return hal::Error::kInvalidArgument;
    if (options.interrupt.kind == InterruptSource::Kind::kIsa && options.interrupt.isa_line > 15)
        return hal::Error::kInvalidArgument;
    const hal::Result<std::uint8_t> lcr = line_control_for(options.format);
    if (!lcr) return lcr.error();
    const hal::Result<std::uint16_t> divisor = divisor_for(options.clock_hz, options.format.baud);
    if (!divisor) return divisor.error();

    rx_.clear();
    tx_.clear();
    statistics_ = {};
    format_ = options.format;
    clock_hz_ = options.clock_hz;
    flow_control_ = options.flow_control;
    interrupts_ = options.interrupt.kind != InterruptSource::Kind::kPolled;
    modem_ = {.dtr = true, .rts = true};
    throttled_ = hold_ = break_on_ = loopback_ = break_pending_ = parked_ = false;

    write_reg(kIer, ier_ = 0);
    write_reg(kMcr, kQuietMcr);
    if (has_fifo()) {
        // PC16550D §8.4: the other bits are taken only while the FIFOs are already on.
        write_reg(kFcr, kFcrEnable);
        write_reg(kFcr, static_cast<std::uint8_t>(kFcrEnable | kFcrClearRx | kFcrClearTx | trigger));
    }
    const hal::Status line = program_line(*divisor, *lcr);
    if (!line) return line;
    forget_causes();
    if (gone_) return hal::Error::kDeviceGone;

    const hal::Status attached = attach(options.interrupt);
    if (!attached) return attached;
    const hal::CriticalSection critical(platform_);
    started_ = true;
    write_mcr();
    if (interrupts_) write_ier(kIerRdi | kIerRlsi | kIerMsi);
    return {};
}

hal::Status Uart16550::attach(const InterruptSource& source) {
    if (source.kind == InterruptSource::Kind::kPolled) return {};
    const hal::Result<hal::Interrupt> interrupt =
        source.kind == InterruptSource::Kind::kIsa
            ? platform_.attach_irq(source.isa_line, &handle_interrupt, this)
            : platform_.attach_intx(source.function, &handle_interrupt, this);
    if (!interrupt) return interrupt.error();
    interrupt_ = *interrupt;
    return {};
}

void Uart16550::stop() {
    if (!started_) return;
    {
        const hal::CriticalSection critical(platform_);
        started_ = false;
        if (!gone_) {
            write_ier(0);
            write_reg(kMcr, kQuietMcr);
            write_reg(kLcr, static_cast<std::uint8_t>(lcr_ & ~kLcrBreak));
            if (has_fifo()) write_reg(kFcr, 0);
        }
        rx_.clear();
        tx_.clear();
    }
    platform_.detach(interrupt_);
    interrupt_ = {};
}

hal::Status Uart16550::program_line(std::uint16_t divisor, std::uint8_t lcr) {
    // While DLAB is on, the data register is the divisor: no handler may come between.
    const hal::CriticalSection critical(platform_);
    const auto low = static_cast<std::uint8_t>(divisor);
    const auto high = static_cast<std::uint8_t>(divisor >> 8);
    write_reg(kLcr, lcr | kLcrDlab);
    write_reg(kDll, low);
    write_reg(kDlm, high);
    const bool held = read_reg(kDll) == low && read_reg(kDlm) == high;
    write_reg(kLcr, lcr);
    lcr_ = lcr;
    if (held) return {};
    (void)line_status();
    return gone_ ? hal::Error::kDeviceGone : hal::Error::kProtocol;
}

hal::Status Uart16550::configure(const LineFormat& format) {
    const hal::Status ready = usable();
    if (!ready) return ready;
    const hal::Result<std::uint8_t> lcr = line_control_for(format);
    if (!lcr) return lcr.error();
    const hal::Result<std::uint16_t> divisor = divisor_for(clock_hz_, format.baud);
    if (!divisor) return divisor.error();

    hold_ = true;
    hal::Status status = wait_transmitter_empty();
    if (status) {
        status = program_line(*divisor, static_cast<std::uint8_t>(*lcr | (break_on_ ? kLcrBreak : 0)));
        if (status) format_ = format;
    }
    const hal::CriticalSection critical(platform_);
    hold_ = false;
    arm_transmitter();
    return status;
}

hal::Status Uart16550::set_break(bool on) {
    const hal::Status ready = usable();
    if (!ready) return ready;
    if (on && !break_on_) {
        break_on_ = true;
        const hal::Status empty = wait_transmitter_empty();
        if (!empty) {
            break_on_ = false;
            return empty;
        }
    }
    const hal::CriticalSection critical(platform_);
    break_on_ = on;
    lcr_ = static_cast<std::uint8_t>(on ? lcr_ | kLcrBreak : lcr_ & ~kLcrBreak);
    write_reg(kLcr, lcr_);
    arm_transmitter();
    return {};
}

hal::Status Uart16550::set_loopback(bool on) {
    const hal::Status ready = usable();
    if (!ready) return ready;
    const hal::CriticalSection critical(platform_);
    loopback_ = on;
    write_mcr();
    (void)modem_status();
    return gone_ ? hal::Status(hal::Error::kDeviceGone) : hal::Status();
}

hal::Status Uart16550::set_modem(ModemControl control) {
    const hal::Status ready = usable();
    if (!ready) return ready;
    const hal::CriticalSection critical(platform_);
    modem_ = control;
    write_mcr();
    return {};
}

hal::Result<ModemStatus> Uart16550::modem() {
    const hal::Status ready = usable();
    if (!ready) return ready.error();
    const hal::CriticalSection critical(platform_);
    const std::uint8_t msr = modem_status();
    if (gone_) return hal::Error::kDeviceGone;
    return ModemStatus{.cts = (msr & kMsrCts) != 0,
                       .dsr = (msr & kMsrDsr) != 0,
                       .ri = (msr & kMsrRi) != 0,
                       .dcd = (msr & kMsrDcd) != 0};
}

hal::Status Uart16550::drain() {
    const hal::Status ready = usable();
    if (!ready) return ready;
    const hal::Duration character = character_time(format_);
    const std::uint64_t characters = tx_.size() + 2 * kFifoDepth;
    const bool ended = hal::poll_until(platform_, time_for(characters, character), character, [this] {
        (void)poll(kFifoDepth);
        const hal::CriticalSection critical(platform_);
        return gone_ || (tx_.empty() && (line_status() & kLsrTemt) != 0);
    });
    if (gone_) return hal::Error::kDeviceGone;
    return ended ? hal::Status() : hal::Status(hal::Error::kTimeout);
}

hal::Status Uart16550::wait_transmitter_empty() {
    const hal::Duration character = character_time(format_);
    const bool empty =
        hal::poll_until(platform_, time_for(std::uint64_t{2} * kFifoDepth, character), character, [this] {
            const hal::CriticalSection critical(platform_);
            return gone_ || (line_status() & kLsrTemt) != 0;
        });
    if (gone_) return hal::Error::kDeviceGone;
    return empty ? hal::Status() : hal::Status(hal::Error::kTimeout);
}

void Uart16550::write_mcr() {
    std::uint8_t mcr = 0;
    if (modem_.dtr) mcr |= kMcrDtr;
    if (modem_.rts && !throttled_) mcr |= kMcrRts;
    if (interrupts_) mcr |= kMcrOut2;
    if (loopback_) mcr |= kMcrLoop;
    write_reg(kMcr, mcr);
}

void Uart16550::forget_causes() {
    // Each cause goes away by its own read; what they say belongs to the time before start.
    (void)line_status();
    (void)read_reg(kRbr);
    (void)read_reg(kIir);
    (void)modem_status();
    statistics_ = {};
    break_pending_ = false;
}

hal::Status Uart16550::usable() const {
    if (!started_) return hal::Error::kNotStarted;
    if (gone_) return hal::Error::kDeviceGone;
    return {};
}

}  // namespace tb::serial
