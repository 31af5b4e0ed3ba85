// SPDX-License-Identifier: BSD-3-Clause
// A port of the AHCI controller: the ATA commands of its disk.
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>

#include "models/block/ahci_port.hpp"

namespace tb::model::block {

using namespace ahci;

namespace {

constexpr std::uint8_t kReadFpdma = 0x60;
constexpr std::uint8_t kWriteFpdma = 0x61;
constexpr std::uint8_t kIdle = ata::kReady | ata::kSeek;
constexpr unsigned kSector = 512;

/// Commands behind whose success QEMU says that the seek is complete.
constexpr bool says_seek_complete(std::uint8_t command) {
    switch (command) {
        case 0x10:
        case 0x40:
        case 0x41:
        case 0x42:
        case 0x27:
        case 0x70:
        case 0x91:
        case 0x98:
        case 0xb0:
        case 0xc6:
        case 0xe5:
        case 0xef:
        case 0xf5:
        case 0xf8:
            return true;
        default:
            return false;
    }
}

}  // namespace

void AhciPort::execute(std::uint8_t command) {
    TaskFile& t = task();
    if ((t.status & (ata::kBusy | ata::kDrq)) != 0) return;
    t.status = ata::kReady | ata::kBusy;
    t.error = 0;
    transferred_ = 0;
    if (!run(command)) return;
    t.status = static_cast<std::uint8_t>(t.status & ~ata::kBusy);
    if (says_seek_complete(command) && t.error == 0) t.status |= ata::kSeek;
    done();
}

bool AhciPort::run(std::uint8_t command) {
    TaskFile& t = task();
    AtaDisk& d = *disk_;
    switch (command) {
        case 0x06:  // DATA SET MANAGEMENT
            if (t.feature != 1) break;
            start_dma(Dma::kTrim);
            return false;
        case 0x10:  // RECALIBRATE
        case 0x70:  // SEEK
        case 0x91:  // INITIALIZE DEVICE PARAMETERS
        case 0x94:  // STANDBY IMMEDIATE, IDLE IMMEDIATE, STANDBY, IDLE, SLEEP: retired numbers and today's
        case 0x95:
        case 0x96:
        case 0x97:
        case 0x99:
        case 0xe0:
        case 0xe1:
        case 0xe2:
        case 0xe3:
        case 0xe6:
            return true;
        case 0xf5:  // SECURITY FREEZE LOCK
            t.nsector = 0;
            return true;
        case 0x40:  // READ VERIFY SECTORS
        case 0x41:
        case 0x42:  // READ VERIFY SECTORS EXT
            choose_lba48(command == 0x42);
            return true;
        case 0x98:  // CHECK POWER MODE
        case 0xe5:
            t.nsector = 0xff;
            return true;
        case 0x27:  // READ NATIVE MAX ADDRESS EXT
        case 0xf8:
            choose_lba48(command == 0x27);
            d.set_sector(d.disk().sectors() - 1);
            return true;
        case 0x20:  // READ SECTORS
        case 0x21:
        case 0x24:  // READ SECTORS EXT
            return start_pio(false, command == 0x24, 1);
        case 0x30:  // WRITE SECTORS
        case 0x31:
        case 0x34:  // WRITE SECTORS EXT
        case 0x3c:
            return start_pio(true, command == 0x34, 1);
        case 0x29:  // READ MULTIPLE EXT
        case 0xc4:
            if (d.multiple == 0) break;
            return start_pio(false, command == 0x29, d.multiple);
        case 0x39:  // WRITE MULTIPLE EXT
        case 0xc5:
            if (d.multiple == 0) break;
            return start_pio(true, command == 0x39, d.multiple);
        case 0xc6: {  // SET MULTIPLE MODE
            const std::uint32_t count = t.nsector & 0xff;
            if (count != 0 && (count > AtaDisk::kMostMultiple || (t.nsector & (t.nsector - 1)) != 0)) break;
            d.multiple = count;
            return true;
        }
        case 0x25:  // READ DMA EXT
        case 0xc8:
        case 0xc9:
            choose_lba48(command == 0x25);
            start_dma(Dma::kRead);
            return false;
        case 0x35:  // WRITE DMA EXT
        case 0xca:
        case 0xcb:
            choose_lba48(command == 0x35);
            start_dma(Dma::kWrite);
            return false;
        case 0x90:  // EXECUTE DEVICE DIAGNOSTIC: QEMU tells nobody that it is done
            t.nsector = t.sector = 1;
            t.lcyl = t.hcyl = 0;
            t.status = kIdle;
            t.error = 1;
            return false;
        case 0xb0:
            return smart();
        case 0xe7:  // FLUSH CACHE
        case 0xea:  // FLUSH CACHE EXT
            flush();
            return false;
        case 0xec: {  // IDENTIFY DEVICE
            std::array<std::byte, 512> data = d.identify();
            t.status = kIdle;
            pio_transfer(data);
            transfer_stop();
            return false;
        }
        case 0xef:
            return set_features();
        default:
            // Unknown to QEMU: it ends here, and is told once.
            abort();
            return false;
    }
    abort();
    return true;
}

bool AhciPort::set_features() {
    switch (task().feature) {
        case 0x02:
            disk_->set_write_cache(true);
            return true;
        case 0x82:
            disk_->set_write_cache(false);
            flush();
            return false;
        case 0x03:
            if (!disk_->set_transfer_mode(task().nsector)) break;
            return true;
        case 0xcc:
        case 0x66:
        case 0xaa:
        case 0x55:
        case 0x05:
        case 0x85:
        case 0x69:
        case 0x67:
        case 0x96:
        case 0x9a:
        case 0x42:
        case 0xc2:
            return true;
        default:
            break;
    }
    abort();
    return true;
}

bool AhciPort::smart() {
    TaskFile& t = task();
    const bool key = t.hcyl == 0xc2 && t.lcyl == 0x4f;
    if (key && t.feature == 0xd8) {
        disk_->smart_enabled = true;
        return true;
    }
    if (key && disk_->smart_enabled) {
        switch (t.feature) {
            case 0xd9:
                disk_->smart_enabled = false;
                return true;
            case 0xd2:
                if (t.sector == 0 || t.sector == 0xf1) return true;
                break;
            case 0xda:
                return true;
            default:
                host_.objection("SMART", "its data is not modelled");
                break;
        }
    }
    abort();
    return true;
}

/// Tells the host that a command has ended.
void AhciPort::done() {
    if (busy_slot_) {
        clear_issued(*busy_slot_);
        busy_slot_.reset();
    }
    write_register_fis(true);
    if ((task().status & ata::kErr) == 0 && ci_.value() != 0) check_.start(0);
}

void AhciPort::transfer_stop() {
    task().status = static_cast<std::uint8_t>(task().status & ~ata::kDrq);
    done();
}

void AhciPort::abort() {
    task().status = ata::kReady | ata::kErr;
    task().error = ata::kAbort;
    transfer_stop();
}

void AhciPort::choose_lba48(bool lba48) {
    TaskFile& t = task();
    t.lba48 = lba48;
    if (lba48) {
        if (t.nsector == 0) t.nsector = 0x1'0000;
        return;
    }
    // QEMU leaves the upper byte of the count in, which an honest driver has at zero.
    if (t.nsector == 0) t.nsector = 256;
}

// PIO.

bool AhciPort::start_pio(bool write, bool lba48, unsigned block) {
    choose_lba48(lba48);
    pio_block_ = block;
    if (write) {
        task().status = kIdle;
        pio_write_block();
    } else {
        pio_read_next();
    }
    return false;
}

/// One block of data between memory and the device.
void AhciPort::pio_transfer(std::span<std::byte> data) {
    TaskFile& t = task();
    if ((t.status & ata::kErr) == 0) t.status |= ata::kDrq;
    const bool write = (current_.options & kHeaderWrite) != 0;
    const bool interrupt = first_block_done_ || !write;
    write_pio_setup(static_cast<std::uint16_t>(data.size()), interrupt);
    if (const auto found = pieces(current_, data.size(), transferred_)) {
        std::uint64_t size = 0;
        for (const Piece& piece : *found) size += piece.bytes;
        const std::span<std::byte> part = data.first(std::min<std::size_t>(size, data.size()));
        if (write)
            gather(*found, part);
        else
            scatter(*found, part);
    }
    count_bytes(static_cast<std::uint32_t>(data.size()));
    first_block_done_ = true;
    if (interrupt) raise(kIrqPs);
}

void AhciPort::pio_read_next() {
    TaskFile& t = task();
    t.status = kIdle;
    t.error = 0;
    if (t.nsector == 0) return transfer_stop();
    t.status |= ata::kBusy;
    const std::uint32_t count = std::min<std::uint32_t>(t.nsector, pio_block_);
    const std::uint64_t sector = disk_->sector();
    if (!disk_->range_fits(sector, count)) return abort();
    jobs_.begin([this, count, sector] {
        pio_data_.resize(std::size_t{count} * kSector);
        const int error = disk_->disk().read(sector, pio_data_);
        TaskFile& then = task();
        then.status = static_cast<std::uint8_t>(then.status & ~ata::kBusy);
        if (error != 0) return abort();
        disk_->set_sector(sector + count);
        then.nsector -= count;
        pio_transfer(pio_data_);
        pio_read_next();
    });
}

void AhciPort::pio_write_block() {
    const std::uint32_t block = std::min<std::uint32_t>(task().nsector, pio_block_);
    pio_data_.assign(std::size_t{block} * kSector, std::byte{0});
    pio_transfer(pio_data_);
    TaskFile& t = task();
    t.status = kIdle | ata::kBusy;
    const std::uint64_t sector = disk_->sector();
    if (!disk_->range_fits(sector, block)) return abort();
    jobs_.begin([this, block, sector] {
        TaskFile& then = task();
        then.status = static_cast<std::uint8_t>(then.status & ~ata::kBusy);
        if (write_disk(sector, pio_data_) != 0) return abort();
        then.nsector -= block;
        disk_->set_sector(sector + block);
        if (then.nsector == 0)
            transfer_stop();
        else
            pio_write_block();
    });
}

int AhciPort::write_disk(std::uint64_t sector, std::span<const std::byte> data) {
    const int error = disk_->disk().write(sector, data);
    return error == 0 && !disk_->write_cache() ? disk_->disk().flush() : error;
}

void AhciPort::flush() {
    task().status |= ata::kBusy;
    jobs_.begin([this] {
        if (disk_->disk().flush() != 0) return abort();
        task().status = kIdle;
        done();
    });
}

// DMA.

void AhciPort::start_dma(Dma kind) {
    task().status = kIdle | ata::kDrq;
    dma_ = kind;
    dma_bytes_ = 0;
    dma_next(0);
}

void AhciPort::dma_next(int error) {
    TaskFile& t = task();
    if (error != 0) return dma_error();
    if (const std::uint32_t done_now = dma_bytes_ / kSector; done_now != 0) {
        count_bytes(dma_bytes_);
        disk_->set_sector(disk_->sector() + done_now);
        t.nsector -= done_now;
    }
    if (t.nsector == 0) {
        t.status = kIdle;
        return done();
    }
    const std::uint32_t count = t.nsector;
    const auto found = pieces(current_, std::uint64_t{count} * kSector, transferred_);
    std::uint64_t size = 0;
    if (found)
        for (const Piece& piece : *found) size += piece.bytes;
    if (!found || size < std::uint64_t{count} * kSector) {
        // QEMU ends such a command without a word; PRDBC says that nothing was moved.
        host_.objection("PRD table", "holds less than the command moves");
        t.status = kIdle;
        return done();
    }
    dma_pieces_ = *found;
    dma_begin(disk_->sector(), count);
}

void AhciPort::dma_begin(std::uint64_t sector, std::uint32_t count) {
    if (dma_ != Dma::kTrim && !disk_->range_fits(sector, count)) return dma_error();
    dma_bytes_ = count * kSector;
    std::vector<std::byte> data;
    if (dma_ != Dma::kRead) {
        data.resize(dma_bytes_);
        gather(dma_pieces_, data);
    }
    jobs_.begin([this, sector, data = std::move(data)]() mutable {
        int error = 0;
        if (dma_ == Dma::kRead) {
            data.resize(dma_bytes_);
            error = disk_->disk().read(sector, data);
            if (error == 0) scatter(dma_pieces_, data);
        } else {
            error = dma_ == Dma::kWrite ? write_disk(sector, data) : trim(data);
        }
        dma_next(error);
    });
}

int AhciPort::trim(std::span<const std::byte> ranges) {
    for (std::size_t at = 0; at + 8 <= ranges.size(); at += 8) {
        std::uint64_t entry = 0;
        std::memcpy(&entry, ranges.data() + at, 8);
        const std::uint64_t sector = entry & 0xffff'ffff'ffff;
        const std::uint64_t count = entry >> 48;
        if (count == 0) continue;
        if (!disk_->range_fits(sector, count)) return EINVAL;
        if (const int error = disk_->disk().discard(sector, count)) return error;
    }
    return 0;
}

void AhciPort::dma_error() {
    abort();
    // QEMU tells it a second time.
    done();
}

// Queued commands.

void AhciPort::queued_command(unsigned slot, std::span<const std::byte, 128> table) {
    const auto at = [&](unsigned n) { return std::to_integer<std::uint8_t>(table[n]); };
    const unsigned tag = at(12) >> 3;
    Queued& queued = queued_[tag];
    if (tag != slot) host_.objection("tag", "is not that of the command slot (AHCI 1.3.1 §3.3.13)");
    if (queued.used) {
        host_.objection("tag", "is in use already");
        return;
    }
    clear_issued(slot);
    write_register_fis(false);
    queued.used = true;
    queued.header = current_;
    queued.lba = at(4) | std::uint64_t{at(5)} << 8 | std::uint64_t{at(6)} << 16 | std::uint64_t{at(8)} << 24 |
                 std::uint64_t{at(9)} << 32 | std::uint64_t{at(10)} << 40;
    queued.sectors = at(3) | static_cast<std::uint32_t>(at(11)) << 8;
    if (queued.sectors == 0) queued.sectors = 0x1'0000;
    const std::uint64_t bytes = std::uint64_t{queued.sectors} * kSector;
    queued.pieces = pieces(current_, bytes, 0).value_or(std::vector<Piece>());
    std::uint64_t size = 0;
    for (const Piece& piece : queued.pieces) size += piece.bytes;
    if (size < bytes) {
        host_.objection("PRD table", "holds less than the command moves");
        queued_failed(queued);
        return raise(kIrqOf);
    }
    const std::uint8_t command = at(2);
    if (command != kReadFpdma && command != kWriteFpdma) return queued_failed(queued);
    std::vector<std::byte> data;
    if (command == kWriteFpdma) {
        data.resize(bytes);
        gather(queued.pieces, data);
    }
    jobs_.begin([this, tag, command, bytes, data = std::move(data)]() mutable {
        const Queued& q = queued_[tag];
        if (!disk_->range_fits(q.lba, q.sectors)) return queued_end(tag, EIO);
        if (command == kWriteFpdma) return queued_end(tag, write_disk(q.lba, data));
        data.resize(bytes);
        const int error = disk_->disk().read(q.lba, data);
        if (error == 0) scatter(q.pieces, data);
        queued_end(tag, error);
    });
}

void AhciPort::queued_failed(Queued& queued) {
    task().status = ata::kReady | ata::kErr;
    task().error = ata::kAbort;
    queued.used = false;
}

void AhciPort::queued_end(unsigned tag, int error) {
    Queued& queued = queued_[tag];
    if (error != 0)
        queued_failed(queued);
    else
        task().status = kIdle;
    // One that has failed does not count as finished: its bit in PxSACT stays.
    if (queued.used) finished_ |= std::uint32_t{1} << tag;
    write_set_device_bits();
    queued.used = false;
}

}  // namespace tb::model::block
