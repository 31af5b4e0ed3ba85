// SPDX-License-Identifier: BSD-3-Clause
#include "harness/rules/rule.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "harness/cli/testing/run_program.hpp"
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
                                  HasSubstr("packed virtqueues: not there yet")));
}

}  // namespace
}  // namespace tb::cli
