// SPDX-License-Identifier: BSD-3-Clause
#include <gmock/gmock.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "harness/devices/device_type.hpp"
#include "harness/random/dice.hpp"
#include "harness/random/minimise.hpp"
#include "harness/random/sequence.hpp"
#include "harness/scenario/interpreter.hpp"

namespace tb::random {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;

TEST(DiceTest, GivesTheNumbersOfSplitMix64) {
    Dice dice(0);
    EXPECT_EQ(dice.next(), 0xe220a8397b1dcdafu);
    EXPECT_EQ(dice.next(), 0x6e789e6aa1b965f4u);
    EXPECT_EQ(dice.next(), 0x06c45d188009454fu);
}

TEST(DiceTest, StaysBelow) {
    Dice dice(1);
    for (int i = 0; i < 1000; ++i) ASSERT_LT(dice.below(7), 7u);
}

std::vector<scenario::Scenario> load(const json& document, std::vector<scenario::Problem>& problems) {
    auto parsed = std::make_shared<const scenario::Document>(
        scenario::Document::parse(document.dump(), "random.json", problems));
    return scenario::load_document(std::move(parsed), "random", problems);
}

TEST(SequenceTest, IsTheSameFromASeedAndAnotherFromAnother) {
    for (const harness::DeviceType* device : devices()) {
        EXPECT_EQ(make_sequence(*device, 5, 100), make_sequence(*device, 5, 100)) << device->name();
        EXPECT_NE(make_sequence(*device, 5, 100), make_sequence(*device, 6, 100)) << device->name();
    }
}

TEST(SequenceTest, IsAScenarioThatTheModelRunsToItsEnd) {
    for (const harness::DeviceType* device : devices())
        for (std::uint64_t seed = 1; seed <= 5; ++seed) {
            std::vector<scenario::Problem> problems;
            const auto family = load(make_sequence(*device, seed, 300), problems);
            for (const scenario::Problem& problem : problems) ADD_FAILURE() << problem.to_string();
            ASSERT_EQ(family.size(), 1u);
            const auto rig = device->make_model(family.front().configuration, {});
            const scenario::RunResult result = run_scenario(family.front(), *rig);
            EXPECT_TRUE(result.passed) << result.failure.to_string();
        }
}

/// What chance touches, over some seeds: a generator that forgets a register finds nothing there.
TEST(SequenceTest, ReadsEveryRegisterAndWritesMost) {
    for (const harness::DeviceType* device : devices()) {
        std::vector<std::string> read;
        std::vector<std::string> written;
        for (std::uint64_t seed = 1; seed <= 10; ++seed) {
            const json sequence = make_sequence(*device, seed, 2000);
            const auto look = [&](const json& step) {
                const auto plain = [](const std::string& name) { return name.substr(0, name.find('[')); };
                if (step.contains("read")) read.push_back(plain(step["read"]));
                if (step.contains("write")) written.push_back(plain(step["write"]));
            };
            for (const json& step : sequence["steps"]) {
                look(step);
                for (const json& inner : step.value("steps", json::array())) look(inner);
            }
        }
        std::size_t registers = 0;
        std::size_t unwritten = 0;
        for (const harness::RegisterBlock& block : device->blocks())
            for (const model::RegisterSpec& spec : block.registers) {
                ++registers;
                const std::string name =
                    *block.name == 0 ? spec.name : std::string(block.name) + "." + spec.name;
                EXPECT_NE(std::find(read.begin(), read.end(), name), read.end())
                    << device->name() << ": " << name << " is never read";
                if (std::find(written.begin(), written.end(), name) == written.end()) ++unwritten;
            }
        EXPECT_LT(20 * unwritten, 3 * registers) << device->name();
    }
}

TEST(MinimiseTest, LeavesWhatIsNeeded) {
    json steps = json::array();
    for (int i = 0; i < 1000; ++i) steps.push_back(i);
    const auto needs = [](const json& some, int what) {
        return std::find(some.begin(), some.end(), json(what)) != some.end();
    };
    unsigned asked = 0;
    const json least = minimise(steps, 400, [&](const json& some) {
        ++asked;
        return needs(some, 17) && needs(some, 400) && needs(some, 401);
    });
    EXPECT_THAT(least, ElementsAre(17, 400, 401));
    EXPECT_LE(asked, 400u);
}

TEST(MinimiseTest, LooksIntoOperationsOfSeveralSteps) {
    json steps =
        json::array({1, {{"repeat", 1}, {"steps", {2, 3, 4}}}, 5, {{"repeat", 1}, {"steps", {6, 7}}}});
    const auto has = [](const json& some, int what) {
        for (const json& step : some) {
            if (step == what) return true;
            if (!step.is_object()) continue;
            for (const json& inner : step["steps"])
                if (inner == what) return true;
        }
        return false;
    };
    const json least = minimise_operations(
        steps, 400, [&](const json& some) { return has(some, 2) && has(some, 4) && has(some, 7); });
    EXPECT_EQ(least, json::array({{{"repeat", 1}, {"steps", {2, 4}}}, 7}));
}

TEST(MinimiseTest, AsksNoMoreThanItMayAndKeepsWhatFails) {
    json steps = json::array();
    for (int i = 0; i < 100; ++i) steps.push_back(i);
    unsigned asked = 0;
    const auto fails = [&](const json& some) {
        ++asked;
        return some.size() > 60;
    };
    const json left = minimise(steps, 10, fails);
    EXPECT_LE(asked, 10u);
    EXPECT_GT(left.size(), 60u);
}

}  // namespace
}  // namespace tb::random
