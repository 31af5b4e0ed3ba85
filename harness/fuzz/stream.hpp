// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "harness/fuzz/bench.hpp"
#include "harness/machine/bytes_layer.hpp"

namespace tb::fuzz {

/// Runs a driver on a device whose every answer may come from the input, and so do the operations: bytes to
/// choose a legal step, bytes that answer what the driver reads in it, and so on.
class StreamBench {
  public:
    explicit StreamBench(const Dialect& dialect) : bench_(dialect), layer_(bench_.rig().machine()) {}

    /// Empty, or what must not be, as ProgramBench::run; only that nobody can tell what data is true.
    std::string run(std::span<const std::uint8_t> input) { return run(input, false); }
    std::string run_hashed(std::span<const std::uint8_t> input) { return run(input, true); }
    std::uint64_t hash() const { return hash_; }
    std::uint64_t calls() const { return layer_.calls(); }

  private:
    std::string run(std::span<const std::uint8_t> input, bool hashed);
    Record choose();

    Bench bench_;
    harness::BytesLayer layer_;
    std::uint64_t hash_ = 0;
};

}  // namespace tb::fuzz
