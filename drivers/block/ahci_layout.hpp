// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "block/ahci_port.hpp"

/// Where things are in the memory that a port shares with its HBA: bytes from its start.
namespace tb::ahci::layout {

inline constexpr std::uint32_t kList = 0;          ///< 32 command headers; 1 KiB aligned (§3.3.1)
inline constexpr std::uint32_t kReceived = 0x400;  ///< FISes; 256 bytes aligned (§3.3.3)
inline constexpr std::uint32_t kBlock = 0x600;     ///< data of IDENTIFY, READ LOG and TRIM
inline constexpr std::uint32_t kTables = 0x800;    ///< 32 command tables; 128 bytes aligned (§4.2.2)
inline constexpr std::uint32_t kTableBytes = table::kPrds + Port::kMostPrds * table::kPrdBytes;
inline constexpr std::uint32_t kBytes = kTables + Port::kMostSlots * kTableBytes;
inline constexpr std::uint32_t kAlignment = 4096;

static_assert(kReceived % received::kBytes == 0 && kTableBytes % table::kAlignment == 0 &&
              kTables % table::kAlignment == 0 && kBlock + ata::kBlockBytes <= kTables);

}  // namespace tb::ahci::layout
