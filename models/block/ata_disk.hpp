// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "models/block/ahci_regs.hpp"
#include "models/block/disk.hpp"

namespace tb::model::block {

/// QEMU's properties of ide-hd.
struct AtaProperties {
    std::string serial = "TWINBENCH";  ///< 20 characters of it
    std::string model = "QEMU HARDDISK";
    std::string version = "2.5+";
    std::uint32_t physical_block_size = 512;
    std::uint16_t rotation_rate = 0;
    bool write_cache = true;
    bool trim = true;
};

/// The registers of an ATA device (ATA8-ACS), with what a 48-bit command had in them before.
struct TaskFile {
    std::uint8_t status = 0;
    std::uint8_t error = 0;
    std::uint8_t feature = 0, hob_feature = 0;
    std::uint8_t sector = 0, hob_sector = 0;
    std::uint8_t lcyl = 0, hob_lcyl = 0;
    std::uint8_t hcyl = 0, hob_hcyl = 0;
    std::uint8_t select = 0;
    std::uint32_t nsector = 0;
    bool lba48 = false;
};

/// An ATA disk as QEMU's ide-hd has it: registers, IDENTIFY DEVICE, and where a command's sectors are. Who
/// carries its commands (an HBA) does the rest.
class AtaDisk {
  public:
    static constexpr unsigned kMostMultiple = 16;

    /// `disk` outlives this object.
    AtaDisk(const AtaProperties& properties, Disk& disk);

    TaskFile& registers() { return task_; }
    const TaskFile& registers() const { return task_; }
    Disk& disk() { return disk_; }

    /// A reset of the device: registers and signature; the write cache and transfer modes stay.
    void reset();
    void power_on_reset();

    /// The 512 bytes of IDENTIFY DEVICE, made at first and kept, but for what commands change in them.
    const std::array<std::byte, 512>& identify();
    void set_write_cache(bool on);
    bool write_cache() const { return write_cache_; }
    /// SET FEATURES 03h; false for a mode that there is none.
    bool set_transfer_mode(std::uint32_t mode);
    /// The disk has another size.
    void resized();

    unsigned multiple = kMostMultiple;  ///< sectors of a block of READ and WRITE MULTIPLE
    bool smart_enabled = true;

    /// The first sector of the command in the registers, by LBA or by cylinder, head and sector.
    std::uint64_t sector() const;
    void set_sector(std::uint64_t sector);
    bool range_fits(std::uint64_t sector, std::uint64_t count) const {
        return sector <= disk_.sectors() && count <= disk_.sectors() - sector;
    }

  private:
    void put(unsigned word, std::uint64_t value);
    void put_text(unsigned word, unsigned words, const std::string& text);
    void put_size();
    void put_cache();

    AtaProperties properties_;
    Disk& disk_;
    TaskFile task_;
    std::array<std::byte, 512> identify_{};
    std::uint16_t cylinders_;
    bool identified_ = false;
    bool write_cache_;
};

}  // namespace tb::model::block
