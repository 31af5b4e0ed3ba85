// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>

namespace tb::kernel {

/// What the loader tells a PVH kernel (Xen, public/arch-x86/hvm/start_info.h). Addresses are physical.
struct StartInfo {
    std::uint32_t magic;
    std::uint32_t version;
    std::uint32_t flags;
    std::uint32_t module_count;
    std::uint64_t modules;
    std::uint64_t command_line;
    std::uint64_t rsdp;
    std::uint64_t memory_map;  ///< since version 1
    std::uint32_t memory_map_entries;
    std::uint32_t reserved;
};
inline constexpr std::uint32_t kStartInfoMagic = 0x336e'c578;
static_assert(offsetof(StartInfo, memory_map) == 40 && sizeof(StartInfo) == 56);

/// A range of physical addresses; type 1 is RAM.
struct MemoryRange {
    std::uint64_t start;
    std::uint64_t size;
    std::uint32_t type;
    std::uint32_t reserved;
};
inline constexpr std::uint32_t kRam = 1;
static_assert(sizeof(MemoryRange) == 24);

}  // namespace tb::kernel
