// SPDX-License-Identifier: BSD-3-Clause
#include <array>

#include "harness/trace/symbols.hpp"

namespace tb::trace {

namespace {

using model::FieldSpec;
using model::RegisterSpec;

constexpr std::array kCommand = {
    FieldSpec{"IO", 0, 1},         FieldSpec{"MEMORY", 1, 1},
    FieldSpec{"BUS_MASTER", 2, 1}, FieldSpec{"SPECIAL", 3, 1},
    FieldSpec{"MWI", 4, 1},        FieldSpec{"VGA_SNOOP", 5, 1},
    FieldSpec{"PARITY", 6, 1},     FieldSpec{"SERR", 8, 1},
    FieldSpec{"FAST_B2B", 9, 1},   FieldSpec{"INTX_DISABLE", 10, 1},
};
constexpr std::array kStatus = {
    FieldSpec{"INTERRUPT", 3, 1},
    FieldSpec{"CAP_LIST", 4, 1},
    FieldSpec{"66MHZ", 5, 1},
    FieldSpec{"FAST_B2B", 7, 1},
    FieldSpec{"MASTER_PARITY", 8, 1},
    FieldSpec{"DEVSEL", 9, 2},
    FieldSpec{"SIG_TARGET_ABORT", 11, 1},
    FieldSpec{"RCV_TARGET_ABORT", 12, 1},
    FieldSpec{"RCV_MASTER_ABORT", 13, 1},
    FieldSpec{"SIG_SYSTEM_ERROR", 14, 1},
    FieldSpec{"PARITY_ERROR", 15, 1},
};
constexpr std::array kHeaderType = {FieldSpec{"LAYOUT", 0, 7}, FieldSpec{"MULTI_FUNCTION", 7, 1}};

constexpr std::array kHeader = {
    RegisterSpec{.offset = 0x00, .width = 2, .name = "VENDOR_ID"},
    RegisterSpec{.offset = 0x02, .width = 2, .name = "DEVICE_ID"},
    RegisterSpec{.offset = 0x04, .width = 2, .name = "COMMAND", .fields = kCommand},
    RegisterSpec{.offset = 0x06, .width = 2, .name = "STATUS", .fields = kStatus},
    RegisterSpec{.offset = 0x08, .width = 1, .name = "REVISION_ID"},
    RegisterSpec{.offset = 0x09, .width = 1, .name = "PROG_IF"},
    RegisterSpec{.offset = 0x0a, .width = 1, .name = "SUBCLASS"},
    RegisterSpec{.offset = 0x0b, .width = 1, .name = "CLASS"},
    RegisterSpec{.offset = 0x0c, .width = 1, .name = "CACHE_LINE_SIZE"},
    RegisterSpec{.offset = 0x0d, .width = 1, .name = "LATENCY_TIMER"},
    RegisterSpec{.offset = 0x0e, .width = 1, .name = "HEADER_TYPE", .fields = kHeaderType},
    RegisterSpec{.offset = 0x0f, .width = 1, .name = "BIST"},
    RegisterSpec{.offset = 0x10, .width = 4, .name = "BAR", .count = 6, .stride = 4},
    RegisterSpec{.offset = 0x28, .width = 4, .name = "CARDBUS_CIS"},
    RegisterSpec{.offset = 0x2c, .width = 2, .name = "SUBSYSTEM_VENDOR_ID"},
    RegisterSpec{.offset = 0x2e, .width = 2, .name = "SUBSYSTEM_ID"},
    RegisterSpec{.offset = 0x30, .width = 4, .name = "EXPANSION_ROM"},
    RegisterSpec{.offset = 0x34, .width = 1, .name = "CAPABILITIES"},
    RegisterSpec{.offset = 0x3c, .width = 1, .name = "INTERRUPT_LINE"},
    RegisterSpec{.offset = 0x3d, .width = 1, .name = "INTERRUPT_PIN"},
    RegisterSpec{.offset = 0x3e, .width = 1, .name = "MIN_GNT"},
    RegisterSpec{.offset = 0x3f, .width = 1, .name = "MAX_LAT"},
};

}  // namespace

std::span<const RegisterSpec> pci_header_registers() {
    return kHeader;
}

}  // namespace tb::trace
