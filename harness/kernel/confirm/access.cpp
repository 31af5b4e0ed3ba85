// SPDX-License-Identifier: BSD-3-Clause
/// The tracing variant of the seam's accesses: made, then told.
#include "harness/kernel/confirm/access.hpp"

#include <hal/traced_access.h>

#include <hal/types.hpp>

#include "harness/kernel/confirm/interrupts.hpp"
#include "harness/kernel/confirm/link.hpp"
#include "harness/kernel/core/cpu.hpp"
#include "harness/kernel/core/pci_config.hpp"

namespace tb::kernel {

namespace {

template <class T>
volatile T& at(std::uint64_t address) {
    return *reinterpret_cast<volatile T*>(address);
}

hal::PciAddress function_of(std::uint64_t address) {
    return {static_cast<std::uint8_t>(address >> 20), static_cast<std::uint8_t>(address >> 15 & 31),
            static_cast<std::uint8_t>(address >> 12 & 7)};
}

constexpr std::uint64_t kAllOnes = ~std::uint64_t{0};

}  // namespace

std::uint64_t raw_read(unsigned space, std::uint64_t address, unsigned width) {
    if (space == TB_TRACED_MEMORY) {
        if (width == 1) return at<std::uint8_t>(address);
        if (width == 2) return at<std::uint16_t>(address);
        if (width == 4) return at<std::uint32_t>(address);
        return at<std::uint64_t>(address);
    }
    if (space == TB_TRACED_CONFIG)
        return width > 4 ? kAllOnes : pci_read(function_of(address), address & 0xfff, width);
    if (address > 0xffff || width > 4) return kAllOnes;
    const auto port = static_cast<std::uint16_t>(address);
    if (width == 1) return in8(port);
    if (width == 2) return in16(port);
    return in32(port);
}

void raw_write(unsigned space, std::uint64_t address, unsigned width, std::uint64_t value) {
    const auto word = static_cast<std::uint32_t>(value);
    if (space == TB_TRACED_MEMORY) {
        if (width == 1)
            at<std::uint8_t>(address) = static_cast<std::uint8_t>(value);
        else if (width == 2)
            at<std::uint16_t>(address) = static_cast<std::uint16_t>(value);
        else if (width == 4)
            at<std::uint32_t>(address) = word;
        else
            at<std::uint64_t>(address) = value;
    } else if (space == TB_TRACED_CONFIG) {
        if (width <= 4) pci_write(function_of(address), address & 0xfff, width, word);
    } else if (address <= 0xffff && width <= 4) {
        const auto port = static_cast<std::uint16_t>(address);
        if (width == 1)
            out8(port, static_cast<std::uint8_t>(value));
        else if (width == 2)
            out16(port, static_cast<std::uint16_t>(value));
        else
            out32(port, word);
    }
}

}  // namespace tb::kernel

using namespace tb::kernel;

uint64_t tb_traced_read(int space, uint64_t address, unsigned width) {
    const std::uint64_t value = raw_read(static_cast<unsigned>(space), address, width);
    say(Said::kAccess, {access_kind(static_cast<unsigned>(space), width, false), address, value});
    interrupt_point();
    return value;
}

void tb_traced_write(int space, uint64_t address, unsigned width, uint64_t value) {
    raw_write(static_cast<unsigned>(space), address, width, value);
    say(Said::kAccess, {access_kind(static_cast<unsigned>(space), width, true), address, value});
    interrupt_point();
}

void tb_traced_interrupt_point() {
    interrupt_point();
}
void tb_traced_enter_critical() {
    enter_critical();
}
void tb_traced_leave_critical() {
    leave_critical();
}
