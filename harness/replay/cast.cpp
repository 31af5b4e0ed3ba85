// SPDX-License-Identifier: BSD-3-Clause
#include "harness/replay/cast.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "harness/operations/board.hpp"

namespace tb::replay {

namespace {

using trace::EventKind;

constexpr std::uint64_t kConfigBytes = 0x1000;
constexpr std::uint64_t kBar0 = 0x10;
constexpr std::uint64_t kBarsEnd = 0x28;
constexpr std::uint32_t kIoBar = 1;
constexpr std::uint32_t kWideBar = 4;  // bits 2:1 = 10
constexpr std::uint64_t kCom1 = 0x3f8;
constexpr std::uint64_t kMsixEntryBytes = 16;
constexpr std::size_t kMostMessages = 128;  // below the pending bits
constexpr std::size_t kMostOthers = 200;

bool is_port(EventKind kind) {
    return kind == EventKind::kPortRead || kind == EventKind::kPortWrite;
}

}  // namespace

std::string Cast::Part::place() const {
    if (function)
        return fmt::format("{:02x}:{:02x}.{}", *function >> 20, *function >> 15 & 31, *function >> 12 & 7);
    if (role->port_count != 0) return fmt::format("isa:{:#x}", ports);
    for (unsigned bar = 0; bar < bars.size(); ++bar)
        if (bars[bar] != 0) return fmt::format("BAR{} at {:#x}", bar, bars[bar]);
    return "nowhere";
}

std::size_t Cast::add(Part part) {
    parts_.push_back(std::move(part));
    return parts_.size() - 1;
}

void Cast::assume(std::string_view type) {
    for (const Role* role : roles()) {
        if (role->type != type) continue;
        Part part;
        part.role = role;
        part.ports = role->ports;
        if (role->port_count != 0) {
            add(part);
            continue;
        }
        part.function = hal::config_address(harness::kDeviceUnderTest, 0);
        Function& function = functions_[*part.function];
        function.part = add(part);
        function.known = true;
    }
}

std::optional<Cast::Found> Cast::locate(const recording::Record& record) {
    const EventKind kind = record.event.kind;
    if (!trace::is_register_access(kind)) return std::nullopt;
    const auto found =
        trace::is_config_access(kind) ? locate_config(record) : locate_region(record, is_port(kind));
    if (!found) {
        count_other(record);
        return found;
    }
    Part& part = parts_[found->part];
    ++part.accesses;
    if (found->spot.bar >= 0 && found->spot.bar == part.role->msix_bar && kind == EventKind::kMemoryWrite)
        learn_message(part, found->spot.offset, record.event);
    return found;
}

void Cast::learn_message(Part& part, std::uint64_t offset, const trace::Event& event) {
    const std::size_t entry = offset / kMsixEntryBytes;
    if (entry >= kMostMessages || event.width != 4) return;
    if (part.messages.size() <= entry) part.messages.resize(entry + 1);
    Part::Message& message = part.messages[entry];
    const auto value = static_cast<std::uint32_t>(event.value);
    if (offset % kMsixEntryBytes == 0) message.address = (message.address >> 32 << 32) | value;
    if (offset % kMsixEntryBytes == 4)
        message.address = (message.address & 0xffff'ffff) | std::uint64_t{value} << 32;
    if (offset % kMsixEntryBytes == 8) message.data = value;
}

std::optional<std::size_t> Cast::sender(std::uint64_t address, std::uint64_t data) const {
    // What was never written is no message.
    if (address == 0) return std::nullopt;
    const Part::Message message{address, static_cast<std::uint32_t>(data)};
    for (std::size_t index = 0; index < parts_.size(); ++index)
        if (std::ranges::find(parts_[index].messages, message) != parts_[index].messages.end()) return index;
    return std::nullopt;
}

std::optional<std::size_t> Cast::at(std::string_view place) const {
    for (std::size_t index = 0; index < parts_.size(); ++index)
        if (parts_[index].place() == place) return index;
    return std::nullopt;
}

void Cast::count_other(const recording::Record& record) {
    if (last_count_ == nullptr || last_other_ != record.name) {
        last_other_ = record.name;
        const auto found = others_.find(record.name);
        if (found != others_.end())
            last_count_ = &found->second;
        else
            last_count_ = &others_[others_.size() < kMostOthers ? last_other_ : "..."];
    }
    ++*last_count_;
}

std::optional<Cast::Found> Cast::locate_config(const recording::Record& record) {
    const std::uint64_t base = record.event.address & ~(kConfigBytes - 1);
    const std::uint64_t offset = record.event.address - base;
    Function& function = functions_[base];
    const bool read = record.event.kind == EventKind::kConfigRead;
    if (!function.known) {
        const Role* role = record.name.empty() ? nullptr : role_by_name(record.name);
        const bool identity =
            read && offset == 0 && record.event.value >> 16 != 0 && record.event.value != 0xffff'ffff;
        if (role == nullptr && identity) role = role_by_ids(static_cast<std::uint32_t>(record.event.value));
        function.known = role != nullptr || identity;
        if (role != nullptr) {
            Part part;
            part.role = role;
            part.function = base;
            function.part = add(part);
        }
    }
    if (!function.part) return std::nullopt;
    if (offset >= kBar0 && offset < kBarsEnd && offset % 4 == 0)
        learn_bar(parts_[*function.part], function, static_cast<unsigned>(offset - kBar0) / 4, read,
                  static_cast<std::uint32_t>(record.event.value));
    return Found{*function.part, {Spot::kConfig, offset}};
}

void Cast::learn_bar(Part& part, Function& function, unsigned bar, bool read, std::uint32_t value) {
    const auto& bytes = part.role->bar_bytes;
    const bool upper = bytes[bar] == 0 && bar > 0 && bytes[bar - 1] != 0 &&
                       (function.low[bar - 1] & (kWideBar | kIoBar)) == kWideBar;
    if (bytes[bar] == 0 && !upper) return;
    if (!read) {
        const std::uint32_t address_bits =
            upper ? ~0U : static_cast<std::uint32_t>(~(bytes[bar] - 1)) & ~0xfU;
        function.sizing[bar] = (value & address_bits) == address_bits || (!upper && value >= 0xffff'0000);
    }
    // While it is being sized it reads as a mask.
    if (function.sizing[bar]) return;
    const unsigned first = upper ? bar - 1 : bar;
    // What is written has no type bits; what is read has.
    const std::uint32_t type = function.low[bar] & 0xf;
    function.low[bar] = read ? value : (value & ~0xfU) | type;
    const std::uint64_t low = function.low[first] & ~static_cast<std::uint32_t>(bytes[first] - 1);
    const std::uint64_t high =
        (function.low[first] & (kWideBar | kIoBar)) == kWideBar && first + 1 < function.low.size()
            ? std::uint64_t{function.low[first + 1]} << 32
            : 0;
    part.bars[first] = low | high;
}

std::optional<Cast::Found> Cast::locate_region(const recording::Record& record, bool port) {
    const std::uint64_t address = record.event.address;
    for (std::size_t index = 0; index < parts_.size(); ++index) {
        const Part& part = parts_[index];
        if (part.role->port_count != 0) {
            if (port && address - part.ports < part.role->port_count)
                return Found{index, {Spot::kPorts, address - part.ports}};
            continue;
        }
        for (int bar = 0; bar < 6; ++bar) {
            const auto at = static_cast<std::size_t>(bar);
            if (part.bars[at] != 0 && (part.bars[at] < 0x10000) == port &&
                address - part.bars[at] < part.role->bar_bytes[at])
                return Found{index, {bar, address - part.bars[at]}};
        }
    }
    return locate_by_name(record, port);
}

std::optional<Cast::Found> Cast::locate_by_name(const recording::Record& record, bool port) {
    const std::uint64_t address = record.event.address;
    // A PC's first UART, whatever it is called.
    if (port && (record.name == "serial" || (record.name.empty() && address - kCom1 < 8))) {
        Part part;
        part.role = &isa_serial_role();
        part.ports = address & ~std::uint64_t{7};
        const std::uint64_t offset = address - part.ports;
        return Found{add(part), {Spot::kPorts, offset}};
    }
    if (record.name.empty()) return std::nullopt;
    for (const Role* role : roles())
        for (const NamedRegion& region : role->regions) {
            if (region.name != record.name || region.start.bar < 0) continue;
            const auto bar = static_cast<std::size_t>(region.start.bar);
            // A BAR lies at a multiple of its size, and the region at its place in it.
            const std::uint64_t base = address & ~(role->bar_bytes[bar] - 1);
            const std::uint64_t offset = address - base;
            if (offset - region.start.offset >= region.bytes) return std::nullopt;
            for (std::size_t index = 0; index < parts_.size(); ++index)
                if (parts_[index].role == role && parts_[index].bars[bar] == 0) {
                    parts_[index].bars[bar] = base;
                    return Found{index, {region.start.bar, offset}};
                }
            Part part;
            part.role = role;
            part.bars[bar] = base;
            return Found{add(part), {region.start.bar, offset}};
        }
    return std::nullopt;
}

}  // namespace tb::replay
