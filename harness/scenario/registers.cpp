// SPDX-License-Identifier: BSD-3-Clause
#include "harness/scenario/registers.hpp"

#include <fmt/format.h>

#include "harness/scenario/document.hpp"
#include "harness/scenario/expression.hpp"
#include "harness/trace/symbols.hpp"

namespace tb::scenario {

namespace {

using model::FieldSpec;
using model::RegisterSpec;

std::optional<RegisterRef> find_place(const std::string& name, std::string& why) {
    const auto plus = name.find('+');
    // In an array's index a plus is part of an expression: RA[2*i+1].
    if (plus == std::string::npos || plus > name.find('[')) return std::nullopt;
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
        why = fmt::format(
            "'{}' is no place: write bar0+0x10 (to bar5), pci+0x44, port+0x3f8 or memory+0x1000", name);
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
    if (device.is_pci()) visit(pci_header_block());
}

}  // namespace

const harness::RegisterBlock& pci_header_block() {
    static const harness::RegisterBlock block = {"pci", hal::AddressSpace::kPciConfig, -1, 0,
                                                 trace::pci_header_registers()};
    return block;
}

std::vector<std::string> register_names(const harness::DeviceType& device) {
    std::vector<std::string> names;
    for_each_block(device, [&](const harness::RegisterBlock& block) {
        for (const RegisterSpec& spec : block.registers) names.push_back(full_name(block, spec));
    });
    return names;
}

std::optional<RegisterRef> find_register(const harness::DeviceType& device, const std::string& name,
                                         std::string& why) {
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
        why = fmt::format("{} has no register '{}'{}", device.name(), base,
                          suggestion(base, register_names(device)));
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
