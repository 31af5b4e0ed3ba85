// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <functional>
#include <string_view>

#include "harness/machine/forwarding.hpp"
#include "harness/machine/machine_base.hpp"
#include "harness/trace/trace.hpp"

namespace tb::harness {

/// The layer that writes a run down: wraps a machine, forwards everything, and records the driver's accesses,
/// delays and interrupts, and what the machine's devices do. An access is recorded before its consequences.
class Recorder : public ForwardingMachine, public MachineListener {
  public:
    Recorder(MachineBase& machine, trace::Trace& trace) : Recorder(machine, machine, trace) {}
    /// With layers between: what the driver does goes to `below`, what devices do comes from `machine`.
    Recorder(hal::Machine& below, MachineBase& machine, trace::Trace& trace)
        : ForwardingMachine(below), machine_(machine), trace_(trace) {
        machine_.set_listener(this);
    }
    ~Recorder() override { machine_.set_listener(nullptr); }

    std::uint64_t read(hal::AddressSpace space, std::uint64_t address, unsigned width) override;
    void write(hal::AddressSpace space, std::uint64_t address, unsigned width, std::uint64_t value) override;
    void delay_ns(std::uint64_t span) override;
    std::optional<std::uint32_t> take_interrupt(bool begin) override;

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

    /// Told of what devices do with memory.
    void on_device_dma(std::function<void(bool write, std::uint64_t address, std::uint64_t bytes)> told) {
        device_dma_ = std::move(told);
    }

    trace::Trace& trace() { return trace_; }
    const trace::Trace& trace() const { return trace_; }

  private:
    MachineBase& machine_;
    trace::Trace& trace_;
    std::function<void(bool, std::uint64_t, std::uint64_t)> device_dma_;
};

}  // namespace tb::harness
