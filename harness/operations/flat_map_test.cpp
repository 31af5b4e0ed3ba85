// SPDX-License-Identifier: BSD-3-Clause
#include "harness/operations/flat_map.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>

namespace tb::harness {
namespace {

TEST(FlatMap, GoesThroughItsEntriesInTheOrderOfTheirKeys) {
    const FlatMap<std::string, int> map = {{"b", 2}, {"c", 3}, {"a", 1}};
    std::string keys;
    for (const auto& [key, value] : map) keys += key;
    EXPECT_EQ(keys, "abc");
}

TEST(FlatMap, FindsByAnythingThatComparesWithAKey) {
    const FlatMap<std::string, int> map = {{"one", 1}};
    EXPECT_EQ(map.find(std::string_view("one"))->second, 1);
    EXPECT_EQ(map.find(std::string_view("two")), map.end());
    EXPECT_FALSE(map.contains("on"));
}

TEST(FlatMap, EmplaceKeepsAndSetReplaces) {
    FlatMap<int, int> map;
    map.emplace(7, 1);
    map.emplace(7, 2);
    EXPECT_EQ(map.find(7)->second, 1);
    map.set(7, 3);
    EXPECT_EQ(map.find(7)->second, 3);
    EXPECT_EQ(map.size(), 1U);
}

TEST(FlatMap, HoldsWhatCanOnlyBeMoved) {
    FlatMap<int, std::unique_ptr<int>> map;
    map.emplace(2, std::make_unique<int>(20));
    map.emplace(1, std::make_unique<int>(10));
    map.erase(map.find(2));
    ASSERT_EQ(map.size(), 1U);
    EXPECT_EQ(*map.begin()->second, 10);
}

}  // namespace
}  // namespace tb::harness
