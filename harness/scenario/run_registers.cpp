// SPDX-License-Identifier: BSD-3-Clause
#include <fmt/format.h>

#include "harness/scenario/run.hpp"
#include "pci/pci.hpp"
#include "pci/resources.hpp"

namespace tb::scenario {

namespace {

constexpr std::uint64_t kDefaultWithin = 1'000'000;
constexpr std::uint64_t kDefaultEvery = 1'000;

std::uint64_t width_mask(unsigned width) {
    return width >= 8 ? ~std::uint64_t{0} : (std::uint64_t{1} << (8 * width)) - 1;
}

}  // namespace

std::uint64_t Run::bar_base(int bar, hal::AddressSpace& space) {
    // Straight from the machine: looking up an address is not part of the scenario.
    const auto config = [&](unsigned offset) {
        return rig_.machine().read(hal::AddressSpace::kPciConfig,
                                   hal::config_address(harness::kDeviceUnderTest, offset), 4);
    };
    const unsigned offset = 0x10 + 4 * static_cast<unsigned>(bar);
    const std::uint64_t low = config(offset);
    std::uint64_t base = 0;
    if ((low & 1) != 0) {
        space = hal::AddressSpace::kPort;
        base = low & ~std::uint64_t{3};
    } else {
        space = hal::AddressSpace::kMemory;
        base = low & ~std::uint64_t{15};
        if ((low & 6) == 4) base |= config(offset + 4) << 32;
    }
    if (base == 0)
        fail(fmt::format("BAR {} has no address yet: run \"setup\", or the driver's \"start\", before", bar));
    return base;
}

Run::Place Run::place(const json& node, const char* key) {
    const std::string name = node[key].get<std::string>();
    std::string why;
    const auto ref = find_register(*scenario_.device, name, why);
    if (!ref) fail(why);
    Place at{ref->space, ref->offset, ref->width, ref->spec, name};
    if (!ref->index.empty()) {
        const std::uint64_t index = integer(json(ref->index));
        if (index >= ref->spec->count) fail(fmt::format("{}: element {} does not exist", name, index));
        at.address += index * ref->spec->stride;
    }
    if (ref->space == hal::AddressSpace::kPciConfig)
        at.address = hal::config_address(harness::kDeviceUnderTest, static_cast<std::uint32_t>(at.address));
    if (ref->bar >= 0) at.address += bar_base(ref->bar, at.space);
    at.width = static_cast<unsigned>(integer(node, "width", at.width));
    if (at.width != 1 && at.width != 2 && at.width != 4 && at.width != 8)
        fail(fmt::format("{}: {} bytes is no width of an access", name, at.width));
    return at;
}

std::uint64_t Run::compose(const Place& at, const json& value, std::uint64_t old) {
    if (!value.is_object()) {
        const std::uint64_t number = integer(value);
        if ((number & ~width_mask(at.width)) != 0)
            fail(fmt::format("{:#x} is too wide for {}", number, at.name));
        return number;
    }
    for (const auto& [name, part] : value.items()) {
        const model::FieldSpec* field = find_field(*at.spec, name);
        const std::uint64_t mask = field_mask(*field);
        const std::uint64_t number = integer(part);
        if ((number & ~(mask >> field->lsb)) != 0)
            fail(fmt::format("{:#x} is too wide for {}.{}", number, at.name, name));
        old = (old & ~mask) | number << field->lsb;
    }
    return old;
}

std::string Run::compare(const Place& at, std::uint64_t value, const json& expected, const json* mask) {
    if (expected.is_object()) {
        std::string wrong;
        for (const auto& [name, part] : expected.items()) {
            const model::FieldSpec* field = find_field(*at.spec, name);
            const std::uint64_t got = (value & field_mask(*field)) >> field->lsb;
            const std::uint64_t want = integer(part);
            if (got != want)
                wrong +=
                    fmt::format("{}{} is {:#x}, expected {:#x}", wrong.empty() ? "" : ", ", name, got, want);
        }
        return wrong.empty() ? "" : fmt::format("{} is {:#x}: {}", at.name, value, wrong);
    }
    const std::uint64_t bits = mask == nullptr ? width_mask(at.width) : integer(*mask);
    const std::uint64_t want = integer(expected);
    if (((value ^ want) & bits) == 0) return {};
    return fmt::format("{} is {:#x}, expected {:#x}{}", at.name, value & bits, want & bits,
                       mask == nullptr ? "" : fmt::format(" in the bits {:#x}", bits));
}

void Run::write_register(const json& node) {
    const auto own = aside();
    const Place at = place(node, "write");
    host_.write(at.space, at.address, at.width, compose(at, node["value"], 0));
}

void Run::modify_register(const json& node) {
    const auto own = aside();
    const Place at = place(node, "modify");
    const std::uint64_t old = host_.read(at.space, at.address, at.width);
    host_.write(at.space, at.address, at.width, compose(at, node["value"], old));
}

void Run::read_register(const json& node) {
    const auto own = aside();
    const Place at = place(node, "read");
    const std::uint64_t value = host_.read(at.space, at.address, at.width);
    if (node.contains("as")) names_[node["as"].get<std::string>()] = value;
    if (!node.contains("expect")) return;
    const json* mask = node.contains("mask") ? &node["mask"] : nullptr;
    if (const std::string wrong = compare(at, value, node["expect"], mask); !wrong.empty()) fail(wrong);
}

void Run::poll_register(const json& node) {
    const auto own = aside();
    const Place at = place(node, "poll");
    const json* mask = node.contains("mask") ? &node["mask"] : nullptr;
    const std::uint64_t within = duration(node, "within", kDefaultWithin);
    std::string wrong;
    const bool reached = wait_until(
        within, duration(node, "every", kDefaultEvery),
        [&] {
            wrong = compare(at, host_.read(at.space, at.address, at.width), node["until"], mask);
            return wrong.empty();
        },
        false);
    if (!reached) fail(fmt::format("after {} ns {}", within, wrong));
}

void Run::setup(const json& node) {
    const auto own = aside();
    const hal::Platform platform(host_);
    const pci::Function function(platform, platform.pci_function(harness::kDeviceUnderTest));
    pci::ResourceAllocator resources;
    if (const hal::Status done = resources.assign(function); !done)
        fail(fmt::format("the function's BARs could not be placed: {}", hal::to_string(done.error())));
    const bool master = boolean(node, "bus_master", true);
    function.set_command(static_cast<std::uint16_t>(pci::kCommandMemory | pci::kCommandIo |
                                                    (master ? pci::kCommandBusMaster : 0)),
                         static_cast<std::uint16_t>(master ? 0 : pci::kCommandBusMaster));
}

}  // namespace tb::scenario
