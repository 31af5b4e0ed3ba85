// SPDX-License-Identifier: BSD-3-Clause
// Commands: built, issued, and found finished.
#include <hal/poll.hpp>

#include "block/ahci.hpp"
#include "block/ahci_layout.hpp"
#include "block/ahci_port.hpp"

namespace tb::ahci {

using hal::Error;

namespace {

constexpr const char* kName = "ahci";
constexpr std::uint32_t kAllOnes = ~std::uint32_t{0};
constexpr hal::Duration kShortInterval = hal::microseconds(10);

constexpr std::uint8_t fis_type(std::uint32_t first) {
    return static_cast<std::uint8_t>(first);
}
constexpr std::uint32_t fis_status(std::uint32_t first) {
    return first >> 16 & 0xff;
}

}  // namespace

std::uint32_t Port::table_at(std::uint8_t slot) const {
    return layout::kTables + slot * layout::kTableBytes;
}

void Port::write_table(std::uint8_t slot, const Command& command, const Record* record) {
    const std::uint32_t at = table_at(slot);
    const ata::Registers& r = command.registers;
    // The tag of a queued command is its slot, and stands where others have their count (ATA8-ACS, READ FPDMA
    // QUEUED).
    const std::uint32_t count = command.queued ? std::uint32_t{slot} << 3 : r.count;
    const auto put = [&](std::uint32_t offset, std::uint32_t value) {
        memory_.cell<std::uint32_t>(at + offset).store(value);
    };
    put(0,
        kFisHostToDevice | kFisIsCommand << 8 | std::uint32_t{r.command} << 16 | (r.features & 0xffU) << 24);
    put(4, static_cast<std::uint32_t>(r.lba & 0xff'ffff) | std::uint32_t{r.device} << 24);
    put(8, static_cast<std::uint32_t>(r.lba >> 24 & 0xff'ffff) | std::uint32_t{r.features} >> 8 << 24);
    put(12, count);
    put(16, 0);

    std::uint32_t prds = 0;
    const auto add = [&](std::uint64_t address, std::uint64_t bytes) {
        const std::uint32_t prd = at + table::kPrds + prds++ * table::kPrdBytes;
        memory_.cell<std::uint64_t>(prd + table::kPrdAddress).store(address);
        memory_.cell<std::uint64_t>(prd + 8).store((bytes - 1) << 32);
    };
    if (record != nullptr && record->mappings != kNone) {
        std::uint16_t index = record->mappings;
        for (unsigned i = 0; i < kMostMappings && index != kNone; ++i) {
            std::uint64_t address = mappings_[index].dma.device_address();
            std::uint64_t left = mappings_[index].dma.size();
            while (left != 0 && prds < kMostPrds) {
                const std::uint64_t part = left < table::kMostBytesOfPrd ? left : table::kMostBytesOfPrd;
                add(address, part);
                address += part;
                left -= part;
            }
            index = mappings_[index].next;
        }
    } else if (command.bytes != 0) {
        add(device_address(layout::kBlock), command.bytes);
    }

    const std::uint32_t header = layout::kList + slot * header::kBytes;
    const bool to_disk = command.kind == Kind::kWrite || command.kind == Kind::kTrim;
    const std::uint64_t table = device_address(at);
    memory_.cell<std::uint32_t>(header + header::kOptions)
        .store(kFisHostToDeviceDwords | (to_disk ? header::kWrite : 0) | prds << header::kPrdLengthShift);
    memory_.cell<std::uint32_t>(header + header::kByteCount).store(0);
    memory_.cell<std::uint32_t>(header + header::kTable).store(static_cast<std::uint32_t>(table));
    memory_.cell<std::uint32_t>(header + header::kTableHigh).store(static_cast<std::uint32_t>(table >> 32));
}

/// Before a command is issued: what is in memory of the FIS that will end it is not taken for it.
void Port::expect_fis(bool queued) {
    const auto clear = [&](std::uint32_t fis) {
        memory_.cell<std::uint32_t>(layout::kReceived + fis).store(0);
    };
    if (!queued) {
        clear(received::kDeviceToHost);
        clear(received::kPioSetup);
        return;
    }
    // With others on their way their FIS may come at this moment: looked at only.
    if (busy_ == 0) {
        clear(received::kSetDeviceBits);
        fis_seen_[0] = 0;
    }
    look_at_fis();
}

/// The Set Device Bits FIS that came last: whether it is another than before, and whose end it tells.
void Port::look_at_fis() {
    platform_.barrier(hal::Barrier::kRead);
    const auto first =
        memory_.cell<std::uint32_t>(layout::kReceived + received::kSetDeviceBits).load_acquire();
    const auto active =
        memory_.cell<std::uint32_t>(layout::kReceived + received::kSetDeviceBitsActive).load();
    if (first == fis_seen_[0] && active == fis_seen_[1]) return;
    fis_seen_[0] = first;
    fis_seen_[1] = active;
    if (fis_type(first) != kFisSetDeviceBits) return;
    told_ |= active & busy_;
    // One that tells of an error tells of no other end than those that it names.
    if ((fis_status(first) & tfd::kFailed) == 0) ++fis_changes_;
}

bool Port::may_issue(const Record& record) const {
    if (!record.command.queued || record.alone) return busy_ == 0;
    // Queued and other commands are never mixed (Serial ATA, native command queuing): it waits for those
    // before it.
    const std::uint32_t all = slots_in_use_ >= 32 ? kAllOnes : slot_bit(slots_in_use_) - 1;
    return !alone_ && busy_ != all;
}

void Port::issue_waiting() {
    for (unsigned i = 0; i < kMostRequests && waiting_.first != kNone; ++i) {
        const std::uint16_t index = waiting_.first;
        if (!may_issue(records_[index])) return;
        waiting_.remove(records_, index);
        issue(index);
    }
}

void Port::issue(std::uint16_t index) {
    Record& record = records_[index];
    while ((busy_ & slot_bit(next_slot_)) != 0) next_slot_ = (next_slot_ + 1) % slots_in_use_;
    const auto slot = static_cast<std::uint8_t>(next_slot_);
    next_slot_ = (next_slot_ + 1) % slots_in_use_;

    if (record.command.kind == Kind::kTrim) {
        std::uint64_t lba = record.trim_lba;
        std::uint64_t left = record.trim_sectors;
        for (std::uint32_t i = 0; i < ata::kTrimRanges; ++i) {
            const std::uint64_t part = left < ata::kMostTrimSectors ? left : ata::kMostTrimSectors;
            // A range of no sectors is none, whatever its LBA.
            memory_.cell<std::uint64_t>(layout::kBlock + 8 * i).store(part == 0 ? 0 : part << 48 | lba);
            lba += part;
            left -= part;
        }
    }
    write_table(slot, record.command, &record);
    expect_fis(record.command.queued);
    alone_ = !record.command.queued || record.alone;
    slots_[slot] = {index, fis_changes_};
    told_ &= ~slot_bit(slot);
    record.slot = slot;
    const hal::Instant now = platform_.now();
    record.deadline = now + options_.request_timeout;
    if (busy_ == 0) next_check_ = now + kCheckInterval;
    busy_ |= slot_bit(slot);
    to_ring_ |= slot_bit(slot);
    flying_.append(records_, index);
}

void Port::ring() {
    if (to_ring_ == 0) return;
    // A port that has said that a command failed is stopped first (§6.2.2): by the next poll().
    if ((marks_.load(std::memory_order_relaxed) & irq::kErrors) != 0) return;
    const std::uint32_t slots = to_ring_;
    to_ring_ = 0;
    bool queued = false;
    for (unsigned slot = 0; slot < kMostSlots && !queued; ++slot)
        queued = (slots & slot_bit(slot)) != 0 && slots_[slot].record != kNone &&
                 records_[slots_[slot].record].command.queued;
    // All that the HBA will read is in memory before it hears of it.
    platform_.barrier(hal::Barrier::kWrite);
    // §5.5.1: PxSACT before PxCI, or the end of a fast command would be lost.
    if (queued) write(port::kSACT, slots);
    write(port::kCI, slots);
}

/// A command of the driver's own, with nothing else on its way, and its end waited for. After an error the
/// port has stopped at it.
hal::Status Port::execute(const Command& command) {
    const std::uint8_t slot = 0;
    write_table(slot, command, nullptr);
    expect_fis(false);
    slots_[slot] = {kNone, 0};
    busy_ = to_ring_ = slot_bit(slot);
    alone_ = true;
    ring();
    bool failed = false;
    const bool ended = hal::poll_patiently(platform_, options_.request_timeout, kShortInterval, [&] {
        if (finished_alone() != 0 && fis_tells_of_end(command, failed)) return true;
        const std::uint32_t causes = read(port::kIS);
        // An interrupt may have come first, and taken them.
        const std::uint32_t taken = marks_.load(std::memory_order_relaxed);
        failed = ((causes != kAllOnes ? causes : 0) | taken) & irq::kErrors;
        return failed;
    });
    busy_ = 0;
    alone_ = false;
    if (!ended) return hba_->is_gone() ? Error::kDeviceGone : Error::kTimeout;
    if (failed) return Error::kDeviceError;
    if (command.bytes == 0) return {};
    const std::uint32_t moved =
        memory_.cell<std::uint32_t>(layout::kList + slot * header::kBytes + header::kByteCount).load();
    return moved == command.bytes ? hal::Status{} : hal::Status(Error::kProtocol);
}

bool Port::fis_tells_of_end(const Command& command, bool& failed) {
    platform_.barrier(hal::Barrier::kRead);
    const auto end = memory_.cell<std::uint32_t>(layout::kReceived + received::kDeviceToHost).load_acquire();
    const std::uint32_t busy = tfd::kBSY | tfd::kDRQ;
    if (fis_type(end) == kFisDeviceToHost && (fis_status(end) & busy) == 0) {
        failed = (fis_status(end) & tfd::kFailed) != 0;
        return true;
    }
    if (!command.pio || command.kind != Kind::kRead) return false;
    // A disk that was read by PIO says nothing at the end; what it said before the data holds for it
    // (Serial ATA, PIO data-in commands).
    const auto setup = memory_.cell<std::uint32_t>(layout::kReceived + received::kPioSetup).load_acquire();
    if (fis_type(setup) != kFisPioSetup) return false;
    const std::uint32_t later =
        memory_.cell<std::uint32_t>(layout::kReceived + received::kPioSetup + 12).load() >> 24;
    failed = (later & tfd::kFailed) != 0;
    return (later & busy) == 0;
}

/// Whether the one command on its way has ended: its slot's bit, or none.
std::uint32_t Port::finished_alone() {
    const std::uint32_t slot = busy_ & ~to_ring_;
    if (slot == 0 || (read(port::kCI) & slot) != 0 || (read(port::kCI) & slot) != 0) return 0;
    if ((read(port::kTFD) & (tfd::kBSY | tfd::kDRQ)) != 0) return 0;
    return slot;
}

/// Queued commands that have ended; with an error among them only those that a FIS has named.
std::uint32_t Port::finished_queued(bool error) {
    const std::uint32_t issued = busy_ & ~to_ring_;
    if (issued == 0) return 0;
    look_at_fis();
    const std::uint32_t heard = fis_changes_;
    const std::uint32_t active = read(port::kCI) | read(port::kSACT);
    // Whoever is active now ends with a FIS that comes later than what was just seen.
    for (unsigned slot = 0; slot < kMostSlots; ++slot)
        if ((issued & active & slot_bit(slot)) != 0) slots_[slot].heard = heard;
    std::uint32_t slots = issued & ~active;
    // One answer is no answer: a bit that is gone stays gone.
    if (slots != 0) slots &= ~read(port::kSACT);
    if (slots == 0) return 0;
    look_at_fis();
    // It is told of, or its FIS was overwritten by the next: not with the same, for slots go round.
    for (unsigned slot = 0; slot < kMostSlots; ++slot) {
        const bool named = (told_ & slot_bit(slot)) != 0;
        const bool told = named || (!error && slots_[slot].heard != fis_changes_);
        if (!told) slots &= ~slot_bit(slot);
    }
    return slots;
}

/// Commands that have ended, at most `budget`; `error`: the port has told of one.
unsigned Port::harvest(unsigned budget, bool error) {
    if (busy_ == 0) return 0;
    const bool queued = flying_.first != kNone && records_[flying_.first].command.queued;
    std::uint32_t slots = queued ? finished_queued(error) : finished_alone();
    if (slots == 0) return 0;
    // A reset behind our back looks like an end of everything.
    if (!is_running(read(port::kCMD))) return 0;
    unsigned finished = 0;
    for (unsigned slot = 0; slot < kMostSlots; ++slot) {
        if ((slots & slot_bit(slot)) == 0) continue;
        if (finished == budget) {
            mark(irq::kDeviceToHost);
            break;
        }
        const std::uint16_t index = slots_[slot].record;
        if (index == kNone) continue;
        const Command& command = records_[index].command;
        hal::Status status;
        if (!queued) {
            bool failed = false;
            if (!fis_tells_of_end(command, failed)) return finished;
            const std::uint32_t moved =
                command.bytes == 0
                    ? 0
                    : memory_.cell<std::uint32_t>(layout::kList + slot * header::kBytes + header::kByteCount)
                          .load();
            if (failed)
                status = Error::kDeviceError;
            else if (moved != command.bytes)
                status = Error::kProtocol;
        }
        busy_ &= ~slot_bit(slot);
        slots_[slot].record = kNone;
        if (busy_ == 0) alone_ = false;
        complete(index, status);
        ++finished;
    }
    return finished;
}

unsigned Port::poll(unsigned budget) {
    if (state_ == State::kGone && memory_.valid() &&
        (marks_.load(std::memory_order_relaxed) & irq::kPlug) != 0)
        return plugged();
    if (state_ != State::kRunning) return 0;
    issue_waiting();
    ring();
    const std::uint16_t before = in_flight_;
    std::uint32_t marks = pending() ? marks_.exchange(0, std::memory_order_acquire) : 0;
    if ((marks & kGoneMark) != 0) {
        if (hba_->is_gone()) {
            gone();
            return before;
        }
        marks &= ~kGoneMark;
    }
    const bool polled = hba_->mode_ == InterruptMode::kPolled;
    unsigned finished = 0;
    if (marks != 0 || (polled && busy_ != 0)) finished = service(marks, budget, polled);
    if (state_ != State::kRunning) return finished;
    const hal::Instant now = platform_.now();
    const bool late = flying_.first != kNone && records_[flying_.first].deadline <= now;
    if ((in_flight_ != 0 || polled) && (now >= next_check_ || late))
        finished += check(now, budget - finished);
    return finished;
}

/// `causes`: what an interrupt has brought; with `look`, what the port says now is taken along.
unsigned Port::service(std::uint32_t causes, unsigned budget, bool look) {
    if (look) {
        const std::uint32_t more = read(port::kIS);
        if (more != kAllOnes && more != 0) {
            write(port::kIS, more);
            causes |= more;
        }
    }
    unsigned finished = harvest(budget, (causes & irq::kErrors) != 0);
    if ((causes & irq::kErrors) != 0) finished += handle_error();
    if (state_ == State::kRunning && (causes & irq::kPlug) != 0) finished += plugged();
    if (state_ != State::kRunning) return finished;
    issue_waiting();
    ring();
    return finished;
}

unsigned Port::check(hal::Instant now, unsigned budget) {
    next_check_ = now + kCheckInterval;
    const std::uint16_t before = in_flight_;
    const std::uint32_t command = read(port::kCMD);
    if (command == kAllOnes && hba_->is_gone()) {
        gone();
        return before;
    }
    if (!is_running(command) && !is_running(read(port::kCMD))) {
        platform_.log(hal::LogLevel::kWarning, kName, "the port was reset behind the driver's back", number_);
        (void)reset_hba(Error::kReset, Error::kReset);
        return before;
    }
    const unsigned found = service(0, budget, true);
    if (state_ != State::kRunning) return found;
    if (found != 0 && hba_->mode_ != InterruptMode::kPolled && !pending()) ++counters_.lost_interrupts;
    // With the budget used up there may be more that is finished: looked at before anything is called late.
    const bool late = flying_.first != kNone && records_[flying_.first].deadline <= now;
    if (late && found < budget) {
        platform_.log(hal::LogLevel::kWarning, kName, "a command timed out, resetting the port", number_);
        const std::uint16_t left = in_flight_;
        (void)restart(Error::kTimeout, Error::kReset);
        return found + left;
    }
    return found;
}

}  // namespace tb::ahci
