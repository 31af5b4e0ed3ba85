// SPDX-License-Identifier: BSD-3-Clause
#include "harness/trace/exporters.hpp"

#include <gmock/gmock.h>

#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

#include "harness/trace/atomic_file.hpp"
#include "harness/trace/pcap.hpp"
#include "harness/trace/testing/sample.hpp"
#include "harness/trace/testing/temp_folder.hpp"

namespace tb::trace {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class Exporters : public testing::Test {
  protected:
    std::string message_of(const auto& action) {
        try {
            action();
        } catch (const FileError& error) {
            return error.what();
        }
        return "no error";
    }
    TempFolder folder_;
    std::string path_ = folder_.path("out");
    SymbolTable symbols_ = sample_symbols();
};

/// What a viewer sees: the last value of each signal and how often it changed, by "scope.name".
struct Waves {
    std::map<std::string, std::string> last;
    std::map<std::string, int> changes;
    std::vector<std::uint64_t> times;
};

Waves read_vcd(const std::string& path) {
    Waves waves;
    std::map<std::string, std::string> names;
    std::istringstream in(read_text(path));
    std::string scope;
    std::string line;
    while (std::getline(in, line)) {
        std::istringstream words(line);
        std::string word;
        words >> word;
        if (word == "$scope") {
            words >> word >> scope;
        } else if (word == "$var") {
            std::string type, bits, id, name;
            words >> type >> bits >> id >> name;
            EXPECT_TRUE(names.emplace(id, scope + "." + name).second) << "an identifier twice: " << line;
        } else if (word[0] == '#') {
            waves.times.push_back(std::stoull(word.substr(1)));
        } else if (word[0] != '$') {
            std::string value = word;
            std::string id;
            if (word[0] == 'b') {
                words >> id;
                value = word.substr(1);
            } else {
                id = word.substr(1);
                value = word.substr(0, 1);
            }
            EXPECT_TRUE(names.contains(id)) << line;
            waves.last[names[id]] = value;
            if (!waves.times.empty()) ++waves.changes[names[id]];
        }
    }
    return waves;
}

TEST_F(Exporters, VcdHasInterruptLinesRegistersAndTransfers) {
    export_vcd(path_, full_trace(), symbols_);
    EXPECT_THAT(read_text(path_), HasSubstr("$timescale 1 ns $end"));
    EXPECT_THAT(read_text(path_), HasSubstr("$var wire 32 "));
    Waves waves = read_vcd(path_);
    EXPECT_EQ(waves.changes["interrupts.line_11"], 2);
    EXPECT_EQ(waves.last["interrupts.line_11"], "0");
    EXPECT_EQ(waves.last["registers.STATUS"], "10000000000010000000011110000011");
    EXPECT_EQ(waves.changes["registers.STATUS_read"], 1);
    EXPECT_EQ(waves.changes["registers.CTRL_written"], 1);
    EXPECT_EQ(waves.last["registers_pci.COMMAND"], "100000110");
    EXPECT_EQ(waves.last["dma.write_address"], "1000000001000000000000");
    EXPECT_EQ(waves.last["dma.write_bytes"], "1000000000000");
    EXPECT_EQ(waves.last["interrupts.message_vector"], "100");
    EXPECT_TRUE(std::is_sorted(waves.times.begin(), waves.times.end()));
    EXPECT_EQ(waves.times.front(), 100u);
}

TEST_F(Exporters, VcdKnowsWhatCannotBeKnownBeforeTheFirstAccess) {
    export_vcd(path_, TraceBuilder().read(kStatusAddress, 1).plain(EventKind::kIrqRaised, 5), symbols_);
    const std::string text = read_text(path_);
    const std::string initial =
        text.substr(text.find("$dumpvars"), text.find("#100") - text.find("$dumpvars"));
    EXPECT_THAT(initial, HasSubstr("bx "));
    EXPECT_THAT(initial, HasSubstr("\n0"));
}

TEST_F(Exporters, VcdManagesMoreSignalsThanOneCharacterCanName) {
    TraceBuilder trace;
    for (std::uint64_t line = 0; line < 200; ++line) trace.plain(EventKind::kIrqRaised, line);
    export_vcd(path_, trace, symbols_);
    Waves waves = read_vcd(path_);
    EXPECT_EQ(waves.last["interrupts.line_199"], "1");
    EXPECT_EQ(waves.last.size(), 200u);
}

TEST_F(Exporters, PerfettoHasATrackForEachPartyInVirtualTime) {
    export_perfetto(path_, full_trace(), symbols_);
    const auto json = nlohmann::json::parse(read_text(path_));
    std::map<std::string, std::vector<nlohmann::json>> by_track;
    std::map<int, std::string> tracks;
    for (const auto& event : json.at("traceEvents"))
        if (event["name"] == "thread_name") tracks[event["tid"]] = event["args"]["name"];
    for (const auto& event : json.at("traceEvents"))
        if (event["ph"] != "M") by_track[tracks.at(event["tid"])].push_back(event);

    ASSERT_THAT(by_track["scenario"], SizeIs(1));
    EXPECT_EQ(by_track["scenario"][0]["name"], "0 bring the link up");
    EXPECT_EQ(by_track["scenario"][0]["ts"], 0.2);
    EXPECT_THAT(by_track["device DMA"], SizeIs(2));
    EXPECT_EQ(by_track["device DMA"][1]["args"]["bytes"], 4096);
    EXPECT_THAT(by_track["interrupts"], SizeIs(2));
    EXPECT_THAT(by_track["IRQ line 11"], SizeIs(2));
    EXPECT_EQ(by_track["IRQ line 11"][0]["ph"], "B");
    EXPECT_EQ(by_track["IRQ line 11"][1]["ph"], "E");
    EXPECT_THAT(by_track["host"], SizeIs(3));
    ASSERT_THAT(by_track["driver"], SizeIs(7));
    EXPECT_EQ(by_track["driver"][2]["name"], "read STATUS");
    EXPECT_EQ(by_track["driver"][2]["ts"], 0.4);
    EXPECT_EQ(by_track["driver"][2]["args"]["fields"], "FD=1 LU=1 SPEED=2");
    EXPECT_EQ(by_track["driver"][3]["dur"], 1.0) << "the delay";
}

TEST_F(Exporters, PerfettoEndsALineThatStaysRaised) {
    export_perfetto(path_, TraceBuilder().plain(EventKind::kIrqRaised, 5).plain(EventKind::kResult),
                    symbols_);
    const auto json = nlohmann::json::parse(read_text(path_));
    EXPECT_EQ(json.at("traceEvents").back()["ph"], "E");
}

TEST_F(Exporters, PcapHoldsTheFramesThatWentInAndOut) {
    export_pcap(path_, full_trace());
    EXPECT_EQ(read_text(path_).substr(0, 4), "\x4d\x3c\xb2\xa1") << "nanoseconds";
    const std::vector<Frame> frames = read_pcap(path_);
    ASSERT_THAT(frames, SizeIs(2)) << "the serial line's bytes are no frame";
    EXPECT_EQ(frames[0].data,
              bytes({0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x52, 0x54, 0, 0x12, 0x34, 0x56, 8, 0}));
    EXPECT_EQ(frames[0].time_ns, 2500u);
    EXPECT_EQ(frames[1].time_ns, 2600u);
}

TEST_F(Exporters, AFrameSurvivesWritingAndReading) {
    const std::vector<Frame> frames{{1, bytes({1, 2, 3})},
                                    {3'000'000'007, std::vector<std::byte>(65'536, std::byte{7})}};
    write_pcap(path_, frames);
    EXPECT_EQ(read_pcap(path_), frames);
    write_pcap(path_, {});
    EXPECT_THAT(read_pcap(path_), IsEmpty());
}

