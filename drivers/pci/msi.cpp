// SPDX-License-Identifier: BSD-3-Clause
#include "pci/msi.hpp"

namespace tb::pci {

using hal::Error;

hal::Result<Msi> Msi::find(const Function& function) {
    const hal::Result<std::uint16_t> position = function.find_capability(kCapMsi);
    if (!position) return position.error();
    const auto control =
        function.config().read<std::uint16_t>(static_cast<std::uint16_t>(*position + kControl));
    if (control == 0xffff) return Error::kDeviceGone;
    Msi msi;
    msi.function_ = function;
    msi.position_ = *position;
    msi.wide_ = (control & kControl64) != 0;
    // Its last register is the message data, 16 bits.
    if (*position + (msi.wide_ ? kData64 : kData32) + 2 > 0x100) return Error::kProtocol;
    return msi;
}

hal::Status Msi::enable(const hal::MsiMessage& message) const {
    if (!valid()) return Error::kNotStarted;
    const hal::PciFunction& config = function_.config();
    if (!wide_ && message.address >> 32 != 0) return Error::kUnsupported;
    const auto sent = static_cast<std::uint16_t>(message.data);
    const auto control = config.read<std::uint16_t>(at(kControl));
    if (control == 0xffff) return Error::kDeviceGone;
    const auto off = static_cast<std::uint16_t>(control & ~(kControlEnable | kControlMultipleEnableMask));
    // What a message is made of is changed only while none is sent.
    config.write<std::uint16_t>(at(kControl), off);
    config.write<std::uint32_t>(at(kAddress), static_cast<std::uint32_t>(message.address));
    if (wide_)
        config.write<std::uint32_t>(at(kAddressHigh), static_cast<std::uint32_t>(message.address >> 32));
    const std::uint16_t data = at(wide_ ? kData64 : kData32);
    config.write<std::uint16_t>(data, sent);
    config.write<std::uint16_t>(at(kControl), static_cast<std::uint16_t>(off | kControlEnable));

    const auto held = config.read<std::uint16_t>(at(kControl));
    const auto held_address = config.read<std::uint32_t>(at(kAddress));
    const auto held_high = wide_ ? config.read<std::uint32_t>(at(kAddressHigh)) : 0;
    const auto held_data = config.read<std::uint16_t>(data);
    if (held == 0xffff) return Error::kDeviceGone;
    const bool holds = (held & kControlEnable) != 0 && (held & kControlMultipleEnableMask) == 0 &&
                       (std::uint64_t{held_high} << 32 | held_address) == message.address &&
                       held_data == sent;
    if (holds) return {};
    config.write<std::uint16_t>(at(kControl), off);
    return Error::kProtocol;
}

void Msi::disable() const {
    if (!valid()) return;
    const auto control = function_.config().read<std::uint16_t>(at(kControl));
    if (control == 0xffff || (control & kControlEnable) == 0) return;
    function_.config().write<std::uint16_t>(at(kControl),
                                            static_cast<std::uint16_t>(control & ~kControlEnable));
}

}  // namespace tb::pci
