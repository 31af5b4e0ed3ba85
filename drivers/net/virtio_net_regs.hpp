// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

/// Facts of the virtio network device (VIRTIO 1.2 §5.1).
namespace tb::net::virtio_net {

inline constexpr std::uint16_t kModernDevice = 0x1041;
inline constexpr std::uint16_t kTransitionalDevice = 0x1000;

// Feature bits (§5.1.3).
inline constexpr std::uint64_t kFeatureCsum = std::uint64_t{1} << 0;
inline constexpr std::uint64_t kFeatureGuestCsum = std::uint64_t{1} << 1;
inline constexpr std::uint64_t kFeatureCtrlGuestOffloads = std::uint64_t{1} << 2;
inline constexpr std::uint64_t kFeatureMtu = std::uint64_t{1} << 3;
inline constexpr std::uint64_t kFeatureMac = std::uint64_t{1} << 5;
inline constexpr std::uint64_t kFeatureHostTso4 = std::uint64_t{1} << 11;
inline constexpr std::uint64_t kFeatureHostTso6 = std::uint64_t{1} << 12;
inline constexpr std::uint64_t kFeatureHostEcn = std::uint64_t{1} << 13;
inline constexpr std::uint64_t kFeatureMergeableBuffers = std::uint64_t{1} << 15;
inline constexpr std::uint64_t kFeatureStatus = std::uint64_t{1} << 16;
inline constexpr std::uint64_t kFeatureCtrlQueue = std::uint64_t{1} << 17;
inline constexpr std::uint64_t kFeatureCtrlRx = std::uint64_t{1} << 18;
inline constexpr std::uint64_t kFeatureCtrlVlan = std::uint64_t{1} << 19;
inline constexpr std::uint64_t kFeatureGuestAnnounce = std::uint64_t{1} << 21;
inline constexpr std::uint64_t kFeatureMultiQueue = std::uint64_t{1} << 22;
inline constexpr std::uint64_t kFeatureCtrlMacAddress = std::uint64_t{1} << 23;
inline constexpr std::uint64_t kFeatureGuestHeaderLength = std::uint64_t{1} << 59;
inline constexpr std::uint64_t kFeatureSpeedDuplex = std::uint64_t{1} << 63;

/// Device configuration, offsets in bytes (§5.1.4). A field is there only if its feature was offered.
namespace config {
inline constexpr std::uint32_t kMac = 0;                ///< 6 bytes
inline constexpr std::uint32_t kStatus = 6;             ///< 16 bits
inline constexpr std::uint32_t kMaxVirtqueuePairs = 8;  ///< 16 bits
inline constexpr std::uint32_t kMtu = 10;               ///< 16 bits, bytes without the Ethernet header
inline constexpr std::uint32_t kSpeed = 12;             ///< Mb/s; above 0x7fffffff: unknown
inline constexpr std::uint32_t kDuplex = 16;            ///< 8 bits: 0 half, 1 full, others unknown
inline constexpr std::uint16_t kStatusLinkUp = 1;       ///< VIRTIO_NET_S_LINK_UP
inline constexpr std::uint16_t kStatusAnnounce = 2;     ///< VIRTIO_NET_S_ANNOUNCE
inline constexpr std::uint32_t kFastestSpeed = 0x7fff'ffff;
inline constexpr std::uint8_t kFullDuplex = 1;
inline constexpr std::uint16_t kLeastMtu = 68;       ///< §5.1.4.1
inline constexpr std::uint16_t kMostPairs = 0x8000;  ///< §5.1.4.1
}  // namespace config

/// struct virtio_net_hdr (§5.1.6), before every frame either way. num_buffers is always there (VERSION_1).
namespace header {
inline constexpr std::uint32_t kFlags = 0;    ///< 8 bits
inline constexpr std::uint32_t kGsoType = 1;  ///< 8 bits
inline constexpr std::uint32_t kHdrLen = 2;   ///< 16 bits, as those that follow
inline constexpr std::uint32_t kGsoSize = 4;
inline constexpr std::uint32_t kCsumStart = 6;
inline constexpr std::uint32_t kCsumOffset = 8;
inline constexpr std::uint32_t kNumBuffers = 10;
inline constexpr std::uint32_t kBytes = 12;

inline constexpr std::uint8_t kFlagNeedsCsum = 1;
inline constexpr std::uint8_t kFlagDataValid = 2;
inline constexpr std::uint8_t kGsoNone = 0;
inline constexpr std::uint8_t kGsoTcpV4 = 1;
inline constexpr std::uint8_t kGsoTcpV6 = 4;
inline constexpr std::uint8_t kGsoEcn = 0x80;
}  // namespace header

/// Commands of the control virtqueue (§5.1.6.5): class and command, a byte each, then data, then the answer.
namespace control {
inline constexpr std::uint8_t kOk = 0;   ///< VIRTIO_NET_OK
inline constexpr std::uint8_t kErr = 1;  ///< VIRTIO_NET_ERR

inline constexpr std::uint8_t kRx = 0;
inline constexpr std::uint8_t kRxPromiscuous = 0;
inline constexpr std::uint8_t kRxAllMulticast = 1;

inline constexpr std::uint8_t kMac = 1;
inline constexpr std::uint8_t kMacTableSet = 0;
inline constexpr std::uint8_t kMacAddressSet = 1;

inline constexpr std::uint8_t kVlan = 2;
inline constexpr std::uint8_t kVlanAdd = 0;
inline constexpr std::uint8_t kVlanDelete = 1;

inline constexpr std::uint8_t kAnnounce = 3;
inline constexpr std::uint8_t kAnnounceAck = 0;

inline constexpr std::uint8_t kMultiQueue = 4;
inline constexpr std::uint8_t kPairsSet = 0;

inline constexpr std::uint8_t kGuestOffloads = 5;
inline constexpr std::uint8_t kGuestOffloadsSet = 0;
}  // namespace control

inline constexpr std::uint32_t kEthernetHeaderBytes = 14;
inline constexpr std::uint32_t kVlanTagBytes = 4;

}  // namespace tb::net::virtio_net
