// SPDX-License-Identifier: BSD-3-Clause
#include "harness/report/results.hpp"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "harness/report/xml.hpp"
#include "harness/trace/atomic_file.hpp"
#include "harness/trace/testing/temp_folder.hpp"

namespace tb::report {
namespace {

using trace::TempFolder;

std::vector<ScenarioResult> sample() {
    return {
        {.id = "serial/loopback",
         .device = "isa-serial",
         .trace_hash = 0x3f2a,
         .virtual_ns = 1'200'000,
         .wall_seconds = 0.25},
        {.id = "net/link",
         .device = "e1000",
         .verdict = Verdict::kFailed,
         .reason = "the link is <down>",
         .trace_hash = 0xfedcba9876543210,
         .virtual_ns = 7,
         .wall_seconds = 0.5,
         .differences = DifferenceCounts{.unexplained = 1, .allowed = 2},
         .failure = Failure{.file = "scenarios/net/link.json",
                            .line = 17,
                            .step = "expect STATUS.LU",
                            .message = "expected 1, found 0"}},
        {.id = "serial/dma", .device = "isa-serial", .verdict = Verdict::kSkipped, .reason = "no DMA here"}};
}

TEST(JsonReport, HasExactlyTheShapeThatOtherProgramsRelyOn) {
    EXPECT_EQ(to_json(sample()), R"({
  "summary": {
    "total": 3,
    "passed": 1,
    "failed": 1,
    "skipped": 1
  },
  "scenarios": [
    {
      "id": "serial/loopback",
      "device": "isa-serial",
      "verdict": "passed",
      "trace_hash": "0000000000003f2a",
      "virtual_ns": 1200000
    },
    {
      "id": "net/link",
      "device": "e1000",
      "verdict": "failed",
      "trace_hash": "fedcba9876543210",
      "virtual_ns": 7,
      "differences": {
        "unexplained": 1,
        "allowed": 2
      },
      "reason": "the link is <down>",
      "failure": {
        "file": "scenarios/net/link.json",
        "line": 17,
        "step": "expect STATUS.LU",
        "message": "expected 1, found 0"
      }
    },
    {
      "id": "serial/dma",
      "device": "isa-serial",
      "verdict": "skipped",
      "trace_hash": "0000000000000000",
      "virtual_ns": 0,
      "reason": "no DMA here"
    }
  ]
}
)");
}

TEST(JsonReport, OfNothingIsStillAReport) {
    const auto json = nlohmann::json::parse(to_json({}));
    EXPECT_EQ(json["summary"]["total"], 0);
    EXPECT_TRUE(json["scenarios"].is_array());
}

TEST(JsonReport, SurvivesTextThatIsNoUtf8) {
    std::vector<ScenarioResult> results = sample();
    results[1].reason = "garbage \xff\xfe from the line";
    EXPECT_TRUE(nlohmann::json::accept(to_json(results)));
}

TEST(JunitReport, HasASuiteForEachDeviceAndACaseForEachScenario) {
    EXPECT_EQ(to_junit(sample()), R"(<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="twinbench" tests="3" failures="1" errors="0" skipped="1" time="0.750000">
  <testsuite name="isa-serial" tests="2" failures="0" errors="0" skipped="1" time="0.250000">
    <testcase name="serial/loopback" classname="twinbench.isa-serial" time="0.250000"/>
    <testcase name="serial/dma" classname="twinbench.isa-serial" time="0.000000">
      <skipped message="no DMA here"/>
    </testcase>
  </testsuite>
  <testsuite name="e1000" tests="1" failures="1" errors="0" skipped="0" time="0.500000">
    <testcase name="net/link" classname="twinbench.e1000" time="0.500000" file="scenarios/net/link.json">
      <failure message="the link is &lt;down&gt;" type="failure">scenarios/net/link.json:17&#10;step: expect STATUS.LU&#10;expected 1, found 0&#10;differences: 1 unexplained, 2 allowed&#10;trace hash: fedcba9876543210&#10;</failure>
    </testcase>
  </testsuite>
</testsuites>
)");
}

TEST(JunitReport, EscapesWhatWouldBreakADocument) {
    EXPECT_EQ(xml_escape("a<b>&\"c\""), "a&lt;b&gt;&amp;&quot;c&quot;");
    EXPECT_EQ(xml_escape("line\nnext\ttab\r"), "line&#10;next&#9;tab&#13;");
    EXPECT_EQ(xml_escape(std::string_view("\x1b[31m\0\x7f", 7)), "\\x1b[31m\\x00\\x7f");
    EXPECT_EQ(xml_escape("\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80"), "\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80");
}

TEST(JunitReport, ShowsBytesThatAreNoCharacters) {
    EXPECT_EQ(xml_escape("\xff"), "\\xff");
    EXPECT_EQ(xml_escape("\xc3"), "\\xc3") << "cut short";
    EXPECT_EQ(xml_escape("\xc0\xaf"), "\\xc0\\xaf") << "overlong";
    EXPECT_EQ(xml_escape("\xed\xa0\x80"), "\\xed\\xa0\\x80") << "a surrogate";
    EXPECT_EQ(xml_escape("\xef\xbf\xbf"), "\\xef\\xbf\\xbf") << "U+FFFF is not in XML";
    EXPECT_EQ(xml_escape("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80") << "beyond Unicode";
}

TEST(ReportFiles, AreWrittenWhole) {
    const TempFolder folder;
    write_json(folder.path("r.json"), sample());
    write_junit(folder.path("r.xml"), sample());
    EXPECT_EQ(trace::read_text(folder.path("r.json")), to_json(sample()));
    EXPECT_EQ(trace::read_text(folder.path("r.xml")), to_junit(sample()));
    EXPECT_EQ(folder.count(), 2u);
}

TEST(ReportFiles, ADashIsStandardOutput) {
    testing::internal::CaptureStdout();
    write_json("-", sample());
    EXPECT_EQ(testing::internal::GetCapturedStdout(), to_json(sample()));
}

TEST(ReportFiles, SayWhichFileAndWhyWhenTheyCannotBeWritten) {
    const auto message_of = [](const auto& action) -> std::string {
        try {
            action();
        } catch (const trace::FileError& error) {
            return error.what();
        }
        return "no error";
    };
    EXPECT_EQ(message_of([] { write_json("/dev/full", sample()); }),
              "cannot write '/dev/full': No space left on device");
    EXPECT_EQ(message_of([] { write_junit("/dev/full", sample()); }),
              "cannot write '/dev/full': No space left on device");
    EXPECT_EQ(message_of([] { write_json("/no/folder/r.json", sample()); }),
              "cannot write '/no/folder/r.json': No such file or directory");
}

}  // namespace
}  // namespace tb::report
