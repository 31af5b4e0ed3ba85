// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <optional>
#include <span>
#include <string>

#include "harness/bench/guest.hpp"

namespace tb::bench {

enum class Quantity : std::uint8_t {
    kMegabytesPerSecond,  ///< 10^6 bytes
    kRequestsPerSecond,
    kMedian,  ///< of the times of single requests or round trips, us
    kP99,
    kFramesPerSecond,
    kMegabitsPerSecond,  ///< of frames without FCS
    kBytesPerSecond,
};

/// What the driver matrix asks of a row, for each accelerator; 0 where it asks nothing.
struct Matrix {
    double tcg = 0;
    double kvm = 0;
};

/// A line of the table.
struct RowSpec {
    const char* name;
    const char* row;  ///< as the guests call it
    Quantity quantity;
    Matrix matrix;
    unsigned frame_bytes = 0;  ///< of the row's frames
    bool received = false;     ///< frames that the guest counts; else those that left it
};

std::span<const RowSpec> row_specs();

const char* unit_of(Quantity quantity);
/// Times are better when they are smaller.
constexpr bool smaller_is_better(Quantity quantity) {
    return quantity == Quantity::kMedian || quantity == Quantity::kP99;
}

/// The value of a row in its unit; nothing when the guest did not measure it.
std::optional<double> value_of(const RowSpec& spec, const GuestResult& result);
/// Processor time of QEMU in the row, per cent of one processor.
std::optional<double> cpu_percent_of(const RowSpec& spec, const GuestResult& result);

/// Takes the numbers out of a line that fio writes with --minimal (its "terse" output, version 3); false when
/// it is none, or reports an error.
bool read_fio(RowResult& row);

}  // namespace tb::bench
