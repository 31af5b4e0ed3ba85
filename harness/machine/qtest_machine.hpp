// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

#include "harness/machine/qemu_machine.hpp"

namespace tb::harness {

/// The machine whose devices are QEMU's own, driven over qtest; guest RAM is shared, so DMA memory is reached
/// directly.
///
/// Configuration space goes through ports 0xcf8/0xcfc, so bus 0 and offsets below 256 are what there is.
/// After a write, an input from outside or a delay QEMU is drained until it is quiet, so that what an access
/// caused is there before the next one; that makes an asynchronous completion comparable with the model's.
/// Messages are found in the page of messages, because without a running processor they land in RAM like any
/// DMA.
///
/// Throws qemu::QemuError when QEMU dies, hangs or answers nonsense.
class QtestMachine : public QemuMachine {
  public:
    explicit QtestMachine(qemu::Vm& vm);

    std::uint64_t read(hal::AddressSpace space, std::uint64_t address, unsigned width) override;
    void write(hal::AddressSpace space, std::uint64_t address, unsigned width, std::uint64_t value) override;

  private:
    void take_messages() override;
};

}  // namespace tb::harness
