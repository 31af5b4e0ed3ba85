// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "harness/faults/fault_layer.hpp"
#include "harness/fuzz/bench.hpp"
#include "harness/fuzz/record.hpp"
#include "harness/fuzz/sights.hpp"

namespace tb::fuzz {

/// What a run of a program did, besides what it must not.
struct Tally {
    std::uint64_t calls = 0;    ///< at the seam
    std::uint64_t strikes = 0;  ///< of faults
    std::uint64_t hash = 0;     ///< of all that crossed the seam, if it was asked for
};

/// Runs programs on a device that behaves but for the program's faults. Whatever they are, the driver must
/// come to an end, give errors or true data, believe no answer that no device can mean, keep its device from
/// memory that is not its own, leave nothing behind, and work again when the device does.
class ProgramBench {
  public:
    explicit ProgramBench(const Dialect& dialect);
    ~ProgramBench();

    /// Told of each strike: the number of the step, where, and by what act.
    using Struck = std::function<void(std::size_t step, const faults::Fault& fault)>;
    void on_strike(Struck struck) { struck_ = std::move(struck); }

    /// Empty, or what must not be. A driver that hangs is lost with what it holds: the bench goes on.
    std::string run(std::span<const Record> program) { return run(program, false); }
    /// The same, and tally().hash is made.
    std::string run_hashed(std::span<const Record> program) { return run(program, true); }
    const Tally& tally() const { return tally_; }
    const Language& language() const { return bench_.language(); }
    /// Where the driver looks.
    const Views& views() const { return views_; }

  private:
    std::string run(std::span<const Record> program, bool hashed);
    void rehearse();

    Bench bench_;
    faults::FaultLayer layer_;
    Views views_;
    Struck struck_;
    Tally tally_;
};

}  // namespace tb::fuzz
