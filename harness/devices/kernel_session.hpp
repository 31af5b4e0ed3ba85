// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string_view>

#include "harness/machine/kernel_machine.hpp"
#include "harness/operations/operation.hpp"

namespace tb::harness {

/// A driver at work in the kernel in QEMU: operations go there as bytes, and outcomes come back.
class KernelSession : public DriverSession {
  public:
    KernelSession(KernelMachine& machine, std::string_view driver, bool is_pci);
    /// Lets go of the driver there. A kernel that has died by then has been reported already.
    ~KernelSession() override;

    Outcome run(std::string_view operation, const Arguments& arguments) override;
    hal::Result<std::uint32_t> begin(std::string_view operation, const Arguments& arguments) override;
    std::optional<Outcome> finished(std::uint32_t handle) override;

  private:
    Outcome outcome() const;

    KernelMachine& machine_;
};

}  // namespace tb::harness
