// SPDX-License-Identifier: BSD-3-Clause
#include "harness/trace/symbols.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace tb::trace {

namespace {

constexpr std::uint64_t kFunctionBytes = 0x1000;
constexpr std::uint32_t kFirstBar = 0x10;
constexpr std::uint32_t kLastBar = 0x24;
// How far from a BAR of unknown size an address is still called after it.
constexpr std::uint64_t kNearMemory = 1 << 20;
constexpr std::uint64_t kNearPorts = 256;

std::optional<hal::AddressSpace> space_of(EventKind kind) {
    switch (kind) {
        case EventKind::kConfigRead:
        case EventKind::kConfigWrite:
            return hal::AddressSpace::kPciConfig;
        case EventKind::kMemoryRead:
        case EventKind::kMemoryWrite:
            return hal::AddressSpace::kMemory;
        case EventKind::kPortRead:
        case EventKind::kPortWrite:
            return hal::AddressSpace::kPort;
        default:
            return std::nullopt;
    }
}

std::string join_name(const std::string& label, const std::string& prefix, const std::string& rest) {
    std::string name;
    for (const std::string& part : {label, prefix})
        if (!part.empty()) name += part + ".";
    return name + rest;
}

}  // namespace

SymbolTable::Block SymbolTable::index_block(RegisterBlock place) {
    Block block{.place = std::move(place), .entries = {}};
    for (const model::RegisterSpec& spec : block.place.registers) {
        const unsigned stride = spec.stride == 0 ? spec.width : spec.stride;
        for (unsigned i = 0; i < spec.count; ++i)
            block.entries.push_back({spec.offset + std::uint64_t{i} * stride, &spec, i});
    }
    // Registers that share an offset stay in table order: the first one gives the name.
    std::sort(block.entries.begin(), block.entries.end(), [](const Entry& a, const Entry& b) {
        return a.offset != b.offset ? a.offset < b.offset : a.spec < b.spec;
    });
    return block;
}

std::size_t SymbolTable::add_device(DeviceSymbols device) {
    Device added;
    added.label = std::move(device.label);
    if (device.function) added.config_base = hal::config_address(*device.function, 0);
    for (RegisterBlock& block : device.blocks) added.blocks.push_back(index_block(std::move(block)));
    added.header = index_block({.prefix = "pci",
                                .space = hal::AddressSpace::kPciConfig,
                                .bar = std::nullopt,
                                .offset = 0,
                                .registers = pci_header_registers()});
    // A block tells what kind of BAR it is in before the device has been asked.
    for (const Block& block : added.blocks)
        if (block.place.bar && *block.place.bar < added.bars.size())
            added.bars[*block.place.bar].io = block.place.space == hal::AddressSpace::kPort;
    added.bars_at_first = added.bars;
    devices_.push_back(std::move(added));
    return devices_.size() - 1;
}

void SymbolTable::set_bar(std::size_t device, unsigned bar, std::uint64_t base, std::uint64_t size) {
    Device& owner = devices_.at(device);
    owner.fixed.at(bar) = base;
    owner.bars.at(bar).size = size;
    owner.bars_at_first.at(bar).size = size;
    renew_fingerprint();
}

void SymbolTable::name_memory(std::uint64_t address, std::uint64_t size, std::string name) {
    memory_.push_back({address, size, std::move(name)});
}

void SymbolTable::learn(const Trace& trace) {
    for (const Event& event : trace.events()) learn(event);
}

void SymbolTable::learn(const Event& event) {
    if (event.kind != EventKind::kConfigRead && event.kind != EventKind::kConfigWrite) return;
    const std::uint64_t offset = event.address % kFunctionBytes;
    if (offset < kFirstBar || offset > kLastBar || offset % 4 != 0 || event.width != 4) return;
    for (Device& device : devices_) {
        if (device.config_base != event.address - offset) continue;
        const unsigned number = static_cast<unsigned>(offset - kFirstBar) / 4;
        const Bar before = device.bars[number];
        learn_bar(device, number, event.kind == EventKind::kConfigWrite,
                  static_cast<std::uint32_t>(event.value));
        if (device.bars[number] != before) renew_fingerprint();
    }
}

void SymbolTable::forget_learnt() {
    for (Device& device : devices_) device.bars = device.bars_at_first;
    renew_fingerprint();
}

