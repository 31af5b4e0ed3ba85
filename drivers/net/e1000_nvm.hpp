// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <hal/platform.hpp>

#include "net/net_device.hpp"

namespace tb::e1000 {

/// Where a station address came from.
enum class MacSource : std::uint8_t { kNone, kNvm, kReceiveAddress };

/// The configuration EEPROM: 64 words of 16 bits, read through EERD, or by driving the microwire pins through
/// EECD where EERD does not finish (8254x SDM §5.6, §13.4.3, §13.4.4). Every wait is bounded.
class Nvm {
  public:
    Nvm() = default;
    Nvm(hal::Platform platform, hal::MmioWindow regs) : platform_(platform), regs_(regs) {}

    /// Word `word` (0..0x3f, else kInvalidArgument). Once EERD has failed, the pins are used from then on.
    /// kTimeout: neither way answers; kDeviceGone: all-ones.
    hal::Result<std::uint16_t> read(unsigned word);

    /// The station address from words 0..2, after the sum over all 64 words was found to be 0xBABA (§5.6.35).
    /// kBadChecksum when it is not; kProtocol when the address is not a station's; else as read().
    hal::Result<net::MacAddress> mac_address();

    /// The address in receive address register 0, which the device or firmware loaded: kAbsent unless its
    /// valid bit is set and it is a station's.
    hal::Result<net::MacAddress> receive_address() const;

  private:
    hal::Result<std::uint16_t> read_eerd(unsigned word);
    hal::Result<std::uint16_t> read_microwire(unsigned word);
    void pins(std::uint32_t value);
    void shift_out(std::uint32_t& eecd, std::uint32_t bits, unsigned count);
    std::uint16_t shift_in(std::uint32_t& eecd);

    hal::Platform platform_;
    hal::MmioWindow regs_;
    bool by_pins_ = false;
};

/// Neither a group's nor all zeros: what may stand in receive address 0.
constexpr bool is_station_address(const net::MacAddress& mac) {
    std::uint8_t any = 0;
    for (const std::uint8_t byte : mac) any = static_cast<std::uint8_t>(any | byte);
    return any != 0 && (mac[0] & 1) == 0;
}

}  // namespace tb::e1000
