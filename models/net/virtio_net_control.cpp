// SPDX-License-Identifier: BSD-3-Clause
// The virtio network device: what it lets in, and the commands that say so (VIRTIO 1.2 §5.1.6.5).
#include <algorithm>
#include <cstring>
#include <string>

#include "models/net/virtio_net.hpp"
#include "models/virtio/virtio_regs.hpp"

namespace tb::model::net {

namespace {

constexpr std::size_t kMacBytes = 6;
constexpr std::size_t kTableEntries = 64;  // QEMU's
constexpr std::size_t kMostCommand = 1 << 20;
constexpr unsigned kVlans = 4096;
enum Mode : std::uint8_t { kPromiscuous, kAllMulticast, kAllUnicast, kNoMulticast, kNoUnicast, kNoBroadcast };

template <class T>
bool load(std::span<const std::byte> data, T& value) {
    if (data.size() < sizeof value) return false;
    std::memcpy(&value, data.data(), sizeof value);
    return true;
}

bool contains(const std::vector<MacAddress>& table, std::span<const std::byte> address) {
    return std::ranges::any_of(table, [&](const MacAddress& mac) {
        return std::memcmp(mac.data(), address.data(), kMacBytes) == 0;
    });
}

std::vector<MacAddress> addresses(std::span<const std::byte> data) {
    std::vector<MacAddress> table(data.size() / kMacBytes);
    for (std::size_t i = 0; i < table.size(); ++i)
        std::memcpy(table[i].data(), data.data() + i * kMacBytes, kMacBytes);
    return table;
}

}  // namespace

void VirtioNet::forget_filters() {
    // Until it is told QEMU's device lets everything in.
    rx_mode_ = {};
    rx_mode_[kPromiscuous] = true;
    unicast_.clear();
    multicast_.clear();
    unicast_overflow_ = multicast_overflow_ = false;
    vlans_ = {};
}

bool VirtioNet::passes(std::span<const std::byte> frame) const {
    if (rx_mode_[kPromiscuous]) return true;
    // Shorter than two addresses and a type: QEMU reads on behind it, which is nothing to rely on.
    if (frame.size() < 2 * kMacBytes + 2) return false;
    if (negotiated(kFeatureCtrlVlan) && frame[12] == std::byte{0x81} && frame[13] == std::byte{0} &&
        frame.size() >= 16) {
        const unsigned vlan =
            (std::to_integer<unsigned>(frame[14]) << 8 | std::to_integer<unsigned>(frame[15])) & 0xfff;
        if ((vlans_[vlan >> 5] >> (vlan & 31) & 1) == 0) return false;
    }
    if ((frame[0] & std::byte{1}) != std::byte{0}) {
        const bool broadcast = std::all_of(frame.begin(), frame.begin() + kMacBytes,
                                           [](std::byte b) { return b == std::byte{0xff}; });
        if (broadcast) return !rx_mode_[kNoBroadcast];
        if (rx_mode_[kNoMulticast]) return false;
        return rx_mode_[kAllMulticast] || multicast_overflow_ || contains(multicast_, frame);
    }
    if (rx_mode_[kNoUnicast]) return false;
    return rx_mode_[kAllUnicast] || unicast_overflow_ ||
           std::memcmp(mac_.data(), frame.data(), kMacBytes) == 0 || contains(unicast_, frame);
}

void VirtioNet::control_queue(virtio::Queue& queue) {
    while (std::optional<virtio::Chain> chain = queue.pop()) {
        const std::uint64_t bytes = virtio::total_bytes(chain->readable);
        if (chain->writable.empty() || bytes < 2 || bytes > kMostCommand) {
            queue.drop(*chain);
            transport().fail("control", "a command without class, number or room for its answer");
            return;
        }
        std::vector<std::byte> data(static_cast<std::size_t>(bytes));
        gather(transport().memory(), chain->readable, 0, data);
        const auto answer = static_cast<std::byte>(command(data));
        scatter(transport().memory(), chain->writable, 0, std::span(&answer, 1));
        queue.push(*chain, 1);
        transport().notify_used(queue);
    }
}

std::uint8_t VirtioNet::command(std::span<const std::byte> data) {
    const auto number = std::to_integer<std::uint8_t>(data[1]);
    const std::span<const std::byte> rest = data.subspan(2);
    switch (std::to_integer<std::uint8_t>(data[0])) {
        case kClassRx:
            return set_rx_mode(number, rest);
        case kClassMac:
            return set_mac(number, rest);
        case kClassVlan:
            return set_vlan(number, rest);
        case kClassAnnounce:
            return acknowledge_announcement(number);
        case kClassMq:
            return set_pairs(number, rest);
        case kClassGuestOffloads:
            return set_offloads(number, rest);
        default:
            finding("a command of class " + std::to_string(std::to_integer<unsigned>(data[0])));
            return kAnswerErr;
    }
}

std::uint8_t VirtioNet::set_rx_mode(std::uint8_t number, std::span<const std::byte> data) {
    if (data.empty() || number >= rx_mode_.size()) return kAnswerErr;
    if (!negotiated(number < kAllUnicast ? kFeatureCtrlRx : kFeatureCtrlRxExtra))
        finding("an RX command without its feature (VIRTIO 1.2 §5.1.6.5.1.2)");
    rx_mode_[number] = data[0] != std::byte{0};
    return kAnswerOk;
}

std::uint8_t VirtioNet::set_mac(std::uint8_t number, std::span<const std::byte> data) {
    if (!negotiated(kFeatureCtrlRx)) finding("a MAC command without CTRL_RX (VIRTIO 1.2 §5.1.6.5.2.2)");
    if (number == kMacTableSet) return set_mac_table(data);
    if (number != kMacAddrSet || data.size() != kMacBytes) return kAnswerErr;
    std::memcpy(mac_.data(), data.data(), kMacBytes);
    return kAnswerOk;
}

std::uint8_t VirtioNet::set_mac_table(std::span<const std::byte> data) {
    std::uint32_t entries = 0;
    if (!load(data, entries)) return kAnswerErr;
    data = data.subspan(sizeof entries);
    if (std::uint64_t{entries} * kMacBytes > data.size()) return kAnswerErr;
    const std::span<const std::byte> unicast = data.first(entries * kMacBytes);
    data = data.subspan(unicast.size());
    if (!load(data, entries)) return kAnswerErr;
    data = data.subspan(sizeof entries);
    if (std::uint64_t{entries} * kMacBytes != data.size()) return kAnswerErr;
    // What does not fit lets all of its kind in.
    unicast_overflow_ = unicast.size() / kMacBytes > kTableEntries;
    unicast_ = unicast_overflow_ ? std::vector<MacAddress>() : addresses(unicast);
    multicast_overflow_ = entries > kTableEntries - unicast_.size();
    multicast_ = multicast_overflow_ ? std::vector<MacAddress>() : addresses(data);
    return kAnswerOk;
}

std::uint8_t VirtioNet::set_vlan(std::uint8_t number, std::span<const std::byte> data) {
    std::uint16_t vlan = 0;
    if (!load(data, vlan) || vlan >= kVlans || number > kVlanDel) return kAnswerErr;
    if (!negotiated(kFeatureCtrlVlan)) finding("a VLAN command without CTRL_VLAN");
    const std::uint32_t bit = std::uint32_t{1} << (vlan & 31);
    std::uint32_t& word = vlans_[vlan >> 5];
    word = number == kVlanAdd ? word | bit : word & ~bit;
    return kAnswerOk;
}

std::uint8_t VirtioNet::acknowledge_announcement(std::uint8_t number) {
    if (number != 0 || !announcing_) return kAnswerErr;
    announcing_ = false;
    return kAnswerOk;
}

std::uint8_t VirtioNet::set_pairs(std::uint8_t number, std::span<const std::byte> data) {
    std::uint16_t pairs = 0;
    if (number != 0 || !negotiated(kFeatureMq) || !load(data, pairs)) return kAnswerErr;
    if (pairs == 0 || pairs > properties_.pairs) return kAnswerErr;
    active_pairs_ = pairs;
    if ((device_status_ & virtio::kDriverOk) != 0) flush_incoming();
    return kAnswerOk;
}

std::uint8_t VirtioNet::set_offloads(std::uint8_t number, std::span<const std::byte> data) {
    std::uint64_t offloads = 0;
    if (!negotiated(kFeatureCtrlGuestOffloads) || !load(data, offloads) || number != 0) return kAnswerErr;
    // Without virtio_net_hdr at the back end there is nothing to set.
    if (!properties_.vnet_header) return kAnswerErr;
    const std::uint64_t supported =
        properties_.guest_csum ? virtio::feature_bit(kFeatureGuestCsum) : std::uint64_t{0};
    if ((offloads & ~supported) != 0) return kAnswerErr;
    if ((offloads & virtio::feature_bit(kFeatureGuestCsum)) != 0 && !negotiated(kFeatureGuestCsum))
        finding("an offload without its feature (VIRTIO 1.2 §5.1.6.5.8.1.1)");
    offloads_ = offloads;
    return kAnswerOk;
}

}  // namespace tb::model::net
