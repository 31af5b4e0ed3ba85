// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <hal/machine.hpp>

namespace tb::harness {

/// What every layer begins as: hands on all that crosses the seam to the machine below. A layer overrides the
/// calls that it is about.
class ForwardingMachine : public hal::Machine {
  public:
    explicit ForwardingMachine(hal::Machine& below) : below_(below) {}

    std::uint64_t read(hal::AddressSpace space, std::uint64_t address, unsigned width) override {
        return below_.read(space, address, width);
    }
    void write(hal::AddressSpace space, std::uint64_t address, unsigned width, std::uint64_t value) override {
        below_.write(space, address, width, value);
    }
    std::uint64_t dma_load(std::uint64_t address, unsigned width, hal::MemoryOrder order) override {
        return below_.dma_load(address, width, order);
    }
    void dma_store(std::uint64_t address, unsigned width, std::uint64_t value,
                   hal::MemoryOrder order) override {
        below_.dma_store(address, width, value, order);
    }
    void dma_read(std::uint64_t address, std::span<std::byte> out) override { below_.dma_read(address, out); }
    void dma_write(std::uint64_t address, std::span<const std::byte> in) override {
        below_.dma_write(address, in);
    }
    void barrier(hal::Barrier kind) override { below_.barrier(kind); }
    hal::Result<std::uint64_t> dma_allocate(std::uint64_t size, std::uint64_t alignment) override {
        return below_.dma_allocate(size, alignment);
    }
    void dma_free(std::uint64_t address, std::uint64_t size) override { below_.dma_free(address, size); }
    hal::Result<std::uint64_t> dma_map(std::span<std::byte> buffer, hal::Direction direction) override {
        return below_.dma_map(buffer, direction);
    }
    void dma_unmap(std::uint64_t address, std::span<std::byte> buffer, hal::Direction direction) override {
        below_.dma_unmap(address, buffer, direction);
    }
    std::uint64_t now_ns() override { return below_.now_ns(); }
    void delay_ns(std::uint64_t span) override { below_.delay_ns(span); }
    hal::Result<std::uint32_t> attach_intx(hal::PciAddress function) override {
        return below_.attach_intx(function);
    }
    hal::Result<std::uint32_t> attach_irq(std::uint32_t line) override { return below_.attach_irq(line); }
    hal::Result<hal::MsiInterrupt> attach_msi() override { return below_.attach_msi(); }
    void detach(std::uint32_t vector) override { below_.detach(vector); }
    bool interrupt_pending() const override { return below_.interrupt_pending(); }
    std::optional<std::uint32_t> take_interrupt(bool begin) override { return below_.take_interrupt(begin); }
    void log(hal::LogLevel level, const char* device, const char* message, std::uint64_t value) override {
        below_.log(level, device, message, value);
    }

  protected:
    hal::Machine& below() { return below_; }
    const hal::Machine& below() const { return below_; }

  private:
    hal::Machine& below_;
};

}  // namespace tb::harness
