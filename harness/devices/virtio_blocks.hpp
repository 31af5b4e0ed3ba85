// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "harness/devices/device_type.hpp"
#include "models/pci/msix_regs.hpp"
#include "models/virtio/virtio_regs.hpp"

namespace tb::harness {

// Where QEMU puts the capabilities, with MSI-X and the window among them (VIRTIO 1.2 §4.1.4.9).
inline constexpr std::uint64_t kWindowCapability = 0x84;
inline constexpr std::uint64_t kMsixCapability = 0x98;
inline constexpr model::RegisterSpec kWindowRegisters[] = {
    {.offset = 0x04, .width = 1, .name = "bar"},
    {.offset = 0x08, .width = 4, .name = "offset"},
    {.offset = 0x0c, .width = 4, .name = "length"},
    {.offset = 0x10, .width = 4, .name = "data"},
};

/// The registers of a virtio device over modern PCI; `configuration`: those of its kind.
constexpr std::array<RegisterBlock, 8> virtio_blocks(std::span<const model::RegisterSpec> configuration) {
    using hal::AddressSpace;
    using model::virtio::Block;
    using model::virtio::kModernBar;
    using model::virtio::kMsixBar;
    const auto at = [](Block block) {
        return static_cast<std::uint64_t>(block) * model::virtio::kBlockBytes;
    };
    return {{
        {"common", AddressSpace::kMemory, kModernBar, at(Block::kCommon), model::virtio::kCommonRegisters},
        {"isr", AddressSpace::kMemory, kModernBar, at(Block::kIsr), model::virtio::kIsrRegisters},
        {"device", AddressSpace::kMemory, kModernBar, at(Block::kDevice), configuration},
        {"notify", AddressSpace::kMemory, kModernBar, at(Block::kNotify), model::virtio::kNotifyRegisters},
        {"msix", AddressSpace::kMemory, kMsixBar, 0, model::pci::kMsixTableRegisters},
        {"pba", AddressSpace::kMemory, kMsixBar, 0x800, model::pci::kMsixPbaRegisters},
        {"window", AddressSpace::kPciConfig, -1, kWindowCapability, kWindowRegisters},
        {"msix_cap", AddressSpace::kPciConfig, -1, kMsixCapability, model::pci::kMsixCapabilityRegisters},
    }};
}

}  // namespace tb::harness
