// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

#include "net/net_device.hpp"
#include "virtio/pci_transport.hpp"

namespace tb::net::virtio_net {

/// A private copy of the device configuration, as it was read; fields whose feature was not negotiated are 0.
struct Config {
    MacAddress mac{};
    std::uint16_t status = 0;
    std::uint16_t max_virtqueue_pairs = 0;
    std::uint16_t mtu = 0;
    std::uint32_t speed = 0;
    std::uint8_t duplex = 0;
};

/// Of the features that a device offers, those of `wanted` that may be negotiated: none without the features
/// that it requires (§5.1.3.1).
std::uint64_t choose_features(std::uint64_t offered, std::uint64_t wanted);

/// Reads what `features` (the negotiated ones) say is there, all of one generation. kProtocol: it never
/// settles, or the structure ends before a field that a feature promises.
hal::Result<Config> read_config(const virtio::PciTransport& transport, std::uint64_t features);

/// kProtocol: a MAC address that is a group's or zero, an mtu below 68, a max_virtqueue_pairs of 0 or above
/// 0x8000 (§5.1.4.1).
hal::Status check_config(const Config& config, std::uint64_t features);

/// What the configuration says about the link (§5.1.4.2): up without VIRTIO_NET_F_STATUS; a speed of 0 is an
/// unknown one.
LinkState link_of(const Config& config, std::uint64_t features);

/// Whether an interface may have it: no group's address, and not zero.
bool is_station_address(const MacAddress& mac);

}  // namespace tb::net::virtio_net
