// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <hal/machine.hpp>
#include <hal/result.hpp>
#include <hal/types.hpp>
#include <vector>

namespace tb::hal {

/// Stands between the handles that drivers hold and the machine: forwards accesses, and takes interrupts at
/// defined points, so that a run is repeatable. The points are: after a register or configuration access,
/// after a delay, at a full barrier, and at the end of the outermost critical section. Handlers do not nest.
///
/// Owned by whoever runs the driver; it outlives every handle.
class Host {
  public:
    explicit Host(Machine& machine) : machine_(&machine) {}
    Host(const Host&) = delete;
    Host& operator=(const Host&) = delete;

    Machine& machine() { return *machine_; }

    std::uint64_t read(AddressSpace space, std::uint64_t address, unsigned width) {
        const std::uint64_t value = machine_->read(space, address, width);
        interrupt_point();
        return value;
    }
    void write(AddressSpace space, std::uint64_t address, unsigned width, std::uint64_t value) {
        machine_->write(space, address, width, value);
        interrupt_point();
    }
    void delay(std::uint64_t ns) {
        machine_->delay_ns(ns);
        interrupt_point();
    }
    void barrier(Barrier kind) {
        machine_->barrier(kind);
        if (kind == Barrier::kFull) interrupt_point();
    }

    void enter_critical() { ++critical_depth_; }
    void leave_critical() {
        if (--critical_depth_ == 0) interrupt_point();
    }

    Result<Interrupt> attach(Result<std::uint32_t> vector, InterruptHandler handler, void* context);
    Result<MsiInterrupt> attach_msi(InterruptHandler handler, void* context);
    void detach(Interrupt interrupt);

    void interrupt_point() {
        if (machine_->interrupt_pending()) [[unlikely]]
            take_interrupts();
    }

    /// How many handlers have run: a test's way to see that an interrupt arrived.
    std::uint64_t interrupts_taken() const { return interrupts_taken_; }

  private:
    struct Attached {
        std::uint32_t vector;
        InterruptHandler handler;
        void* context;
    };

    void take_interrupts();

    Machine* machine_;
    std::vector<Attached> attached_;
    std::uint64_t interrupts_taken_ = 0;
    int critical_depth_ = 0;
    bool in_handler_ = false;
};

}  // namespace tb::hal
