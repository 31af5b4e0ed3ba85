// SPDX-License-Identifier: BSD-3-Clause
#include "harness/trace/symbols.hpp"

#include <gmock/gmock.h>

#include "harness/trace/testing/sample.hpp"

namespace tb::trace {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

Event memory_read(std::uint64_t address, std::uint8_t width = 4, std::uint64_t value = 0) {
    return {.address = address, .value = value, .kind = EventKind::kMemoryRead, .width = width};
}
Event config_read(std::uint32_t offset, std::uint8_t width, std::uint64_t value = 0) {
    return {.address = hal::config_address(kSampleFunction, offset),
            .value = value,
            .kind = EventKind::kConfigRead,
            .width = width};
}

SymbolTable unplaced() {
    SymbolTable symbols;
    symbols.add_device(
        {.label = "",
         .function = kSampleFunction,
         .blocks = {{.prefix = "common", .bar = 2, .offset = 0x1000, .registers = kSampleRegisters}}});
    return symbols;
}

TEST(SymbolTable, NamesRegistersAndElementsOfArrays) {
    const SymbolTable symbols = sample_symbols();
    EXPECT_EQ(symbols.name(memory_read(kStatusAddress)), "STATUS");
    EXPECT_EQ(symbols.name(memory_read(kSampleBar + 0x5400)), "RAL[0]");
    EXPECT_EQ(symbols.name(memory_read(kSampleBar + 0x5404)), "RAH[0]");
    EXPECT_EQ(symbols.name(memory_read(kSampleBar + 0x5418)), "RAL[3]");
    EXPECT_EQ(symbols.name(memory_read(kSampleBar + 0x547c)), "RAH[15]");
}

TEST(SymbolTable, NamesAccessesThatCoverPartOfARegisterOrSeveral) {
    const SymbolTable symbols = sample_symbols();
    EXPECT_EQ(symbols.name(memory_read(kStatusAddress + 2, 2)), "STATUS+2");
    EXPECT_EQ(symbols.name(memory_read(kSampleBar + 0x5400, 8)), "RAL[0]|RAH[0]");
    EXPECT_EQ(symbols.name(config_read(4, 4)), "pci.COMMAND|pci.STATUS");
}

TEST(SymbolTable, NamesTheConfigHeader) {
    const SymbolTable symbols = sample_symbols();
    EXPECT_EQ(symbols.name(config_read(0, 2)), "pci.VENDOR_ID");
    EXPECT_EQ(symbols.name(config_read(4, 2)), "pci.COMMAND");
    EXPECT_EQ(symbols.name(config_read(0x14, 4)), "pci.BAR[1]");
    EXPECT_EQ(symbols.name(config_read(0x3c, 1)), "pci.INTERRUPT_LINE");
    EXPECT_EQ(symbols.fields(config_read(4, 2, 0x406)), "MEMORY=1 BUS_MASTER=1 INTX_DISABLE=1");
}

TEST(SymbolTable, SaysWhereAnUnknownRegisterIs) {
    const SymbolTable symbols = sample_symbols();
    EXPECT_EQ(symbols.name(memory_read(kSampleBar + 0x1234)), "bar0+0x1234");
    EXPECT_EQ(symbols.name(memory_read(kSampleBar + 0x20000)), "mem:0xfebe0000");
    EXPECT_EQ(symbols.name(config_read(0x48, 4)), "pci+0x48");
    EXPECT_EQ(symbols.name({.address = hal::config_address({.bus = 0, .device = 31, .function = 2}, 0),
                            .kind = EventKind::kConfigRead,
                            .width = 2}),
              "00:1f.2+0x0");
    EXPECT_EQ(symbols.name({.address = 0x3f8, .kind = EventKind::kPortRead, .width = 1}), "port:0x3f8");
    EXPECT_EQ(symbols.name({.value = 3, .kind = EventKind::kIrqRaised}), "");
}

TEST(SymbolTable, NamesIsaPortsByTheirAddress) {
    SymbolTable symbols;
    symbols.add_device({.label = "com1",
                        .function = std::nullopt,
                        .blocks = {{.prefix = "",
                                    .space = hal::AddressSpace::kPort,
                                    .bar = std::nullopt,
                                    .offset = 0x3f0,
                                    .registers = kSampleRegisters}}});
    EXPECT_EQ(symbols.name({.address = 0x3f8, .kind = EventKind::kPortRead, .width = 1}), "com1.STATUS");
    EXPECT_EQ(symbols.name(memory_read(0x3f8, 1)), "mem:0x3f8");
}

TEST(SymbolTable, LearnsABarFromTheDriversSizingAndWriting) {
    SymbolTable symbols = unplaced();
    EXPECT_EQ(symbols.name(memory_read(0xe0001008)), "mem:0xe0001008");
    TraceBuilder trace;
    trace.config(false, 0x18, 0).config(true, 0x18, 0xffffffff).config(false, 0x18, 0xffffc000);
    symbols.learn(trace);
    EXPECT_EQ(symbols.name(memory_read(0xffffd008)), "mem:0xffffd008") << "a size was taken for an address";
    EXPECT_EQ(symbols.name(memory_read(0xfffffff8)), "mem:0xfffffff8")
        << "all ones were taken for an address";
    symbols.learn(TraceBuilder().config(true, 0x18, 0xe0000000));
    EXPECT_EQ(symbols.name(memory_read(0xe0001008)), "common.STATUS");
    EXPECT_EQ(symbols.name(memory_read(0xe0003ffc)), "bar2+0x3ffc");
    EXPECT_EQ(symbols.name(memory_read(0xe0004000)), "mem:0xe0004000") << "outside the size that was read";
    symbols.learn(TraceBuilder().config(true, 0x18, 0));
    EXPECT_EQ(symbols.name(memory_read(0xe0001008)), "common.STATUS")
        << "a BAR that was taken away keeps its name";
}

TEST(SymbolTable, LearnsA64BitBar) {
    SymbolTable symbols = unplaced();
    TraceBuilder trace;
    trace.config(false, 0x18, 0xc).config(true, 0x18, 0xffffffff).config(false, 0x18, 0xffffc00c);
    trace.config(true, 0x1c, 0xffffffff).config(false, 0x1c, 0xffffffff);
    trace.config(true, 0x18, 0xe0000000).config(true, 0x1c, 0x80);
    symbols.learn(trace);
    EXPECT_EQ(symbols.name(memory_read(0x80'e000'1008)), "common.STATUS");
    EXPECT_EQ(symbols.name(memory_read(0xe0001008)), "mem:0xe0001008");
}

TEST(SymbolTable, LearnsABarThatFirmwareHadPlaced) {
    SymbolTable symbols;
    symbols.add_device({.label = "",
                        .function = kSampleFunction,
                        .blocks = {{.prefix = "",
                                    .space = hal::AddressSpace::kPort,
                                    .bar = 0,
                                    .offset = 0,
                                    .registers = kSampleRegisters}}});
    symbols.learn(TraceBuilder().config(false, 0x10, 0xc041));
    EXPECT_EQ(symbols.name({.address = 0xc048, .kind = EventKind::kPortRead, .width = 4}), "STATUS");
    EXPECT_EQ(symbols.name({.address = 0xc044, .kind = EventKind::kPortRead, .width = 4}), "bar0+0x4");
}

TEST(SymbolTable, DecodesTheFieldsOfWhatAnAccessCovers) {
    const SymbolTable symbols = sample_symbols();
    EXPECT_EQ(symbols.fields(memory_read(kStatusAddress, 4, 0x80080083)), "FD=1 LU=1 SPEED=2");
    EXPECT_EQ(symbols.fields(memory_read(kStatusAddress, 4, 0)), "");
    EXPECT_THAT(symbols.field_values(memory_read(kStatusAddress, 4, 0x40)),
                ElementsAre(FieldValue{"FD", 0}, FieldValue{"LU", 0}, FieldValue{"SPEED", 1}));
    EXPECT_THAT(symbols.field_values(memory_read(kStatusAddress, 2, 0x40)), IsEmpty())
        << "half of the register";
    EXPECT_EQ(symbols.fields(config_read(4, 4, 0x0010'0002)), "MEMORY=1 CAP_LIST=1");
}

TEST(SymbolTable, NamesMemoryForTransfersAndDigests) {
    SymbolTable symbols;
    symbols.name_memory(0x200000, 0x1000, "rx ring");
    EXPECT_EQ(symbols.name({.address = 0x200000, .kind = EventKind::kMemoryDigest}), "rx ring");
    EXPECT_EQ(symbols.name({.address = 0x200010, .kind = EventKind::kDmaRead}), "rx ring+0x10");
    EXPECT_EQ(symbols.name({.address = 0x201000, .kind = EventKind::kDmaRead}), "");
}

}  // namespace
}  // namespace tb::trace
