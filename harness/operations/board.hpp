// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <hal/types.hpp>

/// What the harness's boards have in common, on the models, on QEMU and in the kernel.
namespace tb::harness {

/// Where every PCI device under test sits: bus 0, as the first function of this slot.
inline constexpr hal::PciAddress kDeviceUnderTest{0, 4, 0};

/// INTx of a function on bus 0 of q35 reaches I/O APIC pin 20 + (device + pin) mod 4; drivers here use INTA.
constexpr unsigned intx_line(hal::PciAddress function) {
    return 20 + function.device % 4;
}

/// The boards on which the kernel runs, as scenarios and the command line name them. The models, and QEMU
/// over qtest, are the first.
inline constexpr std::array<const char*, 3> kBoards{"q35", "pc", "microvm"};

}  // namespace tb::harness
