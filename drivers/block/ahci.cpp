// SPDX-License-Identifier: BSD-3-Clause
// The HBA: from the firmware's hands to disks at work, and back.
#include "block/ahci.hpp"

#include <hal/poll.hpp>

namespace tb::ahci {

using hal::Error;

namespace {

constexpr const char* kName = "ahci";
constexpr std::uint32_t kAllOnes = ~std::uint32_t{0};
constexpr std::uint32_t kLargestWindow = reg::kPorts + 32 * reg::kPortBytes;

/// How long a disk may take until the HBA has found it, after a reset or a spin-up: a PHY that is connected
/// needs less than 10 ms (§10.1).
constexpr hal::Duration kLinkTime = hal::milliseconds(20);
constexpr hal::Duration kLinkInterval = hal::milliseconds(5);
constexpr hal::Duration kShortInterval = hal::microseconds(100);

constexpr std::uint32_t port_bit(unsigned number) {
    return std::uint32_t{1} << number;
}
constexpr std::uint32_t port_at(unsigned number) {
    return reg::kPorts + number * reg::kPortBytes;
}

}  // namespace

hal::Status Hba::probe(const hal::Platform& platform, const pci::Function& function) {
    if (state_ == State::kRunning) return Error::kBusy;
    state_ = State::kUnprobed;
    platform_ = platform;
    function_ = function;
    const hal::Result<pci::Identity> identity = function.identify();
    if (!identity) return identity.error();
    if (identity->class_code != kClassCode) return Error::kAbsent;
    const hal::Result<hal::MmioWindow> window = function.map_memory_bar(kAbar, kLargestWindow);
    if (!window) return window.error();
    if (window->size() < reg::kPorts + reg::kPortBytes) return Error::kProtocol;
    registers_ = *window;
    // Found once: a restart that looked again would believe what a device says that has lost its mind.
    const hal::Result<pci::Msi> msi = pci::Msi::find(function);
    msi_ = msi ? *msi : pci::Msi();
    state_ = State::kProbed;
    return {};
}

hal::Status Hba::start(const Options& options) {
    if (state_ == State::kUnprobed) return Error::kNotStarted;
    if (state_ == State::kRunning) return Error::kBusy;
    options_ = options;
    disks_ = 0;
    const hal::Status up = bring_up();
    state_ = up ? State::kRunning : State::kProbed;
    if (!up) disks_ = 0;
    return up;
}

hal::Status Hba::bring_up() {
    function_.set_command(pci::kCommandMemory, pci::kCommandBusMaster);
    if (hal::Status ours = take_over(); !ours) return ours;
    if (hal::Status done = reset(); !done) return done;
    if (hal::Status read = read_capabilities(); !read) return read;
    const std::uint32_t present = find_disks();
    if (present == 0) return is_gone() ? Error::kDeviceGone : Error::kAbsent;
    function_.set_command(pci::kCommandBusMaster);
    attach_interrupts();
    const hal::Status started = start_ports(present);
    if (!started) {
        (void)reset();
        tear_down();
        return started;
    }
    // Causes of old are gone before any interrupt is let through (§10.1.2), at the ports already.
    write(reg::kIS, served_);
    if (mode_ != InterruptMode::kPolled) write(reg::kGHC, ghc::kAhciEnable | ghc::kInterruptEnable);
    return {};
}

hal::Status Hba::take_over() {
    const std::uint32_t cap2 = read(reg::kCAP2);
    if (cap2 == kAllOnes && is_gone()) return Error::kDeviceGone;
    if ((cap2 & kCap2HandOff) == 0) return {};
    write(reg::kGHC, ghc::kAhciEnable);
    // §10.6.3: the firmware has 25 ms to let go, and 2 s when it says that it is still busy.
    write(reg::kBOHC, read(reg::kBOHC) | bohc::kOsOwned);
    const auto released = [&] { return (read(reg::kBOHC) & bohc::kBiosOwned) == 0; };
    if (hal::poll_until(platform_, hal::milliseconds(kBiosReleaseMs), hal::milliseconds(1), released))
        return {};
    if ((read(reg::kBOHC) & bohc::kBiosBusy) != 0 &&
        hal::poll_patiently(platform_, hal::milliseconds(kBiosBusyMs), hal::milliseconds(1), released))
        return {};
    if (is_gone()) return Error::kDeviceGone;
    platform_.log(hal::LogLevel::kWarning, kName, "the firmware does not let go of the HBA",
                  read(reg::kBOHC));
    return {};
}

hal::Status Hba::reset() {
    // §3.1.2: with AE clear no other bit may be used, HR among them (§10.4.3).
    write(reg::kGHC, ghc::kAhciEnable);
    write(reg::kGHC, ghc::kAhciEnable | ghc::kHbaReset);
    const bool done = hal::poll_patiently(platform_, hal::milliseconds(kHbaResetMs), kShortInterval,
                                          [&] { return (read(reg::kGHC) & ghc::kHbaReset) == 0; });
    if (!done) {
        // Whatever it still does, it does it without reaching memory.
        function_.set_command(0, pci::kCommandBusMaster);
        return is_gone() ? Error::kDeviceGone : Error::kTimeout;
    }
    write(reg::kGHC, ghc::kAhciEnable);
    return {};
}

hal::Status Hba::read_capabilities() {
    cap_ = read(reg::kCAP);
    const std::uint32_t version = read(reg::kVS);
    const std::uint32_t ports = read(reg::kPI);
    if (cap_ == kAllOnes || version == kAllOnes) return is_gone() ? Error::kDeviceGone : Error::kProtocol;
    // No port is reached that has no registers, and not more than the HBA says that it has (§3.1.1, §3.1.4).
    unsigned left = (cap_ & cap::kNumberOfPortsMask) + 1;
    implemented_ = 0;
    for (unsigned number = 0; number < 32 && left != 0; ++number) {
        if ((ports & port_bit(number)) == 0) continue;
        if (port_at(number) + reg::kPortBytes > registers_.size()) break;
        implemented_ |= port_bit(number);
        --left;
    }
    if (implemented_ != ports)
        platform_.log(hal::LogLevel::kWarning, kName, "ports beyond what the HBA has", ports);
    return implemented_ == 0 ? hal::Status(Error::kProtocol) : hal::Status{};
}

std::uint32_t Hba::find_disks() {
    std::uint32_t present = 0;
    const auto look = [&](std::uint32_t among) {
        for (unsigned number = 0; number < 32; ++number)
            if ((among & ~present & port_bit(number)) != 0 &&
                (read(port_at(number) + port::kSSTS) & kDetMask) == kDetPresent)
                present |= port_bit(number);
        return (among & ~present) == 0;
    };
    const std::uint32_t wanted = implemented_ & options_.ports;
    if ((cap_ & cap::kStaggeredSpinUp) == 0) {
        (void)hal::poll_until(platform_, kLinkTime, kLinkInterval, [&] { return look(wanted); });
        return present;
    }
    // One after the other, which is what staggered spin-up is for: motors that start draw much (§10.1).
    for (unsigned number = 0; number < 32; ++number) {
        if ((wanted & port_bit(number)) == 0) continue;
        write(port_at(number) + port::kCMD, cmd::kSpinUp | cmd::kPowerOn);
        (void)hal::poll_until(platform_, kLinkTime, kLinkInterval, [&] { return look(port_bit(number)); });
    }
    return present;
}

hal::Status Hba::start_ports(std::uint32_t present) {
    const bool again = disks_ != 0;
    hal::Status first_failure;
    unsigned running = 0;
    if (!again) {
        for (unsigned number = 0; number < 32 && disks_ < kMostDisks; ++number)
            if ((present & port_bit(number)) != 0)
                ports_[disks_++].place(*this, number, registers_.slice(port_at(number), reg::kPortBytes));
    }
    for (unsigned i = 0; i < disks_; ++i) {
        Port& port = ports_[i];
        const bool there = (present & port_bit(port.number())) != 0;
        const hal::Status up = there ? port.start(options_.port) : hal::Status(Error::kDeviceGone);
        if (up) {
            served_ |= port_bit(port.number());
            ++running;
            continue;
        }
        if (up.error() == Error::kDeviceGone && is_gone()) return up;
        // Its memory goes back only when nothing reaches it any more.
        if (port.memory_.valid() && !port.stop_engines()) return up;
        port.fail(up.error());
        // A drive that is no disk is nobody's failure, where there are disks.
        if (first_failure || first_failure.error() == Error::kUnsupported) first_failure = up;
    }
    return running != 0 ? hal::Status{} : first_failure;
}

void Hba::attach_interrupts() {
    mode_ = InterruptMode::kPolled;
    // Firmware or an earlier driver may have left it on.
    msi_.disable();
    if (options_.interrupts == InterruptMode::kMsi && msi_.valid()) {
        if (const hal::Result<hal::MsiInterrupt> msi = platform_.attach_msi(interrupt, this)) {
            interrupt_ = msi->interrupt;
            if (msi_.enable(msi->message)) {
                mode_ = InterruptMode::kMsi;
                return;
            }
            platform_.detach(interrupt_);
            interrupt_ = {};
        }
        platform_.log(hal::LogLevel::kWarning, kName, "MSI does not work, using INTx", 0);
    }
    if (options_.interrupts != InterruptMode::kPolled) {
        const auto pin = function_.config().read<std::uint8_t>(pci::kInterruptPin);
        if (pin >= 1 && pin <= 4)
            if (const hal::Result<hal::Interrupt> intx =
                    platform_.attach_intx(function_.config().address(), interrupt, this)) {
                interrupt_ = *intx;
                mode_ = InterruptMode::kIntx;
                function_.set_command(0, pci::kCommandInterruptDisable);
                return;
            }
        platform_.log(hal::LogLevel::kWarning, kName, "no interrupt can be had, polling", 0);
    }
    function_.set_command(pci::kCommandInterruptDisable);
}

void Hba::interrupt(void* context) {
    static_cast<Hba*>(context)->on_interrupt();
}

void Hba::on_interrupt() {
    const std::uint32_t status = read(reg::kIS);
    // All-ones may be every port's, or nobody's: the ports say more.
    std::uint32_t mine = status & served_;
    for (unsigned i = 0; i < disks_; ++i) {
        Port& port = ports_[i];
        if ((mine & port_bit(port.number())) == 0) continue;
        // The causes at the port first: as long as one is there, the bit here comes back (§5.5.3).
        const std::uint32_t causes = port.read(port::kIS);
        if (causes == kAllOnes) {
            port.mark(Port::kGoneMark);
            mine &= ~port_bit(port.number());
            continue;
        }
        port.write(port::kIS, causes);
        if (causes != 0) port.mark(causes & irq::kUsed);
    }
    if (mine != 0 && status != kAllOnes) write(reg::kIS, mine);
}

bool Hba::work_pending() const {
    for (unsigned i = 0; i < disks_; ++i)
        if (ports_[i].pending()) return true;
    return false;
}

Port* Hba::at_port(unsigned number) {
    for (unsigned i = 0; i < disks_; ++i)
        if (ports_[i].number() == number) return &ports_[i];
    return nullptr;
}

bool Hba::is_gone() const {
    return read(reg::kVS) == kAllOnes && function_.config().read<std::uint16_t>(pci::kVendorId) == 0xffff;
}

void Hba::tear_down() {
    if (mode_ == InterruptMode::kMsi) msi_.disable();
    if (mode_ == InterruptMode::kIntx) function_.set_command(pci::kCommandInterruptDisable);
    platform_.detach(interrupt_);
    interrupt_ = {};
    mode_ = InterruptMode::kPolled;
    served_ = 0;
    // Behind everything that reads the command register and writes it back: a device that has lost an earlier
    // write would be let reach memory again.
    function_.set_command(0, pci::kCommandBusMaster);
    for (unsigned i = 0; i < disks_; ++i) ports_[i].release();
}

hal::Status Hba::stop() {
    if (state_ == State::kUnprobed || state_ == State::kProbed) return Error::kNotStarted;
    const bool was_running = state_ == State::kRunning;
    const hal::Status done = was_running ? reset() : hal::Status{};
    for (unsigned i = 0; i < disks_; ++i) {
        ports_[i].finish_all(Error::kReset, Error::kReset);
        ports_[i].fail(Error::kNotStarted);
    }
    if (was_running) tear_down();
    state_ = State::kProbed;
    return done;
}

hal::Status Hba::restart(Port& asking, Error guilty, Error others) {
    if (state_ == State::kUnprobed || state_ == State::kProbed) return Error::kNotStarted;
    if (state_ == State::kRunning) {
        const hal::Status done = reset();
        const bool gone = !done && done.error() == Error::kDeviceGone;
        for (unsigned i = 0; i < disks_; ++i) {
            Port& port = ports_[i];
            ++port.counters_.resets;
            const Error late = &port == &asking ? guilty : others;
            port.finish_all(gone ? Error::kDeviceGone : late, gone ? Error::kDeviceGone : others);
        }
        tear_down();
        if (gone) {
            platform_.log(hal::LogLevel::kError, kName, "the HBA is gone", 0);
            for (unsigned i = 0; i < disks_; ++i) ports_[i].fail(Error::kDeviceGone);
            state_ = State::kFailed;
            return Error::kDeviceGone;
        }
    }
    const hal::Status up = bring_up();
    state_ = up ? State::kRunning : State::kFailed;
    if (up) return asking.running() ? hal::Status{} : hal::Status(asking.failure_);
    platform_.log(hal::LogLevel::kError, kName, "the HBA does not come back", 0);
    for (unsigned i = 0; i < disks_; ++i) ports_[i].fail(up.error());
    return up;
}

}  // namespace tb::ahci