TEST_F(Exporters, ACaptureThatIsCutShortOrNoneIsRefused) {
    write_pcap(path_, {{1, bytes({1, 2, 3, 4})}, {2, bytes({5, 6, 7, 8})}});
    const std::string whole = read_text(path_);
    write_text(path_, whole.substr(0, whole.size() - 2));
    EXPECT_THAT(message_of([&] { read_pcap(path_); }), HasSubstr("after 1 frames: truncated dump file"));
    write_text(path_, "no capture at all, but long enough to have a header");
    EXPECT_THAT(message_of([&] { read_pcap(path_); }), HasSubstr("cannot read '" + path_ + "': "));
    EXPECT_THAT(message_of([&] { read_pcap("/no/such/file"); }),
                HasSubstr("cannot read '/no/such/file': No such file or directory"));
    std::string other_link = whole;
    other_link[20] = 101;
    write_text(path_, other_link);
    EXPECT_THAT(message_of([&] { read_pcap(path_); }),
                HasSubstr("expected a capture of Ethernet (EN10MB), found"));
    std::string partly = whole;
    partly[36] = 60;
    write_text(path_, partly);
    EXPECT_THAT(message_of([&] { read_pcap(path_); }),
                HasSubstr("frame 1 was captured with 4 of its 60 bytes"));
}

TEST_F(Exporters, GiveTheSameBytesForTheSameTrace) {
    const std::string again = folder_.path("again");
    const auto expect_same = [&](const auto& write) {
        write(path_);
        write(again);
        EXPECT_EQ(read_text(path_), read_text(again));
    };
    expect_same([&](const std::string& path) { export_vcd(path, full_trace(), symbols_); });
    expect_same([&](const std::string& path) { export_perfetto(path, full_trace(), symbols_); });
    expect_same([&](const std::string& path) { export_pcap(path, full_trace()); });
}

TEST_F(Exporters, AnEmptyTraceGivesValidFiles) {
    export_vcd(path_, Trace(), symbols_);
    EXPECT_THAT(read_vcd(path_).times, IsEmpty());
    export_perfetto(path_, Trace(), symbols_);
    EXPECT_TRUE(nlohmann::json::accept(read_text(path_)));
    export_pcap(path_, Trace());
    EXPECT_THAT(read_pcap(path_), IsEmpty());
}

TEST_F(Exporters, SayThatTheDiskIsFull) {
    constexpr auto kFull = "cannot write '/dev/full': No space left on device";
    EXPECT_EQ(message_of([&] { export_vcd("/dev/full", full_trace(), symbols_); }), kFull);
    EXPECT_EQ(message_of([&] { export_perfetto("/dev/full", full_trace(), symbols_); }), kFull);
    EXPECT_EQ(message_of([&] { export_pcap("/dev/full", full_trace()); }), kFull);
    const std::vector<Frame> many(100, {1, std::vector<std::byte>(1514)});
    EXPECT_EQ(message_of([&] { write_pcap("/dev/full", many); }), kFull);
}

}  // namespace
}  // namespace tb::trace
