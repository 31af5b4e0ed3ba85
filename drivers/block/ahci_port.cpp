// SPDX-License-Identifier: BSD-3-Clause
// The life of a port: engines, resets, and what its disk is.
#include "block/ahci_port.hpp"

#include <hal/poll.hpp>

#include "block/ahci.hpp"
#include "block/ahci_layout.hpp"

namespace tb::ahci {

using hal::Error;

namespace {

constexpr std::uint32_t kAllOnes = ~std::uint32_t{0};

// What is written to PxCMD: constants, so that nothing that a bent answer brought is ever written back.
constexpr std::uint32_t kIdle = cmd::kSpinUp | cmd::kPowerOn;
constexpr std::uint32_t kReceiving = kIdle | cmd::kFisReceive;
constexpr std::uint32_t kStarted = kReceiving | cmd::kStart;

/// DET stays 1 for at least 1 ms (§10.4.2).
constexpr hal::Duration kComresetTime = hal::milliseconds(1);
constexpr hal::Duration kLinkTime = hal::milliseconds(100);
constexpr hal::Duration kShortInterval = hal::microseconds(10);
constexpr hal::Duration kReadyInterval = hal::milliseconds(1);

constexpr std::uint32_t low(std::uint64_t address) {
    return static_cast<std::uint32_t>(address);
}
constexpr std::uint32_t high(std::uint64_t address) {
    return static_cast<std::uint32_t>(address >> 32);
}

}  // namespace

void Port::place(Hba& hba, unsigned number, hal::MmioWindow registers) {
    hba_ = &hba;
    platform_ = hba.platform_;
    number_ = number;
    registers_ = registers;
    cache_choice_.reset();
    counters_ = {};
    clear_records();
}

hal::Status Port::start(const PortOptions& options) {
    options_ = options;
    receiving_ = false;
    failure_ = Error::kNotStarted;
    hal::Status up = allocate();
    if (up) up = bring_up();
    if (up) {
        state_ = State::kRunning;
        next_check_ = platform_.now() + kCheckInterval;
    }
    return up;
}

hal::Status Port::allocate() {
    const hal::Result<hal::DmaMemory> memory = platform_.allocate_dma(layout::kBytes, layout::kAlignment);
    if (!memory) return memory.error();
    memory_ = *memory;
    // §3.1.1: an HBA without S64A has no upper halves.
    const bool wide = (hba_->cap_ & cap::k64BitAddressing) != 0;
    if (!wide && high(device_address(layout::kBytes)) != 0) return Error::kNoMemory;
    return {};
}

hal::Status Port::bring_up() {
    busy_ = to_ring_ = 0;
    alone_ = false;
    if (hal::Status stopped = stop_engines(); !stopped) return stopped;
    write(port::kIE, 0);
    // What an interrupt has brought before is of a port that is no more.
    marks_.store(0, std::memory_order_relaxed);
    write(port::kCLB, low(device_address(layout::kList)));
    write(port::kCLBU, high(device_address(layout::kList)));
    write(port::kFB, low(device_address(layout::kReceived)));
    write(port::kFBU, high(device_address(layout::kReceived)));
    write(port::kSCTL, kIpmDisabled);
    write(port::kSERR, kAllOnes);
    write(port::kIS, kAllOnes);
    // Before the disk says its first: what it says is to be received (§10.1.2).
    receiving_ = true;
    write(port::kCMD, kReceiving);
    if (hal::Status ready = wait_ready(); !ready) return ready;
    if (hal::Status started = start_commands(); !started) return started;
    if (hal::Status known = identify(); !known) return known;
    write(port::kIS, kAllOnes);
    marks_.store(0, std::memory_order_relaxed);
    if (hba_->mode_ != InterruptMode::kPolled) write(port::kIE, irq::kUsed);
    return {};
}

hal::Status Port::stop_commands() {
    // Without a place for them no FISes are let in.
    write(port::kCMD, receiving_ ? kReceiving : kIdle);
    const bool stopped = hal::poll_patiently(
        platform_, hal::milliseconds(kEngineStopMs), kShortInterval,
        [&] { return (read(port::kCMD) & (cmd::kStart | cmd::kCommandListRunning)) == 0; });
    if (stopped) return {};
    return hba_->is_gone() ? Error::kDeviceGone : Error::kTimeout;
}

hal::Status Port::stop_engines() {
    if (hal::Status stopped = stop_commands(); !stopped) return stopped;
    receiving_ = false;
    write(port::kCMD, kIdle);
    const bool stopped = hal::poll_patiently(platform_, hal::milliseconds(kEngineStopMs), kShortInterval,
                                             [&] { return (read(port::kCMD) & cmd::kRunning) == 0; });
    if (stopped) return {};
    return hba_->is_gone() ? Error::kDeviceGone : Error::kTimeout;
}

hal::Status Port::comreset() {
    // §10.4.2. With the command engine off, which the caller has seen to.
    write(port::kSCTL, kIpmDisabled | kDetInitialize);
    platform_.delay(kComresetTime);
    write(port::kSCTL, kIpmDisabled);
    const bool back = hal::poll_patiently(platform_, kLinkTime, kReadyInterval,
                                          [&] { return (read(port::kSSTS) & kDetMask) == kDetPresent; });
    write(port::kSERR, kAllOnes);
    if (back) return {};
    return hba_->is_gone() ? Error::kDeviceGone : Error::kTimeout;
}

hal::Status Port::wait_ready() {
    // 7fh is what a port says of a disk that has said nothing yet: DRQ, which no disk ends with (§3.3.8).
    const bool ready = hal::poll_patiently(platform_, options_.spin_up_timeout, kReadyInterval,
                                           [&] { return (read(port::kTFD) & (tfd::kBSY | tfd::kDRQ)) == 0; });
    if (!ready) return hba_->is_gone() ? Error::kDeviceGone : Error::kTimeout;
    return read(port::kSIG) == kSignatureAta ? hal::Status{} : hal::Status(Error::kUnsupported);
}

hal::Status Port::start_commands() {
    // §10.3.1: a disk, and one that is not busy; no engine that still stops.
    if ((read(port::kSSTS) & kDetMask) != kDetPresent) return Error::kDeviceGone;
    if ((read(port::kTFD) & (tfd::kBSY | tfd::kDRQ)) != 0) return Error::kTimeout;
    if ((read(port::kCMD) & cmd::kCommandListRunning) != 0) return Error::kTimeout;
    write(port::kCMD, kStarted);
    return is_running(read(port::kCMD)) ? hal::Status{} : hal::Status(Error::kProtocol);
}

bool Port::is_running(std::uint32_t command) const {
    return command != kAllOnes &&
           (command & (cmd::kStart | cmd::kFisReceive)) == (cmd::kStart | cmd::kFisReceive);
}

hal::Status Port::identify() {
    Command command;
    command.registers.command = ata::command::kIdentifyDevice;
    command.kind = Kind::kRead;
    command.bytes = ata::kBlockBytes;
    command.pio = true;
    if (hal::Status done = execute(command); !done) return done;
    std::array<std::byte, ata::kBlockBytes> data{};
    memory_.read(layout::kBlock, data);
    const hal::Result<ata::Identity> identity = ata::parse_identify(data);
    if (!identity) return identity.error();
    identity_ = *identity;

    const unsigned slots = (hba_->cap_ >> cap::kCommandSlotsShift & cap::kCommandSlotsMask) + 1;
    const bool ncq = (hba_->cap_ & cap::kNativeCommandQueuing) != 0;
    // With one tag nothing is gained; and with two commands in a row never the same, see harvest().
    queued_ = options_.transfer == Transfer::kQueued && ncq && options_.lba48 && identity_.queue_depth > 1 &&
              slots > 1;
    slots_in_use_ = queued_ && identity_.queue_depth < slots ? identity_.queue_depth : slots;
    // The HBA that has come back may say that it has fewer.
    next_slot_ %= slots_in_use_;
    if (!options_.lba48) identity_.lba48 = false;
    if (options_.force_unit_access && !queued_ && !(identity_.write_dma_fua && identity_.lba48))
        return Error::kUnsupported;
    if (cache_choice_ && identity_.can_set_cache && identity_.write_cache != *cache_choice_) {
        if (hal::Status set = apply_write_cache(*cache_choice_); !set) return set;
        identity_.write_cache = *cache_choice_;
    }
    info_ = ata::describe(identity_, kMostPrds, table::kMostBytesOfPrd);
    if (!identity_.lba48 && identity_.sectors > ata::kMostLba28)
        info_.sectors = ata::kMostLba28 * (info_.logical_block_size / block::kSectorSize);
    return {};
}

hal::Status Port::apply_write_cache(bool on) {
    Command command;
    command.registers.command = ata::command::kSetFeatures;
    command.registers.features = on ? ata::kEnableWriteCache : ata::kDisableWriteCache;
    return execute(command);
}

hal::Status Port::set_write_cache(bool on) {
    if (state_ != State::kRunning) return failure_;
    if (!identity_.can_set_cache) return Error::kUnsupported;
    if (in_flight_ != 0) return Error::kBusy;
    // Something that went wrong while nothing was on its way is seen to first.
    if (pending()) (void)poll(0);
    if (state_ != State::kRunning) return failure_;
    cache_choice_ = on;
    hal::Status done = apply_write_cache(on);
    if (!done) {
        // The port has stopped at it; with the restart the choice is made again, if the disk lets it.
        cache_choice_.reset();
        (void)restart(Error::kReset, Error::kReset);
        return done;
    }
    identity_.write_cache = info_.write_cache = on;
    return {};
}

hal::Status Port::read_log(std::uint8_t log, std::span<std::byte, ata::kBlockBytes> data) {
    Command command;
    command.registers.command = ata::command::kReadLogExt;
    command.registers.lba = log;
    command.registers.count = 1;
    command.kind = Kind::kRead;
    command.bytes = ata::kBlockBytes;
    command.pio = true;
    if (hal::Status done = execute(command); !done) return done;
    memory_.read(layout::kBlock, data);
    return {};
}

hal::Status Port::recover() {
    if (state_ == State::kOff) return Error::kNotStarted;
    return restart(Error::kReset, Error::kReset);
}

hal::Status Port::restart(Error guilty, Error others) {
    // Without memory the HBA itself was given up.
    if (!memory_.valid()) return reset_hba(guilty, others);
    ++counters_.resets;
    write(port::kIE, 0);
    hal::Status up = stop_commands();
    if (up) up = comreset();
    if (!up) return reset_hba(guilty, others);
    // The disk has forgotten all of it, and the engine that would reach their memory is off.
    finish_all(guilty, others);
    up = bring_up();
    if (!up) return reset_hba(guilty, others);
    state_ = State::kRunning;
    return {};
}

hal::Status Port::reset_hba(Error guilty, Error others) {
    return hba_->restart(*this, guilty, others);
}

void Port::release() {
    platform_.free_dma(memory_);
    busy_ = to_ring_ = 0;
    if (state_ == State::kRunning) state_ = State::kOff;
}

void Port::fail(Error why) {
    state_ = why == Error::kNotStarted   ? State::kOff
             : why == Error::kDeviceGone ? State::kGone
                                         : State::kFailed;
    failure_ = why;
    if (memory_.valid() && why != Error::kNotStarted) release();
}

void Port::gone() {
    (void)reset_hba(Error::kDeviceGone, Error::kDeviceGone);
}

}  // namespace tb::ahci
