// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "pci/pci.hpp"

namespace tb::pci {

/// Called for each function that answers; false ends the scan. `context` is what was given to enumerate().
using Visitor = bool (*)(void* context, const Function& function, const Identity& identity);

/// Visits the functions of buses 0 to `last_bus` in the order bus, device, function; returns how many were
/// visited. Functions 1 to 7 are asked for only where function 0 says that there are several (PCI 3.0
/// §3.2.2.3.4). Bounded by the address space: 256 places a bus, bridges or not.
unsigned enumerate(const hal::Platform& platform, std::uint8_t last_bus, Visitor visitor, void* context);

/// The `nth` (from 0) function with these identifiers on buses 0 to `last_bus`; kAbsent when there are fewer.
hal::Result<Function> find(const hal::Platform& platform, std::uint16_t vendor, std::uint16_t device,
                           unsigned nth = 0, std::uint8_t last_bus = 0);

}  // namespace tb::pci
