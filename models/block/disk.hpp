// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace tb::model::block {

inline constexpr std::uint32_t kSectorBytes = 512;

/// What stands behind a disk device. Sectors have 512 bytes; spans hold whole sectors; every function returns
/// 0 or an errno value (EIO, ENOSPC, EPERM, ...). The device stays within sectors().
class Disk {
  public:
    Disk() = default;
    virtual ~Disk() = default;
    Disk(const Disk&) = delete;
    Disk& operator=(const Disk&) = delete;

    virtual std::uint64_t sectors() const = 0;
    virtual bool read_only() const { return false; }
    virtual int read(std::uint64_t sector, std::span<std::byte> data) = 0;
    virtual int write(std::uint64_t sector, std::span<const std::byte> data) = 0;
    virtual int flush() = 0;
    /// The range's content no longer matters; it may stay.
    virtual int discard(std::uint64_t sector, std::uint64_t count) = 0;
    /// `may_unmap`: the range may become a hole, as long as it reads as zeroes.
    virtual int write_zeroes(std::uint64_t sector, std::uint64_t count, bool may_unmap) = 0;
    /// What is beyond the old end reads as zeroes. ENOTSUP where the size is fixed.
    virtual int resize(std::uint64_t sectors) = 0;
};

}  // namespace tb::model::block
