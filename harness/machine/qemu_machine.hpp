// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <span>

#include "harness/machine/machine_base.hpp"
#include "harness/qemu/vm.hpp"

namespace tb::harness {

/// What the machines on a QEMU have in common, whoever makes the accesses: time that passes in steps, and
/// interrupt lines as the I/O APIC sees them.
///
/// Throws qemu::QemuError when QEMU dies, hangs or answers nonsense.
class QemuMachine : public MachineBase {
  public:
    std::uint64_t now_ns() override { return now_; }
    void delay_ns(std::uint64_t span) override;

    /// Drains QEMU until it is quiet, and takes in interrupts: after an access, and after an input from
    /// outside.
    void settle();
    /// After an access that only read: QEMU has work of its own only when it may have made room for input
    /// that waits.
    void settle_after_read();

  protected:
    explicit QemuMachine(qemu::Vm& vm);

    qemu::Vm& vm() { return vm_; }
    /// The clock stands at zero from here on.
    void start_clock();
    void take_edges();
    /// The name that a pin of the I/O APIC has in traces: that of q35.
    virtual unsigned line_of_pin(unsigned pin) const { return pin; }
    virtual void take_messages() = 0;

  private:
    void wait_in_real_time(std::uint64_t span);

    qemu::Vm& vm_;
    std::uint64_t now_ = 0;
    std::uint64_t clock_start_ = 0;
    bool input_waited_ =
        false;  ///< when QEMU last came to rest: after an access it may have taken it already
};

}  // namespace tb::harness
