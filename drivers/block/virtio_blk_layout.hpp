// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "block/virtio_blk_regs.hpp"

/// How the driver lays out what belongs to one request, besides its data, in memory that it shares with the
/// device: a cache line each, so that requests do not disturb each other.
namespace tb::block::virtio_blk::layout {

inline constexpr std::uint32_t kHeader = 0;
inline constexpr std::uint32_t kRange = 16;
inline constexpr std::uint32_t kStatus = 32;
inline constexpr std::uint32_t kBytes = 64;

static_assert(kHeader + header::kBytes <= kRange && kRange + range::kBytes <= kStatus && kStatus < kBytes);
// Discard and write-zeroes send header and range as one piece.
static_assert(kHeader + header::kBytes == kRange);

}  // namespace tb::block::virtio_blk::layout
