// SPDX-License-Identifier: BSD-3-Clause
#include "harness/replay/replay.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>

#include "harness/recording/simpletrace_source.hpp"
#include "harness/replay/image.hpp"
#include "harness/trace/atomic_file.hpp"
#include "harness/trace/testing/temp_folder.hpp"

namespace tb::replay {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using trace::EventKind;

constexpr const char* kRecordings = TWINBENCH_RECORDINGS;

class ReplayTest : public ::testing::Test {
  protected:
    std::string write(const std::string& text) const {
        const std::string path = folder_.path("recording");
        trace::write_text(path, text);
        return path;
    }
    Report play(const std::string& text) const { return replay({.path = write(text)}); }
    static std::string message_of(const Options& options) {
        try {
            replay(options);
        } catch (const trace::FileError& error) {
            return error.what();
        }
        return "no error";
    }

    trace::TempFolder folder_;
};

/// The forms in which QEMU writes the same recording.
struct Form {
    const char* name;
    std::function<std::string(const recording::Record&, std::string_view region)> line;
    bool timed;
};

std::string seconds(std::uint64_t ns) {
    return fmt::format("17@{}.{:06}:", 1'700'000'000 + ns / 1'000'000'000, ns / 1000 % 1'000'000);
}
std::string iso(std::uint64_t ns) {
    return fmt::format("2026-11-22T07:{:02}:{:02}.{:06}Z ", ns / 60'000'000'000, ns / 1'000'000'000 % 60,
                       ns / 1000 % 1'000'000);
}
bool is_config(const recording::Record& record) {
    return trace::is_config_access(record.event.kind);
}
std::string config_line(const recording::Record& record, bool bus) {
    const bool read = record.event.kind == EventKind::kConfigRead;
    const std::uint64_t at = record.event.address;
    const std::string place = bus ? fmt::format("{:02x}:{:02x}.{:x}", at >> 20, at >> 15 & 31, at >> 12 & 7)
                                  : fmt::format("{:02}:{}", at >> 15 & 31, at >> 12 & 7);
    return fmt::format("pci_cfg_{} {} {} @{:#x} {} {:#x}", read ? "read" : "write", record.name, place,
                       at & 0xfff, read ? "->" : "<-", record.event.value);
}
std::string region_line(const recording::Record& record, std::string_view region) {
    const bool read = trace::is_register_read(record.event.kind);
    std::string line =
        fmt::format("memory_region_ops_{} cpu 0 mr 0x55c6 addr {:#x} value {:#x} size {}",
                    read ? "read" : "write", record.event.address, record.event.value, record.event.width);
    if (!region.empty()) line += fmt::format(" name '{}'", region);
    return line;
}

/// A few words of the region's name for what the recordings in the repository hold.
std::string_view region_of(const recording::Record& record) {
    if (record.event.address < 0x10000) return record.event.address < 0x1000 ? "serial" : "e1000-io";
    return record.event.address < 0xf000'0000 ? "msix-table" : "e1000-mmio";
}

const Form kForms[] = {
    {"5.2",
     [](const recording::Record& r, std::string_view) {
         return seconds(r.event.time) + (is_config(r) ? config_line(r, false) : region_line(r, ""));
     },
     true},
    {"7.2 and 10",
     [](const recording::Record& r, std::string_view region) {
         return is_config(r) ? config_line(r, true) : region_line(r, region);
     },
     false},
    {"7.2 and 10, time stamps",
     [](const recording::Record& r, std::string_view region) {
         return seconds(r.event.time) + (is_config(r) ? config_line(r, true) : region_line(r, region));
     },
     true},
    {"11.1",
     [](const recording::Record& r, std::string_view region) {
         return iso(r.event.time) + (is_config(r) ? config_line(r, true) : region_line(r, region));
     },
     true},
};

/// All accesses of a recording, in a form.
std::string rendered(const std::string& path, const Form& form) {
    const auto source = recording::open_recording(path);
    std::string text;
    recording::Record record;
    while (source->next(record))
        if (trace::is_register_read(record.event.kind) || trace::is_register_write(record.event.kind))
            text += form.line(record, region_of(record)) + "\n";
    return text;
}

/// QEMU's binary form of the same.
std::string simpletrace(const std::string& path) {
    const auto source = recording::open_recording(path);
    std::string out;
    const auto put = [&out](auto value) { out.append(reinterpret_cast<const char*>(&value), sizeof value); };
    for (const std::uint64_t word :
         {recording::SimpletraceSource::kFirstWord, recording::SimpletraceSource::kMagic, std::uint64_t{4}})
        put(word);
    const char* const names[] = {"memory_region_ops_read", "memory_region_ops_write", "pci_cfg_read",
                                 "pci_cfg_write"};
    for (std::uint64_t id = 0; id < 4; ++id) {
        const std::string_view name = names[id];
        put(std::uint64_t{0});
        put(id);
        put(static_cast<std::uint32_t>(name.size()));
        out += name;
    }
    recording::Record record;
    while (source->next(record)) {
        const EventKind kind = record.event.kind;
        if (!trace::is_register_read(kind) && !trace::is_register_write(kind)) continue;
        const std::string_view name = is_config(record) ? record.name : region_of(record);
        const std::uint64_t at = record.event.address;
        put(std::uint64_t{1});
        put(std::uint64_t{(is_config(record) ? 2U : 0U) + (trace::is_register_write(kind) ? 1U : 0U)});
        put(record.event.time);
        put(static_cast<std::uint32_t>(24 + 5 * 8 + 4 + name.size()));
        put(std::uint32_t{1});
        const auto text = [&] {
            put(static_cast<std::uint32_t>(name.size()));
            out += name;
        };
        if (is_config(record)) {
            text();
            for (const std::uint64_t word :
                 {at >> 20, at >> 15 & 31, at >> 12 & 7, at & 0xfff, record.event.value})
                put(word);
        } else {
            for (const std::uint64_t word : {std::uint64_t{0}, std::uint64_t{0x55}, at, record.event.value,
                                             std::uint64_t{record.event.width}})
                put(word);
            text();
        }
    }
    return out;
}

std::string summary_of(const PartReport& part) {
    return fmt::format("{} {}/{} unexplained {}", part.name, part.equal, part.reads, part.unexplained());
}

TEST_F(ReplayTest, TheSameRecordingInEveryFormOfQemusGivesTheSame) {
    const std::string path = std::string(kRecordings) + "/linux-plain.q35.trace.xz";
    std::vector<std::string> expected;
    for (const PartReport& part : replay({.path = path}).parts) expected.push_back(summary_of(part));
    ASSERT_THAT(expected, SizeIs(3));
    EXPECT_THAT(expected, Each(HasSubstr("unexplained 0")));
    for (const Form& form : kForms) {
        const Report report = play(rendered(path, form));
        std::vector<std::string> found;
        for (const PartReport& part : report.parts) found.push_back(summary_of(part));
        EXPECT_EQ(found, expected) << form.name;
        EXPECT_EQ(report.recording.untimed == 0, form.timed) << form.name;
        EXPECT_EQ(report.recording.forms.size(), 1U) << form.name;
        EXPECT_EQ(report.recording.unknown, 0U) << form.name;
    }
    std::vector<std::string> found;
    for (const PartReport& part : play(simpletrace(path)).parts) found.push_back(summary_of(part));
    EXPECT_EQ(found, expected) << "simpletrace";
}

TEST_F(ReplayTest, AWrongAnswerIsFoundWithItsPlaceFieldsAndContext) {
    const std::string path = std::string(kRecordings) + "/linux-plain.q35.trace.xz";
    std::string text = rendered(path, kForms[2]);
    // STATUS with another speed.
    const std::size_t at = text.find("value 0x80080783", text.find("e1000-mmio"));
    ASSERT_NE(at, std::string::npos);
    text.replace(at, 16, "value 0x80080743");
    const auto line = static_cast<std::uint64_t>(
                          std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(at), '\n')) +
                      1;
    const Report report = play(text);
    ASSERT_THAT(report.parts, SizeIs(3));
    const PartReport& nic = report.parts[0];
    EXPECT_EQ(nic.name, "e1000");
    EXPECT_EQ(nic.unexplained(), 1U);
    EXPECT_FALSE(nic.good());
    const DifferentReads* different = nullptr;
    for (const DifferentReads& reads : nic.differences)
        if (reads.cause == Cause::kDevice) different = &reads;
    ASSERT_NE(different, nullptr);
    EXPECT_EQ(different->name, "STATUS");
    EXPECT_EQ(different->line, line);
    EXPECT_EQ(different->recorded, 0x80080743U);
    EXPECT_EQ(different->answered, 0x80080783U);
    EXPECT_THAT(different->recorded_fields, ElementsAre(trace::FieldValue{"SPEED", 1}));
    EXPECT_THAT(different->answered_fields, ElementsAre(trace::FieldValue{"SPEED", 2}));
    EXPECT_THAT(different->context, SizeIs(7));
    EXPECT_THAT(different->context[3], HasSubstr("> "));
    const std::string shown = render(report, false);
    EXPECT_THAT(
        shown, HasSubstr(fmt::format(
                   "first in line {}: recorded 0x80080743, answered 0x80080783 (SPEED 0x1, not 0x2)", line)));
    const auto document = nlohmann::json::parse(to_json(report));
    EXPECT_EQ(document["devices"][0]["name"], "e1000");
    EXPECT_EQ(document["devices"][0]["reads"].get<std::uint64_t>() -
                  document["devices"][0]["equal"].get<std::uint64_t>(),
              nic.reads - nic.equal);
    EXPECT_LT(document["devices"][0]["share"].get<double>(), 1.0);
}

