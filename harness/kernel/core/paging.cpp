// SPDX-License-Identifier: BSD-3-Clause
#include "harness/kernel/core/paging.hpp"

#include <array>
#include <cstddef>

#include "harness/kernel/core/cpu.hpp"

extern "C" {
extern const char tb_image_start[];
extern const char tb_text_end[];
extern const char tb_rodata_end[];
extern const char tb_image_end[];
extern const char tb_stack_guard[];
}

namespace tb::kernel {

namespace {

// Bits of an entry (Intel SDM vol. 3A §4.5). Both cache bits together select the PAT's entry 3: uncacheable,
// as it comes out of reset (§11.12.4).
constexpr std::uint64_t kPresent = 1;
constexpr std::uint64_t kWritable = 2;
constexpr std::uint64_t kUncached = 8 | 16;
constexpr std::uint64_t kLarge = 128;
constexpr std::uint64_t kNoExecute = std::uint64_t{1} << 63;
constexpr std::uint64_t kAddress = 0x000f'ffff'ffff'f000;

constexpr std::uint64_t kPage = 0x1000;
constexpr std::uint64_t kLargePage = 0x20'0000;
constexpr std::uint64_t kFourGiB = 0x1'0000'0000;
constexpr std::uint64_t kVideoMemory = 0xa'0000;
constexpr std::uint64_t kOneMiB = 0x10'0000;

struct alignas(4096) Table {
    std::array<std::uint64_t, 512> entries;
};

// Four GiB take 6 tables, the split large pages one each, and a device above 4 GiB up to two.
constexpr unsigned kTables = 40;
constinit std::array<Table, kTables> tables{};
constinit unsigned tables_used = 1;

Table* new_table() {
    return tables_used < kTables ? &tables[tables_used++] : nullptr;
}

/// The table below an entry, made when there is none; null when none is left.
Table* below(std::uint64_t& entry) {
    if ((entry & kPresent) == 0) {
        Table* table = new_table();
        if (table == nullptr) return nullptr;
        entry = reinterpret_cast<std::uint64_t>(table) | kPresent | kWritable;
    }
    return reinterpret_cast<Table*>(entry & kAddress);
}

std::uint64_t* large_entry(std::uint64_t address) {
    Table* pointers = below(tables[0].entries[address >> 39 & 511]);
    if (pointers == nullptr) return nullptr;
    Table* directory = below(pointers->entries[address >> 30 & 511]);
    return directory == nullptr ? nullptr : &directory->entries[address >> 21 & 511];
}

bool is_ram(const StartInfo& info, std::uint64_t start, std::uint64_t end) {
    const auto* ranges = reinterpret_cast<const MemoryRange*>(info.memory_map);
    for (std::uint32_t i = 0; i < info.memory_map_entries; ++i)
        if (ranges[i].type == kRam && ranges[i].start < end && start < ranges[i].start + ranges[i].size)
            return true;
    return false;
}

std::uint64_t address_of(const char* symbol) {
    return reinterpret_cast<std::uint64_t>(symbol);
}

/// A page of the first 2 MiB or of the image.
std::uint64_t small_page(std::uint64_t address) {
    if (address == 0 || address == address_of(tb_stack_guard)) return 0;
    const std::uint64_t page = address | kPresent;
    if (address >= kVideoMemory && address < kOneMiB) return page | kWritable | kUncached | kNoExecute;
    if (address < address_of(tb_image_start) || address >= address_of(tb_rodata_end))
        return page | kWritable | kNoExecute;
    return address < address_of(tb_text_end) ? page : page | kNoExecute;
}

void split(std::uint64_t address) {
    Table* table = new_table();
    for (std::uint64_t i = 0; i < 512; ++i) table->entries[i] = small_page(address + i * kPage);
    *large_entry(address) = reinterpret_cast<std::uint64_t>(table) | kPresent | kWritable;
}

}  // namespace

void initialise_paging(const StartInfo& info) {
    for (std::uint64_t address = 0; address < kFourGiB; address += kLargePage) {
        const bool ram = is_ram(info, address, address + kLargePage);
        *large_entry(address) =
            address | kPresent | kWritable | kLarge | kNoExecute | (ram ? std::uint64_t{0} : kUncached);
    }
    split(0);
    for (std::uint64_t address = address_of(tb_image_start) & ~(kLargePage - 1);
         address < address_of(tb_image_end); address += kLargePage)
        split(address);
    write_cr3(reinterpret_cast<std::uint64_t>(&tables[0]));
}

void* map_device(std::uint64_t address, std::uint64_t size) {
    for (std::uint64_t at = address & ~(kLargePage - 1); at >= kFourGiB && at < address + size;
         at += kLargePage) {
        std::uint64_t* entry = large_entry(at);
        if (entry == nullptr) return nullptr;
        if (*entry == 0) *entry = at | kPresent | kWritable | kLarge | kNoExecute | kUncached;
    }
    return reinterpret_cast<void*>(address);
}

}  // namespace tb::kernel
