// SPDX-License-Identifier: BSD-3-Clause
#include "net/e1000_filters.hpp"

namespace tb::e1000 {

void Filters::configure(hal::MmioWindow regs, unsigned multicast_offset) {
    regs_ = regs;
    multicast_offset_ = multicast_offset;
    group_count_ = 0;
    for (std::uint32_t& word : hashes_) word = 0;
    for (std::uint32_t& word : vlans_) word = 0;
}

void Filters::program() const {
    write_station();
    write_multicast();
    for (unsigned i = 0; i < kTableWords; ++i) regs_.write(reg::kVFTA + 4 * i, vlans_[i]);
}

hal::Status Filters::set_multicast(std::span<const net::MacAddress> groups) {
    for (const net::MacAddress& mac : groups)
        if ((mac[0] & 1) == 0) return hal::Error::kInvalidArgument;
    group_count_ = 0;
    for (std::uint32_t& word : hashes_) word = 0;
    for (const net::MacAddress& mac : groups) {
        if (group_count_ < groups_.size()) {
            groups_[group_count_++] = mac;
        } else {
            const std::uint32_t hash = multicast_hash(mac, multicast_offset_);
            hashes_[hash >> 5 & (kTableWords - 1)] |= 1U << (hash & 31);
        }
    }
    return {};
}

void Filters::write_multicast() const {
    for (unsigned i = 0; i < groups_.size(); ++i)
        write_receive_address(i + 1, i < group_count_ ? &groups_[i] : nullptr);
    for (unsigned i = 0; i < kTableWords; ++i) regs_.write(reg::kMTA + 4 * i, hashes_[i]);
}

hal::Status Filters::set_vlan(std::uint16_t vlan, bool on) {
    if (vlan > 0xfff) return hal::Error::kInvalidArgument;
    std::uint32_t& word = vlans_[vlan >> 5];
    const std::uint32_t bit = 1U << (vlan & 31);
    word = on ? word | bit : word & ~bit;
    return {};
}

void Filters::write_vlan(std::uint16_t vlan) const {
    const unsigned word = vlan >> 5 & (kTableWords - 1);
    regs_.write(reg::kVFTA + 4 * word, vlans_[word]);
}

// The valid bit goes first and comes last, so that no frame is matched against half an address.
void Filters::write_receive_address(unsigned slot, const net::MacAddress* mac) const {
    regs_.write<std::uint32_t>(reg::rah(slot), 0);
    if (mac == nullptr) {
        regs_.write<std::uint32_t>(reg::ral(slot), 0);
        return;
    }
    std::uint32_t low = 0;
    std::uint32_t high = 0;
    for (unsigned i = 0; i < 4; ++i) low |= std::uint32_t{(*mac)[i]} << (8 * i);
    for (unsigned i = 0; i < 2; ++i) high |= std::uint32_t{(*mac)[4 + i]} << (8 * i);
    regs_.write(reg::ral(slot), low);
    regs_.write(reg::rah(slot), high | kRahAddressValid);
}

}  // namespace tb::e1000
