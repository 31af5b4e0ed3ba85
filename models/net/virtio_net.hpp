// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "models/core/event_queue.hpp"
#include "models/net/eeprom.hpp"
#include "models/net/incoming.hpp"
#include "models/net/net_backend.hpp"
#include "models/net/virtio_net_regs.hpp"
#include "models/virtio/queue.hpp"
#include "models/virtio/virtio_device.hpp"

namespace tb::model::net {

/// QEMU's properties of virtio-net, with its defaults, and what its back end can.
struct VirtioNetProperties {
    MacAddress mac = {0x52, 0x54, 0x00, 0x12, 0x34, 0x56};
    bool mrg_rxbuf = true;
    bool status = true;
    bool ctrl_vq = true;
    bool ctrl_rx = true;
    bool ctrl_vlan = true;
    bool ctrl_rx_extra = true;
    bool ctrl_mac_addr = true;
    bool guest_announce = true;
    bool ctrl_guest_offloads = true;
    bool mq = false;
    unsigned pairs = 1;          ///< queue pairs, as many as the back end has
    std::uint16_t host_mtu = 0;  ///< 0: MTU is not offered
    std::int32_t speed = -1;     ///< Mb/s; -1: unknown, and SPEED_DUPLEX is not offered
    bool full_duplex = true;     ///< told with a speed only
    std::uint16_t rx_queue_size = 256;
    std::uint16_t tx_queue_size = 256;
    /// The back end takes frames with their virtio_net_hdr, as a tap does: checksums and segmentation of TCP
    /// on the way out, and checksums on the way in, are offered. (QEMU's socket back end does not.)
    bool vnet_header = false;
    bool csum = true;
    bool guest_csum = true;
    bool host_tso4 = true;
    bool host_tso6 = true;
    bool host_ecn = true;
};

/// The virtio network device (VIRTIO 1.2 §5.1) as QEMU 7.2 builds it, over any transport, without
/// segmentation offload towards the guest, RSS and hash reports.
class VirtioNet : public virtio::VirtioDevice, public NetDevice {
  public:
    /// Throws std::invalid_argument for what QEMU refuses.
    VirtioNet(const VirtioNetProperties& properties, NetBackend& backend);
    ~VirtioNet() override;
    static void check(const VirtioNetProperties& properties);

    virtio::DeviceInfo identify() const override;
    std::uint64_t features() const override;
    void read_config(std::span<std::byte> config) const override;
    void config_written(std::span<const std::byte> config) override;
    void queue_notified(unsigned index) override;
    void status_changed(std::uint8_t status) override;
    void reset() override;
    void power_on_reset() override;

    void receive(std::span<const std::byte> frame) override { incoming_.arrive(frame); }
    bool can_receive() const override { return ready(0); }
    void set_link(bool up) override;
    /// QEMU's `announce-self`: sends a RARP request of its own, and asks the driver for one.
    void announce();

    unsigned active_pairs() const { return active_pairs_; }

  private:
    using Frame = std::vector<std::byte>;
    /// What tells flows apart: two addresses of up to 16 bytes, two ports of 2.
    using Flow = std::array<std::byte, 36>;

    /// `back`: as the other end would see it.
    static Flow flow_of(std::span<const std::byte> frame, bool back);

    // Frames (virtio_net.cpp).
    bool ready(unsigned pair) const;
    bool has_buffers(virtio::Queue& queue, std::size_t bytes);
    bool take(std::span<const std::byte> frame);
    void deliver(virtio::Queue& queue, const NetHeader& header, std::span<const std::byte> frame);
    void flush_incoming();
    void read_wire_later();
    void transmit_queue(unsigned pair);
    void transmit_all(virtio::Queue& queue, unsigned pair);
    bool transmit(virtio::Queue& queue, const virtio::Chain& chain, unsigned pair);
    void drop_queue(virtio::Queue& queue);
    bool mergeable() const { return negotiated(kFeatureMrgRxbuf); }
    bool negotiated(unsigned feature) const;
    bool guest_checksum() const;
    unsigned pair_for(std::span<const std::byte> frame) const;

    // Filters and commands (virtio_net_control.cpp).
    bool passes(std::span<const std::byte> frame) const;
    void control_queue(virtio::Queue& queue);
    std::uint8_t command(std::span<const std::byte> data);
    std::uint8_t set_rx_mode(std::uint8_t number, std::span<const std::byte> data);
    std::uint8_t set_mac(std::uint8_t number, std::span<const std::byte> data);
    std::uint8_t set_mac_table(std::span<const std::byte> data);
    std::uint8_t set_vlan(std::uint8_t number, std::span<const std::byte> data);
    std::uint8_t acknowledge_announcement(std::uint8_t number);
    std::uint8_t set_pairs(std::uint8_t number, std::span<const std::byte> data);
    std::uint8_t set_offloads(std::uint8_t number, std::span<const std::byte> data);
    void forget_filters();
    void finding(const std::string& message) const;

    VirtioNetProperties properties_;
    NetBackend& backend_;
    Incoming incoming_;
    std::unique_ptr<Timer> wire_;  ///< when QEMU's main loop looks at its socket again
    bool cable_in_ = true;
    bool announcing_ = false;  ///< VIRTIO_NET_S_ANNOUNCE
    std::uint8_t device_status_ = 0;
    unsigned active_pairs_ = 1;
    MacAddress mac_;
    std::optional<std::uint64_t> offloads_;  ///< as the driver has set them
    std::map<Flow, unsigned> flows_;         ///< by which pair the driver sends a flow

    std::array<bool, 6> rx_mode_{};  ///< promiscuous, all-multicast, all-unicast, no multicast, no unicast,
                                     ///< no broadcast
    std::vector<MacAddress> unicast_;
    std::vector<MacAddress> multicast_;
    bool unicast_overflow_ = false;
    bool multicast_overflow_ = false;
    std::array<std::uint32_t, 128> vlans_{};
};

}  // namespace tb::model::net
