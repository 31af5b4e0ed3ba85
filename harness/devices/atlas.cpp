// SPDX-License-Identifier: BSD-3-Clause
#include "harness/devices/atlas.hpp"

#include <fmt/format.h>

#include <charconv>

#include "harness/devices/device_symbols.hpp"

namespace tb::harness {

namespace {

trace::Event event_of(bool write, hal::AddressSpace space, std::uint64_t address, unsigned width,
                      std::uint64_t value) {
    using enum trace::EventKind;
    trace::Event event;
    event.address = address;
    event.value = value;
    event.width = static_cast<std::uint8_t>(width);
    switch (space) {
        case hal::AddressSpace::kMemory:
            event.kind = write ? kMemoryWrite : kMemoryRead;
            break;
        case hal::AddressSpace::kPort:
            event.kind = write ? kPortWrite : kPortRead;
            break;
        case hal::AddressSpace::kPciConfig:
            event.kind = write ? kConfigWrite : kConfigRead;
            break;
    }
    return event;
}

}  // namespace

PartName::PartName(std::string_view text) {
    for (std::size_t i = 0; i < text.size();) {
        if (text[i] != '[') {
            base_ += text[i++];
            continue;
        }
        const std::size_t end = text.find(']', i);
        std::int64_t value = kAny;
        const char* last = text.data() + (end == std::string_view::npos ? text.size() : end);
        const auto parsed = std::from_chars(text.data() + i + 1, last, value);
        if (end == std::string_view::npos || parsed.ptr != last || value < 0 || count_ == kMostIndices) {
            well_formed_ = false;
            return;
        }
        indices_[count_++] = {base_.size(), value};
        i = end + 1;
    }
}

bool PartName::matches(std::string_view name) const {
    const PartName other(name);
    if (other.base_ != base_) return false;
    for (std::size_t i = 0; i < count_; ++i) {
        bool found = false;
        for (std::size_t k = 0; k < other.count_; ++k)
            found = found ||
                    (other.indices_[k].at == indices_[i].at && other.indices_[k].value == indices_[i].value);
        if (!found) return false;
    }
    return true;
}

Atlas::Atlas(const DeviceType& device) : symbols_(symbols_of(device)), rings_(device.rings()) {}

void Atlas::saw(bool write, hal::AddressSpace space, std::uint64_t address, unsigned width,
                std::uint64_t value) {
    if (space == hal::AddressSpace::kPciConfig) {
        symbols_.learn(event_of(write, space, address, width, value));
    } else if (write && rings_ != nullptr) {
        const Place& place = registers(space, address, width);
        if (!place.tells.empty()) rings_->wrote(place.tells, value);
    }
}

void Atlas::forget() {
    symbols_.forget_learnt();
    if (rings_ != nullptr) rings_->forget();
}

const Place& Atlas::registers(hal::AddressSpace space, std::uint64_t address, unsigned width) {
    // Where a function's configuration space lies does not change.
    const bool fixed = space == hal::AddressSpace::kPciConfig;
    Place& place = remembered(registers_[static_cast<std::size_t>(space)],
                              {fixed ? 0 : symbols_.fingerprint(), address, width});
    if (place.number != 0) return place;
    place.number = ++places_;
    const trace::Event event = event_of(false, space, address, width, 0);
    place.pieces = symbols_.pieces(event);
    if (!fixed && rings_ != nullptr)
        if (std::string name = symbols_.name(event); rings_->cares_for(name)) place.tells = std::move(name);
    return place;
}

const Place& Atlas::ring(std::uint64_t address, unsigned width) {
    static const Place nowhere;
    if (rings_ == nullptr) return nowhere;
    Place& place = remembered(ring_places_, {rings_->fingerprint(), address, width});
    if (place.number != 0) return place;
    place.number = ++places_;
    place.pieces = rings_->pieces(address, width);
    return place;
}

Place& Atlas::Places::operator[](const Access& access) {
    Recent& recent = recent_[Hash()(access) % recent_.size()];
    if (recent.place == nullptr || recent.access != access) recent = {access, &all_[access]};
    return *recent.place;
}

void Atlas::Places::clear() {
    all_.clear();
    recent_.fill({});
}

Place& Atlas::remembered(Places& places, const Access& access) {
    // A driver that is lied to may have its device anywhere, and so again and again.
    constexpr std::uint32_t kMost = 1 << 16;
    if (places_ >= kMost) {
        for (Places& of_space : registers_) of_space.clear();
        ring_places_.clear();
        places_ = 0;
        ++epoch_;
    }
    return places[access];
}

std::vector<trace::NamedBits> Atlas::memory(std::uint64_t address, unsigned width,
                                            std::span<const std::byte> memory) {
    const Place& place = ring(address, width);
    if (!place.pieces.empty() || rings_ == nullptr) return place.pieces;
    if (std::string name = rings_->buffer(address, memory); !name.empty())
        return {{std::move(name), 0, 8 * width}};
    return {};
}

std::string Atlas::name(hal::AddressSpace space, std::uint64_t address, unsigned width) const {
    return symbols_.name(event_of(false, space, address, width, 0));
}

std::vector<std::string> Atlas::register_names(const DeviceType& device) {
    std::vector<std::string> names;
    const auto add = [&](const std::string& prefix, std::span<const model::RegisterSpec> registers) {
        for (const model::RegisterSpec& spec : registers) {
            names.push_back(prefix + spec.name);
            for (const model::FieldSpec& field : spec.fields)
                names.push_back(fmt::format("{}{}.{}", prefix, spec.name, field.name));
        }
    };
    for (const RegisterBlock& block : device.blocks())
        add(*block.name == '\0' ? "" : fmt::format("{}.", block.name), block.registers);
    if (device.is_pci()) add("pci.", trace::pci_header_registers());
    return names;
}

std::vector<std::string> Atlas::memory_names(const DeviceType& device) {
    const std::unique_ptr<Rings> rings = device.rings();
    return rings == nullptr ? std::vector<std::string>() : rings->names();
}

}  // namespace tb::harness
