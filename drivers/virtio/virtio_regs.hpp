// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

/// Facts of VIRTIO 1.2 that every device shares: identifiers, status and feature bits, the PCI structures,
/// the rings. Offsets are in bytes from the start of their structure.
namespace tb::virtio {

// Device discovery (§4.1.2).
inline constexpr std::uint16_t kVendor = 0x1af4;
inline constexpr std::uint16_t kModernDeviceBase = 0x1040;

// Device status (§2.1).
inline constexpr std::uint8_t kStatusAcknowledge = 1;
inline constexpr std::uint8_t kStatusDriver = 2;
inline constexpr std::uint8_t kStatusDriverOk = 4;
inline constexpr std::uint8_t kStatusFeaturesOk = 8;
inline constexpr std::uint8_t kStatusNeedsReset = 64;
inline constexpr std::uint8_t kStatusFailed = 128;

// Feature bits that belong to no device in particular (§6).
inline constexpr std::uint64_t kFeatureIndirectDesc = std::uint64_t{1} << 28;
inline constexpr std::uint64_t kFeatureEventIdx = std::uint64_t{1} << 29;
inline constexpr std::uint64_t kFeatureVersion1 = std::uint64_t{1} << 32;
inline constexpr std::uint64_t kFeatureAccessPlatform = std::uint64_t{1} << 33;
inline constexpr std::uint64_t kFeatureRingPacked = std::uint64_t{1} << 34;
inline constexpr std::uint64_t kFeatureInOrder = std::uint64_t{1} << 35;
inline constexpr std::uint64_t kFeatureOrderPlatform = std::uint64_t{1} << 36;
inline constexpr std::uint64_t kFeatureNotificationData = std::uint64_t{1} << 38;
inline constexpr std::uint64_t kFeatureRingReset = std::uint64_t{1} << 40;

/// struct virtio_pci_cap (§4.1.4).
namespace cap {
inline constexpr std::uint16_t kLengthAndType = 2;  ///< cap_len and cfg_type, a byte each
inline constexpr std::uint16_t kBar = 4;
inline constexpr std::uint16_t kOffset = 8;
inline constexpr std::uint16_t kLength = 12;
inline constexpr std::uint16_t kNotifyMultiplier = 16;
inline constexpr unsigned kBytes = 16;
inline constexpr unsigned kNotifyBytes = 20;

inline constexpr std::uint8_t kTypeCommon = 1;
inline constexpr std::uint8_t kTypeNotify = 2;
inline constexpr std::uint8_t kTypeIsr = 3;
inline constexpr std::uint8_t kTypeDevice = 4;
inline constexpr std::uint8_t kTypePciConfig = 5;
}  // namespace cap

/// struct virtio_pci_common_cfg (§4.1.4.3).
namespace common {
inline constexpr std::uint32_t kDeviceFeatureSelect = 0x00;
inline constexpr std::uint32_t kDeviceFeature = 0x04;
inline constexpr std::uint32_t kDriverFeatureSelect = 0x08;
inline constexpr std::uint32_t kDriverFeature = 0x0c;
inline constexpr std::uint32_t kConfigMsixVector = 0x10;  ///< 16 bits
inline constexpr std::uint32_t kNumQueues = 0x12;         ///< 16 bits
inline constexpr std::uint32_t kDeviceStatus = 0x14;      ///< 8 bits
inline constexpr std::uint32_t kConfigGeneration = 0x15;  ///< 8 bits
inline constexpr std::uint32_t kQueueSelect = 0x16;       ///< 16 bits
inline constexpr std::uint32_t kQueueSize = 0x18;         ///< 16 bits
inline constexpr std::uint32_t kQueueMsixVector = 0x1a;   ///< 16 bits
inline constexpr std::uint32_t kQueueEnable = 0x1c;       ///< 16 bits
inline constexpr std::uint32_t kQueueNotifyOff = 0x1e;    ///< 16 bits
inline constexpr std::uint32_t kQueueDesc = 0x20;         ///< 64 bits, as two of 32
inline constexpr std::uint32_t kQueueDriver = 0x28;
inline constexpr std::uint32_t kQueueDevice = 0x30;
inline constexpr std::uint32_t kBytes = 0x38;
}  // namespace common

inline constexpr std::uint16_t kNoVector = 0xffff;  ///< §4.1.5.1.2

// ISR status, reading clears it (§4.1.4.5).
inline constexpr std::uint8_t kIsrQueue = 1;
inline constexpr std::uint8_t kIsrConfig = 2;

/// The split virtqueue (§2.7). The ring parts are laid out by the functions at the end.
namespace ring {
inline constexpr std::uint16_t kDescNext = 1;
inline constexpr std::uint16_t kDescWrite = 2;
inline constexpr std::uint16_t kDescIndirect = 4;
inline constexpr std::uint16_t kAvailNoInterrupt = 1;
inline constexpr std::uint16_t kUsedNoNotify = 1;

inline constexpr std::uint32_t kDescBytes = 16;  ///< le64 addr, le32 len, le16 flags, le16 next
inline constexpr std::uint32_t kUsedElementBytes = 8;
inline constexpr std::uint32_t kFlags = 0;  ///< of both rings
inline constexpr std::uint32_t kIdx = 2;
inline constexpr std::uint32_t kEntries = 4;
inline constexpr std::uint32_t kDescAlignment = 16;
inline constexpr std::uint32_t kAvailAlignment = 2;
inline constexpr std::uint32_t kUsedAlignment = 4;

/// With the event field at the end (used_event, avail_event), negotiated or not.
constexpr std::uint32_t avail_bytes(std::uint32_t entries) {
    return kEntries + 2 * entries + 2;
}
constexpr std::uint32_t used_bytes(std::uint32_t entries) {
    return kEntries + kUsedElementBytes * entries + 2;
}
constexpr std::uint32_t used_event(std::uint32_t entries) {
    return kEntries + 2 * entries;
}
constexpr std::uint32_t avail_event(std::uint32_t entries) {
    return kEntries + kUsedElementBytes * entries;
}

/// Whether index `event` was passed on the way from `old_index` to `new_index`, all modulo 65536 (§2.7.10,
/// vring_need_event).
constexpr bool need_event(std::uint16_t event, std::uint16_t new_index, std::uint16_t old_index) {
    return static_cast<std::uint16_t>(new_index - event - 1) <
           static_cast<std::uint16_t>(new_index - old_index);
}
}  // namespace ring

/// The packed virtqueue (§2.8). Descriptors have NEXT, WRITE and INDIRECT where those of a split one have
/// them.
namespace packed {
inline constexpr std::uint16_t kDescAvail = 1U << 7;
inline constexpr std::uint16_t kDescUsed = 1U << 15;

// struct pvirtq_desc (§2.8.13): le64 addr, le32 len, le16 id, le16 flags.
inline constexpr std::uint32_t kLen = 8;
inline constexpr std::uint32_t kId = 12;
inline constexpr std::uint32_t kFlags = 14;

// struct pvirtq_event_suppress (§2.8.14): le16 desc (offset, wrap counter in bit 15), le16 flags.
inline constexpr std::uint32_t kEventDesc = 0;
inline constexpr std::uint32_t kEventFlags = 2;
inline constexpr std::uint32_t kEventBytes = 4;
inline constexpr std::uint16_t kEventWrap = 1U << 15;
inline constexpr std::uint16_t kEventFlagsMask = 3;
inline constexpr std::uint16_t kEventEnable = 0;
inline constexpr std::uint16_t kEventDisable = 1;
inline constexpr std::uint16_t kEventForDesc = 2;  ///< VIRTIO_F_EVENT_IDX only

inline constexpr std::uint32_t kDescAlignment = 16;
inline constexpr std::uint32_t kEventAlignment = 4;

/// Whether a descriptor whose ring wrap counter is `wrap` is marked as available (§2.8.1).
constexpr bool is_available(std::uint16_t flags, bool wrap) {
    return ((flags & kDescAvail) != 0) == wrap && ((flags & kDescUsed) != 0) != wrap;
}
/// ... or as used.
constexpr bool is_used(std::uint16_t flags, bool wrap) {
    return ((flags & kDescAvail) != 0) == wrap && ((flags & kDescUsed) != 0) == wrap;
}
/// Whether the descriptor that an event suppression names was passed by the last `count` descriptors before
/// slot `next`, whose wrap counter is `wrap` (§2.8.10).
constexpr bool need_event(std::uint16_t desc, std::uint32_t entries, std::uint16_t next, bool wrap,
                          std::uint16_t count) {
    auto event = static_cast<std::uint16_t>(desc & ~kEventWrap);
    if (((desc & kEventWrap) != 0) != wrap) event = static_cast<std::uint16_t>(event - entries);
    return ring::need_event(event, next, static_cast<std::uint16_t>(next - count));
}
}  // namespace packed

}  // namespace tb::virtio
