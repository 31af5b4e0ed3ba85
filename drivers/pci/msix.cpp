// SPDX-License-Identifier: BSD-3-Clause
#include "pci/msix.hpp"

namespace tb::pci {
namespace {

using hal::Error;

constexpr std::uint32_t kBarMask = 7;

/// 64 pending bits a quadword.
constexpr std::uint32_t pending_bytes(std::uint32_t entries) {
    return (entries + 63) / 64 * 8;
}

/// One of the two tables: which BAR, and where in it.
struct Place {
    explicit Place(std::uint32_t reg) : bar(reg & kBarMask), offset(reg & ~kBarMask) {}

    bool inside(const Bar& decoded, std::uint32_t bytes) const {
        return decoded.kind != Bar::Kind::kIo && std::uint64_t{offset} + bytes <= decoded.size;
    }
    std::uint64_t address(const Bar& decoded) const {
        return decoded.address == 0 ? 0 : decoded.address + offset;
    }

    unsigned bar;
    std::uint32_t offset;
};

hal::Result<Bar> bar_of(const Function& function, const Place& place) {
    if (place.bar >= kBars) return Error::kProtocol;
    const hal::Result<Bar> bar = function.bar(place.bar);
    // To have the tables in a BAR that is none is the device's fault.
    if (!bar && bar.error() != Error::kDeviceGone) return Error::kProtocol;
    return bar;
}

}  // namespace

hal::Result<Msix> Msix::find(const Function& function) {
    const hal::Result<std::uint16_t> position = function.find_capability(kCapMsix);
    if (!position) return position.error();
    if (*position + kLength > 0x100) return Error::kProtocol;
    const hal::PciFunction& config = function.config();
    const auto at = [&](std::uint16_t field) { return static_cast<std::uint16_t>(*position + field); };
    const auto control = config.read<std::uint16_t>(at(kControl));
    const Place table(config.read<std::uint32_t>(at(kTable)));
    const Place pending(config.read<std::uint32_t>(at(kPendingBits)));

    Msix msix;
    msix.function_ = function;
    msix.position_ = *position;
    msix.entries_ = (control & kControlSizeMask) + 1u;
    const std::uint32_t table_bytes = msix.entries_ * kEntryBytes;
    const std::uint32_t bits_bytes = pending_bytes(msix.entries_);

    const hal::Result<Bar> table_bar = bar_of(function, table);
    if (!table_bar) return table_bar.error();
    const hal::Result<Bar> pending_bar = pending.bar == table.bar ? table_bar : bar_of(function, pending);
    if (!pending_bar) return pending_bar.error();
    if (!table.inside(*table_bar, table_bytes) || !pending.inside(*pending_bar, bits_bytes))
        return Error::kProtocol;
    // Neither sum wraps: both ends lie inside their BAR.
    if (table.bar == pending.bar && table.offset < std::uint64_t{pending.offset} + bits_bytes &&
        pending.offset < std::uint64_t{table.offset} + table_bytes)
        return Error::kProtocol;
    msix.table_address_ = table.address(*table_bar);
    msix.pending_address_ = pending.address(*pending_bar);
    return msix;
}

hal::Status Msix::map() {
    if (entries_ == 0) return Error::kNotStarted;
    if (table_address_ == 0 || pending_address_ == 0) return Error::kAbsent;
    const hal::Platform& platform = function_.platform();
    const hal::Result<hal::MmioWindow> table = platform.map_memory(table_address_, entries_ * kEntryBytes);
    if (!table) return table.error();
    const hal::Result<hal::MmioWindow> bits = platform.map_memory(pending_address_, pending_bytes(entries_));
    if (!bits) return bits.error();
    table_ = *table;
    pending_ = *bits;
    return {};
}

hal::Status Msix::set_entry(std::uint32_t index, const hal::MsiMessage& message) const {
    // An entry is changed only while it is masked (PCI 3.0 §6.8.3.5).
    if (hal::Status masked = mask(index); !masked) return masked;
    const std::uint32_t at = index * kEntryBytes;
    table_.write<std::uint32_t>(at + kEntryAddressLow, static_cast<std::uint32_t>(message.address));
    table_.write<std::uint32_t>(at + kEntryAddressHigh, static_cast<std::uint32_t>(message.address >> 32));
    table_.write<std::uint32_t>(at + kEntryData, message.data);
    return holds(index, message);
}

hal::Status Msix::holds(std::uint32_t index, const hal::MsiMessage& message) const {
    const hal::Result<hal::MsiMessage> held = entry(index);
    if (!held) return held.error();
    if (held->address == message.address && held->data == message.data) return {};
    return held->address == ~std::uint64_t{0} ? Error::kDeviceGone : Error::kProtocol;
}

hal::Result<hal::MsiMessage> Msix::entry(std::uint32_t index) const {
    if (!table_.valid()) return Error::kNotStarted;
    if (index >= entries_) return Error::kOutOfRange;
    const std::uint32_t at = index * kEntryBytes;
    hal::MsiMessage message;
    message.address = table_.read<std::uint32_t>(at + kEntryAddressLow);
    message.address |= std::uint64_t{table_.read<std::uint32_t>(at + kEntryAddressHigh)} << 32;
    message.data = table_.read<std::uint32_t>(at + kEntryData);
    return message;
}

hal::Result<bool> Msix::pending(std::uint32_t index) const {
    if (!pending_.valid()) return Error::kNotStarted;
    if (index >= entries_) return Error::kOutOfRange;
    return (pending_.read<std::uint32_t>(index / 32 * 4) >> (index % 32) & 1) != 0;
}

hal::Status Msix::set_mask(std::uint32_t index, bool masked) const {
    if (!table_.valid()) return Error::kNotStarted;
    if (index >= entries_) return Error::kOutOfRange;
    const std::uint32_t at = index * kEntryBytes + kEntryControl;
    // All other bits are reserved and must be preserved (PCI 3.0 §6.8.2.9).
    const auto control = table_.read<std::uint32_t>(at);
    table_.write<std::uint32_t>(at, masked ? control | kEntryMasked : control & ~kEntryMasked);
    return {};
}

hal::Status Msix::enable(bool function_masked) const {
    return write_control(
        static_cast<std::uint16_t>(kControlEnable | (function_masked ? kControlFunctionMask : 0)),
        function_masked ? std::uint16_t{0} : kControlFunctionMask);
}

hal::Status Msix::set_function_mask(bool masked) const {
    return masked ? write_control(kControlFunctionMask, 0) : write_control(0, kControlFunctionMask);
}

void Msix::disable() const {
    if (entries_ != 0)
        (void)write_control(0, static_cast<std::uint16_t>(kControlEnable | kControlFunctionMask));
}

hal::Status Msix::write_control(std::uint16_t set, std::uint16_t clear) const {
    if (entries_ == 0) return Error::kNotStarted;
    const auto at = static_cast<std::uint16_t>(position_ + kControl);
    const auto before = function_.config().read<std::uint16_t>(at);
    if (before == 0xffff) return Error::kDeviceGone;
    function_.config().write<std::uint16_t>(at, static_cast<std::uint16_t>((before & ~clear) | set));
    const auto after = function_.config().read<std::uint16_t>(at);
    if (after == 0xffff) return Error::kDeviceGone;
    if ((after & set) != set || (after & clear) != 0) return Error::kProtocol;
    return {};
}

}  // namespace tb::pci
