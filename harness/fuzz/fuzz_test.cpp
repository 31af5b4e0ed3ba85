// SPDX-License-Identifier: BSD-3-Clause
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>

#include "harness/fuzz/lies.hpp"
#include "harness/fuzz/minimise.hpp"
#include "harness/fuzz/mutate.hpp"
#include "harness/fuzz/program.hpp"
#include "harness/fuzz/scenario.hpp"
#include "harness/random/dice.hpp"

namespace tb::fuzz {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

const Language& virtio_blk() {
    static const Language language(*find_dialect("virtio_blk"));
    return language;
}

std::vector<Record> by_chance(std::uint64_t seed, std::size_t records) {
    random::Dice dice(seed);
    std::vector<std::uint8_t> bytes(records * kRecordBytes);
    for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(dice.next());
    return unpack(bytes);
}

Record record_of(const json& step, const Language& language = virtio_blk()) {
    const auto record = to_record(step, language);
    EXPECT_TRUE(record.has_value()) << step;
    return record.value_or(Record{});
}

std::vector<Record> program_of(const std::vector<json>& steps) {
    std::vector<Record> program(1);
    for (const json& step : steps) program.push_back(record_of(step));
    return program;
}

TEST(Record, BytesComeBackAndWhatIsNoWholeRecordIsLeftOut) {
    std::vector<std::uint8_t> bytes(3 * kRecordBytes);
    for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(7 * i + 1);
    EXPECT_EQ(pack(unpack(bytes)), bytes);
    bytes.push_back(0xaa);
    EXPECT_THAT(unpack(bytes), SizeIs(3));
    bytes.resize((kMostRecords + 5) * kRecordBytes);
    EXPECT_THAT(unpack(bytes), SizeIs(kMostRecords));
}

TEST(Record, EveryNumberThatMattersCanBeSaid) {
    for (const std::uint64_t value :
         {std::uint64_t{0}, std::uint64_t{300}, std::uint64_t{0xffff'ffff}, std::uint64_t{1} << 40,
          ~std::uint64_t{0}, std::uint64_t{0x1234} << 32}) {
        Record record;
        set_number(record, value);
        EXPECT_EQ(number(record), value);
    }
}

TEST(Record, EveryByteOfAFaultMeansSomething) {
    Record fault = record_of({{"fault", "flip"}, {"on", "load"}, {"of", "queue.used.idx"}, {"mask", 1}});
    const json before = to_json(virtio_blk().step(fault));
    for (std::size_t byte = 0; byte < kRecordBytes; ++byte) {
        std::set<std::string> meanings;
        for (unsigned value = 0; value < 256; ++value) {
            auto bytes = pack(std::span(&fault, 1));
            bytes[byte] = static_cast<std::uint8_t>(value);
            meanings.insert(to_json(virtio_blk().step(unpack(bytes).front())).dump());
        }
        // The high byte of a place among few comes round again.
        EXPECT_GT(meanings.size(), 1U) << "byte " << byte << " of " << before;
    }
}

TEST(Language, AnyBytesAreAProgramThatStartsTheDriver) {
    for (const Dialect* dialect : dialects()) {
        const Language language(*dialect);
        for (std::uint64_t seed = 1; seed < 200; ++seed) {
            const auto steps = language.steps(by_chance(seed, 1 + seed % 9));
            const auto started = std::any_of(steps.begin(), steps.end(), [](const Step& step) {
                return step.kind == Step::Kind::kDo && std::string_view(step.operation->name) == "start";
            });
            EXPECT_TRUE(started) << dialect->name << " " << seed;
        }
    }
}

TEST(Language, AFaultBeforeAllElseStrikesTheStart) {
    const auto steps = virtio_blk().steps(
        program_of({{{"fault", "zero"}, {"on", "read"}}, {{"do", "blk.flush"}}, {{"heal", "all"}}}));
    ASSERT_THAT(steps, SizeIs(4));
    EXPECT_EQ(steps[0].kind, Step::Kind::kFault);
    EXPECT_STREQ(steps[1].operation->name, "start");
    EXPECT_STREQ(steps[2].operation->name, "blk.flush");
    EXPECT_EQ(steps[3].kind, Step::Kind::kHeal);
}

TEST(Scenario, WhatAStepSaysComesBackAsTheSameStep) {
    for (const Dialect* dialect : dialects()) {
        const Language language(*dialect);
        for (const Record& record : by_chance(3, kMostRecords)) {
            const json step = to_json(language.step(record));
            const auto again = to_record(step, language);
            ASSERT_TRUE(again.has_value()) << step;
            const json other = to_json(language.step(*again));
            for (const char* key : {"fault", "on", "of", "do", "host", "wait", "heal"})
                EXPECT_EQ(step.value(key, json()), other.value(key, json())) << step << " " << other;
        }
    }
}

TEST(Scenario, TheSeedsOfAFaultAreExact) {
    const json step{{"fault", "add"}, {"on", "load"}, {"of", "queue.used.ring.id"},
                    {"nth", 3},       {"times", 2},   {"value", 300}};
    EXPECT_EQ(to_json(virtio_blk().step(record_of(step))), step);
}

TEST(Scenario, AFindingBecomesStepsThatMayFailAndATrialAtTheEnd) {
    const auto program = program_of({{{"fault", "zero"}, {"on", "load"}, {"of", "queue.used.idx"}},
                                     {{"do", "blk.read"}, {"sector", 3}, {"count", 1}}});
    const json scenario = to_scenario(program, virtio_blk(), "something");
    const json& steps = scenario["steps"];
    EXPECT_EQ(steps[0]["fault"], "zero");
    EXPECT_EQ(steps[1]["do"], "start");
    EXPECT_EQ(steps[2]["do"], "blk.read");
    EXPECT_EQ(steps[2]["expect"]["error"], "any");
    EXPECT_EQ(steps[2]["expect"]["data"], "lba:3:1");
    EXPECT_EQ(steps.back()["do"], "stop");
    EXPECT_THAT(scenario_text(scenario), HasSubstr("\n    { \"do\": \"blk.read\", "));
    EXPECT_EQ(json::parse(scenario_text(scenario)), scenario);
}

TEST(Mutate, IsTheSameForTheSameSeedAndHardlyEverForAnother) {
    const auto program = by_chance(5, 6);
    unsigned different = 0;
    for (std::uint64_t seed = 0; seed < 100; ++seed) {
        EXPECT_EQ(mutate(program, virtio_blk(), {}, seed), mutate(program, virtio_blk(), {}, seed));
        different += mutate(program, virtio_blk(), {}, seed) != program ? 1 : 0;
    }
    EXPECT_GT(different, 90U);
}

TEST(Mutate, KeepsToTheMostRecords) {
    auto program = by_chance(6, kMostRecords);
    for (std::uint64_t seed = 0; seed < 300; ++seed) {
        program = mutate(program, virtio_blk(), {}, seed);
        ASSERT_LE(program.size(), kMostRecords);
        ASSERT_GE(program.size(), 2U);
    }
}

TEST(Mutate, ReachesEveryActAndEveryPlace) {
    std::set<std::string> acts;
    std::set<std::string> places;
    for (std::uint64_t seed = 0; seed < 40'000; ++seed)
        for (const Record& record : mutate({}, virtio_blk(), {}, seed)) {
            const Step step = virtio_blk().step(record);
            if (step.kind != Step::Kind::kFault) continue;
            acts.insert(faults::spec_of(step.fault.act).name);
            if (step.fault.site == faults::Site::kLoad) places.insert(step.fault.of);
        }
    EXPECT_THAT(acts, SizeIs(faults::act_specs().size()));
    EXPECT_TRUE(places.contains("queue.used.ring.id") && places.contains("queue.writable.last"));
}

TEST(Lies, ThereIsOneForEachPlaceAndMostStrike) {
    for (const Dialect* dialect : dialects()) {
        ProgramBench bench(*dialect);
        const auto lies = plain_lies(bench.language(), bench.views(), 1).programs;
        EXPECT_EQ(lies, plain_lies(bench.language(), bench.views(), 1).programs);
        EXPECT_NE(lies, plain_lies(bench.language(), bench.views(), 2).programs);
        std::size_t struck = 0;
        for (const auto& program : lies) {
            EXPECT_EQ(bench.run(program), "");
            struck += bench.tally().strikes != 0 ? 1 : 0;
        }
        EXPECT_GT(struck, lies.size() / 2) << dialect->name << " " << lies.size() << " " << struck;
    }
}

TEST(Mutate, FaultsAreMostlyWhereTheDriverLooks) {
    constexpr int kPrograms = 200;
    for (const Dialect* dialect : dialects()) {
        ProgramBench bench(*dialect);
        const auto struck = [&](const Views& views) {
            int count = 0;
            for (int seed = 0; seed < kPrograms; ++seed) {
                EXPECT_EQ(bench.run(mutate({}, bench.language(), views, seed)), "");
                count += bench.tally().strikes != 0 ? 1 : 0;
            }
            return count;
        };
        const int seen = struck(bench.views());
        EXPECT_GT(seen, kPrograms / 5) << dialect->name;
        EXPECT_GT(4 * seen, 5 * struck({})) << dialect->name << " " << seen << " " << struck({});
    }
}

TEST(Mutate, HealsBetweenParents) {
    const auto first = by_chance(7, 5);
    const auto second = by_chance(8, 5);
    for (std::uint64_t seed = 0; seed < 50; ++seed) {
        const auto both = cross(first, second, seed);
        EXPECT_TRUE(std::any_of(both.begin(), both.end(), [](const Record& record) {
            return Language::kind_of(record) == Step::Kind::kHeal;
        }));
        EXPECT_LE(both.size(), kMostRecords);
    }
}

TEST(Minimise, LeavesWhatItTakesAndMakesItPlain) {
    auto program = by_chance(9, 20);
    program[13].what = 0x42;
    program[13].nth = 200;
    const auto fails = [](const std::vector<Record>& some) {
        return std::any_of(some.begin() + 1, some.end(),
                           [](const Record& r) { return r.what == 0x42 && r.nth >= 77; });
    };
    const auto least = minimise(program, 10'000, fails);
    ASSERT_THAT(least, SizeIs(2));
    EXPECT_EQ(least[1].what, 0x42);
    EXPECT_EQ(least[1].nth, 77);
    EXPECT_EQ(least[1].value, 0U);
    EXPECT_EQ(least[0], Record{});
}

TEST(Minimise, AsksNoMoreThanItMay) {
    unsigned asked = 0;
    minimise(by_chance(10, 30), 25, [&](const std::vector<Record>&) {
        ++asked;
        return true;
    });
    EXPECT_LE(asked, 25U);
}

class Program : public ::testing::TestWithParam<const Dialect*> {};

TEST_P(Program, OfAHealthyDeviceFindsNothing) {
    ProgramBench bench(*GetParam());
    for (std::uint64_t seed = 1; seed < 60; ++seed) {
        std::vector<Record> program = by_chance(seed, 12);
        for (Record& record : program)
            if (Language::kind_of(record) == Step::Kind::kFault)
                record.kind = Language::kind_byte(Step::Kind::kDo);
        EXPECT_THAT(bench.run(program), IsEmpty()) << seed;
        EXPECT_EQ(bench.tally().strikes, 0U);
    }
}

TEST_P(Program, RunsTheSameBehindAnyOther) {
    ProgramBench used(*GetParam());
    for (std::uint64_t seed = 1; seed < 25; ++seed) {
        const auto program = by_chance(seed, 20);
        used.run_hashed(program);
        ProgramBench fresh(*GetParam());
        fresh.run_hashed(program);
        EXPECT_EQ(used.tally().hash, fresh.tally().hash) << seed;
        EXPECT_NE(used.tally().hash, 0U);
    }
}

INSTANTIATE_TEST_SUITE_P(Dialects, Program, ::testing::ValuesIn(dialects()),
                         [](const auto& param) { return std::string(param.param->name); });

TEST(ProgramOfVirtioBlk, ToldOfEachStrikeWithItsStep) {
    ProgramBench bench(*find_dialect("virtio_blk"));
    std::vector<std::string> struck;
    bench.on_strike([&](std::size_t step, const faults::Fault& fault) {
        struck.push_back(std::to_string(step) + " " + faults::describe(fault));
    });
    EXPECT_THAT(bench.run(program_of({{{"do", "blk.flush"}},
                                      {{"fault", "zero"}, {"on", "load"}, {"of", "queue.used.idx"}},
                                      {{"do", "blk.read"}, {"sector", 3}, {"count", 1}}})),
                IsEmpty());
    ASSERT_THAT(struck, SizeIs(1));
    EXPECT_EQ(struck.front(), "4 zero at load 1 of queue.used.idx");
}

TEST(ProgramOfVirtioBlk, BlamesNoDriverForWhatNoneCanTell) {
    ProgramBench bench(*find_dialect("virtio_blk"));
    // The data is not what the medium holds, and nothing can show it: no finding.
    EXPECT_THAT(bench.run(program_of({{{"do", "blk.flush"}},
                                      {{"fault", "zero"}, {"on", "data"}, {"times", 0}},
                                      {{"do", "blk.read"}, {"sector", 3}, {"count", 1}}})),
                IsEmpty());
    EXPECT_GT(bench.tally().strikes, 0U);
}

}  // namespace
}  // namespace tb::fuzz
