// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "harness/machine/forwarding.hpp"

namespace tb::harness {

/// A layer that lets a fuzzer answer: every value that a driver reads (registers, configuration space, shared
/// memory, data of a finished transfer) may come from the input instead of the machine below, which is a
/// behaving one so that an input can lie late and deep.
///
/// The first byte of the input picks the way. Odd: every read is answered from the input as long as it lasts.
/// Even: each read takes one byte first, whose low two bits say: 0 or 1 the honest value, 2 the next bytes of
/// the input, 3 the honest value with one bit flipped (which one: the byte's upper bits). When the input is
/// used up all is honest.
///
/// A driver that loops on what a device says is a finding: Hang is thrown when the budget is used up.
class BytesLayer : public ForwardingMachine {
  public:
    using ForwardingMachine::ForwardingMachine;

    /// Starts a run with this input.
    void begin(std::span<const std::uint8_t> input, std::uint64_t calls, std::uint64_t until_ns);
    /// The next bytes as a number, for the fuzz target's own choices; 0 when the input is used up.
    std::uint64_t choose(unsigned width);
    std::uint64_t calls() const { return calls_; }
    bool input_left() const { return at_ < input_.size(); }
    /// From now on all is honest: what a driver does when the device recovers.
    void heal() { at_ = input_.size(); }

    std::uint64_t read(hal::AddressSpace space, std::uint64_t address, unsigned width) override {
        return answer(below().read(space, address, width), width);
    }
    void write(hal::AddressSpace space, std::uint64_t address, unsigned width, std::uint64_t value) override {
        count();
        below().write(space, address, width, value);
    }
    std::uint64_t dma_load(std::uint64_t address, unsigned width, hal::MemoryOrder order) override {
        return answer(below().dma_load(address, width, order), width);
    }
    void dma_store(std::uint64_t address, unsigned width, std::uint64_t value,
                   hal::MemoryOrder order) override {
        count();
        below().dma_store(address, width, value, order);
    }
    void dma_read(std::uint64_t address, std::span<std::byte> out) override;
    void delay_ns(std::uint64_t span) override;
    void log(hal::LogLevel, const char*, const char*, std::uint64_t) override {}

  private:
    void count();
    std::uint64_t answer(std::uint64_t honest, unsigned width);

    std::span<const std::uint8_t> input_;
    std::size_t at_ = 0;
    std::uint64_t calls_ = 0;
    std::uint64_t budget_ = 0;
    std::uint64_t until_ns_ = 0;
    bool every_read_ = false;
};

}  // namespace tb::harness
