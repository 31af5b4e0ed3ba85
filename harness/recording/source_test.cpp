// SPDX-License-Identifier: BSD-3-Clause
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <span>
#include <string>
#include <vector>

#include "harness/recording/canonical.hpp"
#include "harness/recording/record.hpp"
#include "harness/recording/simpletrace_source.hpp"
#include "harness/trace/atomic_file.hpp"
#include "harness/trace/testing/temp_folder.hpp"

namespace tb::recording {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;
using trace::EventKind;

/// A record that outlives its source.
struct Kept {
    trace::Event event;
    bool timed;
    std::uint64_t line;
    std::string name, text;
    std::vector<std::byte> data;
};

struct Read {
    std::vector<Kept> records;
    Summary summary;
};

Read read_all(std::unique_ptr<Source> source) {
    Read read;
    Record record;
    while (source->next(record))
        read.records.push_back({record.event,
                                record.timed,
                                record.line,
                                std::string(record.name),
                                std::string(record.text),
                                {record.data.begin(), record.data.end()}});
    read.summary = source->summary();
    return read;
}

Read read_text(std::string_view text) {
    return read_all(recording_over(std::as_bytes(std::span(text))));
}

TEST(LogSource, PortsAndMemoryAreToldApart) {
    const Read read = read_text(
        "memory_region_ops_write cpu 0 mr 0x1 addr 0x3f8 value 0x41 size 1 name 'serial'\n"
        "memory_region_ops_read cpu 0 mr 0x2 addr 0xfebc0008 value 0x80080783 size 4 name 'e1000-mmio'\n");
    ASSERT_EQ(read.records.size(), 2U);
    EXPECT_EQ(read.records[0].event.kind, EventKind::kPortWrite);
    EXPECT_EQ(read.records[0].event.width, 1U);
    EXPECT_FALSE(read.records[0].timed);
    EXPECT_EQ(read.records[1].event.kind, EventKind::kMemoryRead);
    EXPECT_EQ(read.records[1].event.value, 0x80080783U);
    EXPECT_EQ(read.records[1].name, "e1000-mmio");
    EXPECT_EQ(read.records[1].line, 2U);
    EXPECT_EQ(read.summary.untimed, 2U);
    EXPECT_THAT(read.summary.forms, ElementsAre(Pair("QEMU 7.2 or later, without time stamps", 2U)));
}

TEST(LogSource, BitsBeyondTheAccessAreNoPartOfTheValue) {
    const Read read =
        read_text("memory_region_ops_write cpu 0 mr 0x1 addr 0x3f8 value 0xffffff41 size 1 name 'serial'\n");
    EXPECT_EQ(read.records.at(0).event.value, 0x41U);
}

TEST(LogSource, WidthsOfConfigurationAccessesStandBesideThem) {
    const Read read = read_text(
        "pci_cfg_read e1000 00:02.0 @0xe -> 0x0\n"
        "memory_region_ops_read cpu 0 mr 0x1 addr 0xcfe value 0x0 size 1 name 'pci-conf-data'\n"
        "memory_region_ops_write cpu 0 mr 0x1 addr 0xcfc value 0x107 size 2 name 'pci-conf-data'\n"
        "pci_cfg_write e1000 00:02.0 @0x4 <- 0x107\n"
        "pci_cfg_read e1000 00:02.0 @0x10 -> 0xfebc0000\n"
        "memory_region_ops_read cpu 0 mr 0x1 addr 0xb0010010 value 0xfebc0000 size 4 name 'pcie-mmcfg-mmio'\n"
        "pci_cfg_read e1000 00:02.0 @0x3c -> 0xb\n"
        "memory_region_ops_read cpu 0 mr 0x1 addr 0x71 value 0xb size 1 name 'rtc'\n"
        "pci_cfg_read e1000 00:02.0 @0x3d -> 0x1\n");
    std::vector<unsigned> widths;
    for (const Kept& record : read.records)
        if (record.event.kind == EventKind::kConfigRead || record.event.kind == EventKind::kConfigWrite)
            widths.push_back(record.event.width);
    // The one before the clock's access is not what that gave; and behind the last one nothing follows.
    EXPECT_THAT(widths, ElementsAre(1, 2, 4, 0, 0));
}

TEST(LogSource, TimesCountFromTheFirstStampAndNeverRunBackwards) {
    const Read read = read_text(
        "1@100.000005:pci_cfg_read e1000 00:02.0 @0x0 -> 0x1\n"
        "1@100.000009:pci_cfg_read e1000 00:02.0 @0x0 -> 0x1\n"
        "1@99.000000:pci_cfg_read e1000 00:02.0 @0x0 -> 0x1\n"
        "1@100.000010:pci_cfg_read e1000 00:02.0 @0x0 -> 0x1\n");
    std::vector<std::uint64_t> times;
    for (const Kept& record : read.records) times.push_back(record.event.time);
    EXPECT_THAT(times, ElementsAre(0, 4000, 4000, 5000));
    EXPECT_EQ(read.summary.out_of_order, 1U);
    EXPECT_EQ(read.summary.first_out_of_order, 3U);
}

TEST(LogSource, TheLogOfAnotherRunBehindTheFirstGoesOnFromItsEnd) {
    const Read read = read_text(
        "1@100.000000:pci_cfg_read e1000 00:02.0 @0x0 -> 0x1\n"
        "1@120.000000:pci_cfg_read e1000 00:02.0 @0x0 -> 0x1\n"
        "1@100.000000:pci_cfg_read e1000 00:02.0 @0x0 -> 0x1\n"
        "1@120.000000:pci_cfg_read e1000 00:02.0 @0x0 -> 0x1\n");
    std::vector<std::uint64_t> times;
    for (const Kept& record : read.records) times.push_back(record.event.time / 1'000'000'000);
    EXPECT_THAT(times, ElementsAre(0, 20, 20, 40));
    EXPECT_EQ(read.summary.out_of_order, 1U);
}

TEST(LogSource, OtherEventsAndOtherLinesAreCounted) {
    const Read read = read_text(
        "ioapic_set_irq vector: 4 level: 1\n"
        "qemu-system-x86_64: warning\n"
        "ioapic_set_irq vector: 4 level: 0\n"
        "memory_region_ops_read cpu 0\n"
        "apic_deliver_irq dest 0\n");
    EXPECT_THAT(read.records, IsEmpty());
    EXPECT_THAT(read.summary.other,
                UnorderedElementsAre(Pair("ioapic_set_irq", 2U), Pair("apic_deliver_irq", 1U)));
    EXPECT_EQ(read.summary.unknown, 2U);
    EXPECT_EQ(read.summary.first_unknown, 2U);
    EXPECT_EQ(read.summary.unknown_sample, "\"qemu-system-x86_64: warning\"");
    EXPECT_EQ(read.summary.lines, 5U);
    EXPECT_THAT(read.summary.trouble, IsEmpty());
}

TEST(LogSource, ALineThatIsCutShortIsNotTakenForAnEvent) {
    const Read read = read_text(
        "memory_region_ops_read cpu 0 mr 0x1 addr 0x70 value 0x8f size 1 name 'rtc'\n"
        "memory_region_ops_read cpu 0 mr 0x1 addr 0x70 value 0x8f size 1");
    EXPECT_EQ(read.records.size(), 1U);
    EXPECT_EQ(read.summary.trouble, "line 2: the file is cut short in the middle of this line");
}

TEST(LogSource, TheRecordersModuleTellsTheTimeOfWhatIsBesideIt) {
    const Read read = read_text(
        "1@5.000000:memory_region_ops_write cpu -1 mr 0x1 addr 0xfee00030 value 0x0 size 4 name 'apic-msi'\n"
        "twinbench_recorder 1\n"
        "twinbench_time 0x64\n"
        "1@5.000001:memory_region_ops_read cpu 0 mr 0x2 addr 0xfebc00c0 value 0x80 size 4 name 'e1000-mmio'\n"
        "1@5.000002:memory_region_ops_write cpu 0 mr 0x2 addr 0xfebc3818 value 0x1 size 4 name 'e1000-mmio'\n"
        "twinbench_at 0xc8\n"
        "twinbench_dma_read 00:03.0 0x1000 0102,00*8\n"
        "twinbench_irq 00:03.0 0xb 01\n"
        "twinbench_frame_out 00:03.0 0x0 ffff\n"
        "twinbench_used 00:05.0 0x2002 0100\n");
    ASSERT_EQ(read.records.size(), 7U);
    EXPECT_TRUE(read.summary.exact_time);
    EXPECT_EQ(read.records[1].event.time, 100U);
    EXPECT_EQ(read.records[2].event.time, 200U) << "the time of a write stands behind it";
    EXPECT_EQ(read.records[3].event.kind, EventKind::kDmaRead);
    EXPECT_EQ(read.records[3].event.address, 0x1000U);
    EXPECT_EQ(read.records[3].name, "00:03.0");
    EXPECT_EQ(read.records[3].data.size(), 10U);
    EXPECT_EQ(read.records[4].event.kind, EventKind::kIrqRaised);
    EXPECT_EQ(read.records[4].event.value, 11U);
    EXPECT_EQ(read.records[5].event.kind, EventKind::kHostOutput);
    EXPECT_EQ(read.records[5].text, "net.frame");
    EXPECT_EQ(read.records[6].text, "used");
}

TEST(LogSource, WritesToTheProcessorsMessagesAreMessagesAndItsRegistersAreNot) {
    const Read read = read_text(
        "memory_region_ops_write cpu 0 mr 0x1 addr 0xfee01004 value 0x26 size 4 name 'apic-msi'\n"
        "memory_region_ops_write cpu 0 mr 0x1 addr 0xfee000b0 value 0x0 size 4 name 'apic-msi'\n"
        "memory_region_ops_write cpu 0 mr 0x1 addr 0xfee00380 value 0x26 size 4 name 'apic-msi'\n");
    ASSERT_EQ(read.records.size(), 3U);
    EXPECT_EQ(read.records[0].event.kind, EventKind::kMessage);
    EXPECT_EQ(read.records[1].event.kind, EventKind::kMemoryWrite);
    EXPECT_EQ(read.records[2].event.kind, EventKind::kMemoryWrite);
}

/// Writes QEMU's binary form.
class Simpletrace {
  public:
    explicit Simpletrace(std::uint64_t version = 4) {
        for (const std::uint64_t word : {SimpletraceSource::kFirstWord, SimpletraceSource::kMagic, version})
            put(word);
    }
    Simpletrace& name(std::uint64_t id, std::string_view name) {
        put(std::uint64_t{0});
        put(id);
        text(name);
        return *this;
    }
    Simpletrace& event(std::uint64_t id, std::uint64_t ns, const Simpletrace& arguments) {
        put(std::uint64_t{1});
        put(id);
        put(ns);
        // Its length counts from the event's id on: as many bytes as the arguments' own file header has.
        put(static_cast<std::uint32_t>(arguments.bytes_.size()));
        put(std::uint32_t{77});
        bytes_ += arguments.bytes_.substr(kHeader);
        return *this;
    }
    Simpletrace& numbers(std::initializer_list<std::uint64_t> numbers) {
        for (const std::uint64_t number : numbers) put(number);
        return *this;
    }
    Simpletrace& text(std::string_view text) {
        put(static_cast<std::uint32_t>(text.size()));
        bytes_ += text;
        return *this;
    }
    const std::string& bytes() const { return bytes_; }

  private:
    static constexpr std::size_t kHeader = 24;
    template <class T>
    void put(T value) {
        bytes_.append(reinterpret_cast<const char*>(&value), sizeof value);
    }
    std::string bytes_;
};

Simpletrace sample() {
    Simpletrace file;
    file.name(7, "memory_region_ops_read").name(9, "pci_cfg_write").name(3, "apic_deliver_irq");
    file.event(7, 1'000, Simpletrace().numbers({0, 0x55, 0xfebc0008, 0x80080783, 4}).text("e1000-mmio"));
    file.event(3, 1'100, Simpletrace().numbers({1, 2, 3}));
    file.event(9, 1'500, Simpletrace().text("e1000").numbers({0, 2, 0, 4, 0x103}));
    return file;
}

TEST(SimpletraceSource, EventsByTheirNames) {
    const Read read = read_text(sample().bytes());
    ASSERT_EQ(read.records.size(), 2U);
    EXPECT_EQ(read.records[0].event.kind, EventKind::kMemoryRead);
    EXPECT_EQ(read.records[0].event.address, 0xfebc0008U);
    EXPECT_EQ(read.records[0].name, "e1000-mmio");
    EXPECT_EQ(read.records[0].event.time, 0U);
    EXPECT_EQ(read.records[1].event.kind, EventKind::kConfigWrite);
    EXPECT_EQ(read.records[1].event.address, 2U << 15 | 4U);
    EXPECT_EQ(read.records[1].event.time, 500U);
    EXPECT_THAT(read.summary.other, ElementsAre(Pair("apic_deliver_irq", 1U)));
    EXPECT_THAT(read.summary.trouble, IsEmpty());
}

TEST(SimpletraceSource, Qemu5HasNoRegionNamesAndNoBus) {
    Simpletrace file;
    file.name(7, "memory_region_ops_write").name(9, "pci_cfg_read");
    file.event(7, 10, Simpletrace().numbers({0, 0x55, 0x3f8, 0x41, 1}));
    file.event(9, 20, Simpletrace().text("e1000").numbers({2, 0, 0, 0x8086}));
    const Read read = read_text(file.bytes());
    ASSERT_EQ(read.records.size(), 2U);
    EXPECT_EQ(read.records[0].event.kind, EventKind::kPortWrite);
    EXPECT_EQ(read.records[1].event.address, 2U << 15);
    EXPECT_THAT(read.summary.forms, ElementsAre(Pair("QEMU 5.2", 2U)));
}

TEST(SimpletraceSource, CutAnywhereItGivesWhatCameBeforeAndSaysWhere) {
    const std::string whole = sample().bytes();
    const std::size_t records = read_text(whole).records.size();
    for (std::size_t length = 8; length < whole.size(); ++length) {
        const Read read = read_text(std::string_view(whole).substr(0, length));
        EXPECT_LE(read.records.size(), records);
        if (!read.summary.trouble.empty()) {
            EXPECT_THAT(read.summary.trouble, HasSubstr("byte "));
        }
    }
    EXPECT_EQ(read_text(std::string_view(whole).substr(0, whole.size() - 3)).records.size(), records - 1);
}

TEST(SimpletraceSource, OtherVersionsAndTypesAreRefusedByName) {
    EXPECT_THAT(read_text(Simpletrace(3).bytes()).summary.trouble, HasSubstr("the file has format 3"));
    Simpletrace file;
    file.numbers({5});
    EXPECT_THAT(read_text(file.bytes()).summary.trouble, HasSubstr("a record of type 0x5"));
}

TEST(SimpletraceSource, LengthsThatCannotBeAreRefused) {
    Simpletrace file;
    file.numbers({1, 7, 100, 0xffff'ffff});
    EXPECT_THAT(read_text(file.bytes()).summary.trouble, HasSubstr("an event of 4294967295 bytes"));
}

class CanonicalTest : public ::testing::Test {
  protected:
    trace::TempFolder folder_;
};

TEST_F(CanonicalTest, ARecordingAsATraceIsTheSameRecording) {
    const std::string log =
        "twinbench_recorder 1\n"
        "twinbench_time 0x64\n"
        "pci_cfg_read e1000 00:03.0 @0x0 -> 0x8086\n"
        "memory_region_ops_read cpu 0 mr 0x2 addr 0xfebc00c0 value 0x80 size 4 name 'e1000-mmio'\n"
        "twinbench_dma_write 00:03.0 0x1000 0102\n"
        "twinbench_irq 00:03.0 0xb 01\n"
        "twinbench_frame_in 00:03.0 0x0 ffff\n";
    const std::string path = folder_.path("a.trace.xz");
    const auto source = recording_over(std::as_bytes(std::span(log)));
    EXPECT_EQ(write_canonical(*source, path, {.machine = "qemu"}), 5U);
    const Read before = read_text(log);
    const Read after = read_all(open_recording(path));
    ASSERT_EQ(after.records.size(), before.records.size());
    EXPECT_TRUE(after.summary.exact_time);
    for (std::size_t i = 0; i < before.records.size(); ++i) {
        EXPECT_EQ(after.records[i].event.kind, before.records[i].event.kind) << i;
        EXPECT_EQ(after.records[i].event.address, before.records[i].event.address) << i;
        EXPECT_EQ(after.records[i].event.value, before.records[i].event.value) << i;
        EXPECT_EQ(after.records[i].event.width, before.records[i].event.width) << i;
        EXPECT_EQ(after.records[i].event.time, before.records[i].event.time) << i;
        EXPECT_EQ(after.records[i].text, before.records[i].text) << i;
        EXPECT_EQ(after.records[i].data, before.records[i].data) << i;
    }
    EXPECT_EQ(after.records[0].name, "e1000");
    EXPECT_EQ(after.records[2].name, "00:03.0");
}

TEST_F(CanonicalTest, WhetherTimesAreExactIsFoundBehindTheFirstLines) {
    const std::string path = folder_.path("a.log");
    std::ofstream(path)
        << "1@5.000000:memory_region_ops_read cpu 0 mr 0x2 addr 0x70 value 0x80 size 1 name 'rtc'\n"
           "twinbench_recorder 1\n"
           "memory_region_ops_read cpu 0 mr 0x2 addr 0x70 value 0x80 size 1 name 'rtc'\n";
    EXPECT_TRUE(has_exact_time(path));
    std::ofstream(path)
        << "1@5.000000:memory_region_ops_read cpu 0 mr 0x2 addr 0x70 value 0x80 size 1 name 'rtc'\n";
    EXPECT_FALSE(has_exact_time(path));
}

TEST_F(CanonicalTest, AnEmptyFileIsAnError) {
    const std::string path = folder_.path("empty");
    std::ofstream(path).flush();
    try {
        open_recording(path);
        FAIL() << "no error";
    } catch (const trace::FileError& error) {
        EXPECT_THAT(error.what(), HasSubstr("the file is empty"));
    }
}

}  // namespace
}  // namespace tb::recording
