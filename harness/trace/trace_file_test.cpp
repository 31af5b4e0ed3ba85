// SPDX-License-Identifier: BSD-3-Clause
#include "harness/trace/trace_file.hpp"

#include <gmock/gmock.h>

#include <string>

#include "harness/trace/testing/sample.hpp"
#include "harness/trace/testing/temp_folder.hpp"

namespace tb::trace {
namespace {

using testing::HasSubstr;
using Reason = TraceFileError::Reason;

const TraceHeader kHeader{
    .scenario = "net/e1000/link-up", .machine = "model", .qemu = "", .seed = 7, .device = "e1000 at 00:04.0"};

class TraceFile : public testing::Test {
  protected:
    std::string written(const Trace& trace, const SymbolTable* symbols = nullptr) {
        write_trace(path_, kHeader, trace, symbols);
        return read_text(path_);
    }
    TraceFileError error_of(std::string_view content) {
        write_text(path_, content);
        try {
            read_trace(path_);
        } catch (const TraceFileError& error) {
            return error;
        }
        ADD_FAILURE() << "no error for:\n" << content;
        return {Reason::kCannotRead, path_, 0, "", 0};
    }
    std::string problem(std::string_view event_line) {
        const std::string what =
            error_of(std::string(kFirstLine) + "\n" + std::string(event_line) + "\n").what();
        EXPECT_TRUE(what.starts_with(path_ + ":2: ")) << what;
        return what.substr(std::min(what.size(), path_.size() + 4));
    }

