// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "harness/devices/device_type.hpp"

/// What an AHCI HBA and its driver share in memory (AHCI 1.3.1 §4.2), with the names of the specification.
namespace tb::harness {

inline constexpr LayoutField kAhciHeaderFields[] = {
    {"CFL", 0, 5}, {"A", 5, 1},    {"W", 6, 1},       {"P", 7, 1},       {"R", 8, 1},      {"B", 9, 1},
    {"C", 10, 1},  {"PMP", 12, 4}, {"PRDTL", 16, 16}, {"PRDBC", 32, 32}, {"CTBA", 64, 64},
};
inline constexpr LayoutSpec kAhciHeader = {"ahci_header", 32, kAhciHeaderFields};

inline constexpr LayoutField kAhciPrdFields[] = {{"DBA", 0, 64}, {"DBC", 96, 22}, {"I", 127, 1}};
inline constexpr LayoutSpec kAhciPrd = {"ahci_prd", 16, kAhciPrdFields};

/// Register - Host to Device, the command. Of queued commands "features" counts
/// sectors, and "tag" is in the place of the count.
inline constexpr LayoutField kFisH2dFields[] = {
    {"type", 0, 8},           {"PMP", 8, 4},       {"C", 15, 1},      {"command", 16, 8},
    {"features_low", 24, 8},  {"LBA_low", 32, 24}, {"device", 56, 8}, {"LBA_high", 64, 24},
    {"features_high", 88, 8}, {"count", 96, 16},   {"tag", 99, 5},    {"control", 120, 8},
};
inline constexpr LayoutSpec kFisH2d = {"fis_h2d", 20, kFisH2dFields};

/// Register - Device to Host.
inline constexpr LayoutField kFisD2hFields[] = {
    {"type", 0, 8},      {"I", 14, 1},      {"status", 16, 8},    {"error", 24, 8},
    {"LBA_low", 32, 24}, {"device", 56, 8}, {"LBA_high", 64, 24}, {"count", 96, 16},
};
inline constexpr LayoutSpec kFisD2h = {"fis_d2h", 20, kFisD2hFields};

/// PIO Setup.
inline constexpr LayoutField kFisPioFields[] = {
    {"type", 0, 8},       {"I", 14, 1},
    {"status", 16, 8},    {"error", 24, 8},
    {"LBA_low", 32, 24},  {"device", 56, 8},
    {"LBA_high", 64, 24}, {"count", 96, 16},
    {"E_status", 120, 8}, {"transfer_count", 128, 16},
};
inline constexpr LayoutSpec kFisPio = {"fis_pio_setup", 20, kFisPioFields};

/// Set Device Bits.
inline constexpr LayoutField kFisSdbFields[] = {
    {"type", 0, 8}, {"I", 14, 1}, {"status", 16, 8}, {"error", 24, 8}, {"SActive", 32, 32}};
inline constexpr LayoutSpec kFisSdb = {"fis_set_device_bits", 8, kFisSdbFields};

}  // namespace tb::harness
