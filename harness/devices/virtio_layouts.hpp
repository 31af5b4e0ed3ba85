// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "harness/devices/device_type.hpp"

/// The structures of a split and of a packed virtqueue (VIRTIO 1.2 §2.7, §2.8), for "store" and "load" steps
/// of any virtio device.
namespace tb::harness {

inline constexpr LayoutField kVirtqDescFields[] = {{"addr", 0, 64},  {"len", 64, 32},  {"flags", 96, 16},
                                                   {"NEXT", 96, 1},  {"WRITE", 97, 1}, {"INDIRECT", 98, 1},
                                                   {"next", 112, 16}};
inline constexpr LayoutSpec kVirtqDesc = {"virtq_desc", 16, kVirtqDescFields};

/// The head of the available ring; entries of 2 bytes follow at offset 4.
inline constexpr LayoutField kVirtqAvailFields[] = {
    {"flags", 0, 16}, {"NO_INTERRUPT", 0, 1}, {"idx", 16, 16}};
inline constexpr LayoutSpec kVirtqAvail = {"virtq_avail", 4, kVirtqAvailFields};

/// The head of the used ring; entries follow at offset 4.
inline constexpr LayoutField kVirtqUsedFields[] = {{"flags", 0, 16}, {"NO_NOTIFY", 0, 1}, {"idx", 16, 16}};
inline constexpr LayoutSpec kVirtqUsed = {"virtq_used", 4, kVirtqUsedFields};

inline constexpr LayoutField kVirtqUsedElementFields[] = {{"id", 0, 32}, {"len", 32, 32}};
inline constexpr LayoutSpec kVirtqUsedElement = {"virtq_used_elem", 8, kVirtqUsedElementFields};

/// A descriptor of a packed ring (§2.8.13), available or used.
inline constexpr LayoutField kPvirtqDescFields[] = {
    {"addr", 0, 64},   {"len", 64, 32},      {"id", 96, 16},    {"flags", 112, 16}, {"NEXT", 112, 1},
    {"WRITE", 113, 1}, {"INDIRECT", 114, 1}, {"AVAIL", 119, 1}, {"USED", 127, 1}};
inline constexpr LayoutSpec kPvirtqDesc = {"pvirtq_desc", 16, kPvirtqDescFields};

/// What suppresses notifications of a packed queue, the driver's or the device's (§2.8.14).
inline constexpr LayoutField kPvirtqEventSuppressFields[] = {
    {"desc_event_off", 0, 15}, {"desc_event_wrap", 15, 1}, {"desc_event_flags", 16, 2}};
inline constexpr LayoutSpec kPvirtqEventSuppress = {"pvirtq_event_suppress", 4, kPvirtqEventSuppressFields};

/// struct virtio_net_hdr (VIRTIO 1.2 §5.1.6), before every frame.
inline constexpr LayoutField kVirtioNetHeaderFields[] = {
    {"flags", 0, 8},        {"NEEDS_CSUM", 0, 1},    {"DATA_VALID", 1, 1},
    {"gso_type", 8, 8},     {"hdr_len", 16, 16},     {"gso_size", 32, 16},
    {"csum_start", 48, 16}, {"csum_offset", 64, 16}, {"num_buffers", 80, 16}};
inline constexpr LayoutSpec kVirtioNetHeader = {"virtio_net_hdr", 12, kVirtioNetHeaderFields};

}  // namespace tb::harness
