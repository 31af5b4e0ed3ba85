// SPDX-License-Identifier: BSD-3-Clause
#include "harness/report/progress.hpp"

#include <gmock/gmock.h>

#include <sstream>
#include <thread>

namespace tb::report {
namespace {

using testing::EndsWith;
using testing::HasSubstr;

const ScenarioResult kGood{.id = "serial/loopback",
                           .device = "isa-serial",
                           .trace_hash = 0x3f2a00c1d2e4b596,
                           .virtual_ns = 1'200'000};
const ScenarioResult kBad{.id = "net/link",
                          .device = "e1000",
                          .verdict = Verdict::kFailed,
                          .trace_hash = 1,
                          .virtual_ns = 17,
                          .failure = Failure{.file = "link.json",
                                             .line = 17,
                                             .step = "expect STATUS.LU",
                                             .message = "expected 1, found 0\nand more below"}};
const ScenarioResult kSkippedOne{
    .id = "serial/dma", .device = "isa-serial", .verdict = Verdict::kSkipped, .reason = "no DMA here"};

TEST(Progress, InAPipeEveryScenarioIsALine) {
    std::ostringstream out;
    Progress progress(out, {.total = 80});
    progress.started(kGood.id);
    progress.finished(kGood);
    progress.finished(kBad);
    progress.finished(kSkippedOne);
    EXPECT_EQ(out.str(),
              "ok 1/80 serial/loopback 3f2a00c1d2e4b596 1.2 ms virtual\n"
              "FAILED 2/80 net/link 0000000000000001 17 ns virtual: link.json:17: expect STATUS.LU: expected "
              "1, found 0\n"
              "skipped 3/80 serial/dma: no DMA here\n");
}

TEST(Progress, EndsWithTheCountsAndTheFailures) {
    std::ostringstream out;
    Progress progress(out, {.total = 3});
    progress.finished(kGood);
    progress.finished(kBad);
    progress.finished(kSkippedOne);
    progress.summary(0.5);
    EXPECT_THAT(out.str(), EndsWith("3 scenarios: 1 passed, 1 failed, 1 skipped in 0.50 s (1.2 ms virtual)\n"
                                    "failed:\n"
                                    "  net/link: link.json:17: expect STATUS.LU: expected 1, found 0\n"));
}

TEST(Progress, TellsOfDifferencesWhenRunsWereCompared) {
    std::ostringstream out;
    Progress progress(out, {.total = 1});
    ScenarioResult compared = kGood;
    compared.differences = DifferenceCounts{.unexplained = 0, .allowed = 3};
    progress.finished(compared);
    progress.summary(1);
    EXPECT_THAT(out.str(), HasSubstr("1.2 ms virtual, 0 unexplained and 3 allowed differences\n"));
    EXPECT_THAT(out.str(), EndsWith("differences: 0 unexplained, 3 allowed\n"));
}

TEST(Progress, TellsHowLongKernelsTookToBoot) {
    std::ostringstream out;
    Progress progress(out, {.total = 4});
    for (const double seconds : {0.0, 0.3, 0.1, 0.2}) {
        ScenarioResult booted = kGood;
        booted.boot_seconds = seconds;
        progress.finished(booted);
    }
    progress.summary(1);
    EXPECT_THAT(out.str(),
                EndsWith("kernel: 3 boots, from QEMU's start to the first step 0.20 s in the median\n"));
}

TEST(Progress, OnATerminalRewritesOneLineAndKeepsFailures) {
    std::ostringstream out;
    Progress progress(out, {.total = 3, .terminal = true});
    progress.started("serial/loopback");
    progress.finished(kGood);
    EXPECT_EQ(out.str(),
              "\r\x1b[K[0/3] 0 passed, 0 failed, 0 skipped  serial/loopback"
              "\r\x1b[K[1/3] 1 passed, 0 failed, 0 skipped  serial/loopback");
    out.str("");
    progress.finished(kBad);
    EXPECT_THAT(out.str(), testing::StartsWith("\r\x1b[KFAILED 2/3 net/link "));
    EXPECT_THAT(out.str(), EndsWith("\n\r\x1b[K[2/3] 1 passed, 1 failed, 0 skipped  net/link"));
    out.str("");
    progress.summary(1);
    EXPECT_THAT(out.str(), testing::StartsWith("\r\x1b[K2 scenarios: "));
}

TEST(Progress, NeverWrapsTheUpdatingLine) {
    std::ostringstream out;
    Progress progress(out, {.total = 1, .terminal = true, .columns = 40});
    progress.started(std::string(100, 'x'));
    EXPECT_EQ(out.str().size(), std::string("\r\x1b[K").size() + 39);
}

TEST(Progress, MayBeToldByManyThreads) {
    std::ostringstream out;
    Progress progress(out, {.total = 400});
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i)
        threads.emplace_back([&] {
            for (int n = 0; n < 100; ++n) progress.finished(kGood);
        });
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(progress.totals().passed, 400u);
    EXPECT_THAT(out.str(), HasSubstr("\nok 400/400 serial/loopback 3f2a00c1d2e4b596 1.2 ms virtual\n"));
}

TEST(Durations, HaveThreeDigitsAndAUnit) {
    EXPECT_EQ(format_duration(0), "0 ns");
    EXPECT_EQ(format_duration(999), "999 ns");
    EXPECT_EQ(format_duration(1'000), "1 us");
    EXPECT_EQ(format_duration(1'234'567), "1.23 ms");
    EXPECT_EQ(format_duration(12'300'000), "12.3 ms");
    EXPECT_EQ(format_duration(100'000'000), "100 ms");
    EXPECT_EQ(format_duration(999'999'999), "1 s");
    EXPECT_EQ(format_duration(90'000'000'000), "90 s");
}

}  // namespace
}  // namespace tb::report
