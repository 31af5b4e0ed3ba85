// SPDX-License-Identifier: BSD-3-Clause
#include "harness/recording/log_line.hpp"

#include <gtest/gtest.h>

namespace tb::recording {
namespace {

TEST(LogLine, WithoutStamp) {
    const auto line =
        parse_log_line("memory_region_ops_read cpu 0 mr 0x1 addr 0x70 value 0x8f size 1 name 'rtc'");
    ASSERT_TRUE(line);
    EXPECT_EQ(line->stamp, LogLine::Stamp::kNone);
    EXPECT_EQ(line->event, "memory_region_ops_read");
    EXPECT_EQ(line->arguments, "cpu 0 mr 0x1 addr 0x70 value 0x8f size 1 name 'rtc'");
}

TEST(LogLine, SecondsBeforeQemu11) {
    const auto line = parse_log_line("5121@1795796757.385936:pci_cfg_read e1000 00:02.0 @0x0 -> 0x8086");
    ASSERT_TRUE(line);
    EXPECT_EQ(line->stamp, LogLine::Stamp::kSeconds);
    EXPECT_EQ(line->microseconds, 1'795'796'757'385'936U);
    EXPECT_EQ(line->event, "pci_cfg_read");
}

TEST(LogLine, IsoFromQemu11On) {
    const auto line = parse_log_line("2026-11-22T07:42:12.301107Z pci_cfg_read e1000 00:02.0 @0x0 -> 0x8086");
    ASSERT_TRUE(line);
    EXPECT_EQ(line->stamp, LogLine::Stamp::kIso);
    // date -u -d 2026-11-22T07:42:12 +%s
    EXPECT_EQ(line->microseconds, 1'795'333'332'301'107U);
}

TEST(LogLine, DaysThatThereAreNotAreNoStamps) {
    EXPECT_FALSE(parse_log_line("2026-02-30T07:42:12.301107Z pci_cfg_read e1000 00:02.0 @0x0 -> 0x8086"));
    EXPECT_FALSE(parse_log_line("1969-12-31T23:59:59.999999Z pci_cfg_read e1000 00:02.0 @0x0 -> 0x8086"));
}

TEST(LogLine, ProseAndNoiseAreNoEvents) {
    for (const char* text :
         {"", "qemu-system-x86_64: terminating on signal 15", "Hello", "12345", "@", "1@2.3:x_y",
          "1@2.345678", "  pci_cfg_read", "pci_cfg_read:", "99999999999999999999@1.000000:a_b",
          "1@99999999999999999999.000000:a_b", "\xff\xfe_"})
        EXPECT_FALSE(parse_log_line(text)) << text;
    EXPECT_TRUE(parse_log_line("apic_deliver_irq dest 0 dest_mode 0"));
}

TEST(RegionAccess, OfAllVersions) {
    const auto named =
        parse_region_access("cpu 0 mr 0x55c6 addr 0xfebc0008 value 0x80080783 size 4 name 'e1000-mmio'");
    ASSERT_TRUE(named);
    EXPECT_EQ(named->address, 0xfebc0008U);
    EXPECT_EQ(named->value, 0x80080783U);
    EXPECT_EQ(named->size, 4U);
    EXPECT_EQ(named->name, "e1000-mmio");
    const auto old = parse_region_access("cpu -1 mr (nil) addr 0x70 value 0xffffffffffffffff size 8");
    ASSERT_TRUE(old);
    EXPECT_EQ(old->cpu, -1);
    EXPECT_FALSE(old->named);
    EXPECT_EQ(old->value, ~std::uint64_t{0});
}

TEST(RegionAccess, WhatIsCutOrWrongIsRefused) {
    for (const char* text :
         {"cpu 0 mr 0x55c6 addr 0xfebc0008 value 0x80080783 size",
          "cpu 0 mr 0x55c6 addr 0xfebc0008 value 0x8 size 3",
          "cpu 0 mr 0x55c6 addr 0xfebc0008 value 0x8 size 4 name 'e1000",
          "cpu 0 mr 0x55c6 addr febc value 0x8 size 4",
          "cpu 0 mr 0x55c6 addr 0x11111111111111111 value 0x8 size 4",
          "cpu x mr 0x1 addr 0x1 value 0x8 size 4", "cpu 0 mr 0x1 addr 0x1 value 0x8 size 4 and more", ""})
        EXPECT_FALSE(parse_region_access(text)) << text;
}

TEST(ConfigAccess, WithAndWithoutBus) {
    const auto modern = parse_config_access("virtio-blk-pci 01:1f.7 @0x10 <- 0xffffffff");
    ASSERT_TRUE(modern);
    EXPECT_EQ(modern->device, "virtio-blk-pci");
    EXPECT_EQ(modern->address, 1U << 20 | 0x1fU << 15 | 7U << 12 | 0x10U);
    EXPECT_EQ(modern->value, 0xffff'ffffU);
    EXPECT_TRUE(modern->has_bus);
    // QEMU 5.2 counts in decimal.
    const auto old = parse_config_access("e1000 10:0 @0x4 -> 0x103");
    ASSERT_TRUE(old);
    EXPECT_EQ(old->address, 10U << 15 | 4U);
    EXPECT_FALSE(old->has_bus);
}

TEST(ConfigAccess, NamesMayHaveBlanks) {
    const auto access = parse_config_access("my device 00:02.0 @0x0 -> 0x8086");
    ASSERT_TRUE(access);
    EXPECT_EQ(access->device, "my device");
}

TEST(ConfigAccess, WhatIsCutOrWrongIsRefused) {
    for (const char* text :
         {"e1000 00:02.0 @0x0 ->", "e1000 00:02.0 @0x0", "e1000 @0x0 -> 0x1", "e1000 00:20.0 @0x0 -> 0x1",
          "e1000 00:02.8 @0x0 -> 0x1", "e1000 00:02.0 @0x1000 -> 0x1", "e1000 32:0 @0x0 -> 0x1",
          "e1000 00:02.0 @0x0 -> 0x100000000", "e1000 00:02.0 @0x0 -> 0x1 more", ""})
        EXPECT_FALSE(parse_config_access(text)) << text;
}

}  // namespace
}  // namespace tb::recording
