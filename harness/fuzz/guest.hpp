// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "harness/faults/fault_layer.hpp"
#include "harness/fuzz/bench.hpp"
#include "harness/fuzz/record.hpp"

namespace tb::fuzz {

/// Runs a model under a guest that does anything: a driver that works the device as it should, while another
/// hand writes to its registers and to the memory that the two share. What the driver makes of it is not
/// judged; the model must stay within the memory that there is, throw nothing, and come to an end.
///
/// The kinds of records that arm faults for drivers (language.hpp) are that other hand here; the others mean
/// the same.
class GuestBench {
  public:
    explicit GuestBench(const Dialect& dialect);

    /// Empty, or what must not be.
    std::string run(std::span<const Record> program) { return run(program, false); }
    std::string run_hashed(std::span<const Record> program) { return run(program, true); }
    std::uint64_t hash() const { return hash_; }
    /// At the seam, of the last program.
    std::uint64_t calls() const { return kMostCalls - layer_.calls_left(); }
    const Language& language() const { return bench_.language(); }

  private:
    class Watch;
    struct Register {
        hal::AddressSpace space;
        int bar;
        std::uint64_t offset;
        unsigned width;
    };

    std::string run(std::span<const Record> program, bool hashed);
    void meddle(const Record& record, hal::Machine& seam);
    std::uint64_t address_of(const Register& place);
    /// Somewhere in memory that driver and device share.
    std::uint64_t shared(std::uint32_t choice);

    Bench bench_;
    faults::FaultLayer layer_;
    std::vector<Register> registers_;
    std::uint64_t hash_ = 0;
};

}  // namespace tb::fuzz
