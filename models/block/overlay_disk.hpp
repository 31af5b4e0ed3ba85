// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

#include "models/block/disk.hpp"

namespace tb::model::block {

/// The operations of a disk that can be made to fail.
enum DiskOperation : std::uint8_t {
    kOnRead = 1,
    kOnWrite = 2,
    kOnFlush = 4,
    kOnDiscard = 8,
    kOnWriteZeroes = 16
};
inline constexpr std::uint8_t kOnAnything = 31;

/// Operations that touch a range of sectors fail. A flush touches every range.
struct DiskFault {
    std::uint64_t first = 0;  ///< sector
    std::uint64_t count = 1;  ///< sectors
    int error = 5;            ///< errno value; 5 = EIO
    std::uint8_t on = kOnRead | kOnWrite;
    std::uint32_t times = 0;  ///< how often it fails before it heals; 0 = for ever
};

/// A disk whose writes stay in memory, over a base that is only read. Pages exist once they are written, so a
/// disk may be as large as it likes.
class OverlayDisk : public Disk {
  public:
    std::uint64_t sectors() const override { return sectors_; }
    bool read_only() const override { return read_only_; }
    int read(std::uint64_t sector, std::span<std::byte> data) override;
    int write(std::uint64_t sector, std::span<const std::byte> data) override;
    int flush() override;
    /// Keeps the content, as QEMU's default (discard=ignore) does, unless set_discard_zeroes(true).
    int discard(std::uint64_t sector, std::uint64_t count) override;
    int write_zeroes(std::uint64_t sector, std::uint64_t count, bool may_unmap) override;
    int resize(std::uint64_t sectors) override;

    void set_read_only(bool on) { read_only_ = on; }
    void set_discard_zeroes(bool on) { discard_zeroes_ = on; }
    void inject(const DiskFault& fault) { faults_.push_back(fault); }
    void heal() { faults_.clear(); }
    std::uint64_t flushes() const { return flushes_; }
    /// The content and size at construction.
    void forget_writes();

  protected:
    explicit OverlayDisk(std::uint64_t sectors) : sectors_(sectors), base_sectors_(sectors) {}

    /// Sectors of the base: below the size at construction.
    virtual int read_base(std::uint64_t sector, std::span<std::byte> data) = 0;

  private:
    static constexpr std::uint64_t kPageSectors = 8;
    static constexpr std::size_t kPageBytes = kPageSectors * kSectorBytes;
    using Page = std::array<std::byte, kPageBytes>;

    bool inside(std::uint64_t sector, std::uint64_t count) const {
        return count <= sectors_ && sector <= sectors_ - count;
    }
    int fault_on(DiskOperation operation, std::uint64_t sector, std::uint64_t count);
    int fill_from_base(std::uint64_t sector, std::span<std::byte> data);
    /// `data` empty: zeroes.
    int store(std::uint64_t sector, std::uint64_t count, std::span<const std::byte> data);

    std::uint64_t sectors_;
    std::uint64_t base_sectors_;
    std::uint64_t base_end_ =
        ~std::uint64_t{0};  ///< the smallest size that it was shrunk to: beyond, the base is gone
    std::map<std::uint64_t, Page> pages_;
    std::vector<DiskFault> faults_;
    std::uint64_t flushes_ = 0;
    bool read_only_ = false;
    bool discard_zeroes_ = false;
};

}  // namespace tb::model::block
