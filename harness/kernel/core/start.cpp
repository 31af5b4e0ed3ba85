// SPDX-License-Identifier: BSD-3-Clause
#include "harness/kernel/core/start.hpp"

#include <array>

#include "harness/kernel/core/exit.hpp"
#include "harness/kernel/core/interrupts.hpp"
#include "harness/kernel/core/ioapic.hpp"
#include "harness/kernel/core/lapic.hpp"
#include "harness/kernel/core/memory.hpp"
#include "harness/kernel/core/paging.hpp"
#include "harness/kernel/core/panic.hpp"
#include "harness/kernel/core/pci_config.hpp"

extern "C" {
extern void (*const tb_init_array_start[])();
extern void (*const tb_init_array_end[])();
[[noreturn]] void tb_kernel_start(const tb::kernel::StartInfo* told);
}

namespace tb::kernel {

namespace {

// Copies: a loader may put its words anywhere, also into the page that will not be there any more.
constinit std::array<MemoryRange, 64> memory_map{};
constinit std::array<char, 1024> command_line{};

StartInfo take_over(const StartInfo& told) {
    StartInfo info = told;
    const auto* ranges = reinterpret_cast<const MemoryRange*>(told.memory_map);
    if (info.memory_map_entries > memory_map.size()) info.memory_map_entries = memory_map.size();
    for (std::uint32_t i = 0; i < info.memory_map_entries; ++i) memory_map[i] = ranges[i];
    info.memory_map = reinterpret_cast<std::uint64_t>(memory_map.data());
    const auto* words = reinterpret_cast<const char*>(told.command_line);
    for (std::size_t i = 0; words != nullptr && i + 1 < command_line.size() && words[i] != 0; ++i)
        command_line[i] = words[i];
    return info;
}

}  // namespace

}  // namespace tb::kernel

/// Called by entry.S.
void tb_kernel_start(const tb::kernel::StartInfo* told) {
    using namespace tb::kernel;
    // First, so that whatever goes wrong from here on is reported.
    initialise_interrupts();
    if (told->magic != kStartInfoMagic || told->version < 1 || told->memory_map_entries == 0)
        panic("the loader gives no memory map: this is no PVH loader of version 1 or later");
    const StartInfo info = take_over(*told);
    initialise_paging(info);
    initialise_memory(info);
    ioapic::initialise();
    lapic::initialise();
    initialise_pci();
    for (auto* constructor = tb_init_array_start; constructor != tb_init_array_end; ++constructor)
        (*constructor)();
    exit_machine(kernel_main(command_line.data()));
}
