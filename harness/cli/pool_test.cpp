// SPDX-License-Identifier: BSD-3-Clause
#include "harness/cli/pool.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <map>
#include <string>

namespace tb::cli {
namespace {

TEST(Pool, EveryJobRunsOnceWhateverTheNumberOfWorkers) {
    for (const unsigned workers : {1U, 3U, 20U}) {
        std::map<std::size_t, std::string> results;
        Pool::run(
            10, workers, [](std::size_t i) { return "result " + std::to_string(i); },
            [&](std::size_t i, const std::string& result) { EXPECT_TRUE(results.emplace(i, result).second); },
            [](std::size_t, const std::string& how) { FAIL() << how; });
        ASSERT_EQ(results.size(), 10U);
        EXPECT_EQ(results[7], "result 7");
    }
}

TEST(Pool, AJobThatCrashesIsReportedAndTheOthersRun) {
    std::map<std::size_t, std::string> results;
    std::map<std::size_t, std::string> crashes;
    Pool::run(
        6, 2,
        [](std::size_t i) {
            if (i == 2) {
                std::signal(SIGSEGV, SIG_DFL);  // a sanitizer's handler would turn it into an exit code
                ::raise(SIGSEGV);
            }
            if (i == 4) ::_exit(9);
            return std::string("fine");
        },
        [&](std::size_t i, const std::string& result) { results[i] = result; },
        [&](std::size_t i, const std::string& how) { crashes[i] = how; });
    EXPECT_EQ(results.size(), 4U);
    ASSERT_EQ(crashes.size(), 2U);
    EXPECT_NE(crashes[2].find("signal 11"), std::string::npos) << crashes[2];
    EXPECT_NE(crashes[4].find("exit code 9"), std::string::npos) << crashes[4];
}

TEST(Pool, NoJobsNeedNoWorkers) {
    Pool::run(
        0, 4, [](std::size_t) { return std::string(); }, [](std::size_t, const std::string&) { FAIL(); },
        [](std::size_t, const std::string&) { FAIL(); });
}

}  // namespace
}  // namespace tb::cli
