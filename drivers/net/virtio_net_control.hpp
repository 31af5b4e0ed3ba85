// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <hal/platform.hpp>
#include <span>

#include "net/net_device.hpp"
#include "virtio/virtqueue.hpp"

namespace tb::net::virtio_net {

/// The control virtqueue (VIRTIO 1.2 §5.1.6.5): one command at a time, whose answer is waited for.
class ControlQueue {
  public:
    /// How long a device may take to answer (§5.1.6.5 sets no limit).
    static constexpr hal::Duration kTimeout = hal::seconds(1);
    /// Addresses that the filter is told of one by one; for more, all groups are let through.
    static constexpr std::size_t kMostGroups = 64;

    hal::Status create(const hal::Platform& platform, std::uint16_t entries,
                       const virtio::Virtqueue::Options& options);
    /// The device must have been reset before.
    void destroy();
    virtio::Virtqueue& queue() { return queue_; }
    const virtio::Virtqueue& queue() const { return queue_; }
    bool created() const { return memory_.valid(); }

    // Each: kDeviceError when the device refuses. kProtocol, kTimeout: it broke a rule, or said nothing; the
    // queue is of no use until the device was reset. kUnsupported: there is no queue.
    hal::Status set_promiscuous(bool on);
    hal::Status set_all_multicast(bool on);
    /// No unicast addresses but the device's own; up to kMostGroups groups.
    hal::Status set_mac_table(std::span<const MacAddress> groups);
    hal::Status set_mac(const MacAddress& mac);
    hal::Status set_vlan(std::uint16_t vlan, bool on);
    hal::Status acknowledge_announcement();
    hal::Status set_pairs(std::uint16_t pairs);
    /// Offloads by their feature bits (§5.1.6.5.8.1).
    hal::Status set_guest_offloads(std::uint64_t offloads);

    /// Whether the last command has left the queue unusable.
    bool failed() const { return failed_ || queue_.broken(); }

  private:
    hal::Status command(std::uint8_t device_class, std::uint8_t number, std::span<const std::byte> data);

    hal::Platform platform_;
    virtio::Virtqueue queue_;
    hal::DmaMemory memory_;  ///< class and command, data, answer
    bool failed_ = false;
};

}  // namespace tb::net::virtio_net
