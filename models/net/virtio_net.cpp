// SPDX-License-Identifier: BSD-3-Clause
#include "models/net/virtio_net.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <stdexcept>
#include <string>
#include <utility>

#include "models/net/host_offload.hpp"
#include "models/virtio/virtio_regs.hpp"

namespace tb::model::net {

namespace {

using virtio::Chain;
using virtio::Queue;

constexpr std::uint16_t kControlQueueSize = 64;
constexpr std::size_t kLongestFrame = 4096 + 65536;  // QEMU's NET_BUFSIZE
constexpr std::size_t kMostChains = 1024;

void refuse(bool bad, const std::string& property, const std::string& remedy) {
    if (bad) throw std::invalid_argument("virtio-net: " + property + " " + remedy);
}

template <class T>
void put(std::span<std::byte> config, std::size_t offset, T value) {
    if (offset + sizeof value <= config.size()) std::memcpy(config.data() + offset, &value, sizeof value);
}

unsigned big16(std::span<const std::byte> frame, std::size_t at) {
    return std::to_integer<unsigned>(frame[at]) << 8 | std::to_integer<unsigned>(frame[at + 1]);
}

}  // namespace

// Addresses, and ports where there are some.
VirtioNet::Flow VirtioNet::flow_of(std::span<const std::byte> frame, bool back) {
    Flow flow{};
    std::size_t used = 0;
    const auto add = [&](std::size_t first, std::size_t second, std::size_t bytes) {
        for (const std::size_t at : {back ? second : first, back ? first : second})
            for (std::size_t i = 0; i < bytes && at + i < frame.size(); ++i, ++used)
                flow[used] = frame[at + i];
    };
    if (frame.size() < 14) return flow;
    const unsigned type = big16(frame, 12);
    const bool ipv4 = type == 0x0800 && frame.size() >= 34;
    const bool ipv6 = type == 0x86dd && frame.size() >= 54;
    if (!ipv4 && !ipv6) {
        add(0, 6, 6);
        return flow;
    }
    if (ipv4)
        add(26, 30, 4);
    else
        add(22, 38, 16);
    const std::size_t l4 = ipv4 ? 14 + 4 * (std::to_integer<std::size_t>(frame[14]) & 15) : 54;
    const auto protocol = std::to_integer<unsigned>(frame[ipv4 ? 23 : 20]);
    if (protocol == 6 || protocol == 17) add(l4, l4 + 2, 2);
    return flow;
}

void VirtioNet::check(const VirtioNetProperties& p) {
    const auto queue_size = [](std::uint16_t size) {
        return std::has_single_bit(size) && size >= 256 && size <= Queue::kMaxSize;
    };
    refuse(!queue_size(p.rx_queue_size), "rx_queue_size", "must be a power of 2 from 256 to 1024");
    // More than 256 is for vhost-user alone.
    refuse(p.tx_queue_size != 256, "tx_queue_size", "must be 256");
    refuse(p.pairs == 0 || p.pairs > 8, "pairs", "must be from 1 to 8");
    refuse(p.speed < -1, "speed", "must be -1 or more");
}

VirtioNet::VirtioNet(const VirtioNetProperties& properties, NetBackend& backend)
    : properties_((check(properties), properties)),
      backend_(backend),
      incoming_({.cable_in = [this] { return cable_in_; },
                 .ready = [this] { return ready(0); },
                 .take = [this](std::span<const std::byte> frame) { return take(frame); }}),
      mac_(properties.mac) {
    forget_filters();
}

VirtioNet::~VirtioNet() = default;

virtio::DeviceInfo VirtioNet::identify() const {
    const VirtioNetProperties& p = properties_;
    const std::size_t config = p.speed >= 0 ? 17 : p.host_mtu != 0 ? 12 : p.mq ? 10 : p.status ? 8 : 6;
    std::vector<std::uint16_t> sizes;
    for (unsigned i = 0; i < p.pairs; ++i) {
        sizes.push_back(p.rx_queue_size);
        sizes.push_back(p.tx_queue_size);
    }
    sizes.push_back(kControlQueueSize);
    return {.device_id = kVirtioNetId,
            .class_code = 0x02'0000,
            .config_bytes = config,
            .queue_sizes = std::move(sizes)};
}

std::uint64_t VirtioNet::features() const {
    const VirtioNetProperties& p = properties_;
    std::uint64_t features = 0;
    const auto offer = [&](unsigned feature, bool on = true) {
        if (on) features |= virtio::feature_bit(feature);
    };
    offer(kFeatureMac);
    offer(kFeatureMrgRxbuf, p.mrg_rxbuf);
    offer(kFeatureStatus, p.status);
    offer(kFeatureCtrlVq, p.ctrl_vq);
    offer(kFeatureCtrlRx, p.ctrl_rx);
    offer(kFeatureCtrlVlan, p.ctrl_vlan);
    offer(kFeatureCtrlRxExtra, p.ctrl_rx_extra);
    offer(kFeatureCtrlMacAddr, p.ctrl_mac_addr);
    offer(kFeatureGuestAnnounce, p.guest_announce);
    offer(kFeatureCtrlGuestOffloads, p.ctrl_guest_offloads);
    offer(kFeatureMq, p.mq);
    offer(kFeatureMtu, p.host_mtu != 0);
    offer(kFeatureSpeedDuplex, p.speed >= 0);
    if (!p.vnet_header) return features;
    offer(kFeatureCsum, p.csum);
    offer(kFeatureGuestCsum, p.guest_csum);
    offer(kFeatureHostTso4, p.csum && p.host_tso4);
    offer(kFeatureHostTso6, p.csum && p.host_tso6);
    offer(kFeatureHostEcn, p.csum && p.host_ecn && (p.host_tso4 || p.host_tso6));
    return features;
}

void VirtioNet::read_config(std::span<std::byte> config) const {
    const VirtioNetProperties& p = properties_;
    std::ranges::fill(config, std::byte{0});
    put(config, 0x00, mac_);
    put(config, 0x06,
        static_cast<std::uint16_t>((cable_in_ ? kStatusLinkUp : 0) | (announcing_ ? kStatusAnnounce : 0)));
    put(config, 0x08, static_cast<std::uint16_t>(p.pairs));
    put(config, 0x0a, p.host_mtu);
    put(config, 0x0c, p.speed);
    put(config, 0x10, static_cast<std::uint8_t>(p.full_duplex ? 1 : 0));
}

void VirtioNet::config_written(std::span<const std::byte> config) {
    // As before VIRTIO 1.0: afterwards the address is set by a command.
    if (negotiated(kFeatureCtrlMacAddr) || negotiated(virtio::kFeatureVersion1)) return;
    std::memcpy(mac_.data(), config.data(), mac_.size());
}

bool VirtioNet::negotiated(unsigned feature) const {
    return const_cast<VirtioNet*>(this)->transport().negotiated(feature);
}

bool VirtioNet::guest_checksum() const {
    // With the features come the offloads, until a command changes them (§5.1.6.5.8).
    if (offloads_) return (*offloads_ & virtio::feature_bit(kFeatureGuestCsum)) != 0;
    return negotiated(kFeatureGuestCsum);
}

void VirtioNet::finding(const std::string& message) const {
    const_cast<VirtioNet*>(this)->transport().report_finding("virtio-net", message);
}

void VirtioNet::queue_notified(unsigned index) {
    Queue& queue = transport().queue(index);
    // Without MQ the control queue is the third (§5.1.2), whatever the device could have.
    const unsigned control = negotiated(kFeatureMq) ? 2 * properties_.pairs : 2;
    if (index == control) return control_queue(queue);
    if (index % 2 != 0) return transmit_queue(index / 2);
    flush_incoming();
}

// Frames that come in.

bool VirtioNet::ready(unsigned pair) const {
    auto& self = const_cast<VirtioNet&>(*this);
    return (device_status_ & virtio::kDriverOk) != 0 && !self.transport().halted() && pair < active_pairs_ &&
           self.transport().queue(2 * pair).has_rings();
}

void VirtioNet::flush_incoming() {
    incoming_.flush();
    read_wire_later();
}

void VirtioNet::read_wire_later() {
    if (!wire_) wire_ = std::make_unique<Timer>(transport().events(), 0, [this] { incoming_.read_socket(); });
    wire_->start(0);
}

bool VirtioNet::has_buffers(Queue& queue, std::size_t bytes) {
    const auto lacks = [&] { return queue.empty() || (mergeable() && !queue.has_room_for(bytes)); };
    if (lacks()) {
        queue.set_notification(true);
        if (lacks()) return false;
    }
    queue.set_notification(false);
    return true;
}

unsigned VirtioNet::pair_for(std::span<const std::byte> frame) const {
    if (active_pairs_ == 1) return 0;
    // Where the driver sends that flow (§5.1.6.5.6).
    const auto found = flows_.find(flow_of(frame, true));
    return found != flows_.end() && found->second < active_pairs_ ? found->second : 0;
}

bool VirtioNet::take(std::span<const std::byte> frame) {
    const unsigned pair = pair_for(frame);
    // Lost: there is nobody for it.
    if (!ready(pair)) return true;
    Queue& queue = transport().queue(2 * pair);
    if (!has_buffers(queue, frame.size() + sizeof(NetHeader))) return false;
    if (!passes(frame)) return true;
    Frame copy(frame.begin(), frame.end());
    const NetHeader header =
        properties_.vnet_header ? HostOffload::receive(copy, guest_checksum()) : NetHeader{};
    deliver(queue, header, copy);
    return true;
}

void VirtioNet::deliver(Queue& queue, const NetHeader& header, std::span<const std::byte> frame) {
    std::vector<virtio::Filled> filled;
    const auto give_up = [&] {
        for (const virtio::Filled& one : filled) queue.drop(one.chain);
    };
    pci::Requester& memory = transport().memory();
    for (std::size_t done = 0; done < frame.size();) {
        std::optional<Chain> chain = filled.size() < kMostChains ? queue.pop() : std::nullopt;
        if (!chain) {
            if (!filled.empty()) transport().fail("receive", "the buffers of one frame came to an end");
            return give_up();
        }
        if (chain->writable.empty()) {
            queue.drop(*chain);
            transport().fail("receive", "a receive buffer without a writable part");
            return give_up();
        }
        std::uint64_t at = 0;
        if (filled.empty()) {
            scatter(memory, chain->writable, 0,
                    std::as_bytes(std::span(&header, 1)).first(kPlainHeaderBytes));
            at = sizeof(NetHeader);
        }
        const std::size_t part = scatter(memory, chain->writable, at, frame.subspan(done));
        done += part;
        if (!mergeable() && done < frame.size()) {
            finding("a frame of " + std::to_string(frame.size()) +
                    " bytes does not fit into a receive buffer (VIRTIO 1.2 §5.1.6.3.1)");
            queue.unpop(*chain);
            return;
        }
        filled.push_back({std::move(*chain), static_cast<std::uint32_t>(at + part)});
    }
    if (filled.empty()) return;
    if (mergeable()) {
        // Behind all of the frame, as in QEMU; and without the feature not at all, where VIRTIO 1.2
        // §5.1.6.4.1 asks for 1.
        const auto buffers = static_cast<std::uint16_t>(filled.size());
        scatter(memory, filled.front().chain.writable, kPlainHeaderBytes,
                std::as_bytes(std::span(&buffers, 1)));
    }
    queue.push_together(filled);
    transport().notify_used(queue);
}

// Frames that go out.

void VirtioNet::transmit_queue(unsigned pair) {
    Queue& queue = transport().queue(2 * pair + 1);
    if (!cable_in_) return drop_queue(queue);
    if ((device_status_ & virtio::kDriverOk) == 0) return;
    do {
        queue.set_notification(false);
        transmit_all(queue, pair);
        if (transport().halted()) return;
        queue.set_notification(true);
    } while (!queue.empty());
}

void VirtioNet::transmit_all(Queue& queue, unsigned pair) {
    while (std::optional<Chain> chain = queue.pop()) {
        if (!transmit(queue, *chain, pair)) return;
        queue.push(*chain, 0);
        transport().notify_used(queue);
    }
}

bool VirtioNet::transmit(Queue& queue, const Chain& chain, unsigned pair) {
    if (chain.readable.empty()) {
        queue.drop(chain);
        transport().fail("transmit", "a frame without a readable part");
        return false;
    }
    pci::Requester& memory = transport().memory();
    NetHeader header;
    const std::size_t got = gather(memory, chain.readable, 0, std::as_writable_bytes(std::span(&header, 1)));
    if (properties_.vnet_header && got < sizeof header) {
        queue.drop(chain);
        transport().fail("transmit", "a header of fewer than 12 bytes");
        return false;
    }
    if (pair >= active_pairs_)
        finding("a frame in transmit queue " + std::to_string(pair) +
                ", which is not enabled (VIRTIO 1.2 "
                "§5.1.6.5.6.1)");
    const std::uint64_t total = virtio::total_bytes(chain.readable);
    if (total <= sizeof header) {
        finding("an empty frame");
        return true;
    }
    if (total - sizeof header > kLongestFrame) return true;  // QEMU drops it without a word
    Frame frame(static_cast<std::size_t>(total - sizeof header));
    gather(memory, chain.readable, sizeof header, frame);
    if (active_pairs_ > 1) flows_[flow_of(frame, false)] = pair;
    if (!properties_.vnet_header) {
        backend_.transmit(frame);
        return true;
    }
    const std::vector<Frame> frames = HostOffload::send(header, std::move(frame));
    if (frames.empty()) finding("a header that contradicts its frame (VIRTIO 1.2 §5.1.6.2)");
    for (const Frame& one : frames) backend_.transmit(one);
    return true;
}

/// Without a cable what is sent is taken, and gone.
void VirtioNet::drop_queue(Queue& queue) {
    bool dropped = false;
    while (const std::optional<Chain> chain = queue.pop()) {
        queue.push(*chain, 0);
        dropped = true;
    }
    if (dropped) transport().notify_used(queue);
}

// Link, status, reset.

void VirtioNet::set_link(bool up) {
    const bool changed = up != cable_in_;
    cable_in_ = up;
    if (changed) transport().config_changed();
    if (up && (device_status_ & virtio::kDriverOk) != 0) flush_incoming();
}

void VirtioNet::announce() {
    // RARP (RFC 903) of QEMU's own, with the address that it was given at first.
    Frame frame(60);
    std::fill_n(frame.begin(), 6, std::byte{0xff});
    constexpr std::array<unsigned char, 10> kRarp = {0x80, 0x35, 0, 1, 8, 0, 6, 4, 0, 3};
    std::memcpy(&frame[12], kRarp.data(), kRarp.size());
    for (const std::size_t at : {std::size_t{6}, std::size_t{22}, std::size_t{32}})
        std::memcpy(&frame[at], properties_.mac.data(), properties_.mac.size());
    if (cable_in_) backend_.transmit(frame);
    if (!negotiated(kFeatureGuestAnnounce) || !negotiated(kFeatureCtrlVq)) return;
    announcing_ = true;
    transport().config_changed();
}

void VirtioNet::status_changed(std::uint8_t status) {
    // What waits is delivered while the status is still the old one, as in QEMU: to nobody.
    if ((status & virtio::kDriverOk) != 0 && cable_in_) flush_incoming();
    device_status_ = status;
}

void VirtioNet::reset() {
    device_status_ = 0;
    active_pairs_ = 1;
    announcing_ = false;
    mac_ = properties_.mac;
    offloads_.reset();
    flows_.clear();
    forget_filters();
}

void VirtioNet::power_on_reset() {
    reset();
    incoming_.clear();
    if (wire_) wire_->cancel();
}

}  // namespace tb::model::net
