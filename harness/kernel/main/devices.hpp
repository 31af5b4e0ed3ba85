// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "pci/enumerate.hpp"
#include "pci/resources.hpp"

/// Which driver a PCI function is for, and where its registers go.
namespace tb::kernel {

enum class DeviceKind : std::uint8_t { kVirtioBlk, kE1000, kOther };

inline DeviceKind kind_of(const pci::Identity& identity) {
    constexpr std::uint16_t kVirtioVendor = 0x1af4;
    constexpr std::uint16_t kVirtioBlkModern = 0x1042;
    constexpr std::uint16_t kVirtioBlkTransitional = 0x1001;
    constexpr std::uint16_t kIntel = 0x8086;
    constexpr std::uint16_t k82540em = 0x100e;
    if (identity.vendor == kVirtioVendor &&
        (identity.device == kVirtioBlkModern || identity.device == kVirtioBlkTransitional))
        return DeviceKind::kVirtioBlk;
    if (identity.vendor == kIntel && identity.device == k82540em) return DeviceKind::kE1000;
    return DeviceKind::kOther;
}

/// Firmware may have placed the BARs already; then they stay where they are.
inline hal::Status place(const pci::Function& function) {
    static pci::ResourceAllocator resources;
    constexpr std::uint16_t kBar1 = 0x14;
    if ((function.config().read<std::uint32_t>(kBar1) & ~0xfU) != 0) return {};
    return resources.assign(function);
}

}  // namespace tb::kernel
