// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include <set>
#include <sstream>
#include <string>

#include "harness/rules/rule.hpp"

namespace tb::rules {
namespace {

TEST(RulesTest, IdsAreUniqueAndSayTheirFamily) {
    std::set<std::string> seen;
    for (const Rule& rule : all_rules()) {
        EXPECT_TRUE(seen.insert(rule.id).second) << rule.id;
        EXPECT_NE(std::string(rule.id).find('.'), std::string::npos) << rule.id;
        EXPECT_EQ(find_rule(rule.id), &rule);
        EXPECT_NE(std::string(rule.clause), "") << rule.id;
        EXPECT_NE(std::string(rule.demand), "") << rule.id;
    }
    EXPECT_EQ(find_rule("virtio.status.no-such-thing"), nullptr);
}

TEST(StatementsTest, EachIsCheckedByRulesThatThereAreOrSaysWhyNot) {
    std::set<std::pair<std::string, unsigned>> seen;
    for (const Statement& statement : virtio_statements()) {
        SCOPED_TRACE(std::string(statement.section) + " (" + std::to_string(statement.number) + ")");
        EXPECT_TRUE(seen.insert({statement.section, statement.number}).second);
        EXPECT_NE(statement.rules == nullptr, statement.reason == nullptr);
        if (statement.rules == nullptr) continue;
        std::istringstream ids(statement.rules);
        for (std::string id; ids >> id;) EXPECT_NE(find_rule(id), nullptr) << id;
    }
}

// The specification has 164 statements with MUST and MUST NOT on drivers of the devices that matter here, and
// 51 with SHOULD and SHOULD NOT; §3.1.1 (2) is a MAY with a MUST NOT inside.
TEST(StatementsTest, NoneIsForgotten) {
    unsigned must = 0;
    unsigned should = 0;
    for (const Statement& statement : virtio_statements())
        ++(statement.level == Level::kMust ? must : should);
    for (const AbsentSection& section : virtio_absent_sections()) {
        must += section.must;
        should += section.should;
    }
    EXPECT_EQ(must, 164U + 1U);
    EXPECT_EQ(should, 51U);
}

}  // namespace
}  // namespace tb::rules
