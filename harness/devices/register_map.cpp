// SPDX-License-Identifier: BSD-3-Clause
#include "harness/devices/register_map.hpp"

#include <algorithm>
#include <map>

#include "harness/operations/board.hpp"
#include "pci/pci.hpp"

namespace tb::harness {

namespace {

constexpr std::uint64_t kSizing = 0xffff'ffff;

std::uint64_t end_of(const model::RegisterSpec& spec) {
    return spec.offset + std::uint64_t{spec.stride} * (spec.count - 1U) + spec.width;
}

}  // namespace

RegisterMap::RegisterMap(const DeviceType& device) : blocks_(index_of(device)) {}

const std::vector<RegisterMap::Block>& RegisterMap::index_of(const DeviceType& device) {
    static std::map<const DeviceType*, std::vector<Block>> made;
    const auto [found, is_new] = made.try_emplace(&device);
    if (!is_new) return found->second;
    for (const RegisterBlock& block : device.blocks()) {
        Block entry{&block, 0, {}, 2};
        for (const model::RegisterSpec& spec : block.registers) {
            entry.bytes = std::max(entry.bytes, end_of(spec));
            if (spec.offset % 4 != 0 || spec.width < 4) entry.granule_shift = 0;
        }
        entry.at.resize((entry.bytes >> entry.granule_shift) + 1);
        for (const model::RegisterSpec& spec : block.registers)
            for (unsigned i = 0; i < spec.count; ++i) {
                const std::uint64_t first = spec.offset + std::uint64_t{i} * spec.stride;
                for (std::uint64_t b = first; b < first + spec.width; ++b)
                    entry.at[b >> entry.granule_shift] = &spec;
            }
        found->second.push_back(std::move(entry));
    }
    return found->second;
}

void RegisterMap::wrote_config(std::uint64_t address, std::uint64_t value) {
    const std::uint64_t base = hal::config_address(kDeviceUnderTest, 0);
    if (address < base + pci::kBar0 || address >= base + pci::kBar0 + 4 * bars_.size()) return;
    if ((value & kSizing) == kSizing) return;
    std::optional<std::uint64_t>& bar = bars_[(address - base - pci::kBar0) / 4];
    // Upper halves are zero on all boards here, and belong to no block.
    bar = value & ~std::uint64_t{0xf};
    if (*bar == 0) bar.reset();
}

std::optional<std::uint64_t> RegisterMap::base_of(const RegisterBlock& block) const {
    if (block.space == hal::AddressSpace::kPciConfig)
        return hal::config_address(kDeviceUnderTest, static_cast<std::uint32_t>(block.offset));
    if (block.bar < 0) return block.offset;
    const std::optional<std::uint64_t>& bar = bars_[static_cast<std::size_t>(block.bar)];
    if (!bar) return std::nullopt;
    return *bar + block.offset;
}

std::optional<RegisterPlace> RegisterMap::find(hal::AddressSpace space, std::uint64_t address) const {
    for (const Block& entry : blocks_) {
        if (entry.block->space != space) continue;
        const std::optional<std::uint64_t> base = base_of(*entry.block);
        if (!base || address < *base || address - *base >= entry.bytes) continue;
        RegisterPlace place{entry.block, nullptr, 0, address - *base};
        place.spec = entry.at[place.offset >> entry.granule_shift];
        if (place.spec != nullptr && place.spec->stride != 0)
            place.index = static_cast<unsigned>((place.offset - place.spec->offset) / place.spec->stride);
        return place;
    }
    return std::nullopt;
}

}  // namespace tb::harness
