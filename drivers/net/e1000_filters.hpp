// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <cstdint>
#include <hal/platform.hpp>
#include <span>

#include "net/e1000_regs.hpp"
#include "net/net_device.hpp"

namespace tb::e1000 {

/// The 12-bit hash of a multicast address under multicast offset `offset` (RCTL.MO, 0..3): bits 47:36, 46:35,
/// 45:34 or 43:32 of the address, whose first byte on the wire is bits 7:0 (8254x SDM §13.5.1). Bits 11:5
/// pick the word of the table, bits 4:0 the bit in it.
constexpr std::uint32_t multicast_hash(const net::MacAddress& mac, unsigned offset) {
    constexpr unsigned kShift[4] = {4, 3, 2, 0};
    const std::uint32_t high = std::uint32_t{mac[5]} << 8 | mac[4];
    return high >> kShift[offset & 3] & 0xfff;
}

/// Which frames the device lets through by address and VLAN. Keeps its own copy of the three tables, so that
/// they are the same after a reset and nothing is read back.
class Filters {
  public:
    /// Forgets all groups and VLANs. `multicast_offset` as in RCTL.MO.
    void configure(hal::MmioWindow regs, unsigned multicast_offset);

    /// Writes everything to a device that has been reset.
    void program() const;

    void set_station(const net::MacAddress& mac) { station_ = mac; }
    void write_station() const { write_receive_address(0, &station_); }

    /// The first 15 groups get a perfect filter each, the others share the hash table. kInvalidArgument, and
    /// nothing is changed, when one of them is not a group's address.
    hal::Status set_multicast(std::span<const net::MacAddress> groups);
    void write_multicast() const;

    /// 0..4095, else kInvalidArgument.
    hal::Status set_vlan(std::uint16_t vlan, bool on);
    void write_vlan(std::uint16_t vlan) const;

  private:
    void write_receive_address(unsigned slot, const net::MacAddress* mac) const;

    hal::MmioWindow regs_;
    unsigned multicast_offset_ = 0;
    net::MacAddress station_{};
    std::array<net::MacAddress, kReceiveAddresses - 1> groups_{};
    unsigned group_count_ = 0;
    std::array<std::uint32_t, kTableWords> hashes_{};
    std::array<std::uint32_t, kTableWords> vlans_{};
};

}  // namespace tb::e1000
