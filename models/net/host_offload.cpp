// SPDX-License-Identifier: BSD-3-Clause
#include "models/net/host_offload.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>

namespace tb::model::net {

namespace {

using Frame = HostOffload::Frame;
using Bytes = std::span<const std::byte>;

constexpr std::size_t kEtherType = 12;
constexpr std::size_t kEthernetHeader = 14;
constexpr std::size_t kTag = 4;
constexpr std::size_t kIpv6Header = 40;
constexpr unsigned kTcp = 6;
constexpr unsigned kUdp = 17;
constexpr std::size_t kTcpChecksum = 16;
constexpr std::size_t kUdpChecksum = 6;
constexpr std::size_t kTcpSequence = 4;
constexpr std::size_t kTcpDataOffset = 12;
constexpr std::size_t kTcpFlags = 13;
constexpr std::byte kFinAndPush{0x09};
constexpr std::byte kCwr{0x80};

unsigned byte(Bytes bytes, std::size_t at) {
    return std::to_integer<unsigned>(bytes[at]);
}
unsigned big16(Bytes bytes, std::size_t at) {
    return byte(bytes, at) << 8 | byte(bytes, at + 1);
}
void put16(Frame& frame, std::size_t at, std::uint64_t value) {
    frame[at] = std::byte(value >> 8 & 0xff);
    frame[at + 1] = std::byte(value & 0xff);
}

std::uint64_t sum(Bytes bytes) {
    std::uint64_t total = 0;
    for (std::size_t i = 0; i < bytes.size(); ++i) total += byte(bytes, i) << ((i & 1) != 0 ? 0 : 8);
    return total;
}
std::uint16_t fold(std::uint64_t total) {
    while (total >> 16 != 0) total = (total & 0xffff) + (total >> 16);
    return static_cast<std::uint16_t>(total);
}

/// Where the layers of a TCP or UDP packet begin.
struct Layers {
    std::size_t ip = 0;
    std::size_t l4 = 0;
    std::size_t end = 0;
    unsigned protocol = 0;
    bool ipv6 = false;

