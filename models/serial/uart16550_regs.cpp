// SPDX-License-Identifier: BSD-3-Clause
#include "models/serial/uart16550_regs.hpp"

namespace tb::model::serial {

namespace {

constexpr FieldSpec kIer[] = {{"RDI", 0, 1}, {"THRI", 1, 1}, {"RLSI", 2, 1}, {"MSI", 3, 1}};
constexpr FieldSpec kIir[] = {{"NO_INT", 0, 1}, {"ID", 0, 4}, {"FE", 6, 2}};
constexpr FieldSpec kFcr[] = {{"FE", 0, 1}, {"RFR", 1, 1}, {"XFR", 2, 1}, {"DMS", 3, 1}, {"ITL", 6, 2}};
constexpr FieldSpec kLcr[] = {{"WLS", 0, 2},   {"STB", 2, 1},   {"PEN", 3, 1}, {"EPS", 4, 1},
                              {"STICK", 5, 1}, {"BREAK", 6, 1}, {"DLAB", 7, 1}};
constexpr FieldSpec kMcr[] = {{"DTR", 0, 1}, {"RTS", 1, 1}, {"OUT1", 2, 1}, {"OUT2", 3, 1}, {"LOOP", 4, 1}};
constexpr FieldSpec kLsr[] = {{"DR", 0, 1}, {"OE", 1, 1},   {"PE", 2, 1},   {"FE", 3, 1},
                              {"BI", 4, 1}, {"THRE", 5, 1}, {"TEMT", 6, 1}, {"FIFOERR", 7, 1}};
constexpr FieldSpec kMsr[] = {{"DCTS", 0, 1}, {"DDSR", 1, 1}, {"TERI", 2, 1}, {"DDCD", 3, 1},
                              {"CTS", 4, 1},  {"DSR", 5, 1},  {"RI", 6, 1},   {"DCD", 7, 1}};

// The first name of an offset is the one that a read with DLAB clear sees.
constexpr RegisterSpec kRegisters[] = {
    {.offset = reg::kData, .width = 1, .name = "RBR", .writable = 0},
    {.offset = reg::kData, .width = 1, .name = "THR", .writable = 0xff},
    {.offset = reg::kData, .width = 1, .name = "DLL", .reset = 0x0c, .writable = 0xff},
    {.offset = reg::kEnable,
     .width = 1,
     .name = "IER",
     .writable = ier::kMask,
     .reserved = 0xf0,
     .fields = kIer},
    {.offset = reg::kEnable, .width = 1, .name = "DLM", .writable = 0xff},
    {.offset = reg::kIdentity, .width = 1, .name = "IIR", .reset = iir::kNone, .writable = 0, .fields = kIir},
    {.offset = reg::kIdentity, .width = 1, .name = "FCR", .writable = 0xff, .reserved = 0x30, .fields = kFcr},
    {.offset = reg::kLine, .width = 1, .name = "LCR", .writable = 0xff, .fields = kLcr},
    {.offset = reg::kModem,
     .width = 1,
     .name = "MCR",
     .reset = mcr::kOut2,
     .writable = mcr::kMask,
     .reserved = 0xe0,
     .fields = kMcr},
    {.offset = reg::kLineStatus,
     .width = 1,
     .name = "LSR",
     .reset = lsr::kHoldingEmpty | lsr::kTransmitterEmpty,
     .writable = 0,
     .fields = kLsr},
    {.offset = reg::kModemStatus,
     .width = 1,
     .name = "MSR",
     .reset = msr::kCts | msr::kDsr | msr::kDcd,
     .writable = 0,
     .fields = kMsr},
    {.offset = reg::kScratch, .width = 1, .name = "SCR", .writable = 0xff},
};

}  // namespace

std::span<const RegisterSpec> uart16550_registers() {
    return kRegisters;
}

}  // namespace tb::model::serial
