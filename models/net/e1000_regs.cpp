// SPDX-License-Identifier: BSD-3-Clause
#include "models/net/e1000_regs.hpp"

#include <array>

namespace tb::model::net {

namespace {

#ifdef TWINBENCH_PLANT_WRONG_RESET
// For the test that `confirm` notices: 100 Mb/s instead of 1000.
constexpr std::uint64_t kStatusAtReset = 0x8008'0743;
#else
constexpr std::uint64_t kStatusAtReset = 0x8008'0783;
#endif

#ifdef TWINBENCH_PLANT_WRONG_WRITE_MASK
// A ring's length in blocks of 16 bytes instead of 128.
constexpr std::uint64_t kReceiveRingLength = 0xffff0;
#else
constexpr std::uint64_t kReceiveRingLength = kRingLengthMask;
#endif

#ifdef TWINBENCH_PLANT_MISSING_READ_CLEAR
constexpr bool kStatisticsClear = false;
#else
constexpr bool kStatisticsClear = true;
#endif

constexpr FieldSpec kCtrl[] = {
    {"FD", 0, 1},          {"LRST", 3, 1},        {"ASDE", 5, 1},      {"SLU", 6, 1},
    {"ILOS", 7, 1},        {"SPEED", 8, 2},       {"FRCSPD", 11, 1},   {"FRCDPLX", 12, 1},
    {"SDP0_DATA", 18, 1},  {"SDP1_DATA", 19, 1},  {"ADVD3WUC", 20, 1}, {"EN_PHY_PWR_MGMT", 21, 1},
    {"SDP0_IODIR", 22, 1}, {"SDP1_IODIR", 23, 1}, {"RST", 26, 1},      {"RFCE", 27, 1},
    {"TFCE", 28, 1},       {"VME", 30, 1},        {"PHY_RST", 31, 1},
};
constexpr FieldSpec kStatus[] = {
    {"FD", 0, 1},
    {"LU", 1, 1},
    {"FUNCTION_ID", 2, 2},
    {"TXOFF", 4, 1},
    {"TBIMODE", 5, 1},
    {"SPEED", 6, 2},
    {"ASDV", 8, 2},
    {"MTXCKOK", 10, 1},
    {"PCI66", 11, 1},
    {"BUS64", 12, 1},
    {"PCIX_MODE", 13, 1},
    {"PCIXSPD", 14, 2},
    {"GIO_MASTER_ENABLE", 19, 1},
};
constexpr FieldSpec kEecd[] = {
    {"SK", 0, 1},  {"CS", 1, 1},  {"DI", 2, 1},   {"DO", 3, 1},   {"FWE", 4, 2},
    {"REQ", 6, 1}, {"GNT", 7, 1}, {"PRES", 8, 1}, {"SIZE", 9, 1},
};
constexpr FieldSpec kEerd[] = {{"START", 0, 1}, {"DONE", 4, 1}, {"ADDR", 8, 8}, {"DATA", 16, 16}};
constexpr FieldSpec kMdic[] = {
    {"DATA", 0, 16}, {"REG", 16, 5}, {"PHY", 21, 5}, {"OP", 26, 2}, {"R", 28, 1}, {"I", 29, 1}, {"E", 30, 1},
};
constexpr FieldSpec kVet[] = {{"VET", 0, 16}};
constexpr FieldSpec kCauses[] = {
    {"TXDW", 0, 1}, {"TXQE", 1, 1}, {"LSC", 2, 1},    {"RXSEQ", 3, 1}, {"RXDMT0", 4, 1},   {"RXO", 6, 1},
    {"RXT0", 7, 1}, {"MDAC", 9, 1}, {"RXCFG", 10, 1}, {"GPI", 13, 2},  {"TXD_LOW", 15, 1}, {"SRPD", 16, 1},
};
constexpr FieldSpec kItr[] = {{"INTERVAL", 0, 16}};
constexpr FieldSpec kRctl[] = {
    {"EN", 1, 1},    {"SBP", 2, 1},  {"UPE", 3, 1},   {"MPE", 4, 1},    {"LPE", 5, 1},    {"LBM", 6, 2},
    {"RDMTS", 8, 2}, {"MO", 12, 2},  {"BAM", 15, 1},  {"BSIZE", 16, 2}, {"VFE", 18, 1},   {"CFIEN", 19, 1},
    {"CFI", 20, 1},  {"DPF", 22, 1}, {"PMCF", 23, 1}, {"BSEX", 25, 1},  {"SECRC", 26, 1},
};
constexpr FieldSpec kTctl[] = {
    {"EN", 1, 1},      {"PSP", 3, 1},   {"CT", 4, 8},    {"COLD", 12, 10},
    {"SWXOFF", 22, 1}, {"RTLC", 24, 1}, {"NRTU", 25, 1},
};
constexpr FieldSpec kTipg[] = {{"IPGT", 0, 10}, {"IPGR1", 10, 10}, {"IPGR2", 20, 10}};
constexpr FieldSpec kPba[] = {{"RXA", 0, 16}, {"TXA", 16, 16}};
constexpr FieldSpec kDelay[] = {{"DELAY", 0, 16}};
constexpr FieldSpec kRdtr[] = {{"DELAY", 0, 16}, {"FPD", 31, 1}};
constexpr FieldSpec kLength[] = {{"LEN", 7, 13}};
constexpr FieldSpec kHead[] = {{"HEAD", 0, 16}};
constexpr FieldSpec kTail[] = {{"TAIL", 0, 16}};
constexpr FieldSpec kDctl[] = {
    {"PTHRESH", 0, 6}, {"HTHRESH", 8, 6}, {"WTHRESH", 16, 6}, {"GRAN", 24, 1}, {"LWTHRESH", 25, 7},
};
constexpr FieldSpec kRxcsum[] = {{"PCSS", 0, 8}, {"IPOFLD", 8, 1}, {"TUOFLD", 9, 1}};
constexpr FieldSpec kManc[] = {
    {"RMCP_EN", 8, 1}, {"0298_EN", 9, 1}, {"ARP_EN", 13, 1}, {"RCV_TCO_EN", 17, 1}, {"EN_MNG2HOST", 21, 1},
};
constexpr FieldSpec kReceiveAddress[] = {{"RA", 0, 32}};

constexpr std::uint64_t kAll = 0xffff'ffff;
constexpr std::uint64_t kLow16 = 0xffff;
constexpr std::uint64_t kLow13 = 0x1fff;
constexpr std::uint64_t kLow11 = 0x7ff;
constexpr std::uint64_t kLow4 = 0xf;

// Reserved bits: 8254x SDM tables 13-3 (CTRL), 13-67 (RCTL), 13-76 (TCTL), for the 82540EM.
constexpr std::uint64_t kCtrlReserved = 0x2303'e416;
constexpr std::uint64_t kRctlReserved = 0xf920'4c01;
constexpr std::uint64_t kTctlReserved = 0xfc80'0005;

using Fields = std::span<const FieldSpec>;

constexpr RegisterSpec keeps(std::uint32_t offset, const char* name, std::uint64_t writable = kAll,
                             Fields fields = {}, std::uint64_t reset = 0) {
    return {
        .offset = offset, .width = 4, .name = name, .reset = reset, .writable = writable, .fields = fields};
}
constexpr RegisterSpec reserving(RegisterSpec spec, std::uint64_t reserved) {
    spec.reserved = reserved;
    return spec;
}
constexpr RegisterSpec fixed(std::uint32_t offset, const char* name, Fields fields = {},
                             std::uint64_t reset = 0) {
    return keeps(offset, name, 0, fields, reset);
}
/// A statistic that a read clears.
constexpr RegisterSpec counter(std::uint32_t offset, const char* name) {
    return {.offset = offset, .width = 4, .name = name, .writable = 0, .clear_on_read = kStatisticsClear};
}
constexpr RegisterSpec array(std::uint32_t offset, const char* name, std::uint16_t count,
                             std::uint64_t writable = kAll, Fields fields = {}) {
    return {.offset = offset,
            .width = 4,
            .name = name,
            .writable = writable,
            .count = count,
            .stride = 4,
            .fields = fields};
}

const auto kRegisters = std::to_array<RegisterSpec>({
    reserving(keeps(0x0000, "CTRL", kAll & ~std::uint64_t{ctrl::kReset}, kCtrl, 0x0014'0240), kCtrlReserved),
    fixed(0x0008, "STATUS", kStatus, kStatusAtReset),
    fixed(0x0010, "EECD", kEecd),
    keeps(0x0014, "EERD", kAll, kEerd),
    fixed(0x0018, "CTRL_EXT"),
    fixed(0x001c, "FLA"),
    fixed(0x0020, "MDIC", kMdic),
    fixed(0x0028, "FCAL"),
    fixed(0x002c, "FCAH"),
    fixed(0x0030, "FCT"),
    keeps(0x0038, "VET", kAll, kVet, 0x8100),
    {.offset = 0x00c0, .width = 4, .name = "ICR", .w1c = kAll, .clear_on_read = true, .fields = kCauses},
    keeps(0x00c4, "ITR", kLow16, kItr),
    fixed(0x00c8, "ICS", kCauses),
    fixed(0x00d0, "IMS", kCauses),
    fixed(0x00d8, "IMC", kCauses),
    reserving(keeps(0x0100, "RCTL", kAll, kRctl), kRctlReserved),
    fixed(0x0170, "FCTTV"),
    fixed(0x0178, "TXCW"),
    fixed(0x0180, "RXCW"),
    reserving(keeps(0x0400, "TCTL", kAll, kTctl), kTctlReserved),
    fixed(0x0410, "TIPG", kTipg),
    keeps(0x0458, "AIT", kLow16),
    keeps(0x0e00, "LEDCTL", kAll, {}, 0x602),
    keeps(0x1000, "PBA", kAll, kPba, 0x0010'0030),
    fixed(0x2160, "FCRTL"),
    fixed(0x2168, "FCRTH"),
    keeps(0x2410, "RDFH", kLow13),
    keeps(0x2418, "RDFT", kLow13),
    keeps(0x2420, "RDFHS", kLow13),
    keeps(0x2428, "RDFTS", kLow13),
    keeps(0x2430, "RDFPC", kLow13),
    keeps(0x2800, "RDBAL"),
    keeps(0x2804, "RDBAH"),
    keeps(0x2808, "RDLEN", kReceiveRingLength, kLength),
    keeps(0x2810, "RDH", kLow16, kHead),
    keeps(0x2818, "RDT", kLow16, kTail),
    keeps(0x2820, "RDTR", kLow16, kRdtr),
    fixed(0x2828, "RXDCTL", kDctl),
    keeps(0x282c, "RADV", kLow16, kDelay),
    fixed(0x2c00, "RSRPD"),
    fixed(0x3000, "TXDMAC"),
    keeps(0x3410, "TDFH", kLow11),
    keeps(0x3418, "TDFT", kLow11),
    keeps(0x3420, "TDFHS", kLow13),
    keeps(0x3428, "TDFTS", kLow13),
    keeps(0x3430, "TDFPC", kLow13),
    keeps(0x3800, "TDBAL"),
    keeps(0x3804, "TDBAH"),
    keeps(0x3808, "TDLEN", kRingLengthMask, kLength),
    keeps(0x3810, "TDH", kLow16, kHead),
    keeps(0x3818, "TDT", kLow16, kTail),
    fixed(0x3820, "TIDV", kDelay),
    keeps(0x3828, "TXDCTL", kAll, kDctl),
    keeps(0x382c, "TADV", kLow16, kDelay),
    fixed(0x3830, "TSPMT"),
    fixed(0x4000, "CRCERRS"),
    fixed(0x4004, "ALGNERRC"),
    fixed(0x4008, "SYMERRS"),
    fixed(0x400c, "RXERRC"),
    fixed(0x4010, "MPC"),
    fixed(0x4014, "SCC"),
    fixed(0x4018, "ECOL"),
    fixed(0x401c, "MCC"),
    fixed(0x4020, "LATECOL"),
    fixed(0x4028, "COLC"),
    fixed(0x4030, "DC"),
    fixed(0x4034, "TNCRS"),
    fixed(0x4038, "SEQEC"),
    fixed(0x403c, "CEXTERR"),
    fixed(0x4040, "RLEC"),
    fixed(0x4048, "XONRXC"),
    fixed(0x404c, "XONTXC"),
    fixed(0x4050, "XOFFRXC"),
    fixed(0x4054, "XOFFTXC"),
    keeps(0x4058, "FCRUC"),
    counter(0x405c, "PRC64"),
    counter(0x4060, "PRC127"),
    counter(0x4064, "PRC255"),
    counter(0x4068, "PRC511"),
    counter(0x406c, "PRC1023"),
    counter(0x4070, "PRC1522"),
    counter(0x4074, "GPRC"),
    counter(0x4078, "BPRC"),
    counter(0x407c, "MPRC"),
    counter(0x4080, "GPTC"),
    fixed(0x4088, "GORCL"),
    counter(0x408c, "GORCH"),
    fixed(0x4090, "GOTCL"),
    counter(0x4094, "GOTCH"),
    fixed(0x40a0, "RNBC"),
    counter(0x40a4, "RUC"),
    fixed(0x40a8, "RFC"),
    counter(0x40ac, "ROC"),
    fixed(0x40b0, "RJC"),
    fixed(0x40b4, "MGTPRC"),
    fixed(0x40b8, "MGTPDC"),
    fixed(0x40bc, "MGTPTC"),
    fixed(0x40c0, "TORL"),
    counter(0x40c4, "TORH"),
    fixed(0x40c8, "TOTL"),
    counter(0x40cc, "TOTH"),
    counter(0x40d0, "TPR"),
    counter(0x40d4, "TPT"),
    counter(0x40d8, "PTC64"),
    counter(0x40dc, "PTC127"),
    counter(0x40e0, "PTC255"),
    counter(0x40e4, "PTC511"),
    counter(0x40e8, "PTC1023"),
    counter(0x40ec, "PTC1522"),
    counter(0x40f0, "MPTC"),
    counter(0x40f4, "BPTC"),
    counter(0x40f8, "TSCTC"),
    fixed(0x40fc, "TSCTFC"),
    fixed(0x5000, "RXCSUM", kRxcsum),
    array(0x5200, "MTA", kTableWords),
    array(0x5400, "RA", 2 * kReceiveAddresses, kAll, kReceiveAddress),
    array(0x5600, "VFTA", kTableWords),
    keeps(0x5800, "WUC"),
    keeps(0x5808, "WUFC"),
    keeps(0x5810, "WUS"),
    fixed(0x5820, "MANC", kManc, 0x0022'2300),
    keeps(0x5838, "IPAV"),
    array(0x5840, "IP4AT", 7),
    array(0x5880, "IP6AT", 4),
    fixed(0x5900, "WUPL"),
    array(0x5a00, "WUPM", 32),
    keeps(0x5b50, "SWSM"),
    array(0x5f00, "FFLT", 7, kLow11),
    array(0x9000, "FFMT", 255, kLow4),
    array(0x9800, "FFVT", 255),
    array(kPacketBufferOffset, "PBM", 16384),
});

}  // namespace

std::span<const RegisterSpec> e1000_registers() {
    return kRegisters;
}

}  // namespace tb::model::net
