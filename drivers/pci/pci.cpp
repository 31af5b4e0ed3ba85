// SPDX-License-Identifier: BSD-3-Clause
#include "pci/pci.hpp"

namespace tb::pci {
namespace {

using hal::Error;

// Base address register fields (PCI 3.0 §6.2.5.1).
constexpr std::uint32_t kBarIo = 1 << 0;
constexpr std::uint32_t kBarTypeMask = 3 << 1;
constexpr std::uint32_t kBarType64 = 2 << 1;
constexpr std::uint32_t kBarTypeReserved = 3 << 1;
constexpr std::uint32_t kBarPrefetchable = 1 << 3;
constexpr std::uint32_t kBarMemoryFlags = 0xf;
constexpr std::uint32_t kBarIoFlags = 0x3;

constexpr std::uint8_t kHeaderTypeMask = 0x7f;
constexpr std::uint32_t kAllOnes = ~std::uint32_t{0};

constexpr std::uint16_t bar_register(unsigned index) {
    return static_cast<std::uint16_t>(kBar0 + 4 * index);
}

constexpr bool is_memory64(std::uint32_t bar) {
    return (bar & kBarIo) == 0 && (bar & kBarTypeMask) == kBarType64;
}

/// What a BAR says after all-ones were written: the size is its lowest writable bit, and every bit above is
/// writable.
constexpr std::uint64_t size_from_mask(std::uint64_t mask) {
    const std::uint64_t size = mask & (~mask + 1);
    return mask + size == 0 ? size : 0;
}

bool answers(const hal::PciFunction& config) {
    return config.read<std::uint16_t>(kVendorId) != 0xffff;
}

}  // namespace

hal::Result<Identity> Function::identify() const {
    const auto id = config_.read<std::uint32_t>(kVendorId);
    Identity identity;
    identity.vendor = static_cast<std::uint16_t>(id);
    identity.device = static_cast<std::uint16_t>(id >> 16);
    // Some host bridges answer an empty place with zeroes, or with half of all-ones.
    if (identity.vendor == 0xffff || identity.vendor == 0 || identity.device == 0xffff) return Error::kAbsent;
    const auto revision_and_class = config_.read<std::uint32_t>(kRevisionId);
    identity.revision = static_cast<std::uint8_t>(revision_and_class);
    identity.class_code = revision_and_class >> 8;
    identity.header_type = config_.read<std::uint8_t>(kHeaderType);
    const auto subsystem = config_.read<std::uint32_t>(kSubsystemVendorId);
    identity.subsystem_vendor = static_cast<std::uint16_t>(subsystem);
    identity.subsystem = static_cast<std::uint16_t>(subsystem >> 16);
    return identity;
}

hal::Result<Bar> Function::bar(unsigned index) const {
    if (index >= kBars) return Error::kInvalidArgument;
    const auto layout = static_cast<std::uint8_t>(config_.read<std::uint8_t>(kHeaderType) & kHeaderTypeMask);
    if (layout == kHeaderTypeMask && !answers(config_)) return Error::kDeviceGone;
    // A bridge has two, other layouts none.
    const unsigned bars = layout == 0 ? kBars : layout == 1 ? 2 : 0;
    if (index >= bars) return Error::kAbsent;
    // Whether this is an upper half only the registers before it tell.
    for (unsigned i = 0; i < index; ++i) {
        if (!is_memory64(config_.read<std::uint32_t>(bar_register(i)))) continue;
        if (++i == index) return Error::kInvalidArgument;
    }

    // Nobody may use the device's registers while they are moved about.
    const hal::CriticalSection nobody_else(platform_);
    const std::uint16_t low = bar_register(index);
    const auto command = config_.read<std::uint16_t>(kCommand);
    const auto original = config_.read<std::uint32_t>(low);
    if (original == kAllOnes && !answers(config_)) return Error::kDeviceGone;
    const bool io = (original & kBarIo) != 0;
    const bool wide = is_memory64(original);
    if (!io && (original & kBarTypeMask) == kBarTypeReserved) return Error::kProtocol;
    if (wide && index + 1 >= bars) return Error::kProtocol;
    const auto high = static_cast<std::uint16_t>(low + 4);

    config_.write<std::uint16_t>(kCommand,
                                 static_cast<std::uint16_t>(command & ~(kCommandIo | kCommandMemory)));
    config_.write<std::uint32_t>(low, kAllOnes);
    const auto sized = config_.read<std::uint32_t>(low);
    config_.write<std::uint32_t>(low, original);
    std::uint32_t original_high = 0;
    std::uint32_t sized_high = kAllOnes;
    if (wide) {
        original_high = config_.read<std::uint32_t>(high);
        config_.write<std::uint32_t>(high, kAllOnes);
        sized_high = config_.read<std::uint32_t>(high);
        config_.write<std::uint32_t>(high, original_high);
    }
    config_.write<std::uint16_t>(kCommand, command);

    if (sized == kAllOnes && !answers(config_)) return Error::kDeviceGone;
    if (sized == 0 && original == 0) return Error::kAbsent;
    const std::uint32_t flags = io ? kBarIoFlags : kBarMemoryFlags;
    // The flags are hardwired: one that moved was never a flag.
    if ((sized & flags) != (original & flags)) return Error::kProtocol;
    std::uint64_t mask = std::uint64_t{sized_high} << 32 | (sized & ~flags);
    // A device may leave the upper half of a port number out, PCs have 64 KiB of ports.
    if (io && (sized & ~flags) != 0) mask |= 0xffff0000;

    Bar bar;
    bar.kind = io ? Bar::Kind::kIo : wide ? Bar::Kind::kMemory64 : Bar::Kind::kMemory32;
    bar.prefetchable = !io && (original & kBarPrefetchable) != 0;
    bar.address = std::uint64_t{original_high} << 32 | (original & ~flags);
    bar.size = (sized & ~flags) == 0 && !wide ? 0 : size_from_mask(mask);
    // What is aligned to its size ends inside the address space too.
    if (bar.size == 0 || (bar.address & (bar.size - 1)) != 0) return Error::kProtocol;
    return bar;
}

hal::Result<hal::MmioWindow> Function::map_memory_bar(unsigned index, std::uint32_t most) const {
    const hal::Result<Bar> decoded = bar(index);
    if (!decoded) return decoded.error();
    if (decoded->kind == Bar::Kind::kIo) return Error::kUnsupported;
    if (decoded->address == 0) return Error::kAbsent;
    return platform_.map_memory(decoded->address,
                                decoded->size < most ? static_cast<std::uint32_t>(decoded->size) : most);
}

hal::Result<hal::PortWindow> Function::map_io_bar(unsigned index) const {
    const hal::Result<Bar> decoded = bar(index);
    if (!decoded) return decoded.error();
    if (decoded->kind != Bar::Kind::kIo) return Error::kUnsupported;
    if (decoded->address == 0) return Error::kAbsent;
    if (decoded->address + decoded->size > 0x10000) return Error::kProtocol;
    return platform_.map_ports(decoded->address, static_cast<std::uint32_t>(decoded->size));
}

hal::Result<std::uint16_t> Function::find_capability(std::uint8_t id, std::uint16_t after) const {
    // Each search starts at the head, so that a caller who asks for one after another sees the end of a list
    // that cycles.
    CapabilityWalk walk(config_);
    bool behind = after == 0;
    for (;;) {
        const hal::Result<Capability> capability = walk.next();
        if (!capability)
            return capability.error() == Error::kAbsent && !behind ? Error::kInvalidArgument
                                                                   : capability.error();
        if (behind && capability->id == id) return capability->position;
        if (capability->position == after) behind = true;
    }
}

hal::Result<Capability> CapabilityWalk::next() {
    if (!started_) {
        started_ = true;
        const auto status = config_.read<std::uint16_t>(kStatus);
        if (status == 0xffff && !answers(config_)) return Error::kDeviceGone;
        if ((status & kStatusCapabilities) == 0) return Error::kAbsent;
        position_ = config_.read<std::uint8_t>(kCapabilitiesPointer) & 0xfc;
    }
    if (position_ == 0) return Error::kAbsent;
    if (position_ < 0x40) return Error::kProtocol;
    // No dword is visited twice, which bounds the walk to the 48 that there are.
    const std::uint64_t place = std::uint64_t{1} << (position_ / 4);
    if ((visited_ & place) != 0) return Error::kProtocol;
    visited_ |= place;
    const auto header = config_.read<std::uint16_t>(position_);
    const Capability capability{position_, static_cast<std::uint8_t>(header)};
    position_ = static_cast<std::uint16_t>(header >> 8) & 0xfc;
    return capability;
}

void Function::set_command(std::uint16_t set, std::uint16_t clear) const {
    const auto command = config_.read<std::uint16_t>(kCommand);
    config_.write<std::uint16_t>(kCommand, static_cast<std::uint16_t>((command & ~clear) | set));
}

}  // namespace tb::pci
