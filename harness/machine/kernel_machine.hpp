// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <cstdint>
#include <set>
#include <span>

#include "harness/kernel/confirm/mailbox.hpp"
#include "harness/machine/qemu_machine.hpp"

namespace tb::harness {

/// The machine whose processor runs a kernel of ours with the drivers in it, on QEMU's own devices. Accesses
/// of scenarios are made by that processor; drivers run there whole (see KernelSession), and what they do
/// comes here as events, in order. Interrupts are the processor's own.
///
/// DMA memory is given out here, from the same pool as on the other machines, so that addresses in registers
/// and descriptors are equal everywhere. The one address that cannot be is that of messages: the local APIC
/// has its own. It is translated where an access crosses into the kernel or comes from there.
///
/// Throws qemu::QemuError when QEMU or the kernel dies, hangs or talks nonsense, with the end of the kernel's
/// log.
class KernelMachine : public QemuMachine {
  public:
    /// Starts the guest of `vm` and waits for it.
    explicit KernelMachine(qemu::Vm& vm);

    std::uint64_t read(hal::AddressSpace space, std::uint64_t address, unsigned width) override;
    void write(hal::AddressSpace space, std::uint64_t address, unsigned width, std::uint64_t value) override;

    hal::Result<std::uint32_t> attach_intx(hal::PciAddress function) override;
    hal::Result<std::uint32_t> attach_irq(std::uint32_t line) override;
    hal::Result<hal::MsiInterrupt> attach_msi() override;
    void detach(std::uint32_t vector) override;
    std::optional<std::uint32_t> take_interrupt(bool begin) override;

    /// Has the kernel carry out a command, serving what it says meanwhile, and returns the result. `payload`
    /// goes with it; what came back is in payload() until the next command.
    std::uint64_t command(kernel::Command command, std::initializer_list<std::uint64_t> words,
                          std::span<const std::byte> payload = {});
    std::span<const std::byte> payload() const;

  private:
    using Words = std::array<std::uint64_t, kernel::kMailboxWords>;

    kernel::Mailbox& mailbox() const;
    kernel::Said listen(const char* what);
    void answer(kernel::Command command, std::initializer_list<std::uint64_t> words);
    void serve(kernel::Said said, const Words& words);
    void serve_access(const Words& words);
    void serve_take(bool begin);
    [[noreturn]] void nonsense(const std::string& why);
    std::span<std::byte> guest_memory(std::uint64_t address, std::uint64_t size);
    const char* guest_text(std::uint64_t address);
    void deliver(std::uint32_t vector);
    void arrived(std::uint64_t slots);

    unsigned line_of_pin(unsigned pin) const override;
    void take_messages() override;

    std::uint64_t payload_address_ = 0;
    std::uint64_t payload_capacity_ = 0;
    std::uint64_t intx_pin_ = kernel::kNoPin;
    std::set<std::uint32_t> of_driver_;  ///< vectors whose handlers are in the kernel
    unsigned messages_attached_ = 0;
    bool kernel_has_turn_ = false;
};

}  // namespace tb::harness
