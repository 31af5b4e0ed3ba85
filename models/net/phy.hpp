// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <cstdint>
#include <functional>

namespace tb::model::net {

/// The 82540EM's PHY (a Marvell 88E1011) behind the MDIC register, as far as QEMU has one: IEEE 802.3 clause
/// 22 registers 0 to 6, 9 and 10, four vendor registers, and the link bits.
class Phy {
  public:
    static constexpr unsigned kRegisters = 32;

    enum Index : std::uint8_t {
        kControl = 0,
        kStatus = 1,
        kId1 = 2,
        kId2 = 3,
        kAdvertise = 4,
        kPartner = 5,
        kExpansion = 6,
        kGigabitControl = 9,
        kGigabitStatus = 10,
        kSpecificControl = 16,
        kSpecificStatus = 17,
        kExtendedControl = 20,
        kReceiveErrors = 21,
    };

    static constexpr std::uint16_t kControlReset = 1 << 15;
    static constexpr std::uint16_t kControlLoopback = 1 << 14;
    static constexpr std::uint16_t kControlAutoneg = 1 << 12;
    static constexpr std::uint16_t kControlRestart = 1 << 9;
    static constexpr std::uint16_t kStatusAutonegDone = 1 << 5;
    static constexpr std::uint16_t kStatusLink = 1 << 2;
    static constexpr std::uint16_t kPartnerAck = 1 << 14;

    Phy() { reset(); }

    void reset();
    /// Called when a driver restarts auto-negotiation.
    void on_restart(std::function<void()> action) { on_restart_ = std::move(action); }

    /// A write to MDIC: does the access and gives what MDIC holds afterwards (READY always, ERROR for a PHY
    /// address other than 1 and for a register that is not there). `stored` is MDIC's old value.
    std::uint32_t access(std::uint32_t command, std::uint32_t stored);

    std::uint16_t get(Index index) const { return registers_[index]; }
    bool loopback() const { return (registers_[kControl] & kControlLoopback) != 0; }
    bool autoneg_enabled() const { return (registers_[kControl] & kControlAutoneg) != 0; }
    bool autoneg_done() const { return (registers_[kStatus] & kStatusAutonegDone) != 0; }

    void link_down();
    void link_up();
    void autoneg_complete();

  private:
    void write(unsigned index, std::uint16_t value);

    std::array<std::uint16_t, kRegisters> registers_{};
    std::function<void()> on_restart_;
};

}  // namespace tb::model::net