void SymbolTable::renew_fingerprint() {
    // FNV-1a (Fowler, Noll, Vo), a word at a time.
    constexpr std::uint64_t kPrime = 0x100'0000'01b3;
    std::uint64_t hash = 0xcbf2'9ce4'8422'2325;
    const auto add = [&](std::uint64_t word) { hash = (hash ^ word) * kPrime; };
    for (const Device& device : devices_)
        for (unsigned i = 0; i < device.bars.size(); ++i) {
            const Bar& bar = device.bars[i];
            add(device.fixed[i]);
            add(bar.low);
            add(bar.size);
            add((bar.known ? 1U : 0U) | (bar.io ? 2U : 0U) | (bar.wide ? 4U : 0U));
        }
    fingerprint_ = hash;
}

void SymbolTable::learn_bar(Device& device, unsigned number, bool write, std::uint32_t value) {
    Bar& bar = device.bars[number];
    const bool upper_half = number > 0 && device.bars[number - 1].wide;
    if (write) {
        bar.sizing = value == 0xffff'ffff;
        if (bar.sizing) return;
    } else if (!upper_half && value != 0 && value != 0xffff'ffff) {
        bar.typed = true;
        bar.io = (value & 1) != 0;
        bar.wide = (value & 7) == 4;
    }
    const std::uint32_t address = value & (upper_half ? ~0u : bar.io ? ~3u : ~0xfu);
    if (!write && bar.sizing) {
        if (!upper_half && address != 0) bar.size = bar.io ? (~address & 0xffff) + 1 : ~address + 1;
        return;
    }
    // A BAR that is taken away (0) keeps its name: what is still sent there is worth one.
    if (address == 0 && !upper_half) return;
    bar.low = address;
    bar.known = true;
}

std::optional<std::uint64_t> SymbolTable::base_of(const Device& device, unsigned number) {
    if (number >= device.bars.size()) return std::nullopt;
    if (device.fixed[number] != 0) return device.fixed[number];
    const Bar& bar = device.bars[number];
    const bool has_upper = bar.wide && number + 1 < device.bars.size();
    const std::uint64_t upper = has_upper ? device.bars[number + 1].low : 0;
    if (!bar.known && upper == 0) return std::nullopt;
    return upper << 32 | bar.low;
}

void SymbolTable::find_in(const Block& block, std::uint64_t base, const Device& device, const Event& event,
                          std::vector<Found>& found) {
    if (event.address < base) return;
    const std::uint64_t access = event.address - base;
    const std::uint64_t end = access + std::max<unsigned>(event.width, 1);
    auto entry = std::upper_bound(block.entries.begin(), block.entries.end(), access,
                                  [](std::uint64_t offset, const Entry& e) { return offset < e.offset; });
    // Back to the register in which the access begins, and the first one of those that share its place.
    while (entry != block.entries.begin() && std::prev(entry)->offset + 8 > access) --entry;
    for (; entry != block.entries.end() && entry->offset < end; ++entry) {
        if (entry->offset + entry->spec->width <= access) continue;
        if (!found.empty() && found.back().entry->offset == entry->offset) continue;
        std::string name = entry->spec->name;
        if (entry->spec->count > 1) name += fmt::format("[{}]", entry->index);
        if (found.empty() && entry->offset < access) name += fmt::format("+{}", access - entry->offset);
        found.push_back({&*entry, access, join_name(device.label, block.place.prefix, name)});
    }
}

std::vector<SymbolTable::Found> SymbolTable::find(const Event& event) const {
    std::vector<Found> found;
    const std::optional<hal::AddressSpace> space = space_of(event.kind);
    if (!space) return found;
    for (const Device& device : devices_) {
        const bool config = *space == hal::AddressSpace::kPciConfig;
        if (config && device.config_base != event.address - event.address % kFunctionBytes) continue;
        for (const Block& block : device.blocks) {
            if (block.place.space != *space) continue;
            std::uint64_t base = block.place.offset;
            if (config) {
                base += *device.config_base;
            } else if (block.place.bar) {
                const auto bar = base_of(device, *block.place.bar);
                if (!bar) continue;
                base += *bar;
            }
            find_in(block, base, device, event, found);
            if (!found.empty()) return found;
        }
        if (config) find_in(device.header, *device.config_base, device, event, found);
        if (!found.empty()) return found;
    }
    return found;
}