    TempFolder folder_;
    std::string path_ = folder_.path("run.trace");
};

TEST_F(TraceFile, LooksLikeThis) {
    const SymbolTable symbols = sample_symbols();
    TraceBuilder trace;
    trace.step(0, "read \"STATUS\"").read(kStatusAddress, 0x80080783);
    trace.add({.address = 0x3fd, .value = 0x60, .repeat = 7, .kind = EventKind::kPortRead, .width = 1});
    trace.add({.kind = EventKind::kHostInput}, "net frame", std::vector<std::byte>(48, std::byte{0}));
    EXPECT_EQ(written(trace, &symbols),
              "# twinbench trace 1\n"
              "# scenario net/e1000/link-up\n"
              "# machine model\n"
              "# seed 7\n"
              "# device e1000 at 00:04.0\n"
              "         100 step                    -            - \"read \\\"STATUS\\\"\"\n"
              "         200 mem-read     0xfebc0008/4   0x80080783 (STATUS FD=1 LU=1 SPEED=2)\n"
              "         300 port-read         0x3fd/1         0x60 x7 (port:0x3fd)\n"
              "         400 host-in                 -            - \"net frame\" data=00*48\n"
              "# end 4 events hash 5a52c03bedab4212\n");
}

TEST_F(TraceFile, GivesBackEveryEventAsItWas) {
    const Trace trace = full_trace();
    const SymbolTable symbols = sample_symbols();
    const std::uint64_t hash = write_trace(path_, kHeader, trace, &symbols);
    EXPECT_EQ(hash, trace.hash());
    const LoadedTrace loaded = read_trace(path_);
    EXPECT_EQ(loaded.header, kHeader);
    ASSERT_EQ(loaded.trace.events().size(), trace.events().size());
    for (std::size_t i = 0; i < trace.events().size(); ++i) {
        const Event& was = trace.events()[i];
        const Event& is = loaded.trace.events()[i];
        EXPECT_EQ(loaded.trace.text(is), trace.text(was));
        EXPECT_TRUE(std::ranges::equal(loaded.trace.data(is), trace.data(was))) << i;
        EXPECT_EQ(std::tie(is.time, is.kind, is.address, is.width, is.value, is.repeat),
                  std::tie(was.time, was.kind, was.address, was.width, was.value, was.repeat));
    }
    EXPECT_EQ(loaded.trace.hash(), hash);
}

TEST_F(TraceFile, IsTheSameBytesWithEveryWriting) {
    const std::string first = written(full_trace());
    EXPECT_EQ(written(read_trace(path_).trace), first);
}

TEST_F(TraceFile, HoldsHeadersThatHaveLineEndsOrQuotes) {
    const TraceHeader odd{
        .scenario = "a\nb", .machine = "\"quoted\"", .qemu = "7.2.19", .seed = {}, .device = " x"};
    write_trace(path_, odd, Trace());
    EXPECT_EQ(read_trace(path_).header, odd);
}

TEST_F(TraceFile, AnEmptyTraceIsATrace) {
    written(Trace());
    EXPECT_TRUE(read_trace(path_).trace.events().empty());
}

TEST_F(TraceFile, WritesRunsOfBytesShortAndOthersPlain) {
    TraceBuilder trace;
    std::vector<std::byte> data = bytes({1, 2});
    data.insert(data.end(), 7, std::byte{0xee});
    data.insert(data.end(), 8, std::byte{0});
    data.push_back(std::byte{3});
    trace.add({.kind = EventKind::kHostOutput}, "x", data);
    EXPECT_THAT(written(trace), HasSubstr(" data=0102eeeeeeeeeeeeee,00*8,03\n"));
    EXPECT_EQ(read_trace(path_).trace.hash(), trace.trace().hash());
}

TEST_F(TraceFile, SaysThatAFileIsCutShortAndGivesWhatItHolds) {
    const Trace trace = full_trace();
    const std::string whole = written(trace);
    const std::size_t trailer = whole.find("# end");

    const TraceFileError at_line_end = error_of(whole.substr(0, trailer));
    EXPECT_EQ(at_line_end.reason(), Reason::kCutShort);
    EXPECT_THAT(at_line_end.what(), HasSubstr("found the end of the file: it is cut short after 20 events"));
    EXPECT_EQ(at_line_end.events_read(), 20u);
    ASSERT_TRUE(at_line_end.partial());
    EXPECT_EQ(at_line_end.partial()->trace.hash(), trace.hash());
    EXPECT_EQ(at_line_end.partial()->header, kHeader);

    const std::size_t third_line_from_end = whole.rfind('\n', whole.rfind('\n', trailer - 2) - 1);
    const TraceFileError in_a_line = error_of(whole.substr(0, third_line_from_end + 20));
    EXPECT_EQ(in_a_line.reason(), Reason::kCutShort);
    EXPECT_THAT(in_a_line.what(), HasSubstr("cut short in the middle of this line, after 18 events"));
    EXPECT_EQ(in_a_line.partial()->trace.events().size(), 18u);
}

TEST_F(TraceFile, NoProperBeginningOfAFileIsTakenForATrace) {
    const std::string whole = written(full_trace());
    for (std::size_t size = 0; size + 1 < whole.size(); size += size < 200 ? 1 : 11) {
        const TraceFileError error = error_of(whole.substr(0, size));
        EXPECT_EQ(error.reason(), size < kFirstLine.size() + 1 ? Reason::kNotATrace : Reason::kCutShort)
            << size;
    }
    write_text(path_, whole.substr(0, whole.size() - 1));
    EXPECT_NO_THROW(read_trace(path_)) << "all that lacks is the last line's end";
}

TEST_F(TraceFile, NoticesThatAnEventWasChangedOrLost) {
    std::string changed = written(full_trace());
    changed.replace(changed.find("0x80080783"), 10, "0x80080781");
    EXPECT_EQ(error_of(changed).reason(), Reason::kWrongHash);
    EXPECT_THAT(error_of(changed).what(), HasSubstr("the file was changed"));

    std::string lost = written(full_trace());
    const std::size_t line = lost.find('\n', lost.find("mem-write")) + 1;
    lost.erase(line, lost.find('\n', line) + 1 - line);
    EXPECT_THAT(error_of(lost).what(), HasSubstr("expected 20 events as this line says, found 19"));
}

TEST_F(TraceFile, RefusesWhatIsNoTrace) {
    EXPECT_THAT(error_of("").what(), HasSubstr(":1: expected \"# twinbench trace 1\", found an empty file"));
    EXPECT_THAT(error_of("{}\n").what(), HasSubstr(":1: expected \"# twinbench trace 1\", found \"{}\""));
    EXPECT_THAT(error_of("# twinbench trace 2\n").what(), HasSubstr("found \"# twinbench trace 2\""));
    EXPECT_THROW(read_trace(folder_.path("")), TraceFileError);
    try {
        read_trace("/no/such/trace");
        FAIL();
    } catch (const TraceFileError& error) {
        EXPECT_EQ(error.reason(), Reason::kCannotRead);
        EXPECT_STREQ(error.what(), "cannot read '/no/such/trace': No such file or directory");
    }
}

TEST_F(TraceFile, SaysWhatItExpectedInALineAndWhatItFound) {
    EXPECT_EQ(problem("soon mem-read 0x8/4 0x1"), "expected a time in nanoseconds, found \"soon\"");
    EXPECT_EQ(problem("1 mem-raed 0x8/4 0x1"),
              "expected a kind of event, such as mem-read, found \"mem-raed\"");
    EXPECT_EQ(problem("1 mem-read zz/4 0x1"), "expected an address, found \"zz\"");
    EXPECT_EQ(problem("1 mem-read 0x8/3 0x1"), "expected a width of 1, 2, 4 or 8 bytes, found \"3\"");
    EXPECT_EQ(problem("1 mem-read 0x8/4"), "expected a value, found the end of the line");
    EXPECT_EQ(problem("1 mem-read 0x8/4 0x10000000000000000"),
              "expected a value, found \"0x10000000000000000\"");
    EXPECT_EQ(problem("1 mem-read 0x8/4 1 xx"), "expected a count, such as x3, found \"x\"");
    EXPECT_EQ(problem("1 mem-read 0x8/4 1 (A"), "expected a name in ( ), found \"(A\"");
    EXPECT_EQ(problem("1 step - 1 \"a"), "expected a text in quotes, found \"\\\"a\"");
    EXPECT_EQ(problem("1 host-in - - data=5"),
              "expected bytes in hexadecimal, such as 5254,00*48, found \"5\"");
    EXPECT_THAT(problem("1 host-in - - data=00*99999999999"), HasSubstr("expected bytes in hexadecimal"));
    EXPECT_EQ(problem("1 step - 1 nonsense"),
              "expected xCOUNT, (name), \"text\" or data=, in this order, found \"nonsense\"");
    EXPECT_EQ(problem("# color red"),
              "expected scenario, machine, qemu, seed, device, clock or end, found \"color\"");
    EXPECT_EQ(problem("# seed red"), "expected a number after \"# seed\", found \"red\"");
    EXPECT_THAT(problem("# end 0 hash"), HasSubstr("expected \"# end N events hash 0123456789abcdef\""));
    EXPECT_THAT(error_of(written(Trace()) + "1 step - 1\n").what(),
                HasSubstr("expected nothing after the line \"# end\""));
}

TEST_F(TraceFile, SaysWhyItCannotBeWritten) {
    try {
        write_trace("/dev/full", kHeader, full_trace());
        FAIL();
    } catch (const FileError& error) {
        EXPECT_STREQ(error.what(), "cannot write '/dev/full': No space left on device");
        EXPECT_EQ(error.path(), "/dev/full");
    }
    EXPECT_THROW(write_trace("/no/such/folder/t", kHeader, Trace()), FileError);
}

TEST_F(TraceFile, AnUnfinishedTraceLeavesNoFile) {
    {
        TraceWriter writer(path_, kHeader);
        writer.add({.value = 1, .kind = EventKind::kStep}, "first");
    }
    EXPECT_EQ(folder_.count(), 0u);
}

}  // namespace
}  // namespace tb::trace
