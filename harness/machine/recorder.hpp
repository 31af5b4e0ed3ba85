// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string_view>

#include "harness/machine/machine_base.hpp"
#include "harness/trace/trace.hpp"

namespace tb::harness {

/// The layer that writes a run down: wraps a machine, forwards everything, and records the driver's accesses,
/// delays and interrupts, and what the machine's devices do. An access is recorded before its consequences.
class Recorder : public hal::Machine, public MachineListener {
  public:
    Recorder(MachineBase& machine, trace::Trace& trace) : Recorder(machine, machine, trace) {}
    /// With layers between: what the driver does goes to `below`, what devices do comes from `machine`.
    Recorder(hal::Machine& below, MachineBase& machine, trace::Trace& trace)
        : below_(below), machine_(machine), trace_(trace) {
        machine_.set_listener(this);
    }
    ~Recorder() override { machine_.set_listener(nullptr); }

    std::uint64_t read(hal::AddressSpace space, std::uint64_t address, unsigned width) override;
    void write(hal::AddressSpace space, std::uint64_t address, unsigned width, std::uint64_t value) override;
    void delay_ns(std::uint64_t span) override;
    std::optional<std::uint32_t> take_interrupt(bool begin) override;

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
    hal::Result<std::uint32_t> attach_intx(hal::PciAddress function) override {
        return below_.attach_intx(function);
    }
    hal::Result<std::uint32_t> attach_irq(std::uint32_t line) override { return below_.attach_irq(line); }
    hal::Result<hal::MsiInterrupt> attach_msi() override { return below_.attach_msi(); }
    void detach(std::uint32_t vector) override { below_.detach(vector); }
    bool interrupt_pending() const override { return below_.interrupt_pending(); }
    void log(hal::LogLevel level, const char* device, const char* message, std::uint64_t value) override {
        below_.log(level, device, message, value);
    }

    void irq(unsigned line, bool level) override;
    void message(std::uint32_t vector) override;
    void device_dma(bool write, std::uint64_t address, std::span<const std::byte> data,
                    unsigned outcome) override;
    void finding(const std::string& text) override;
    void far_access(bool write, hal::AddressSpace space, std::uint64_t address, unsigned width,
                    std::uint64_t value) override;
    void far_delay(std::uint64_t span) override;
    void far_interrupt(std::uint32_t vector) override;

    /// What the scenario adds: steps, inputs and outputs, results.
    void note(trace::EventKind kind, std::string_view text, std::uint64_t value = 0,
              std::span<const std::byte> data = {});
    /// A digest of every DMA allocation: what devices have left in memory, comparable between machines.
    void note_memory();

    trace::Trace& trace() { return trace_; }
    const trace::Trace& trace() const { return trace_; }

  private:
    hal::Machine& below_;
    MachineBase& machine_;
    trace::Trace& trace_;
};

}  // namespace tb::harness
