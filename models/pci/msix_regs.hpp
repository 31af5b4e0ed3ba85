// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "models/core/register_bank.hpp"

/// The structures of MSI-X as register tables (PCI 3.0 §6.8.2), for the names in scenarios and traces.
namespace tb::model::pci {

inline constexpr FieldSpec kMsixControlFields[] = {
    {"SIZE", 0, 11}, {"FUNCTION_MASK", 14, 1}, {"ENABLE", 15, 1}};
inline constexpr RegisterSpec kMsixCapabilityRegisters[] = {
    {.offset = 0x2, .width = 2, .name = "control", .fields = kMsixControlFields},
    {.offset = 0x4, .width = 4, .name = "table"},
    {.offset = 0x8, .width = 4, .name = "pba"},
};

inline constexpr FieldSpec kMsixEntryFields[] = {{"MASKED", 0, 1}};
/// As many entries as half a page of table has room for; a function may have fewer.
inline constexpr RegisterSpec kMsixTableRegisters[] = {
    {.offset = 0x0, .width = 4, .name = "address_lo", .count = 128, .stride = 16},
    {.offset = 0x4, .width = 4, .name = "address_hi", .count = 128, .stride = 16},
    {.offset = 0x8, .width = 4, .name = "data", .count = 128, .stride = 16},
    {.offset = 0xc,
     .width = 4,
     .name = "control",
     .reset = 1,
     .count = 128,
     .stride = 16,
     .fields = kMsixEntryFields},
};
inline constexpr RegisterSpec kMsixPbaRegisters[] = {
    {.offset = 0x0, .width = 8, .name = "pending", .writable = 0, .count = 2, .stride = 8},
};

}  // namespace tb::model::pci
