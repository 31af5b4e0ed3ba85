// SPDX-License-Identifier: BSD-3-Clause
#include "harness/replay/registers.hpp"

#include <fmt/format.h>

#include "harness/devices/device_symbols.hpp"
#include "harness/operations/board.hpp"

namespace tb::replay {

namespace {

/// Where BARs lie for naming: one after another, whatever a recording has.
constexpr std::uint64_t kNamingBase = 0x1'0000'0000;
constexpr std::uint64_t kNamingStep = 0x1000'0000;
constexpr unsigned kCom1Line = 4;

}  // namespace

unsigned interrupt_line(const harness::DeviceType& type) {
    return type.is_pci() ? harness::intx_line(harness::kDeviceUnderTest) : kCom1Line;
}

Registers::Registers(const Role& role, const harness::DeviceType& type)
    : role_(role), symbols_(harness::symbols_of(type)) {
    for (unsigned bar = 0; bar < role.bar_bytes.size(); ++bar)
        if (role.bar_bytes[bar] != 0)
            symbols_.set_bar(0, bar, kNamingBase + bar * kNamingStep, role.bar_bytes[bar]);
    for (const harness::RegisterBlock& block : type.blocks()) {
        Spot start{block.bar, block.offset};
        if (block.space == hal::AddressSpace::kPciConfig) {
            start.bar = Spot::kConfig;
        } else if (block.bar < 0) {
            start = {Spot::kPorts, block.offset - role.ports};
        }
        for (const model::RegisterSpec& spec : block.registers) {
            rows_.push_back(
                {fmt::format("{}{}{}", block.name, *block.name == 0 ? "" : ".", spec.name), &spec});
            for (unsigned i = 0; i < spec.count; ++i)
                entries_.push_back({{start.bar, start.offset + spec.offset + std::uint64_t{i} * spec.stride},
                                    &spec,
                                    rows_.size() - 1});
        }
    }
}

trace::Event Registers::event(trace::EventKind kind, const Spot& spot, unsigned width,
                              std::uint64_t value) const {
    trace::Event event;
    event.kind = kind;
    event.width = static_cast<std::uint8_t>(width);
    event.value = value;
    if (spot.bar == Spot::kConfig)
        event.address =
            hal::config_address(harness::kDeviceUnderTest, static_cast<std::uint32_t>(spot.offset));
    else if (spot.bar == Spot::kPorts)
        event.address = role_.ports + spot.offset;
    else
        event.address = kNamingBase + static_cast<unsigned>(spot.bar) * kNamingStep + spot.offset;
    return event;
}

std::string Registers::name_with_fields(const trace::Event& event) const {
    const std::string fields = symbols_.fields(event);
    return symbols_.name(event) + (fields.empty() ? "" : " ") + fields;
}

}  // namespace tb::replay
