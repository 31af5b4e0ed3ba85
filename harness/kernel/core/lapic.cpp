// SPDX-License-Identifier: BSD-3-Clause
#include "harness/kernel/core/lapic.hpp"

#include "harness/kernel/core/cpu.hpp"
#include "harness/kernel/core/interrupts.hpp"

namespace tb::kernel::lapic {

namespace {

constexpr std::uint64_t kBase = 0xfee0'0000;
constexpr std::uint32_t kBaseMsr = 0x1b;

enum Register : std::uint32_t {
    kTaskPriority = 0x80,
    kEndOfInterrupt = 0xb0,
    kLogicalDestination = 0xd0,
    kDestinationFormat = 0xe0,
    kSpurious = 0xf0,
    kRequest = 0x200,
    kCommandLow = 0x300,
    kCommandHigh = 0x310,
    kTimer = 0x320,
    kLint0 = 0x350,
    kLint1 = 0x360,
    kError = 0x370,
    kInitialCount = 0x380,
    kDivide = 0x3e0,
};
constexpr std::uint32_t kMasked = 1 << 16;
constexpr std::uint32_t kEnabled = 1 << 8;
constexpr std::uint32_t kDivideBy1 = 0xb;
constexpr std::uint32_t kToSelf = 1 << 18;

std::uint32_t read(std::uint32_t reg) {
    return *reinterpret_cast<const volatile std::uint32_t*>(kBase + reg);
}
void write(std::uint32_t reg, std::uint32_t value) {
    *reinterpret_cast<volatile std::uint32_t*>(kBase + reg) = value;
}

}  // namespace

void initialise() {
    write_msr(kBaseMsr, read_msr(kBaseMsr) | 1 << 11);
    write(kDestinationFormat, 0xffff'ffff);  // flat: a destination is a set of bits
    write(kLogicalDestination, 1U << 24);
    write(kTaskPriority, 0);
    write(kTimer, kMasked);
    write(kLint0, kMasked);
    write(kLint1, kMasked);
    write(kError, kMasked);
    write(kSpurious, kEnabled | kSpuriousVector);
}

void end_of_interrupt() {
    write(kEndOfInterrupt, 0);
}

bool requested(std::uint8_t vector) {
    return (read(kRequest + vector / 32U * 16) >> vector % 32 & 1) != 0;
}

void send_to_self(std::uint8_t vector) {
    write(kCommandLow, kToSelf | vector);
}

void arm_timer(std::uint8_t vector, std::uint64_t ns) {
    // QEMU's runs at 1 GHz; real ones differ, and whoever needs more than "about" has a clock.
    write(kDivide, kDivideBy1);
    write(kTimer, vector);
    write(kInitialCount, ns > 0xffff'ffff ? 0xffff'ffff : static_cast<std::uint32_t>(ns));
}

}  // namespace tb::kernel::lapic
