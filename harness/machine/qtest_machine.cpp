// SPDX-License-Identifier: BSD-3-Clause
#include "harness/machine/qtest_machine.hpp"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <thread>

namespace tb::harness {

namespace {

constexpr std::uint32_t kConfigAddressPort = 0xcf8;
constexpr std::uint32_t kConfigDataPort = 0xcfc;
constexpr std::uint64_t kAllOnes = ~std::uint64_t{0};

// The enhanced mechanism's address as configuration mechanism #1 wants it (PCI 3.0 §3.2.2.3.2).
constexpr std::uint32_t mechanism1(std::uint64_t address) {
    const auto function = static_cast<std::uint32_t>(address >> 12) & 0xffff;
    return 0x8000'0000U | function << 8 | (static_cast<std::uint32_t>(address) & 0xfc);
}

// The PC's interval timer (pins 0 and 2 of the I/O APIC) and its clock (8) tick on their own; no device under
// test has these lines.
constexpr bool is_board_timer(unsigned line) {
    return line == 0 || line == 2 || line == 8;
}

std::span<std::byte> bytes_of(std::span<std::uint8_t> ram) {
    return {reinterpret_cast<std::byte*>(ram.data()), ram.size()};
}

std::uint64_t width_mask(unsigned width) {
    return width >= 8 ? kAllOnes : (std::uint64_t{1} << (8 * width)) - 1;
}

}  // namespace

QtestMachine::QtestMachine(qemu::Vm& vm) : MachineBase(bytes_of(vm.ram())), vm_(vm) {
    // The first step of the clock tells where it stands: scenarios count from zero.
    if (vm_.virtual_time()) clock_start_ = static_cast<std::uint64_t>(vm_.clock_step(0));
    settle();
}

std::uint64_t QtestMachine::read(hal::AddressSpace space, std::uint64_t address, unsigned width) {
    std::uint64_t value = 0;
    // Asked before the access: after it, QEMU may or may not have taken in the character that was waiting.
    const bool waiting = vm_.has_waiting_input();
    switch (space) {
        case hal::AddressSpace::kMemory:
            value = vm_.qtest().read(address, width);
            break;
        case hal::AddressSpace::kPort:
            value = address <= 0xffff && width <= 4
                        ? vm_.qtest().in(static_cast<std::uint32_t>(address), width)
                        : kAllOnes;
            break;
        case hal::AddressSpace::kPciConfig:
            if ((address & 0xfff) > 0xff || width > 4) {
                value = kAllOnes;
                break;
            }
            vm_.qtest().out(kConfigAddressPort, 4, mechanism1(address));
            value = vm_.qtest().in(kConfigDataPort + (address & 3), width);
            break;
    }
    // Reading a character makes room for the next.
    if (waiting) vm_.settle();
    take_edges();
    take_messages();
    return value & width_mask(width);
}

void QtestMachine::write(hal::AddressSpace space, std::uint64_t address, unsigned width,
                         std::uint64_t value) {
    value &= width_mask(width);
    switch (space) {
        case hal::AddressSpace::kMemory:
            vm_.qtest().write(address, width, value);
            break;
        case hal::AddressSpace::kPort:
            if (address <= 0xffff && width <= 4)
                vm_.qtest().out(static_cast<std::uint32_t>(address), width,
                                static_cast<std::uint32_t>(value));
            break;
        case hal::AddressSpace::kPciConfig:
            if ((address & 0xfff) > 0xff || width > 4) break;
            vm_.qtest().out(kConfigAddressPort, 4, mechanism1(address));
            vm_.qtest().out(kConfigDataPort + (address & 3), width, static_cast<std::uint32_t>(value));
            break;
    }
    settle();
}

void QtestMachine::settle() {
    vm_.settle();
    take_edges();
    take_messages();
}

void QtestMachine::delay_ns(std::uint64_t span) {
    if (span == 0) return;
    if (!vm_.virtual_time()) {
        wait_in_real_time(span);
        return settle();
    }
    // Within one step QEMU runs its timers but does not look at its sockets. What waits there for one timer
    // must be taken in before the next, so time goes in slices while something waits.
    constexpr std::uint64_t kSlice = 1'000'000;
    while (span > 0) {
        const std::uint64_t step = vm_.has_waiting_input() ? std::min(span, kSlice) : span;
        now_ = static_cast<std::uint64_t>(vm_.clock_step(static_cast<std::int64_t>(step))) - clock_start_;
        span -= step;
        settle();
    }
}

void QtestMachine::wait_in_real_time(std::uint64_t span) {
    // QEMU's virtual clock runs with the host's here: there is nothing to wait for but time itself.
    const auto end = std::chrono::steady_clock::now() + std::chrono::nanoseconds(span);
    while (std::chrono::steady_clock::now() < end) {
        vm_.settle();
        std::this_thread::sleep_until(
            std::min(end, std::chrono::steady_clock::now() + std::chrono::milliseconds(1)));
    }
    now_ += span;
}

void QtestMachine::take_edges() {
    for (const qemu::IrqEdge& edge : vm_.qtest().take_irq_edges())
        if (!is_board_timer(edge.pin)) line_changed(edge.pin, edge.raised);
}

void QtestMachine::take_messages() {
    for (unsigned slot = 0; slot < kMsiVectors; ++slot) {
        if (!msi_attached(slot)) continue;
        std::byte* at = ram().data() + kMsiBase + 4 * slot;
        std::uint32_t data = 0;
        std::memcpy(&data, at, sizeof data);
        if (data == 0) continue;
        std::memset(at, 0, sizeof data);
        message_arrived(kMsiBase + 4 * slot, data);
    }
}

}  // namespace tb::harness
