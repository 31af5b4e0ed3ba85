// SPDX-License-Identifier: BSD-3-Clause
#include "models/block/ata_disk.hpp"

#include <algorithm>
#include <bit>

namespace tb::model::block {

namespace {

// What QEMU gives a disk whose partition table says nothing else.
constexpr std::uint64_t kHeads = 16;
constexpr std::uint64_t kSectorsOfTrack = 63;

constexpr std::uint8_t kSelectLba = 0x40;
constexpr std::uint8_t kSelectAlways = 0xa0;

constexpr std::uint8_t byte_of(std::uint64_t value, unsigned n) {
    return static_cast<std::uint8_t>(value >> (8 * n));
}

}  // namespace

AtaDisk::AtaDisk(const AtaProperties& properties, Disk& disk)
    : properties_(properties),
      disk_(disk),
      cylinders_(static_cast<std::uint16_t>(
          std::clamp<std::uint64_t>(disk.sectors() / (kHeads * kSectorsOfTrack), 2, 16383))),
      write_cache_(properties.write_cache) {}

void AtaDisk::reset() {
    task_ = TaskFile{};
    task_.select = kSelectAlways;
    task_.status = ata::kReady | ata::kSeek;
    // The signature of a disk (ATA8-ACS).
    task_.nsector = task_.sector = 1;
    multiple = kMostMultiple;
}

void AtaDisk::power_on_reset() {
    reset();
    identified_ = false;
    smart_enabled = true;
    write_cache_ = properties_.write_cache;
}

void AtaDisk::put(unsigned word, std::uint64_t value) {
    identify_[std::size_t{2} * word] = static_cast<std::byte>(value);
    identify_[std::size_t{2} * word + 1] = static_cast<std::byte>(value >> 8);
}

void AtaDisk::put_text(unsigned word, unsigned words, const std::string& text) {
    // The first of two characters is in the upper byte.
    for (unsigned i = 0; i < 2 * words; ++i)
        identify_[std::size_t{2} * word + (i ^ 1U)] = static_cast<std::byte>(i < text.size() ? text[i] : ' ');
}

void AtaDisk::put_size() {
    const std::uint64_t sectors = disk_.sectors();
    const std::uint64_t lba28 = std::min<std::uint64_t>(sectors, (1U << 28) - 1);
    put(60, lba28);
    put(61, lba28 >> 16);
    for (unsigned i = 0; i < 4; ++i) put(100 + i, sectors >> (16 * i));
}

void AtaDisk::put_cache() {
    put(85, 1U << 14 | (write_cache_ ? 1U << 5 : 0U) | 1U);
}

const std::array<std::byte, 512>& AtaDisk::identify() {
    if (identified_) return identify_;
    identified_ = true;
    identify_.fill(std::byte{0});
    put(0, 0x40);
    put(1, cylinders_);
    put(3, kHeads);
    put(4, 512 * kSectorsOfTrack);
    put(5, 512);
    put(6, kSectorsOfTrack);
    put_text(10, 10, properties_.serial);
    put(20, 3);
    put(21, 512);
    put(22, 4);
    put_text(23, 4, properties_.version);
    put_text(27, 20, properties_.model);
    put(47, 0x8000 | kMostMultiple);
    put(48, 1);
    put(49, 1U << 11 | 1U << 9 | 1U << 8);
    put(51, 0x200);
    put(52, 0x200);
    put(53, 7);
    put(54, cylinders_);
    put(55, kHeads);
    put(56, kSectorsOfTrack);
    const std::uint64_t chs = cylinders_ * kHeads * kSectorsOfTrack;
    put(57, chs);
    put(58, chs >> 16);
    if (multiple != 0) put(59, 0x100 | multiple);
    put(62, 7);
    put(63, 7);
    put(64, 3);
    for (unsigned word = 65; word <= 68; ++word) put(word, 120);
    if (properties_.trim) put(69, 1U << 14);
    put(75, kAhciSlots - 1);
    put(76, 1U << 8);
    put(80, 0xf0);
    put(81, 0x16);
    put(82, 1U << 14 | 1U << 5 | 1U);
    put(83, 1U << 14 | 1U << 13 | 1U << 12 | 1U << 10);
    put(84, 1U << 14);
    put_cache();
    put(86, 1U << 13 | 1U << 12 | 1U << 10);
    put(87, 1U << 14);
    put(88, 0x3f | 1U << 13);
    put(93, 1U | 1U << 14 | 0x2000U);
    put(106, 0x6000U | static_cast<unsigned>(std::countr_zero(properties_.physical_block_size / 512)));
    if (properties_.trim) put(169, 1);
    put(217, properties_.rotation_rate);
    put_size();
    return identify_;
}

void AtaDisk::set_write_cache(bool on) {
    write_cache_ = on;
    put_cache();
}

bool AtaDisk::set_transfer_mode(std::uint32_t mode) {
    const std::uint64_t chosen = std::uint64_t{1} << ((mode & 7) + 8);
    const std::uint32_t kind = mode >> 3;
    if (kind > 1 && kind != 2 && kind != 4 && kind != 8) return false;
    put(62, 7 | (kind == 2 ? chosen : 0));
    put(63, 7 | (kind == 4 ? chosen : 0));
    put(88, 0x3f | (kind == 8 ? chosen : 0));
    return true;
}

void AtaDisk::resized() {
    if (identified_) put_size();
}

std::uint64_t AtaDisk::sector() const {
    const TaskFile& t = task_;
    const std::uint64_t low = t.sector | std::uint64_t{t.lcyl} << 8 | std::uint64_t{t.hcyl} << 16;
    if ((t.select & kSelectLba) == 0) {
        const std::uint64_t cylinder = std::uint64_t{t.hcyl} << 8 | t.lcyl;
        return (cylinder * kHeads + (t.select & 0xfU)) * kSectorsOfTrack + t.sector - 1;
    }
    if (!t.lba48) return low | std::uint64_t{t.select & 0xfU} << 24;
    return low | std::uint64_t{t.hob_sector} << 24 | std::uint64_t{t.hob_lcyl} << 32 |
           std::uint64_t{t.hob_hcyl} << 40;
}

void AtaDisk::set_sector(std::uint64_t sector) {
    TaskFile& t = task_;
    if ((t.select & kSelectLba) == 0) {
        const std::uint64_t cylinder = sector / (kHeads * kSectorsOfTrack);
        const std::uint64_t rest = sector % (kHeads * kSectorsOfTrack);
        t.hcyl = byte_of(cylinder, 1);
        t.lcyl = byte_of(cylinder, 0);
        t.select = static_cast<std::uint8_t>((t.select & 0xf0U) | (rest / kSectorsOfTrack & 0xfU));
        t.sector = byte_of(rest % kSectorsOfTrack + 1, 0);
        return;
    }
    t.sector = byte_of(sector, 0);
    t.lcyl = byte_of(sector, 1);
    t.hcyl = byte_of(sector, 2);
    if (t.lba48) {
        t.hob_sector = byte_of(sector, 3);
        t.hob_lcyl = byte_of(sector, 4);
        t.hob_hcyl = byte_of(sector, 5);
    } else {
        t.select = static_cast<std::uint8_t>((t.select & 0xf0U) | (sector >> 24 & 0xfU));
    }
}

}  // namespace tb::model::block
