// SPDX-License-Identifier: BSD-3-Clause
// What is done when a command fails, and when a disk comes or goes (AHCI 1.3.1 §6.2.2, §7).
#include <hal/poll.hpp>

#include "block/ahci.hpp"
#include "block/ahci_port.hpp"

namespace tb::ahci {

using hal::Error;

namespace {

constexpr const char* kName = "ahci";
constexpr std::uint32_t kAllOnes = ~std::uint32_t{0};
constexpr hal::Duration kPlugTime = hal::milliseconds(100);
constexpr hal::Duration kPlugInterval = hal::milliseconds(1);

}  // namespace

/// The port has stopped at a command that failed, or at something that none of them is to blame for
/// (§6.2.2). Returns how many have ended.
unsigned Port::handle_error() {
    ++counters_.errors;
    const std::uint16_t before = in_flight_;
    const std::uint32_t left = busy_ & ~to_ring_;
    const bool one = left != 0 && (left & (left - 1)) == 0;
    const bool task_file = (read(port::kTFD) & tfd::kFailed) != 0;
    // Of several only the disk can say which one it was.
    const bool queued = flying_.first != kNone && records_[flying_.first].command.queued;
    const bool ask = task_file && queued && identity_.general_purpose_log;
    write(port::kIE, 0);
    marks_.store(0, std::memory_order_relaxed);
    hal::Status up = stop_commands();
    if (up) {
        write(port::kSERR, kAllOnes);
        write(port::kIS, kAllOnes);
        requeue(left, task_file && one);
        // What is still busy is reset (§6.2.2.1). So is a disk with queued commands that cannot be asked: it
        // takes no others until it was, and may still go on with those that it has.
        const bool busy = (read(port::kTFD) & (tfd::kBSY | tfd::kDRQ)) != 0;
        if (busy || (queued && !ask)) {
            up = comreset();
            if (up) up = wait_ready();
        }
    }
    if (up) up = start_commands();
    if (up && ask) up = ask_who_failed(left);
    if (!up) {
        (void)reset_hba(Error::kReset, Error::kReset);
        return before;
    }
    write(port::kIS, kAllOnes);
    marks_.store(0, std::memory_order_relaxed);
    if (hba_->mode_ != InterruptMode::kPolled) write(port::kIE, irq::kUsed);
    return static_cast<unsigned>(before - in_flight_);
}

hal::Status Port::ask_who_failed(std::uint32_t slots) {
    std::array<std::byte, ata::kBlockBytes> log{};
    if (hal::Status read = read_log(ata::kLogQueuedError, log); !read) return read;
    // NQ says that it was no queued command; else the tag is in the lower bits (ATA8-ACS, NCQ command error
    // log).
    const unsigned first = std::to_integer<unsigned>(log[0]);
    const unsigned tag = first & 31;
    if ((first & 0x80) != 0 || (slots & slot_bit(tag)) == 0) return {};
    std::uint16_t index = waiting_.first;
    for (unsigned i = 0; i < kMostRequests && index != kNone; ++i) {
        Record& record = records_[index];
        const std::uint16_t next = record.next;
        if (record.alone && record.slot == tag) {
            waiting_.remove(records_, index);
            flying_.append(records_, index);
            complete(index, Error::kDeviceError);
        } else {
            // The others are not to blame.
            record.alone = false;
        }
        index = next;
    }
    return {};
}

/// What was on its way when the port stopped: who is guilty ends, and who fails for the second time; the
/// others wait, in their order, to be issued one by one.
void Port::requeue(std::uint32_t slots, bool guilty) {
    std::array<std::uint16_t, kMostSlots> again{};
    unsigned count = 0;
    std::uint16_t index = flying_.first;
    for (unsigned i = 0; i < kMostSlots && index != kNone; ++i) {
        Record& record = records_[index];
        const std::uint16_t next = record.next;
        const bool issued = (slots & slot_bit(record.slot)) != 0;
        if (issued && (guilty || record.alone)) {
            complete(index, Error::kDeviceError);
        } else {
            record.alone = record.alone || issued;
            counters_.requeued += issued ? 1 : 0;
            again[count++] = index;
        }
        index = next;
    }
    // To the head of those that wait.
    List rest = waiting_;
    waiting_ = {};
    for (unsigned i = 0; i < count; ++i) {
        flying_.remove(records_, again[i]);
        waiting_.append(records_, again[i]);
    }
    for (unsigned i = 0; i < kMostRequests && rest.first != kNone; ++i) {
        const std::uint16_t later = rest.first;
        rest.remove(records_, later);
        waiting_.append(records_, later);
    }
    busy_ = to_ring_ = 0;
    alone_ = false;
}

/// A disk has come or gone (AHCI 1.3.1 §7). Returns how many requests have ended.
unsigned Port::plugged() {
    ++counters_.plugged;
    const std::uint16_t before = in_flight_;
    marks_.fetch_and(~irq::kPlug, std::memory_order_relaxed);
    write(port::kSERR, kAllOnes);
    const bool there = hal::poll_until(platform_, kPlugTime, kPlugInterval,
                                       [&] { return (read(port::kSSTS) & kDetMask) == kDetPresent; });
    if (there) {
        // Whether the same or another, it has forgotten what it was told.
        (void)restart(Error::kReset, Error::kReset);
        return before;
    }
    if (hba_->is_gone()) {
        gone();
        return before;
    }
    platform_.log(hal::LogLevel::kWarning, kName, "the disk is gone", number_);
    if (!stop_commands()) {
        (void)reset_hba(Error::kDeviceGone, Error::kDeviceGone);
        return before;
    }
    finish_all(Error::kDeviceGone, Error::kDeviceGone);
    state_ = State::kGone;
    failure_ = Error::kDeviceGone;
    return before;
}

}  // namespace tb::ahci
