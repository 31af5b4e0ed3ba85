// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

#include "models/core/register_bank.hpp"

/// The registers of QEMU's AHCI controllers (AHCI 1.3.1 §3): what is there at reset, and what of it stays.
namespace tb::model::block {

inline constexpr unsigned kAhciPorts = 6;
inline constexpr unsigned kAhciSlots = 32;
inline constexpr unsigned kAhciBar = 5;
inline constexpr unsigned kAhciIndexBar = 4;
inline constexpr std::uint32_t kAhciBytes = 4096;
inline constexpr std::uint32_t kAhciIndexBytes = 32;
inline constexpr std::uint32_t kAhciIndexRegister = 0x10;  ///< of the index-data pair; the data is behind it
inline constexpr std::uint32_t kAhciPortBase = 0x100;
inline constexpr std::uint32_t kAhciPortBytes = 0x80;

inline constexpr FieldSpec kAhciCapFields[] = {
    {"NP", 0, 5},   {"SXS", 5, 1},   {"EMS", 6, 1},    {"CCCS", 7, 1},  {"NCS", 8, 5},
    {"PSC", 13, 1}, {"SSC", 14, 1},  {"PMD", 15, 1},   {"FBSS", 16, 1}, {"SPM", 17, 1},
    {"SAM", 18, 1}, {"ISS", 20, 4},  {"SCLO", 24, 1},  {"SAL", 25, 1},  {"SALP", 26, 1},
    {"SSS", 27, 1}, {"SMPS", 28, 1}, {"SSNTF", 29, 1}, {"SNCQ", 30, 1}, {"S64A", 31, 1}};
inline constexpr FieldSpec kAhciGhcFields[] = {{"HR", 0, 1}, {"IE", 1, 1}, {"MRSM", 2, 1}, {"AE", 31, 1}};
inline constexpr FieldSpec kAhciCap2Fields[] = {{"BOH", 0, 1}, {"NVMP", 1, 1}, {"APST", 2, 1}};
inline constexpr FieldSpec kAhciBohcFields[] = {
    {"BOS", 0, 1}, {"OOS", 1, 1}, {"SOOE", 2, 1}, {"OOC", 3, 1}, {"BB", 4, 1}};
inline constexpr FieldSpec kAhciIsFields[] = {
    {"DHRS", 0, 1}, {"PSS", 1, 1},   {"DSS", 2, 1},   {"SDBS", 3, 1},  {"UFS", 4, 1},  {"DPS", 5, 1},
    {"PCS", 6, 1},  {"DMPS", 7, 1},  {"PRCS", 22, 1}, {"IPMS", 23, 1}, {"OFS", 24, 1}, {"INFS", 26, 1},
    {"IFS", 27, 1}, {"HBDS", 28, 1}, {"HBFS", 29, 1}, {"TFES", 30, 1}, {"CPDS", 31, 1}};
inline constexpr FieldSpec kAhciIeFields[] = {
    {"DHRE", 0, 1}, {"PSE", 1, 1},   {"DSE", 2, 1},   {"SDBE", 3, 1},  {"UFE", 4, 1},  {"DPE", 5, 1},
    {"PCE", 6, 1},  {"DMPE", 7, 1},  {"PRCE", 22, 1}, {"IPME", 23, 1}, {"OFE", 24, 1}, {"INFE", 26, 1},
    {"IFE", 27, 1}, {"HBDE", 28, 1}, {"HBFE", 29, 1}, {"TFEE", 30, 1}, {"CPDE", 31, 1}};
inline constexpr FieldSpec kAhciCmdFields[] = {
    {"ST", 0, 1},   {"SUD", 1, 1},    {"POD", 2, 1},   {"CLO", 3, 1},  {"FRE", 4, 1},
    {"CCS", 8, 5},  {"MPSS", 13, 1},  {"FR", 14, 1},   {"CR", 15, 1},  {"CPS", 16, 1},
    {"PMA", 17, 1}, {"ATAPI", 24, 1}, {"ALPE", 26, 1}, {"ASP", 27, 1}, {"ICC", 28, 4}};
inline constexpr FieldSpec kAhciTfdFields[] = {{"ERR", 0, 1},  {"DRQ", 3, 1}, {"DF", 5, 1},
                                               {"DRDY", 6, 1}, {"BSY", 7, 1}, {"ERROR", 8, 8}};
inline constexpr FieldSpec kAhciSstsFields[] = {{"DET", 0, 4}, {"SPD", 4, 4}, {"IPM", 8, 4}};
inline constexpr FieldSpec kAhciSerrFields[] = {{"N", 16, 1}, {"X", 26, 1}};

/// What QEMU keeps of a write to PxIE and PxCMD: of the latter no status, and no interface power management.
inline constexpr std::uint64_t kAhciIeBits = 0xfdc0'00ff;
inline constexpr std::uint64_t kAhciCmdBits = 0x0f82'001f;

/// A register at each port.
constexpr RegisterSpec ahci_port_register(std::uint32_t offset, const char* name, std::uint64_t reset,
                                          std::uint64_t writable, std::uint64_t w1c = 0,
                                          std::span<const FieldSpec> fields = {}) {
    return {.offset = kAhciPortBase + offset,
            .width = 4,
            .name = name,
            .reset = reset,
            .writable = writable,
            .w1c = w1c,
            .count = kAhciPorts,
            .stride = kAhciPortBytes,
            .fields = fields};
}

inline constexpr std::uint64_t kAll32 = 0xffff'ffff;

inline constexpr RegisterSpec kAhciRegisters[] = {
    {.offset = 0x00,
     .width = 4,
     .name = "CAP",
     .reset = 0xc014'1f05,
     .writable = 0,
     .fields = kAhciCapFields},
    {.offset = 0x04,
     .width = 4,
     .name = "GHC",
     .reset = 0x8000'0000,
     .writable = 0,
     .fields = kAhciGhcFields},
    {.offset = 0x08, .width = 4, .name = "IS", .writable = 0, .w1c = kAll32},
    {.offset = 0x0c, .width = 4, .name = "PI", .reset = 0x3f, .writable = 0},
    {.offset = 0x10, .width = 4, .name = "VS", .reset = 0x0001'0000, .writable = 0},
    {.offset = 0x14, .width = 4, .name = "CCC_CTL", .writable = 0},
    {.offset = 0x18, .width = 4, .name = "CCC_PORTS", .writable = 0},
    {.offset = 0x1c, .width = 4, .name = "EM_LOC", .writable = 0},
    {.offset = 0x20, .width = 4, .name = "EM_CTL", .writable = 0},
    {.offset = 0x24, .width = 4, .name = "CAP2", .writable = 0, .fields = kAhciCap2Fields},
    {.offset = 0x28, .width = 4, .name = "BOHC", .writable = 0, .fields = kAhciBohcFields},
    ahci_port_register(0x00, "PxCLB", 0, kAll32),
    ahci_port_register(0x04, "PxCLBU", 0, kAll32),
    ahci_port_register(0x08, "PxFB", 0, kAll32),
    ahci_port_register(0x0c, "PxFBU", 0, kAll32),
    ahci_port_register(0x10, "PxIS", 0, 0, kAll32, kAhciIsFields),
    ahci_port_register(0x14, "PxIE", 0, kAhciIeBits, 0, kAhciIeFields),
    ahci_port_register(0x18, "PxCMD", 0x6, 0, 0, kAhciCmdFields),
    ahci_port_register(0x20, "PxTFD", 0x7f, 0, 0, kAhciTfdFields),
    ahci_port_register(0x24, "PxSIG", kAll32, 0),
    ahci_port_register(0x28, "PxSSTS", 0, 0, 0, kAhciSstsFields),
    ahci_port_register(0x2c, "PxSCTL", 0, kAll32, 0, kAhciSstsFields),
    ahci_port_register(0x30, "PxSERR", 0, 0, kAll32, kAhciSerrFields),
    ahci_port_register(0x34, "PxSACT", 0, 0),
    ahci_port_register(0x38, "PxCI", 0, 0),
    ahci_port_register(0x3c, "PxSNTF", 0, 0),
    ahci_port_register(0x40, "PxFBS", 0, 0),
    ahci_port_register(0x44, "PxDEVSLP", 0, 0),
};

inline constexpr RegisterSpec kAhciIndexRegisters[] = {
    {.offset = 0x10, .width = 4, .name = "INDEX", .writable = 0xffc},
    {.offset = 0x14, .width = 4, .name = "DATA"},
};

/// The MSI capability, for names.
inline constexpr unsigned kAhciMsiCapability = 0x80;
inline constexpr unsigned kAhciSataCapability = 0xa8;
inline constexpr FieldSpec kMsiControlFields[] = {
    {"enable", 0, 1}, {"mmc", 1, 3}, {"mme", 4, 3}, {"wide", 7, 1}};
inline constexpr RegisterSpec kMsiRegisters[] = {
    {.offset = 0x02, .width = 2, .name = "CONTROL", .fields = kMsiControlFields},
    {.offset = 0x04, .width = 4, .name = "ADDRESS"},
    {.offset = 0x08, .width = 4, .name = "ADDRESS_HIGH"},
    {.offset = 0x0c, .width = 2, .name = "DATA"},
};

// Bits that the model itself goes by (AHCI 1.3.1 §3.1.2, §3.3).
namespace ahci {
inline constexpr std::uint32_t kGhcReset = 1U << 0;
inline constexpr std::uint32_t kGhcInterrupts = 1U << 1;
inline constexpr std::uint32_t kGhcEnable = 1U << 31;
inline constexpr std::uint32_t kCmdStart = 1U << 0;
inline constexpr std::uint32_t kCmdReset = 6;
inline constexpr std::uint32_t kCmdFisReceive = 1U << 4;
inline constexpr std::uint32_t kCmdFisRunning = 1U << 14;
inline constexpr std::uint32_t kCmdListRunning = 1U << 15;
inline constexpr std::uint32_t kIrqDhr = 1U << 0;
inline constexpr std::uint32_t kIrqPs = 1U << 1;
inline constexpr std::uint32_t kIrqSdb = 1U << 3;
inline constexpr std::uint32_t kIrqOf = 1U << 24;
inline constexpr std::uint32_t kIrqTfe = 1U << 30;
inline constexpr std::uint32_t kDet = 0xf;
inline constexpr std::uint32_t kPresent = 0x113;  ///< PxSSTS: a device, first generation, active
inline constexpr std::uint32_t kTfdReset = 0x7f;

inline constexpr std::uint16_t kHeaderWrite = 1U << 6;
inline constexpr std::uint16_t kHeaderClearBusy = 1U << 10;
inline constexpr std::uint64_t kPrdTable = 0x80;

inline constexpr std::uint64_t kRfisPio = 0x20;
inline constexpr std::uint64_t kRfisD2h = 0x40;
inline constexpr std::uint64_t kRfisSdb = 0x58;
}  // namespace ahci

// ATA status and error (ATA8-ACS).
namespace ata {
inline constexpr std::uint8_t kErr = 1U << 0;
inline constexpr std::uint8_t kDrq = 1U << 3;
inline constexpr std::uint8_t kSeek = 1U << 4;
inline constexpr std::uint8_t kWriteFault = 1U << 5;
inline constexpr std::uint8_t kReady = 1U << 6;
inline constexpr std::uint8_t kBusy = 1U << 7;
inline constexpr std::uint8_t kAbort = 1U << 2;
}  // namespace ata

}  // namespace tb::model::block
