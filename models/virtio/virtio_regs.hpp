// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

#include "models/core/register_bank.hpp"

/// Facts of virtio over PCI (VIRTIO 1.2 §2.1, §4.1, §6): registers, bits, numbers. The driver has tables of
/// its own; a test compares both with the system's headers.
namespace tb::model::virtio {

/// Bits of device_status (§2.1).
enum Status : std::uint8_t {
    kAcknowledge = 1,
    kDriver = 2,
    kDriverOk = 4,
    kFeaturesOk = 8,
    kNeedsReset = 64,
    kFailed = 128,
};

/// Feature bits of the ring and the transport (§6).
inline constexpr unsigned kFeatureNotifyOnEmpty = 24;  ///< legacy
inline constexpr unsigned kFeatureAnyLayout = 27;      ///< legacy
inline constexpr unsigned kFeatureIndirectDesc = 28;
inline constexpr unsigned kFeatureEventIdx = 29;
inline constexpr unsigned kFeatureBad = 30;  ///< legacy: set by drivers that do not negotiate
inline constexpr unsigned kFeatureVersion1 = 32;
inline constexpr unsigned kFeatureRingPacked = 34;
inline constexpr unsigned kFeatureRingReset = 40;

constexpr std::uint64_t feature_bit(unsigned feature) {
    return std::uint64_t{1} << feature;
}

/// Bits of the ISR status register (§4.1.4.5).
inline constexpr std::uint8_t kIsrQueue = 1;
inline constexpr std::uint8_t kIsrConfig = 2;

inline constexpr std::uint16_t kNoVector = 0xffff;

/// Highest number of queues of a device on QEMU; registers of any of them answer.
inline constexpr unsigned kMaxQueues = 1024;

inline constexpr FieldSpec kStatusFields[] = {
    {"ACKNOWLEDGE", 0, 1}, {"DRIVER", 1, 1},      {"DRIVER_OK", 2, 1},
    {"FEATURES_OK", 3, 1}, {"NEEDS_RESET", 6, 1}, {"FAILED", 7, 1},
};
inline constexpr FieldSpec kIsrFields[] = {{"QUEUE", 0, 1}, {"CONFIG", 1, 1}};

/// struct virtio_pci_common_cfg (§4.1.4.3). The 64-bit addresses are two registers each, as §4.1.3.1 has
/// drivers access them.
inline constexpr RegisterSpec kCommonRegisters[] = {
    {.offset = 0x00, .width = 4, .name = "device_feature_select"},
    {.offset = 0x04, .width = 4, .name = "device_feature", .writable = 0},
    {.offset = 0x08, .width = 4, .name = "driver_feature_select"},
    {.offset = 0x0c, .width = 4, .name = "driver_feature"},
    {.offset = 0x10, .width = 2, .name = "config_msix_vector", .reset = kNoVector},
    {.offset = 0x12, .width = 2, .name = "num_queues", .writable = 0},
    {.offset = 0x14, .width = 1, .name = "device_status", .fields = kStatusFields},
    {.offset = 0x15, .width = 1, .name = "config_generation", .writable = 0},
    {.offset = 0x16, .width = 2, .name = "queue_select"},
    {.offset = 0x18, .width = 2, .name = "queue_size"},
    {.offset = 0x1a, .width = 2, .name = "queue_msix_vector", .reset = kNoVector},
    {.offset = 0x1c, .width = 2, .name = "queue_enable"},
    {.offset = 0x1e, .width = 2, .name = "queue_notify_off", .writable = 0},
    {.offset = 0x20, .width = 4, .name = "queue_desc_lo"},
    {.offset = 0x24, .width = 4, .name = "queue_desc_hi"},
    {.offset = 0x28, .width = 4, .name = "queue_driver_lo"},
    {.offset = 0x2c, .width = 4, .name = "queue_driver_hi"},
    {.offset = 0x30, .width = 4, .name = "queue_device_lo"},
    {.offset = 0x34, .width = 4, .name = "queue_device_hi"},
    {.offset = 0x38, .width = 2, .name = "queue_notify_data", .writable = 0},
    {.offset = 0x3a, .width = 2, .name = "queue_reset"},
};
inline constexpr std::uint32_t kCommonBytes = 0x3c;

inline constexpr RegisterSpec kIsrRegisters[] = {
    {.offset = 0,
     .width = 1,
     .name = "isr_status",
     .writable = 0,
     .clear_on_read = true,
     .fields = kIsrFields},
};

/// One doorbell a queue; what is written does not matter (no NOTIFICATION_DATA).
inline constexpr RegisterSpec kNotifyRegisters[] = {
    {.offset = 0, .width = 2, .name = "queue_notify", .count = kMaxQueues, .stride = 4},
};

/// Where QEMU puts the structures: a BAR of 16 KiB, one page each, in the order of its capabilities.
enum class Block : std::uint8_t { kCommon = 0, kIsr = 1, kDevice = 2, kNotify = 3 };
inline constexpr unsigned kBlockBytes = 0x1000;
inline constexpr unsigned kModernBar = 4;
inline constexpr unsigned kMsixBar = 1;
inline constexpr unsigned kNotifyMultiplier = 4;

/// cfg_type of the vendor capabilities (§4.1.4).
inline constexpr std::uint8_t kCapCommon = 1;
inline constexpr std::uint8_t kCapNotify = 2;
inline constexpr std::uint8_t kCapIsr = 3;
inline constexpr std::uint8_t kCapDevice = 4;
inline constexpr std::uint8_t kCapPciConfig = 5;

}  // namespace tb::model::virtio
