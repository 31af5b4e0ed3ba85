// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <vector>

#include "harness/machine/machine_base.hpp"

namespace tb::harness::testing {

/// A machine with memory and interrupts, whose registers are numbers that a test sets.
class PlainMachine : public MachineBase {
  public:
    PlainMachine() : MachineBase(storage()) {}
    std::uint64_t read(hal::AddressSpace, std::uint64_t address, unsigned) override {
        if (on_read) on_read();
        return registers[address];
    }
    void write(hal::AddressSpace, std::uint64_t address, unsigned, std::uint64_t value) override {
        registers[address] = value;
        if (on_write) on_write();
    }
    std::uint64_t now_ns() override { return now; }
    void delay_ns(std::uint64_t span) override { now += span; }
    using MachineBase::line_changed;
    using MachineBase::message_arrived;

    std::map<std::uint64_t, std::uint64_t> registers;
    std::function<void()> on_read;
    std::function<void()> on_write;
    std::uint64_t now = 0;

  private:
    // The base wants memory at construction, before this class's members are made; allocations are zeroed
    // anyway.
    static std::span<std::byte> storage() {
        static std::vector<std::byte> memory(kRamBytes);
        return memory;
    }
};

}  // namespace tb::harness::testing
