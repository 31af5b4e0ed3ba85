// SPDX-License-Identifier: BSD-3-Clause
#include "models/net/phy.hpp"

#include "models/net/e1000_regs.hpp"

namespace tb::model::net {

namespace {

constexpr std::uint32_t bit(unsigned index) {
    return std::uint32_t{1} << index;
}

constexpr std::uint32_t kReadable = bit(Phy::kControl) | bit(Phy::kStatus) | bit(Phy::kId1) | bit(Phy::kId2) |
                                    bit(Phy::kAdvertise) | bit(Phy::kPartner) | bit(Phy::kExpansion) |
                                    bit(Phy::kGigabitControl) | bit(Phy::kGigabitStatus) |
                                    bit(Phy::kSpecificControl) | bit(Phy::kSpecificStatus) |
                                    bit(Phy::kExtendedControl) | bit(Phy::kReceiveErrors);
constexpr std::uint32_t kWritable = bit(Phy::kControl) | bit(Phy::kAdvertise) | bit(Phy::kGigabitControl) |
                                    bit(Phy::kSpecificControl) | bit(Phy::kExtendedControl);

}  // namespace

void Phy::reset() {
    registers_.fill(0);
    registers_[kControl] = 0x1140;
    registers_[kStatus] = 0x794d;  // link up, auto-negotiation never done
    registers_[kId1] = 0x0141;
    registers_[kId2] = 0x0c20;
    registers_[kAdvertise] = 0x0de1;
    registers_[kPartner] = 0x01e0;
    registers_[kGigabitControl] = 0x0e00;
    registers_[kGigabitStatus] = 0x3c00;
    registers_[kSpecificControl] = 0x0360;
    registers_[kSpecificStatus] = 0xac00;
    registers_[kExtendedControl] = 0x0d60;
}

std::uint32_t Phy::access(std::uint32_t command, std::uint32_t stored) {
    const auto data = static_cast<std::uint16_t>(command & mdic::kDataMask);
    const unsigned index = command >> mdic::kRegisterShift & (kRegisters - 1);
    std::uint32_t result = command;
    if ((command & mdic::kPhyMask) != mdic::kPhyOne) {
        result = stored | mdic::kError;
    } else if ((command & mdic::kOpRead) != 0) {
        if ((kReadable & bit(index)) != 0)
            result = (command ^ data) | registers_[index];
        else
            result |= mdic::kError;
    } else if ((command & mdic::kOpWrite) != 0) {
        if ((kWritable & bit(index)) != 0)
            write(index, data);
        else
            result |= mdic::kError;
    }
    return result | mdic::kReady;
}

void Phy::write(unsigned index, std::uint16_t value) {
    if (index != kControl) {
        registers_[index] = value;
        return;
    }
    // Bits 0 to 5 are reserved, reset and restart clear themselves. QEMU's PHY does not act on a reset.
    registers_[kControl] = static_cast<std::uint16_t>(value & ~(0x3fU | kControlReset | kControlRestart));
    if (autoneg_enabled() && (value & kControlRestart) != 0 && on_restart_) on_restart_();
}

void Phy::link_down() {
    registers_[kStatus] =
        static_cast<std::uint16_t>(registers_[kStatus] & ~(kStatusLink | kStatusAutonegDone));
    registers_[kPartner] = static_cast<std::uint16_t>(registers_[kPartner] & ~kPartnerAck);
}

void Phy::link_up() {
    registers_[kStatus] |= kStatusLink;
}

void Phy::autoneg_complete() {
    link_up();
    registers_[kPartner] |= kPartnerAck;
    registers_[kStatus] |= kStatusAutonegDone;
}

}  // namespace tb::model::net
