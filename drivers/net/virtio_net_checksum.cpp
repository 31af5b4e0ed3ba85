// SPDX-License-Identifier: BSD-3-Clause
#include "net/virtio_net_checksum.hpp"

#include <hal/endian.hpp>

namespace tb::net::virtio_net {
namespace {

constexpr std::size_t kEtherType = 12;
constexpr std::size_t kTagBytes = 4;
constexpr std::uint16_t kVlan = 0x8100;
constexpr std::uint16_t kIpv4 = 0x0800;
constexpr std::uint16_t kIpv6 = 0x86dd;
constexpr std::uint8_t kTcp = 6;
constexpr std::uint8_t kUdp = 17;
constexpr std::size_t kTcpHeader = 20;
constexpr std::size_t kUdpHeader = 8;
constexpr std::size_t kIpv4Header = 20;
constexpr std::size_t kIpv6Header = 40;

/// Where layer 4 lies, and what of its checksum is the pseudo header's (RFC 768, RFC 9293, RFC 8200 §8.1).
struct Layer4 {
    std::size_t start = 0;
    std::size_t bytes = 0;  ///< 0: it is none that has a checksum
    std::size_t checksum = 0;
    std::uint64_t pseudo = 0;
    bool udp = false;
};

std::uint64_t sum_words(std::span<const std::byte> bytes) {
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i + 1 < bytes.size(); i += 2) sum += hal::load_be<std::uint16_t>(bytes, i);
    if (bytes.size() % 2 != 0) sum += std::uint64_t{static_cast<std::uint8_t>(bytes.back())} << 8;
    return sum;
}

std::uint16_t fold(std::uint64_t sum) {
    // Four times are enough for 64 bits.
    for (unsigned i = 0; i < 4; ++i) sum = (sum & 0xffff) + (sum >> 16);
    return static_cast<std::uint16_t>(sum);
}

Layer4 find_layer4(std::span<const std::byte> frame) {
    std::size_t type_at = kEtherType;
    if (frame.size() < kEtherType + 2 + kTagBytes) return {};
    if (hal::load_be<std::uint16_t>(frame, type_at) == kVlan) type_at += kTagBytes;
    const auto type = hal::load_be<std::uint16_t>(frame, type_at);
    const std::span<const std::byte> ip = frame.subspan(type_at + 2);
    Layer4 found;
    std::uint8_t protocol = 0;
    if (type == kIpv4 && ip.size() >= kIpv4Header) {
        const auto first = static_cast<std::uint8_t>(ip[0]);
        const std::size_t header = std::size_t{4} * (first & 15U);
        const auto total = hal::load_be<std::uint16_t>(ip, 2);
        if (first >> 4 != 4 || header < kIpv4Header || total < header || total > ip.size()) return {};
        protocol = static_cast<std::uint8_t>(ip[9]);
        found.start = type_at + 2 + header;
        found.bytes = total - header;
        found.pseudo = sum_words(ip.subspan(12, 8));
    } else if (type == kIpv6 && ip.size() >= kIpv6Header) {
        const auto payload = hal::load_be<std::uint16_t>(ip, 4);
        if (payload > ip.size() - kIpv6Header) return {};
        protocol = static_cast<std::uint8_t>(ip[6]);
        found.start = type_at + 2 + kIpv6Header;
        found.bytes = payload;
        found.pseudo = sum_words(ip.subspan(8, 32));
    } else {
        return {};
    }
    found.udp = protocol == kUdp;
    if (protocol != kTcp && !found.udp) return {};
    if (found.bytes < (found.udp ? kUdpHeader : kTcpHeader)) return {};
    found.checksum = found.udp ? 6 : 16;
    found.pseudo += protocol + std::uint64_t{found.bytes};
    return found;
}

}  // namespace

bool complete_checksum(std::span<std::byte> frame, std::uint32_t csum_start, std::uint32_t csum_offset) {
    const Layer4 layer4 = find_layer4(frame);
    if (layer4.bytes == 0 || layer4.start != csum_start || layer4.checksum != csum_offset) return false;
    const std::size_t field = layer4.start + layer4.checksum;
    const std::uint16_t held = hal::load_be<std::uint16_t>(frame, field);
    // 0 and 0xffff are the same sum.
    if (held % 0xffff != fold(layer4.pseudo) % 0xffff) return false;
    auto checksum = static_cast<std::uint16_t>(~fold(sum_words(frame.subspan(layer4.start, layer4.bytes))));
    // RFC 768: in UDP, 0 says that there is none.
    if (layer4.udp && checksum == 0) checksum = 0xffff;
    hal::store_be(frame, field, checksum);
    return true;
}

}  // namespace tb::net::virtio_net
