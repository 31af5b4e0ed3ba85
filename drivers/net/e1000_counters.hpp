// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <cstdint>
#include <hal/platform.hpp>

#include "net/e1000_regs.hpp"

namespace tb::e1000 {

/// The device's statistics registers (8254x SDM §13.7), in 64 bits since start. Values are in the register's
/// unit: frames, or octets for the last four.
enum class Counter : std::uint8_t {
    kCrcErrors,
    kAlignmentErrors,
    kReceiveErrors,
    kMissed,
    kCarrierErrors,
    kUndersize,
    kOversize,
    kSymbolErrors,
    kSingleCollision,
    kExcessiveCollisions,
    kMultipleCollision,
    kLateCollisions,
    kCollisions,
    kDeferred,
    kNoCarrierSense,
    kSequenceErrors,
    kLengthErrors,
    kXonReceived,
    kXonSent,
    kXoffReceived,
    kXoffSent,
    kFlowControlUnsupported,
    kReceived64,
    kReceived127,
    kReceived255,
    kReceived511,
    kReceived1023,
    kReceived1522,
    kGoodReceived,
    kBroadcastReceived,
    kMulticastReceived,
    kGoodSent,
    kNoBuffers,
    kFragments,
    kJabber,
    kTotalReceived,
    kTotalSent,
    kSent64,
    kSent127,
    kSent255,
    kSent511,
    kSent1023,
    kSent1522,
    kMulticastSent,
    kBroadcastSent,
    kSegmentations,
    kSegmentationsFailed,
    kGoodOctetsReceived,
    kGoodOctetsSent,
    kTotalOctetsReceived,
    kTotalOctetsSent,
    kCount,
};

/// Accumulates registers that count in 32 bits and clear when they are read. Some implementations of the
/// device do not clear all of them; a second read right after the first tells, and then the difference is
/// counted.
class Counters {
  public:
    /// Forgets what was counted, and takes what the registers hold now for the past.
    void start(hal::MmioWindow regs);
    /// Reads the registers that the statistics of the device class are made of: few, as each read costs.
    void update_errors();
    /// Reads all.
    void update_all();

    std::uint64_t operator[](Counter counter) const { return totals_[static_cast<unsigned>(counter)]; }

  private:
    static constexpr unsigned kCounters = static_cast<unsigned>(Counter::kCount);

    void update(unsigned first, unsigned last);
    std::uint64_t take(unsigned index);

    hal::MmioWindow regs_;
    std::array<std::uint64_t, kCounters> totals_{};
    std::array<std::uint32_t, kCounters> uncleared_{};
};

}  // namespace tb::e1000
