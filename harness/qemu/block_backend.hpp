// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <span>

namespace tb::qemu {

/// What stands behind a disk of QEMU. Offsets and sizes are bytes; each function returns 0 or an errno
/// value (EIO, ENOSPC, ...), which QEMU reports to its device. QEMU stays within size().
class BlockBackend {
  public:
    BlockBackend() = default;
    BlockBackend(const BlockBackend&) = delete;
    BlockBackend& operator=(const BlockBackend&) = delete;
    virtual ~BlockBackend() = default;

    /// Capacity, a multiple of 512 that is less than 1 TiB.
    virtual std::uint64_t size() const = 0;
    virtual bool read_only() const { return false; }
    virtual int read(std::uint64_t offset, std::span<std::uint8_t> data) = 0;
    virtual int write(std::uint64_t offset, std::span<const std::uint8_t> data) = 0;
    virtual int flush() = 0;
    virtual int discard(std::uint64_t offset, std::uint64_t length) = 0;
    /// `may_unmap`: the range may become a hole, as long as it reads as zeroes.
    virtual int write_zeroes(std::uint64_t offset, std::uint64_t length, bool may_unmap) = 0;
};

}  // namespace tb::qemu
