// SPDX-License-Identifier: BSD-3-Clause
// A port of the AHCI controller: registers, engines, FISes.
#include "models/block/ahci_port.hpp"

#include <algorithm>
#include <cstring>
#include <string>

namespace tb::model::block {

using namespace ahci;

namespace {

constexpr std::uint8_t kFisH2d = 0x27;
constexpr std::uint8_t kFisD2h = 0x34;
constexpr std::uint8_t kFisPio = 0x5f;
constexpr std::uint8_t kFisSdb = 0xa1;
constexpr std::uint8_t kFisInterrupt = 0x40;
constexpr std::uint8_t kFisIsCommand = 0x80;
constexpr std::uint8_t kSoftReset = 0x04;
constexpr std::uint32_t kPrdBytesMask = 0x3f'ffff;
constexpr std::uint64_t kHeaderBytes = 32;

constexpr std::uint32_t slot_bit(unsigned slot) {
    return std::uint32_t{1} << slot;
}

/// READ and WRITE FPDMA QUEUED, and the other queued commands (Serial ATA).
constexpr bool is_queued(std::uint8_t command) {
    return command == 0x60 || command == 0x61 || (command >= 0x63 && command <= 0x65);
}

/// A FIS of five doublewords that tells of the task file: Register - Device to Host, or PIO Setup.
using TaskFis = std::array<std::uint8_t, 20>;
TaskFis task_fis(std::uint8_t type, bool interrupt, const TaskFile& t) {
    TaskFis fis{};
    fis[0] = type;
    fis[1] = interrupt ? kFisInterrupt : 0;
    fis[2] = t.status;
    fis[3] = t.error;
    fis[4] = t.sector;
    fis[5] = t.lcyl;
    fis[6] = t.hcyl;
    fis[7] = t.select;
    fis[8] = t.hob_sector;
    fis[9] = t.hob_lcyl;
    fis[10] = t.hob_hcyl;
    fis[12] = static_cast<std::uint8_t>(t.nsector);
    fis[13] = static_cast<std::uint8_t>(t.nsector >> 8);
    return fis;
}

}  // namespace

AhciPort::AhciPort(AhciHost& host, RegisterBank& bank, unsigned number)
    : host_(host),
      number_(number),
      task_of_nobody_(&nobody_),
      jobs_(host.events()),
      check_(host.events(), 1, [this] { check_commands(); }),
      clb_(bank.at("PxCLB", number)),
      clbu_(bank.at("PxCLBU", number)),
      fb_(bank.at("PxFB", number)),
      fbu_(bank.at("PxFBU", number)),
      is_(bank.at("PxIS", number)),
      ie_(bank.at("PxIE", number)),
      cmd_(bank.at("PxCMD", number)),
      tfd_(bank.at("PxTFD", number)),
      sig_(bank.at("PxSIG", number)),
      sctl_(bank.at("PxSCTL", number)),
      sact_(bank.at("PxSACT", number)),
      ci_(bank.at("PxCI", number)) {
    is_.on_write([this](std::uint64_t, std::uint64_t) { host_.update_interrupts(); });
    ie_.on_write([this](std::uint64_t, std::uint64_t) { host_.update_interrupts(); });
    cmd_.on_write([this](std::uint64_t, std::uint64_t written) { write_command(written); });
    bank.at("PxSSTS", number).on_read([this](std::uint64_t) { return disk_ != nullptr ? kPresent : 0; });
    sctl_.on_write([this](std::uint64_t old, std::uint64_t written) {
        // COMRESET begins with DET 1 and ends with 0; QEMU resets at the end.
        if ((old & kDet) == 1 && (written & kDet) == 0) reset();
        sctl_.set(written);
    });
    sact_.on_write([this](std::uint64_t, std::uint64_t written) {
        if ((cmd_.value() & kCmdStart) == 0)
            host_.objection("PxSACT", "written while PxCMD.ST is 0 (AHCI 1.3.1 §3.3.13)");
        sact_.modify(written, 0);
    });
    ci_.on_write([this](std::uint64_t, std::uint64_t written) {
        if ((cmd_.value() & kCmdStart) == 0)
            host_.objection("PxCI", "written while PxCMD.ST is 0 (AHCI 1.3.1 §3.3.14)");
        ci_.modify(written, 0);
        check_commands();
    });
}

void AhciPort::write_command(std::uint64_t written) {
    const std::uint64_t old = cmd_.value();
    if ((old & kCmdStart) != 0 && (written & kCmdStart) == 0) {
        sact_.set(0);
        ci_.set(0);
    }
    std::uint64_t now = (old & ~kAhciCmdBits) | (written & kAhciCmdBits);
    // The engines follow at once, and go on with the address that they were started with.
    if ((now & kCmdStart) == 0)
        now &= ~std::uint64_t{kCmdListRunning};
    else if ((now & kCmdListRunning) == 0) {
        list_ = clbu_.value() << 32 | clb_.value();
        now |= kCmdListRunning;
    }
    if ((now & kCmdFisReceive) == 0)
        now &= ~std::uint64_t{kCmdFisRunning};
    else if ((now & kCmdFisRunning) == 0) {
        received_ = fbu_.value() << 32 | fb_.value();
        now |= kCmdFisRunning;
    }
    cmd_.set(now);
    if ((now & kCmdFisRunning) != 0) send_initial_fis();
    check_commands();
}

void AhciPort::reset_with_hba() {
    is_.set(0);
    ie_.set(0);
    sctl_.set(0);
    cmd_.set(kCmdReset);
    reset();
}

void AhciPort::power_on_reset() {
    jobs_.reset();
    check_.cancel();
    if (disk_ != nullptr) disk_->power_on_reset();
    for (Queued& queued : queued_) queued = Queued{};
    finished_ = 0;
}

void AhciPort::reset() {
    task_of_nobody_ = disk_ == nullptr ? &nobody_ : nullptr;
    // QEMU waits for what it has asked of its block layer; what was not queued ends as it would have.
    if (busy_slot_) jobs_.drain();
    if (disk_ != nullptr) {
        disk_->reset();
    } else {
        nobody_ = TaskFile{};
        nobody_.status = ata::kReady | ata::kSeek;
        nobody_.nsector = nobody_.sector = 1;
        nobody_.lcyl = nobody_.hcyl = 0xff;
        nobody_.select = 0xa0;
    }
    sact_.set(0);
    ci_.set(0);
    tfd_.set(kTfdReset);
    sig_.set(0xffff'ffff);
    busy_slot_.reset();
    initial_sent_ = false;
    if (disk_ == nullptr) return;
    jobs_.drain();
    for (Queued& queued : queued_) queued.used = false;
    in_soft_reset_ = false;
    TaskFile& t = task();
    // What QEMU's disks say before their first command.
    t.status = ata::kSeek | ata::kWriteFault;
    t.error = 1;
    t.nsector = t.sector = 1;
    t.lcyl = t.hcyl = 0;
    send_initial_fis();
}

void AhciPort::send_initial_fis() {
    if (initial_sent_ || !write_register_fis(true)) return;
    initial_sent_ = true;
    const TaskFile& t = task();
    sig_.set(std::uint64_t{t.hcyl} << 24 | std::uint64_t{t.lcyl} << 16 | std::uint64_t{t.sector} << 8 |
             (t.nsector & 0xff));
}

void AhciPort::raise(std::uint32_t cause) {
    is_.modify(cause, 0);
    host_.update_interrupts();
}

bool AhciPort::receives() const {
    return (cmd_.value() & kCmdFisRunning) != 0 && (cmd_.value() & kCmdFisReceive) != 0;
}

void AhciPort::check_commands() {
    if ((cmd_.value() & kCmdStart) == 0) return;
    for (unsigned slot = 0; slot < kAhciSlots && ci_.value() != 0; ++slot)
        if ((ci_.value() & slot_bit(slot)) != 0) handle_slot(slot);
}

void AhciPort::handle_slot(unsigned slot) {
    // One that has no disk, or is busy with another command, leaves it where it is.
    if ((task().status & (ata::kBusy | ata::kDrq)) != 0 || (cmd_.value() & kCmdListRunning) == 0) return;
    if (disk_ == nullptr) return;
    pci::Requester& memory = host_.memory();
    std::array<std::byte, kHeaderBytes> raw{};
    const std::uint64_t address = list_ + slot * kHeaderBytes;
    memory.read(address, raw);
    current_.address = address;
    std::memcpy(&current_.options, raw.data(), 2);
    std::memcpy(&current_.prds, raw.data() + 2, 2);
    std::memcpy(&current_.table, raw.data() + 8, 8);
    std::array<std::byte, 128> table{};
    memory.read(current_.table, table);
    if (std::to_integer<std::uint8_t>(table[0]) != kFisH2d) {
        host_.objection("command table", "does not begin with a Register - Host to Device FIS");
        return;
    }
    handle_command_fis(slot, table);
}

void AhciPort::handle_command_fis(unsigned slot, std::span<const std::byte, 128> table) {
    const auto at = [&](unsigned n) { return std::to_integer<std::uint8_t>(table[n]); };
    if ((at(1) & 0x7f) != 0) {
        // A port multiplier's port, or reserved bits: QEMU does nothing, and the slot stays issued.
        host_.objection("command FIS", "is for a port multiplier, or has reserved bits set");
        return;
    }
    if ((at(1) & kFisIsCommand) == 0) {
        const bool resets = (at(15) & kSoftReset) != 0;
        if (!in_soft_reset_ && resets) {
            in_soft_reset_ = true;
            if ((current_.options & kHeaderClearBusy) != 0) clear_issued(slot);
        } else if (in_soft_reset_ && !resets) {
            reset();
        }
        return;
    }
    if (is_queued(at(2))) return queued_command(slot, table);
    TaskFile& t = task();
    t.feature = at(3);
    t.sector = at(4);
    t.lcyl = at(5);
    t.hcyl = at(6);
    t.select = at(7);
    t.hob_sector = at(8);
    t.hob_lcyl = at(9);
    t.hob_hcyl = at(10);
    t.hob_feature = at(11);
    t.nsector = static_cast<std::uint32_t>(at(13)) << 8 | at(12);
    t.error = 0;
    first_block_done_ = false;
    // PRDBC starts from nothing.
    host_.memory().store<std::uint32_t>(current_.address + 4, 0);
    busy_slot_ = slot;
    execute(at(2));
}

void AhciPort::clear_issued(unsigned slot) {
    // What has failed stays issued, so that software sees which one it was (AHCI 1.3.1 §5.3.8).
    if ((task().status & (ata::kErr | ata::kBusy | ata::kDrq)) == 0) ci_.modify(0, slot_bit(slot));
}

bool AhciPort::write_register_fis(bool interrupt) {
    if (!receives()) return false;
    const TaskFile& t = task();
    const TaskFis fis = task_fis(kFisD2h, interrupt, t);
    host_.memory().write(received_ + kRfisD2h, std::as_bytes(std::span(fis)));
    tfd_.set(static_cast<std::uint64_t>(t.error) << 8 | t.status);
    if ((t.status & ata::kErr) != 0) raise(kIrqTfe);
    if (interrupt) raise(kIrqDhr);
    return true;
}

void AhciPort::write_pio_setup(std::uint16_t bytes, bool interrupt) {
    if (!receives()) return;
    const TaskFile& t = task();
    TaskFis fis = task_fis(kFisPio, interrupt, t);
    fis[15] = t.status;
    fis[16] = static_cast<std::uint8_t>(bytes);
    fis[17] = static_cast<std::uint8_t>(bytes >> 8);
    host_.memory().write(received_ + kRfisPio, std::as_bytes(std::span(fis)));
    tfd_.set(static_cast<std::uint64_t>(t.error) << 8 | t.status);
    if ((t.status & ata::kErr) != 0) raise(kIrqTfe);
}

void AhciPort::write_set_device_bits() {
    if (!receives()) return;
    const TaskFile& t = task();
    std::array<std::uint8_t, 8> fis{};
    fis[0] = kFisSdb;
    fis[1] = kFisInterrupt;
    fis[2] = t.status & 0x77;
    fis[3] = t.error;
    std::memcpy(fis.data() + 4, &finished_, 4);
    host_.memory().write(received_ + kRfisSdb, std::as_bytes(std::span(fis)));
    tfd_.set(static_cast<std::uint64_t>(t.error) << 8 | (t.status & 0x77U) | (tfd_.value() & 0x88));
    sact_.modify(0, finished_);
    finished_ = 0;
    raise((t.status & ata::kErr) != 0 ? kIrqTfe : kIrqSdb);
}

/// The pieces of memory that a header's PRDs give for `limit` bytes behind the first `offset`; nothing where
/// there are none, or no such offset.
std::optional<std::vector<AhciPort::Piece>> AhciPort::pieces(const Header& header, std::uint64_t limit,
                                                             std::uint64_t offset) {
    if (header.prds == 0) return std::nullopt;
    std::vector<Piece> found;
    std::uint64_t before = 0;
    std::uint64_t size = 0;
    bool reached = false;
    for (unsigned i = 0; i < header.prds && (!reached || size < limit); ++i) {
        std::array<std::byte, 16> raw{};
        host_.memory().read(header.table + kPrdTable + 16 * std::uint64_t{i}, raw);
        std::uint64_t address = 0;
        std::uint32_t flags = 0;
        std::memcpy(&address, raw.data(), 8);
        std::memcpy(&flags, raw.data() + 12, 4);
        if ((flags & 1) == 0) host_.objection("PRD", "has an odd number of bytes (AHCI 1.3.1 §4.2.3.3)");
        std::uint64_t bytes = std::uint64_t{flags & kPrdBytesMask} + 1;
        if (!reached) {
            if (offset >= before + bytes) {
                before += bytes;
                continue;
            }
            reached = true;
            address += offset - before;
            bytes -= offset - before;
        }
        bytes = std::min(bytes, limit - size);
        found.push_back({address, bytes});
        size += bytes;
    }
    if (!reached) return std::nullopt;
    return found;
}

void AhciPort::gather(const std::vector<Piece>& pieces, std::span<std::byte> data) {
    std::size_t done = 0;
    for (const Piece& piece : pieces) {
        const auto part = std::min<std::size_t>(piece.bytes, data.size() - done);
        host_.memory().read(piece.address, data.subspan(done, part));
        done += part;
    }
}

void AhciPort::scatter(const std::vector<Piece>& pieces, std::span<const std::byte> data) {
    std::size_t done = 0;
    for (const Piece& piece : pieces) {
        const auto part = std::min<std::size_t>(piece.bytes, data.size() - done);
        host_.memory().write(piece.address, data.subspan(done, part));
        done += part;
    }
}

void AhciPort::count_bytes(std::uint32_t bytes) {
    pci::Requester& memory = host_.memory();
    memory.store<std::uint32_t>(current_.address + 4,
                                memory.load<std::uint32_t>(current_.address + 4) + bytes);
    transferred_ += bytes;
}

}  // namespace tb::model::block