std::string SymbolTable::unknown_name(const Event& event) const {
    const hal::AddressSpace space = space_of(event.kind).value_or(hal::AddressSpace::kMemory);
    if (space == hal::AddressSpace::kPciConfig) {
        const std::uint64_t offset = event.address % kFunctionBytes;
        for (const Device& device : devices_)
            if (device.config_base == event.address - offset)
                return join_name(device.label, "", fmt::format("pci+{:#x}", offset));
        return fmt::format("{:02x}:{:02x}.{}+{:#x}", event.address >> 20 & 0xff, event.address >> 15 & 0x1f,
                           event.address >> 12 & 7, offset);
    }
    const bool port = space == hal::AddressSpace::kPort;
    std::string best;
    std::uint64_t best_distance = ~std::uint64_t{0};
    for (const Device& device : devices_) {
        for (unsigned bar = 0; bar < device.bars.size(); ++bar) {
            const auto base = base_of(device, bar);
            if (!base || device.bars[bar].io != port || event.address < *base) continue;
            const std::uint64_t distance = event.address - *base;
            const std::uint64_t near = device.bars[bar].size != 0 ? device.bars[bar].size
                                       : port                     ? kNearPorts
                                                                  : kNearMemory;
            if (distance >= near || distance >= best_distance) continue;
            best_distance = distance;
            best = join_name(device.label, "", fmt::format("bar{}+{:#x}", bar, distance));
        }
    }
    return best.empty() ? fmt::format("{}:{:#x}", port ? "port" : "mem", event.address) : best;
}

std::string SymbolTable::memory_name(std::uint64_t address) const {
    for (const Memory& memory : memory_) {
        if (address < memory.address || address - memory.address >= memory.size) continue;
        if (address == memory.address) return memory.name;
        return fmt::format("{}+{:#x}", memory.name, address - memory.address);
    }
    return {};
}

std::string SymbolTable::name(const Event& event) const {
    if (event.kind == EventKind::kDmaRead || event.kind == EventKind::kDmaWrite ||
        event.kind == EventKind::kMemoryDigest)
        return memory_name(event.address);
    if (!space_of(event.kind)) return {};
    std::string name;
    for (const Found& found : find(event)) {
        if (!name.empty()) name += '|';
        name += found.name;
    }
    return name.empty() ? unknown_name(event) : name;
}

bool SymbolTable::covers(const Event& event, const Found& found) {
    return found.entry->offset >= found.access &&
           found.entry->offset + found.entry->spec->width <= found.access + event.width;
}

std::vector<NamedBits> SymbolTable::pieces(const Event& event) const {
    std::vector<NamedBits> pieces;
    for (const Found& found : find(event)) {
        if (!covers(event, found)) continue;
        const model::RegisterSpec& spec = *found.entry->spec;
        const auto lsb = static_cast<unsigned>(8 * (found.entry->offset - found.access));
        pieces.push_back({found.name, lsb, 8u * spec.width});
        for (const model::FieldSpec& field : spec.fields)
            pieces.push_back({fmt::format("{}.{}", found.name, field.name), lsb + field.lsb, field.bits});
    }
    return pieces;
}

std::vector<FieldValue> SymbolTable::field_values(const Event& event) const {
    std::vector<FieldValue> values;
    for (const Found& found : find(event)) {
        if (!covers(event, found)) continue;
        const model::RegisterSpec& spec = *found.entry->spec;
        const std::uint64_t content =
            event.value >> (8 * (found.entry->offset - found.access)) & low_bits(8u * spec.width);
        for (const model::FieldSpec& field : spec.fields)
            values.push_back({field.name, content >> field.lsb & low_bits(field.bits)});
    }
    return values;
}

std::string SymbolTable::fields(const Event& event) const {
    std::string text;
    for (const auto& [name, value] : field_values(event)) {
        if (value == 0) continue;
        if (!text.empty()) text += ' ';
        text += value < 10 ? fmt::format("{}={}", name, value) : fmt::format("{}={:#x}", name, value);
    }
    return text;
}

}  // namespace tb::trace
