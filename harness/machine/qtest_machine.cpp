// SPDX-License-Identifier: BSD-3-Clause
#include "harness/machine/qtest_machine.hpp"

#include <cstring>

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

std::uint64_t width_mask(unsigned width) {
    return width >= 8 ? kAllOnes : (std::uint64_t{1} << (8 * width)) - 1;
}

}  // namespace

QtestMachine::QtestMachine(qemu::Vm& vm) : QemuMachine(vm) {
    start_clock();
    settle();
}

std::uint64_t QtestMachine::read(hal::AddressSpace space, std::uint64_t address, unsigned width) {
    std::uint64_t value = 0;
    switch (space) {
        case hal::AddressSpace::kMemory:
            value = vm().qtest().read(address, width);
            break;
        case hal::AddressSpace::kPort:
            value = address <= 0xffff && width <= 4
                        ? vm().qtest().in(static_cast<std::uint32_t>(address), width)
                        : kAllOnes;
            break;
        case hal::AddressSpace::kPciConfig:
            if ((address & 0xfff) > 0xff || width > 4) {
                value = kAllOnes;
                break;
            }
            vm().qtest().out(kConfigAddressPort, 4, mechanism1(address));
            value = vm().qtest().in(kConfigDataPort + (address & 3), width);
            break;
    }
    settle_after_read();
    return value & width_mask(width);
}

void QtestMachine::write(hal::AddressSpace space, std::uint64_t address, unsigned width,
                         std::uint64_t value) {
    value &= width_mask(width);
    switch (space) {
        case hal::AddressSpace::kMemory:
            vm().qtest().write(address, width, value);
            break;
        case hal::AddressSpace::kPort:
            if (address <= 0xffff && width <= 4)
                vm().qtest().out(static_cast<std::uint32_t>(address), width,
                                 static_cast<std::uint32_t>(value));
            break;
        case hal::AddressSpace::kPciConfig:
            if ((address & 0xfff) > 0xff || width > 4) break;
            vm().qtest().out(kConfigAddressPort, 4, mechanism1(address));
            vm().qtest().out(kConfigDataPort + (address & 3), width, static_cast<std::uint32_t>(value));
            break;
    }
    settle();
}

void QtestMachine::take_messages() {
    for (unsigned slot = 0; slot < kMsiVectors; ++slot) {
        if (!msi_attached(slot)) continue;
        std::byte* at = ram().data() + msi_address(slot);
        std::uint32_t data = 0;
        std::memcpy(&data, at, sizeof data);
        if (data == 0) continue;
        std::memset(at, 0, sizeof data);
        message_arrived(msi_address(slot), data);
    }
}

}  // namespace tb::harness
