// SPDX-License-Identifier: BSD-3-Clause
#include "harness/kernel/core/ioapic.hpp"

#include "harness/kernel/core/cpu.hpp"

namespace tb::kernel::ioapic {

namespace {

constexpr std::uint64_t kBase = 0xfec0'0000;
constexpr std::uint32_t kVersion = 1;
constexpr std::uint32_t kFirstEntry = 0x10;
constexpr std::uint32_t kMasked = 1 << 16;
constexpr std::uint32_t kLevelTriggered = 1 << 15;
constexpr std::uint16_t kPic1Mask = 0x21;
constexpr std::uint16_t kPic2Mask = 0xa1;

volatile std::uint32_t& at(std::uint32_t offset) {
    return *reinterpret_cast<volatile std::uint32_t*>(kBase + offset);
}
std::uint32_t read(std::uint32_t reg) {
    at(0) = reg;
    return at(0x10);
}
void write(std::uint32_t reg, std::uint32_t value) {
    at(0) = reg;
    at(0x10) = value;
}

}  // namespace

void initialise() {
    out8(kPic1Mask, 0xff);
    out8(kPic2Mask, 0xff);
    const unsigned pins = (read(kVersion) >> 16 & 0xff) + 1;
    for (unsigned pin = 0; pin < pins; ++pin) mask(pin);
}

void route(unsigned pin, std::uint8_t vector, Trigger trigger) {
    write(kFirstEntry + 2 * pin + 1, 0);  // physical destination 0
    write(kFirstEntry + 2 * pin, kMasked | (trigger == Trigger::kLevel ? kLevelTriggered : 0) | vector);
}

void mask(unsigned pin) {
    write(kFirstEntry + 2 * pin, read(kFirstEntry + 2 * pin) | kMasked);
}

void unmask(unsigned pin) {
    write(kFirstEntry + 2 * pin, read(kFirstEntry + 2 * pin) & ~kMasked);
}

}  // namespace tb::kernel::ioapic
