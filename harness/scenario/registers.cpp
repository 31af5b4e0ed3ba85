// SPDX-License-Identifier: BSD-3-Clause
#include "harness/scenario/registers.hpp"

#include "harness/scenario/document.hpp"
#include "harness/scenario/expression.hpp"

#include <fmt/format.h>

namespace tb::scenario {

namespace {

using model::FieldSpec;
using model::RegisterSpec;

constexpr FieldSpec kCommandFields[] = {
    {"IO", 0, 1}, {"MEMORY", 1, 1}, {"BUS_MASTER", 2, 1}, {"SERR", 8, 1}, {"INTX_DISABLE", 10, 1}};
constexpr FieldSpec kStatusFields[] = {{"INTERRUPT", 3, 1}, {"CAPABILITIES", 4, 1}};

constexpr RegisterSpec kHeader[] = {
    {.offset = 0x00, .width = 2, .name = "VENDOR_ID"},
    {.offset = 0x02, .width = 2, .name = "DEVICE_ID"},
    {.offset = 0x04, .width = 2, .name = "COMMAND", .fields = kCommandFields},
    {.offset = 0x06, .width = 2, .name = "STATUS", .fields = kStatusFields},
    {.offset = 0x08, .width = 1, .name = "REVISION_ID"},
    {.offset = 0x09, .width = 1, .name = "PROG_IF"},
    {.offset = 0x0a, .width = 2, .name = "CLASS"},
    {.offset = 0x0c, .width = 1, .name = "CACHE_LINE_SIZE"},
    {.offset = 0x0d, .width = 1, .name = "LATENCY_TIMER"},
    {.offset = 0x0e, .width = 1, .name = "HEADER_TYPE"},
    {.offset = 0x0f, .width = 1, .name = "BIST"},
    {.offset = 0x10, .width = 4, .name = "BAR", .count = 6, .stride = 4},
    {.offset = 0x2c, .width = 2, .name = "SUBSYSTEM_VENDOR_ID"},
    {.offset = 0x2e, .width = 2, .name = "SUBSYSTEM_ID"},
    {.offset = 0x30, .width = 4, .name = "ROM_BAR"},
    {.offset = 0x34, .width = 1, .name = "CAPABILITIES"},
    {.offset = 0x3c, .width = 1, .name = "INTERRUPT_LINE"},
    {.offset = 0x3d, .width = 1, .name = "INTERRUPT_PIN"},
};
constexpr harness::RegisterBlock kPciBlock = {"pci", hal::AddressSpace::kPciConfig, -1, 0, kHeader};

std::optional<RegisterRef> find_place(const std::string& name, std::string& why) {
    const auto plus = name.find('+');
    if (plus == std::string::npos) return std::nullopt;
    const std::string where = name.substr(0, plus);
    RegisterRef ref;
    ref.width = 0;
    try {
        ref.offset = evaluate(name.substr(plus + 1), nullptr);
    } catch (const ValueError& error) {
        why = error.what();
        return std::nullopt;
    }
    if (where == "pci") {
        ref.space = hal::AddressSpace::kPciConfig;
    } else if (where == "port") {
        ref.space = hal::AddressSpace::kPort;
    } else if (where == "memory") {
        ref.space = hal::AddressSpace::kMemory;
    } else if (where.size() == 4 && where.starts_with("bar") && where[3] >= '0' && where[3] <= '5') {
        ref.bar = where[3] - '0';
    } else {
        why = fmt::format("'{}' is no place: write bar0+0x10 (to bar5), pci+0x44, port+0x3f8 or memory+0x1000", name);
        return std::nullopt;
    }
    return ref;
}

std::string full_name(const harness::RegisterBlock& block, const RegisterSpec& spec) {
    return *block.name == '\0' ? spec.name : fmt::format("{}.{}", block.name, spec.name);
}

template <class Visit>
void for_each_block(const harness::DeviceType& device, Visit&& visit) {
    for (const harness::RegisterBlock& block : device.blocks()) visit(block);
    if (device.is_pci()) visit(kPciBlock);
}

}  // namespace

const harness::RegisterBlock& pci_header_block() { return kPciBlock; }

std::vector<std::string> register_names(const harness::DeviceType& device) {
    std::vector<std::string> names;
    for_each_block(device, [&](const harness::RegisterBlock& block) {
        for (const RegisterSpec& spec : block.registers) names.push_back(full_name(block, spec));
    });
    return names;
}

std::optional<RegisterRef> find_register(const harness::DeviceType& device, const std::string& name, std::string& why) {
    why.clear();
    if (auto place = find_place(name, why)) return place;
    if (!why.empty()) return std::nullopt;
    std::string base = name;
    std::string index;
    if (const auto bracket = name.find('['); bracket != std::string::npos) {
        if (name.back() != ']') {
            why = fmt::format("'{}' lacks the closing ]", name);
            return std::nullopt;
        }
        base = name.substr(0, bracket);
        index = name.substr(bracket + 1, name.size() - bracket - 2);
    }
    std::optional<RegisterRef> found;
    for_each_block(device, [&](const harness::RegisterBlock& block) {
        for (const RegisterSpec& spec : block.registers) {
            if (found || full_name(block, spec) != base) continue;
            found = RegisterRef{block.space, block.bar, block.offset + spec.offset, spec.width, &spec, index};
        }
    });
    if (!found) {
        why = fmt::format("{} has no register '{}'{}", device.name(), base, suggestion(base, register_names(device)));
        return std::nullopt;
    }
    if (!index.empty() && found->spec->count == 1) {
        why = fmt::format("'{}' is a single register, not an array", base);
        return std::nullopt;
    }
    return found;
}

const FieldSpec* find_field(const RegisterSpec& spec, std::string_view name) {
    for (const FieldSpec& field : spec.fields)
        if (name == field.name) return &field;
    return nullptr;
}

}  // namespace tb::scenario
