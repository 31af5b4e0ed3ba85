// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>

#include "models/core/register_bank.hpp"

/// Facts of the virtio network device (VIRTIO 1.2 §5.1).
namespace tb::model::net {

inline constexpr std::uint16_t kVirtioNetId = 1;

/// Feature bits (§5.1.3).
inline constexpr unsigned kFeatureCsum = 0;
inline constexpr unsigned kFeatureGuestCsum = 1;
inline constexpr unsigned kFeatureCtrlGuestOffloads = 2;
inline constexpr unsigned kFeatureMtu = 3;
inline constexpr unsigned kFeatureMac = 5;
inline constexpr unsigned kFeatureHostTso4 = 11;
inline constexpr unsigned kFeatureHostTso6 = 12;
inline constexpr unsigned kFeatureHostEcn = 13;
inline constexpr unsigned kFeatureMrgRxbuf = 15;
inline constexpr unsigned kFeatureStatus = 16;
inline constexpr unsigned kFeatureCtrlVq = 17;
inline constexpr unsigned kFeatureCtrlRx = 18;
inline constexpr unsigned kFeatureCtrlVlan = 19;
inline constexpr unsigned kFeatureCtrlRxExtra = 20;
inline constexpr unsigned kFeatureGuestAnnounce = 21;
inline constexpr unsigned kFeatureMq = 22;
inline constexpr unsigned kFeatureCtrlMacAddr = 23;
inline constexpr unsigned kFeatureGuestHdrlen = 59;
inline constexpr unsigned kFeatureSpeedDuplex = 63;

inline constexpr FieldSpec kNetStatusFields[] = {{.name = "LINK_UP", .lsb = 0, .bits = 1},
                                                 {.name = "ANNOUNCE", .lsb = 1, .bits = 1}};

/// struct virtio_net_config (§5.1.4).
inline constexpr RegisterSpec kNetConfigRegisters[] = {
    {.offset = 0x00, .width = 1, .name = "mac", .writable = 0, .count = 6, .stride = 1},
    {.offset = 0x06, .width = 2, .name = "status", .writable = 0, .fields = kNetStatusFields},
    {.offset = 0x08, .width = 2, .name = "max_virtqueue_pairs", .writable = 0},
    {.offset = 0x0a, .width = 2, .name = "mtu", .writable = 0},
    {.offset = 0x0c, .width = 4, .name = "speed", .writable = 0},
    {.offset = 0x10, .width = 1, .name = "duplex", .writable = 0},
};
inline constexpr std::uint16_t kStatusLinkUp = 1;
inline constexpr std::uint16_t kStatusAnnounce = 2;

/// struct virtio_net_hdr (§5.1.6), as it is with VERSION_1.
struct NetHeader {
    std::uint8_t flags = 0;
    std::uint8_t gso_type = 0;
    std::uint16_t hdr_len = 0;
    std::uint16_t gso_size = 0;
    std::uint16_t csum_start = 0;
    std::uint16_t csum_offset = 0;
    std::uint16_t num_buffers = 0;
};
static_assert(sizeof(NetHeader) == 12);
/// What QEMU writes of it before a frame; num_buffers comes later, and with mergeable buffers only.
inline constexpr std::size_t kPlainHeaderBytes = 10;

inline constexpr std::uint8_t kNeedsCsum = 1;
inline constexpr std::uint8_t kDataValid = 2;
inline constexpr std::uint8_t kGsoTcpV4 = 1;
inline constexpr std::uint8_t kGsoTcpV6 = 4;
inline constexpr std::uint8_t kGsoEcn = 0x80;

/// Commands of the control virtqueue (§5.1.6.5): class and command.
inline constexpr std::uint8_t kClassRx = 0;
inline constexpr std::uint8_t kClassMac = 1;
inline constexpr std::uint8_t kClassVlan = 2;
inline constexpr std::uint8_t kClassAnnounce = 3;
inline constexpr std::uint8_t kClassMq = 4;
inline constexpr std::uint8_t kClassGuestOffloads = 5;
inline constexpr std::uint8_t kMacTableSet = 0;
inline constexpr std::uint8_t kMacAddrSet = 1;
inline constexpr std::uint8_t kVlanAdd = 0;
inline constexpr std::uint8_t kVlanDel = 1;
inline constexpr std::uint8_t kAnswerOk = 0;
inline constexpr std::uint8_t kAnswerErr = 1;

}  // namespace tb::model::net
