// SPDX-License-Identifier: BSD-3-Clause
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <string>
#include <vector>

#include "harness/cli/testing/run_program.hpp"
#include "harness/rules/rule.hpp"
#include "harness/scenario/scenario.hpp"

namespace tb::cli {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::Ran;
using testing::run_program;

TEST(Rules, EachHasAScenarioThatBreaksIt) {
    std::vector<scenario::Problem> problems;
    std::set<std::string> broken;
    for (const scenario::Scenario& s : scenario::load_scenarios({TWINBENCH_SCENARIOS}, problems))
        broken.insert(s.breaks.begin(), s.breaks.end());
    EXPECT_TRUE(problems.empty());
    for (const rules::Rule& rule : rules::all_rules()) EXPECT_TRUE(broken.contains(rule.id)) << rule.id;
}

TEST(Rules, AreListedWithTheirClauses) {
    const Ran ran = run_program(TWINBENCH_PROGRAM, "list rules");
    EXPECT_EQ(ran.code, 0);
    EXPECT_THAT(ran.output, AllOf(HasSubstr("virtio.status.clears-bit"), HasSubstr("VIRTIO 1.2 §2.1.1"),
                                  HasSubstr("entropy device: not there yet")));
}

TEST(Rules, AnUnknownOneIsRefusedWithAGuess) {
    const std::string path = ::testing::TempDir() + "unknown_rule.json";
    std::ofstream(path) << R"({"about": "x", "device": {"type": "isa-serial"}, "breaks": ["uart.thr.ful"],
                              "steps": [{"wait": "1ns"}]})";
    const Ran ran = run_program(TWINBENCH_PROGRAM, "run " + path);
    EXPECT_EQ(ran.code, 2);
    EXPECT_THAT(ran.output, HasSubstr("uart.thr.full"));
}

TEST(Rules, AnnouncedAndNotBrokenFailsTheScenario) {
    const std::string path = ::testing::TempDir() + "unbroken_rule.json";
    std::ofstream(path) << R"({"about": "x", "device": {"type": "isa-serial"}, "breaks": ["uart.thr.full"],
                              "steps": [{"read": "LSR"}, {"write": "THR", "value": 65}]})";
    const Ran ran = run_program(TWINBENCH_PROGRAM, "run " + path);
    EXPECT_EQ(ran.code, 1);
    EXPECT_THAT(ran.output, HasSubstr("nothing broke uart.thr.full"));
}

// Canary 11 loads what it has checked a second time.
TEST(Rules, FindADriverThatLoadsTwice) {
    const Ran ran = run_program(std::string(TWINBENCH_CANARIES) + "11",
                                std::string("run ") + TWINBENCH_SCENARIOS + "/virtio-blk/read.json");
    EXPECT_EQ(ran.code, 1);
    EXPECT_THAT(ran.output, HasSubstr("breaks dma.double-fetch"));
}

// Canary 45 publishes an index without release: on x86, and before a device that waits for its doorbell, it
// works.
TEST(WeakMemory, FindsADriverThatLeavesAReleaseOut) {
    const std::string arguments =
        std::string("run --weak-memory 20 ") + TWINBENCH_SCENARIOS + "/virtio-blk/write_512.json";
    EXPECT_EQ(run_program(std::string(TWINBENCH_CANARIES) + "45", arguments).code, 1);
    EXPECT_EQ(run_program(TWINBENCH_PROGRAM, arguments).code, 0);
}

}  // namespace
}  // namespace tb::cli