    std::size_t checksum_at() const { return l4 + (protocol == kTcp ? kTcpChecksum : kUdpChecksum); }
};

std::optional<Layers> parse(Bytes frame) {
    if (frame.size() < kEthernetHeader + kTag) return std::nullopt;
    Layers layers;
    const std::size_t type_at = big16(frame, kEtherType) == 0x8100 ? kEtherType + kTag : kEtherType;
    layers.ip = type_at + 2;
    const unsigned type = big16(frame, type_at);
    if (type == 0x0800 && frame.size() >= layers.ip + 20) {
        const std::size_t header = std::size_t{4} * (byte(frame, layers.ip) & 15);
        layers.l4 = layers.ip + header;
        layers.end = layers.ip + big16(frame, layers.ip + 2);
        layers.protocol = byte(frame, layers.ip + 9);
    } else if (type == 0x86dd && frame.size() >= layers.ip + kIpv6Header) {
        layers.ipv6 = true;
        layers.l4 = layers.ip + kIpv6Header;
        layers.end = layers.l4 + big16(frame, layers.ip + 4);
        layers.protocol = byte(frame, layers.ip + 6);
    } else {
        return std::nullopt;
    }
    if (layers.protocol != kTcp && layers.protocol != kUdp) return std::nullopt;
    const std::size_t least = layers.protocol == kTcp ? 20 : 8;
    if (layers.end > frame.size() || layers.l4 + least > layers.end) return std::nullopt;
    return layers;
}

std::uint16_t pseudo_sum(Bytes frame, const Layers& layers) {
    const Bytes addresses = layers.ipv6 ? frame.subspan(layers.ip + 8, 32) : frame.subspan(layers.ip + 12, 8);
    return fold(sum(addresses) + layers.protocol + (layers.end - layers.l4));
}

/// The checksum over [start, end) whose own field holds what is to be added.
std::uint16_t checksum(Bytes frame, std::size_t start, std::size_t end) {
    return static_cast<std::uint16_t>(~fold(sum(frame.subspan(start, end - start))));
}

void finish_ipv4(Frame& frame, const Layers& layers) {
    put16(frame, layers.ip + 10, 0);
    put16(frame, layers.ip + 10, checksum(frame, layers.ip, layers.l4));
}

std::vector<Frame> segment(const NetHeader& header, const Frame& frame) {
    const std::optional<Layers> found = parse(frame);
    const std::uint8_t kind = header.gso_type & ~kGsoEcn;
    if (!found || found->protocol != kTcp || found->l4 != header.csum_start || header.gso_size == 0 ||
        found->ipv6 != (kind == kGsoTcpV6))
        return {};
    const Layers& whole = *found;
    const std::size_t headers = whole.l4 + std::size_t{4} * (byte(frame, whole.l4 + kTcpDataOffset) >> 4);
    if (headers > whole.end) return {};
    std::vector<Frame> segments;
    std::uint32_t sequence =
        big16(frame, whole.l4 + kTcpSequence) << 16 | big16(frame, whole.l4 + kTcpSequence + 2);
    unsigned identification = whole.ipv6 ? 0 : big16(frame, whole.ip + 4);
    for (std::size_t at = headers; at < whole.end; at += header.gso_size) {
        const std::size_t size = std::min<std::size_t>(header.gso_size, whole.end - at);
        Frame one(frame.begin(), frame.begin() + static_cast<std::ptrdiff_t>(headers));
        const auto from = frame.begin() + static_cast<std::ptrdiff_t>(at);
        one.insert(one.end(), from, from + static_cast<std::ptrdiff_t>(size));
        Layers layers = whole;
        layers.end = one.size();
        // RFC 3168: the sender tells of congestion once.
        if (at != headers) one[whole.l4 + kTcpFlags] &= ~kCwr;
        if (at + size < whole.end) one[whole.l4 + kTcpFlags] &= ~kFinAndPush;
        put16(one, whole.l4 + kTcpSequence, sequence >> 16);
        put16(one, whole.l4 + kTcpSequence + 2, sequence);
        if (whole.ipv6) {
            put16(one, whole.ip + 4, layers.end - layers.l4);
        } else {
            put16(one, whole.ip + 2, layers.end - layers.ip);
            put16(one, whole.ip + 4, identification++);
            finish_ipv4(one, layers);
        }
        put16(one, layers.checksum_at(), pseudo_sum(one, layers));
        put16(one, layers.checksum_at(), checksum(one, layers.l4, layers.end));
        segments.push_back(std::move(one));
        sequence += static_cast<std::uint32_t>(size);
    }
    return segments;
}

}  // namespace

std::vector<Frame> HostOffload::send(const NetHeader& header, Frame frame) {
    if (header.gso_type != 0) return segment(header, frame);
    if ((header.flags & kNeedsCsum) != 0) {
        const std::size_t field = std::size_t{header.csum_start} + header.csum_offset;
        if (field + 2 > frame.size()) return {};
        put16(frame, field, checksum(frame, header.csum_start, frame.size()));
    }
    return {std::move(frame)};
}

NetHeader HostOffload::receive(Frame& frame, bool guest_checksum) {
    NetHeader header;
    const std::optional<Layers> layers = parse(frame);
    if (!layers) return header;
    const std::uint16_t pseudo = pseudo_sum(frame, *layers);
    const std::uint16_t covered = fold(sum(Bytes(frame).subspan(layers->l4, layers->end - layers->l4)));
    const bool valid = fold(std::uint64_t{pseudo} + covered) == 0xffff;
    const bool partial = big16(frame, layers->checksum_at()) == pseudo;
    if (valid && guest_checksum) header.flags = kDataValid;
    if (valid || !partial) return header;
    if (!guest_checksum) {
        put16(frame, layers->checksum_at(), checksum(frame, layers->l4, layers->end));
        return header;
    }
    header.flags = kNeedsCsum;
    header.csum_start = static_cast<std::uint16_t>(layers->l4);
    header.csum_offset = static_cast<std::uint16_t>(layers->checksum_at() - layers->l4);
    return header;
}

}  // namespace tb::model::net
