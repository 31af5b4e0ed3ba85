// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/devices/device_type.hpp"

namespace tb::scenario {

/// A register as a scenario names it: `STATUS`, `common.device_status`, `MTA[5]`, `pci.COMMAND`, or by place:
/// `bar0+0x10`, `pci+0x44`, `port+0x3f8`.
struct RegisterRef {
    hal::AddressSpace space = hal::AddressSpace::kMemory;
    int bar = -1;              ///< BAR that `offset` is relative to; -1: absolute, or in configuration space
    std::uint64_t offset = 0;  ///< of element 0
    unsigned width = 4;        ///< bytes; 0 when a place was given, which needs a "width"
    const model::RegisterSpec* spec = nullptr;  ///< null for a place
    std::string index;                          ///< expression between [ ], empty for none
};

/// Finds a register of a device; on failure gives nothing and says in `why` what would be right.
std::optional<RegisterRef> find_register(const harness::DeviceType& device, const std::string& name,
                                         std::string& why);

/// All names that find_register takes for a device, without places and indices.
std::vector<std::string> register_names(const harness::DeviceType& device);

const model::FieldSpec* find_field(const model::RegisterSpec& spec, std::string_view name);
constexpr std::uint64_t field_mask(const model::FieldSpec& field) {
    return (field.bits >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << field.bits) - 1) << field.lsb;
}

/// The standard registers of a PCI configuration header, named as the PCI specification does: the block
/// `pci`.
const harness::RegisterBlock& pci_header_block();

}  // namespace tb::scenario
