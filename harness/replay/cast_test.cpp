// SPDX-License-Identifier: BSD-3-Clause
#include "harness/replay/cast.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

namespace tb::replay {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

/// What the cast made of each access of a log: "e1000@00:02.0 0:8" is offset 8 of BAR0; "-" is nobody.
std::vector<std::string> located(const std::string& log, Cast& cast) {
    const auto source = recording::recording_over(std::as_bytes(std::span(log)));
    std::vector<std::string> result;
    recording::Record record;
    while (source->next(record)) {
        const auto found = cast.locate(record);
        if (!found) {
            result.emplace_back("-");
            continue;
        }
        const Cast::Part& part = cast.parts()[found->part];
        result.push_back(std::string(part.role->type) + "@" + part.place() + " " +
                         std::to_string(found->spot.bar) + ":" + std::to_string(found->spot.offset));
    }
    return result;
}

std::vector<std::string> located(const std::string& log) {
    Cast cast;
    return located(log, cast);
}

std::string read(const char* address, const char* name = nullptr, const char* size = "4") {
    std::string line =
        std::string("memory_region_ops_read cpu 0 mr 0x1 addr ") + address + " value 0x0 size " + size;
    if (name != nullptr) line += std::string(" name '") + name + "'";
    return line + "\n";
}

TEST(Cast, FunctionsByTheirIdentityAndRegistersByTheirBars) {
    // As QEMU 5.2 writes it, without names of regions; the name of the device is one that nobody knows.
    EXPECT_THAT(located("pci_cfg_read mynic 02:0 @0x0 -> 0x100e8086\n"
                        "pci_cfg_write mynic 02:0 @0x10 <- 0xfebc0000\n" +
                        read("0xfebc0008") + read("0xfebdffff", nullptr, "1") + read("0xfebe0000")),
                ElementsAre("e1000@00:02.0 -1:0", "e1000@00:02.0 -1:16", "e1000@00:02.0 0:8",
                            "e1000@00:02.0 0:131071", "-"));
}

TEST(Cast, SizingABarMovesNothing) {
    EXPECT_THAT(located("pci_cfg_read e1000 00:02.0 @0x0 -> 0x100e8086\n"
                        "pci_cfg_write e1000 00:02.0 @0x10 <- 0xfebc0000\n"
                        "pci_cfg_write e1000 00:02.0 @0x10 <- 0xffffffff\n"
                        "pci_cfg_read e1000 00:02.0 @0x10 -> 0xfffe0000\n" +
                        read("0xfebc0008") +
                        "pci_cfg_write e1000 00:02.0 @0x10 <- 0xfebc0000\n"
                        "pci_cfg_write e1000 00:02.0 @0x14 <- 0xc001\n" +
                        read("0xc004") + read("0xfebc0008")),
                ElementsAre(::testing::_, ::testing::_, ::testing::_, ::testing::_, "e1000@00:02.0 0:8",
                            ::testing::_, ::testing::_, "e1000@00:02.0 1:4", "e1000@00:02.0 0:8"));
}

TEST(Cast, ABarThatMovesIsFoundWhereItWentAndNotWhereItWas) {
    EXPECT_THAT(located("pci_cfg_read e1000 00:02.0 @0x0 -> 0x100e8086\n"
                        "pci_cfg_write e1000 00:02.0 @0x10 <- 0xfebc0000\n"
                        "pci_cfg_write e1000 00:02.0 @0x10 <- 0xe0000000\n" +
                        read("0xe0000008") + read("0xfebc0008")),
                ElementsAre(::testing::_, ::testing::_, ::testing::_, "e1000@00:02.0 0:8", "-"));
}

TEST(Cast, WideBarsHaveTwoHalves) {
    EXPECT_THAT(located("pci_cfg_read virtio-blk-pci 00:03.0 @0x20 -> 0x0000000c\n"
                        "pci_cfg_write virtio-blk-pci 00:03.0 @0x20 <- 0xffffffff\n"
                        "pci_cfg_write virtio-blk-pci 00:03.0 @0x24 <- 0xffffffff\n"
                        "pci_cfg_write virtio-blk-pci 00:03.0 @0x20 <- 0x80004000\n"
                        "pci_cfg_write virtio-blk-pci 00:03.0 @0x24 <- 0x10\n" +
                        read("0x1080004014", nullptr, "1")),
                ElementsAre(::testing::_, ::testing::_, ::testing::_, ::testing::_, ::testing::_,
                            "virtio-blk-pci@00:03.0 4:20"));
}

TEST(Cast, WithoutConfigurationAccessesByTheNamesOfRegions) {
    EXPECT_THAT(
        located(read("0xfebc0008", "e1000-mmio") + read("0xfebd5400", "e1000-mmio") +
                read("0xc004", "e1000-io") + read("0xfe002014", "virtio-pci-device-virtio-blk") +
                read("0x3fd", "serial", "1") + read("0xfd000014", "virtio-pci-common-virtio-net", "1")),
        ElementsAre("e1000@BAR0 at 0xfebc0000 0:8", "e1000@BAR0 at 0xfebc0000 0:87040",
                    "e1000@BAR0 at 0xfebc0000 1:4", "virtio-blk-pci@BAR4 at 0xfe000000 4:8212",
                    "isa-serial@isa:0x3f8 -2:5", "-"));
}

TEST(Cast, TwoOfAKindAreTwo) {
    Cast cast;
    located(read("0xfebc0008", "e1000-mmio") + read("0xfeba0008", "e1000-mmio") +
                read("0xfebc0010", "e1000-mmio"),
            cast);
    ASSERT_EQ(cast.parts().size(), 2U);
    EXPECT_EQ(cast.parts()[0].accesses, 2U);
    EXPECT_EQ(cast.parts()[1].accesses, 1U);
}

TEST(Cast, TheFirstSerialPortNeedsNoName) {
    EXPECT_THAT(located(read("0x3fd", nullptr, "1") + read("0x2fd", nullptr, "1")),
                ElementsAre("isa-serial@isa:0x3f8 -2:5", "-"));
}

TEST(Cast, WhatNobodyPlaysIsCountedByName) {
    Cast cast;
    located(read("0x70", "rtc") + read("0x71", "rtc") + read("0xb0000000") +
                "pci_cfg_read VGA 00:01.0 @0x0 -> 0x11111234\n",
            cast);
    EXPECT_THAT(cast.others(), ElementsAre(Pair("", 1U), Pair("VGA", 1U), Pair("rtc", 2U)));
}

TEST(Cast, MessagesBelongToWhoseTableHasThem) {
    Cast cast;
    const auto write = [](const char* address, const char* value) {
        return std::string("memory_region_ops_write cpu 0 mr 0x1 addr ") + address + " value " + value +
               " size 4\n";
    };
    located(
        "pci_cfg_read virtio-blk-pci 00:03.0 @0x0 -> 0x10421af4\n"
        "pci_cfg_write virtio-blk-pci 00:03.0 @0x14 <- 0xfebd1000\n" +
            write("0xfebd1010", "0xfee01004") + write("0xfebd1014", "0x0") + write("0xfebd1018", "0x26"),
        cast);
    EXPECT_EQ(cast.sender(0xfee01004, 0x26), 0U);
    EXPECT_FALSE(cast.sender(0xfee01004, 0x27));
}

/// What a study learns from a log.
std::unique_ptr<Study> studied(const std::string& log) {
    Cast cast;
    std::unique_ptr<Study> study;
    const auto source = recording::recording_over(std::as_bytes(std::span(log)));
    recording::Record record;
    while (source->next(record)) {
        const auto found = cast.locate(record);
        if (!found) continue;
        if (study == nullptr) study = cast.parts()[0].role->study();
        study->see({record.event.kind, found->spot, record.event.width, record.event.value, record.line});
    }
    return study;
}

std::string mmio(const char* verb, const char* address, const char* value, const char* name = "e1000-mmio",
                 const char* size = "4") {
    return std::string("memory_region_ops_") + verb + " cpu 0 mr 0x1 addr " + address + " value " + value +
           " size " + size + " name '" + name + "'\n";
}

TEST(Study, TheStationAddressFromRegistersOrEeprom) {
    EXPECT_EQ(studied(mmio("read", "0xfebc5400", "0x00123456") + mmio("read", "0xfebc5404", "0x80009abc"))
                  ->configuration()["mac"],
              "56:34:12:00:bc:9a");
    EXPECT_EQ(studied(mmio("read", "0xfebc0014", "0x54520010") + mmio("read", "0xfebc0014", "0x12000110") +
                      mmio("read", "0xfebc0014", "0x99340210"))
                  ->configuration()["mac"],
              "52:54:00:12:34:99");
    // What a driver has set is what is read afterwards; what was there before counts.
    EXPECT_EQ(studied(mmio("read", "0xfebc5400", "0x12005452") + mmio("read", "0xfebc5404", "0x80005634") +
                      mmio("write", "0xfebc5400", "0x1") + mmio("read", "0xfebc5400", "0x1"))
                  ->configuration()["mac"],
              "52:54:00:12:34:56");
}

TEST(Study, CharactersAreInferredFromWhatWasRead) {
    const auto port = [](const char* verb, const char* address, const char* value) {
        return mmio(verb, address, value, "serial", "1");
    };
    const auto study = studied(
        port("read", "0x3fd", "0x60") + port("read", "0x3f8", "0x00") +  // nothing was there
        port("read", "0x3fd", "0x61") + port("read", "0x3fd", "0x61") + port("read", "0x3f8", "0x41") +
        port("read", "0x3fa", "0xc4") + port("read", "0x3f8", "0x42") + port("write", "0x3fb", "0x80") +
        port("read", "0x3fd", "0x61") + port("read", "0x3f8", "0x0c") + port("write", "0x3fb", "0x03") +
        port("write", "0x3fc", "0x10") + port("read", "0x3fd", "0x61") + port("read", "0x3f8", "0x99"));
    ASSERT_EQ(study->arrivals().size(), 2U);
    EXPECT_EQ(study->arrivals()[0].line, 3U);
    EXPECT_EQ(study->arrivals()[0].character, std::byte{0x41});
    EXPECT_EQ(study->arrivals()[1].line, 6U);
    EXPECT_EQ(study->arrivals()[1].character, std::byte{0x42});
}

TEST(Study, ADiskFromItsConfigurationSpace) {
    const auto device = [](const char* address, const char* value, const char* size = "4") {
        return mmio("read", address, value, "virtio-pci-device-virtio-blk", size);
    };
    const auto configuration =
        studied(device("0xfe002000", "0x4000") + device("0xfe002004", "0x0") +
                device("0xfe002014", "0x1000") +
                mmio("write", "0xfe000000", "0x0", "virtio-pci-common-virtio-blk") +
                mmio("read", "0xfe000004", "0x30000a54", "virtio-pci-common-virtio-blk") +
                mmio("read", "0xfe000018", "0x80", "virtio-pci-common-virtio-blk", "2"))
            ->configuration();
    EXPECT_EQ(configuration["sectors"], 0x4000);
    EXPECT_EQ(configuration["logical_block_size"], 0x1000);
    EXPECT_EQ(configuration["queue_size"], 0x80);
    EXPECT_EQ(configuration["discard"], false);
    EXPECT_EQ(configuration["config_wce"], true);
    EXPECT_EQ(configuration["event_idx"], true);
}

}  // namespace
}  // namespace tb::replay