TEST_F(ReplayTest, EverythingThatTheRecorderSawIsEqual) {
    for (const char* name : {"linux.pc", "linux.q35"}) {
        const Report report = replay({.path = fmt::format("{}/{}.trace.xz", kRecordings, name)});
        ASSERT_THAT(report.parts, SizeIs(3)) << name;
        for (const PartReport& part : report.parts) {
            EXPECT_EQ(part.equal, part.reads) << part.name;
            EXPECT_EQ(part.memory_bytes_equal, part.memory_bytes) << part.name;
            EXPECT_EQ(part.frames_equal, part.frames) << part.name;
            EXPECT_EQ(part.interrupts_equal, part.interrupts) << part.name;
            EXPECT_GT(part.interrupts, 0U) << part.name;
            EXPECT_EQ(part.lost_dma, 0U) << part.name;
        }
        EXPECT_GT(report.parts[0].frames, 0U) << name;
        EXPECT_GT(report.parts[1].memory_bytes, 100'000U) << name;
    }
}

TEST_F(ReplayTest, ChangedMemoryFramesAndInterruptsAreFound) {
    const std::string path = fmt::format("{}/linux.pc.trace.xz", kRecordings);
    const auto source = recording::open_recording(path);
    // As the module's log, with one thing changed at a time.
    std::string log = "twinbench_recorder 1\n";
    recording::Record record;
    while (source->next(record)) {
        const trace::Event& event = record.event;
        log += fmt::format("twinbench_time {}\n", event.time);
        std::string bytes;
        for (const std::byte byte : record.data)
            bytes += fmt::format("{:02x}", std::to_integer<unsigned>(byte));
        const auto data = [&](const char* what, std::uint64_t number) {
            log += fmt::format("twinbench_{} {} {:#x} {}\n", what, record.name, number, bytes);
        };
        switch (event.kind) {
            case EventKind::kDmaRead:
                data("dma_read", event.address);
                break;
            case EventKind::kDmaWrite:
                data(record.text == "used" ? "used" : "dma_write", event.address);
                break;
            case EventKind::kIrqRaised:
            case EventKind::kIrqLowered:
                bytes = event.kind == EventKind::kIrqRaised ? "01" : "00";
                data("irq", event.value);
                break;
            case EventKind::kHostInput:
                data(record.text == "disk" ? "disk" : "frame_in", event.value);
                break;
            case EventKind::kHostOutput:
                data("frame_out", 0);
                break;
            case EventKind::kMessage:
                log += fmt::format(
                    "memory_region_ops_write cpu 0 mr 0x1 addr {:#x} value {:#x} size 4 name "
                    "'apic-msi'\ntwinbench_at {}\n",
                    event.address, event.value, event.time);
                break;
            default:
                log +=
                    (is_config(record) ? config_line(record, true) : region_line(record, region_of(record))) +
                    "\n";
                if (trace::is_register_write(event.kind)) log += fmt::format("twinbench_at {}\n", event.time);
        }
    }
    const auto changed = [&](std::string_view what, std::size_t behind) {
        std::string text = log;
        const std::size_t at = text.find(what);
        EXPECT_NE(at, std::string::npos) << what;
        char& digit = text[text.find('\n', at) - behind];
        digit = digit == '1' ? '2' : '1';
        return play(text);
    };
    EXPECT_THAT(play(log).parts, Each(::testing::Property(&PartReport::good, true)));
    const Report memory = changed("twinbench_dma_write 00:05.0", 1);
    EXPECT_EQ(memory.parts[1].memory_bytes - memory.parts[1].memory_bytes_equal, 1U);
    EXPECT_THAT(memory.parts[1].memory_differences, SizeIs(1));
    const Report frame = changed("twinbench_frame_out", 1);
    EXPECT_EQ(frame.parts[0].frames - frame.parts[0].frames_equal, 1U);
    const Report line = changed("twinbench_irq 00:03.0 0xb 00", 1);
    EXPECT_FALSE(line.parts[0].good());
    EXPECT_THAT(line.parts[0].interrupt_differences, ::testing::Not(IsEmpty()));
}

TEST_F(ReplayTest, CharactersThatCameInAreTypedWhenTheyWereSeen) {
    const auto port = [](const char* verb, const char* address, const char* value) {
        return fmt::format("memory_region_ops_{} cpu 0 mr 0x1 addr {} value {} size 1 name 'serial'\n", verb,
                           address, value);
    };
    const Report report =
        play(port("write", "0x3fa", "0x01") + port("read", "0x3fd", "0x60") + port("read", "0x3fd", "0x61") +
             port("read", "0x3f8", "0x41") + port("read", "0x3fd", "0x60"));
    ASSERT_THAT(report.parts, SizeIs(1));
    EXPECT_EQ(report.parts[0].equal, 4U);
    EXPECT_EQ(report.parts[0].inputs, 1U);
}

TEST_F(ReplayTest, CoverageCountsRegistersAndFields) {
    const auto port = [](const char* verb, const char* address, const char* value) {
        return fmt::format("memory_region_ops_{} cpu 0 mr 0x1 addr {} value {} size 1 name 'serial'\n", verb,
                           address, value);
    };
    const Report report = play(port("write", "0x3ff", "0x55") + port("read", "0x3ff", "0x55"));
    ASSERT_THAT(report.parts, SizeIs(1));
    EXPECT_EQ(report.parts[0].registers_touched, 1U);
    EXPECT_THAT(report.parts[0].untouched, ::testing::Contains("LSR"));
}

TEST_F(ReplayTest, ARecordingWithoutConfigurationAccessesIsPlayedByItsNames) {
    const auto mmio = [](const char* verb, const char* address, const char* value) {
        return fmt::format("memory_region_ops_{} cpu 0 mr 0x1 addr {} value {} size 4 name 'e1000-mmio'\n",
                           verb, address, value);
    };
    const Report report = play(mmio("read", "0xfebc0008", "0x80080783") +
                               mmio("write", "0xfebc3800", "0x1000") + mmio("read", "0xfebc3800", "0x1000"));
    ASSERT_THAT(report.parts, SizeIs(1));
    EXPECT_EQ(report.parts[0].equal, 2U);
    EXPECT_EQ(report.parts[0].placed, 1U);
    EXPECT_THAT(render(report, false), HasSubstr("put 1 BARs where the recording has them"));
}

TEST_F(ReplayTest, ATimerRunsWhenTheAnswersShowIt) {
    // Autonegotiation is started at 0 and done after half a second, as far as a wall clock can tell.
    const auto at = [](const char* time, const char* verb, const char* address, const char* value) {
        return fmt::format(
            "1@100.{}:memory_region_ops_{} cpu 0 mr 0x1 addr {} value {} size 4 name 'e1000-mmio'\n", time,
            verb, address, value);
    };
    const std::string start = at("000000", "write", "0xfebc0020", "0x4201340");
    const std::string up = "0x80080783";
    const std::string down = "0x80080781";
    const auto equal = [&](const std::string& rest) { return play(start + rest).parts.at(0).equal; };
    EXPECT_EQ(equal(at("400000", "read", "0xfebc0008", down.c_str())), 1U);
    EXPECT_EQ(equal(at("495000", "read", "0xfebc0008", up.c_str())), 1U) << "a little early";
    EXPECT_EQ(equal(at("505000", "read", "0xfebc0008", down.c_str())), 1U) << "a little late";
    EXPECT_EQ(equal(at("505000", "read", "0xfebc0008", down.c_str()) +
                    at("505100", "write", "0xfebc0038", "0x8100") +
                    at("505200", "read", "0xfebc0008", down.c_str()) +
                    at("506000", "read", "0xfebc0008", up.c_str())),
              3U);
    EXPECT_EQ(equal(at("400000", "read", "0xfebc0008", up.c_str())), 0U) << "much too early";
    EXPECT_EQ(equal(at("600000", "read", "0xfebc0008", down.c_str())), 0U) << "much too late";
}

TEST_F(ReplayTest, OnlyWhatRingsDecideIsExcusedWithoutTheirData) {
    const auto read = [](const char* address, const char* value, const char* size, const char* name) {
        return fmt::format(
            "1@5.000000:memory_region_ops_read cpu 0 mr 0x1 addr {} value {} size {} name '{}'\n", address,
            value, size, name);
    };
    const auto unexplained = [&](const std::string& log) { return play(log).parts.at(0).unexplained(); };
    EXPECT_EQ(unexplained(read("0xfebc00c0", "0x80", "4", "e1000-mmio")), 0U) << "a frame came";
    EXPECT_EQ(unexplained(read("0xfebc00c0", "0x4", "4", "e1000-mmio")), 1U) << "the link changed";
    EXPECT_EQ(unexplained(read("0xfebc00c0", "0x84", "4", "e1000-mmio")), 1U) << "both";
    EXPECT_EQ(unexplained(read("0xfebc4074", "0x3", "4", "e1000-mmio")), 0U) << "a statistic";
    EXPECT_EQ(unexplained(read("0xfe000014", "0x40", "1", "virtio-pci-common-virtio-blk")), 0U)
        << "NEEDS_RESET";
    EXPECT_EQ(unexplained(read("0xfe000014", "0x1", "1", "virtio-pci-common-virtio-blk")), 1U)
        << "ACKNOWLEDGE";
}

TEST_F(ReplayTest, BadInputIsNamed) {
    EXPECT_EQ(message_of({.path = "/no/such/file"}),
              "cannot read '/no/such/file': No such file or directory");
    EXPECT_THAT(message_of({.path = write("")}), HasSubstr("the file is empty"));
    const std::string prose = message_of({.path = write("Dear reader\nthis is no log\n")});
    EXPECT_THAT(prose, HasSubstr("no access to a device that has a model here, in 2 lines with 0 events"));
    EXPECT_THAT(prose, HasSubstr("the first is line 1: \"Dear reader\""));
    EXPECT_THAT(prose, HasSubstr("-d trace:memory_region_ops_*"));
    // The trace of another machine.
    EXPECT_THAT(
        message_of(
            {.path = write(
                 "memory_region_ops_read cpu 0 mr 0x1 addr 0x9000000 value 0x0 size 4 name 'pl011'\n")}),
        HasSubstr("it has pl011"));
    std::string noise;
    for (unsigned i = 0; i < 100'000; ++i) noise += static_cast<char>(i * 2'654'435'761U >> 13);
    EXPECT_THAT(message_of({.path = write(noise)}), HasSubstr("no access to a device"));
    EXPECT_THAT(message_of({.path = write(std::string(3'000'000, 'x'))}), HasSubstr("cut short"));
}

TEST_F(ReplayTest, AMixtureOfVersionsAndTimesThatRunBackwardsAreNoted) {
    const Report report = play(
        "1@5.000000:memory_region_ops_read cpu 0 mr 0x1 addr 0x3ff value 0x0 size 1 name 'serial'\n"
        "1@4.000000:memory_region_ops_read cpu 0 mr 0x1 addr 0x3ff value 0x0 size 1 name 'serial'\n"
        "2026-11-22T07:42:12.301107Z memory_region_ops_read cpu 0 mr 0x1 addr 0x3ff value 0x0 size 1 name "
        "'serial'\n"
        "1@4.000000:memory_region_ops_read cpu 0 mr 0x1 addr 0x3ff value 0x0 size 1\n"
        "memory_region_ops_read cpu 0 mr 0x1 addr 0x3ff value 0x0 size 1 name 'serial'\n");
    const std::string shown = render(report, false);
    EXPECT_THAT(shown, HasSubstr("lines in several forms"));
    EXPECT_THAT(shown, HasSubstr("2 time stamps lie before their predecessor's, the first in line 2"));
    EXPECT_THAT(shown, HasSubstr("1 events have no time stamp, others have"));
    EXPECT_EQ(report.parts.at(0).equal, 5U);
}

TEST_F(ReplayTest, WhatCanBeReadOfACutFileIsPlayed) {
    const std::string line =
        "memory_region_ops_read cpu 0 mr 0x1 addr 0x3ff value 0x0 size 1 name 'serial'\n";
    const Report report = play(line + line + line.substr(0, 30));
    EXPECT_EQ(report.parts.at(0).reads, 2U);
    EXPECT_THAT(report.recording.trouble, HasSubstr("line 3: the file is cut short"));
}

TEST_F(ReplayTest, ADiskImageIsKnownByWhatItHolds) {
    const std::string one = folder_.path("one.img");
    const std::string copy = folder_.path("copy.img");
    const std::string other = folder_.path("other.img");
    std::ofstream(one) << std::string(100'000, 'a');
    std::ofstream(copy) << std::string(100'000, 'a');
    std::ofstream(other) << std::string(100'000, 'b');
    EXPECT_THAT(identity_of_image(one), HasSubstr("image one.img xxh3 "));
    EXPECT_TRUE(is_image(identity_of_image(one)));
    EXPECT_FALSE(is_image("lba"));
    EXPECT_TRUE(same_image(identity_of_image(one), identity_of_image(copy)));
    EXPECT_FALSE(same_image(identity_of_image(one), identity_of_image(other)));
    EXPECT_FALSE(same_image("", ""));
    EXPECT_THROW(identity_of_image("/no/such/image"), trace::FileError);
}

TEST_F(ReplayTest, OnlyTheDevicesThatAreAskedFor) {
    const std::string path = fmt::format("{}/linux.pc.trace.xz", kRecordings);
    const Report report = replay({.path = path, .devices = {"isa-serial"}});
    ASSERT_THAT(report.parts, SizeIs(1));
    EXPECT_EQ(report.parts[0].name, "isa-serial");
    EXPECT_THAT(message_of({.path = path, .devices = {"pci-serial"}}), HasSubstr("and was asked for"));
}

}  // namespace
}  // namespace tb::replay
