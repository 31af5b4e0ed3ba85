// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "models/block/overlay_disk.hpp"

namespace tb::model::block {

/// What a fresh disk holds.
enum class Fill : std::uint8_t {
    kZero,
    kLba,     ///< each of a sector's 64 words (8 bytes, little endian) is the sector's number
    kRandom,  ///< words drawn from a seed; the same on every machine
};

/// A disk in memory.
class MemoryDisk : public OverlayDisk {
  public:
    /// `sectors` of 512 bytes each; `seed` matters for Fill::kRandom only.
    explicit MemoryDisk(std::uint64_t sectors, Fill fill = Fill::kZero, std::uint64_t seed = 1)
        : OverlayDisk(sectors), fill_(fill), seed_(seed) {}

    /// The content at construction again, with no faults.
    void reset() {
        forget_writes();
        heal();
    }

  private:
    int read_base(std::uint64_t sector, std::span<std::byte> data) override;

    Fill fill_;
    std::uint64_t seed_;
};

}  // namespace tb::model::block
