// SPDX-License-Identifier: BSD-3-Clause
#include "harness/sweep/sweep.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "harness/sweep/matrix.hpp"

namespace tb::sweep {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;

/// A scenario from text, and the machine for it.
struct Subject {
    explicit Subject(const std::string& text) {
        std::vector<scenario::Problem> problems;
        auto document = std::make_shared<const scenario::Document>(
            scenario::Document::parse(text, "test.json", problems));
        scenarios = scenario::load_document(document, "test", problems);
        for (const scenario::Problem& problem : problems) ADD_FAILURE() << problem.to_string();
    }
    const scenario::Scenario& scenario() const { return scenarios.front(); }
    MakeRig maker() const {
        return [this] { return scenario().device->make_model(scenario().configuration, {}); };
    }
    std::vector<scenario::Scenario> scenarios;
};

constexpr const char* kRead =
    R"({"about": "one read", "device": {"type": "virtio-blk-pci", "sectors": 64, "fill": "lba"},
    "driver": "virtio-blk", "steps": [{"do": "start", "interrupts": "polled"},
    {"do": "blk.read", "sector": 1, "count": 1, "expect": {"data": "lba:1:1"}}, {"do": "stop"}]})";

std::vector<const Pair*> of_kind(const Plan& plan, std::string_view place, std::string_view kind) {
    std::vector<const Pair*> found;
    for (const Pair& pair : plan.pairs)
        if (plan.places[pair.place] == place && kind == pair.kind) found.push_back(&pair);
    return found;
}

TEST(Sweep, APlanHasEveryFaultAtEveryPlace) {
    const Subject subject(kRead);
    const Plan plan = make_plan(subject.scenario(), subject.maker());
    EXPECT_EQ(plan.objection, "");
    EXPECT_TRUE(plan.lives);
    EXPECT_THAT(plan.places, Contains("read common.device_status"));
    EXPECT_THAT(plan.places, Contains("write notify.queue_notify"));
    EXPECT_THAT(plan.places, Contains("load queue.used.idx"));
    EXPECT_THAT(plan.places, Contains("load queue.used.ring.id|queue.used.ring.len"));
    EXPECT_THAT(plan.places, Contains("load queue.writable.last"));
    EXPECT_THAT(plan.places, Contains("allocate"));
    EXPECT_EQ(of_kind(plan, "load queue.used.ring.id|queue.used.ring.len", "flip").size(), 64u);
    EXPECT_EQ(of_kind(plan, "write notify.queue_notify", "delay").size(), 1u);
    EXPECT_EQ(of_kind(plan, "write notify.queue_notify", "remove").size(), 1u);
    EXPECT_FALSE(of_kind(plan, "read common.device_status", "ever ones").empty());
    EXPECT_EQ(of_kind(plan, "load queue.writable.last", "unwritten").size(), 2u)
        << "alone, and with the data";
    EXPECT_GE(of_kind(plan, "allocate", "fail").size(), 3u);
}

TEST(Sweep, FlipsAreOfFieldsWhereARegisterHasSome) {
    const Subject subject(kRead);
    const Plan plan = make_plan(subject.scenario(), subject.maker());
    for (const Pair* pair : of_kind(plan, "read common.device_status", "flip"))
        EXPECT_EQ(pair->faults.front().mask & ~std::uint64_t{0xcf}, 0u) << describe(*pair);
}

TEST(Sweep, OurDriverComesThroughAllOfThem) {
    const Subject subject(kRead);
    Plan plan = make_plan(subject.scenario(), subject.maker());
    Matrix matrix;
    for (const Pair& pair : plan.pairs) {
        const SweepResult result = run_pair(subject.scenario(), subject.maker(), plan, pair);
        EXPECT_NE(result.verdict, Verdict::kFailed) << describe(pair) << ": " << result.why;
        matrix.count({"virtio-blk-pci", plan.places[pair.place], pair.kind}, result.verdict);
    }
    EXPECT_GT(matrix.total().runs(), 1000u);
    EXPECT_GT(matrix.total().of[static_cast<std::size_t>(Verdict::kError)], 100u);
    EXPECT_GT(matrix.total().of[static_cast<std::size_t>(Verdict::kUnharmed)], 100u);
}

TEST(Sweep, TheSamePairGivesTheSameVerdictAfterAnyOther) {
    const Subject subject(kRead);
    Plan plan = make_plan(subject.scenario(), subject.maker());
    std::vector<Verdict> forward;
    std::vector<Verdict> backward;
    for (std::size_t i = 0; i < plan.pairs.size(); i += 7)
        forward.push_back(run_pair(subject.scenario(), subject.maker(), plan, plan.pairs[i]).verdict);
    for (std::size_t i = forward.size(); i-- > 0;)
        backward.push_back(run_pair(subject.scenario(), subject.maker(), plan, plan.pairs[7 * i]).verdict);
    std::reverse(backward.begin(), backward.end());
    EXPECT_EQ(forward, backward);
}

TEST(Sweep, ALieThatNobodyCanSeeIsBelievedAndCounted) {
    const Subject subject(R"({"about": "a character", "device": {"type": "isa-serial"}, "driver": "uart16550",
        "steps": [{"do": "start", "interrupts": false}, {"host": "uart.type", "data": "'a'"}, {"do": "uart.poll"},
        {"do": "uart.read", "expect": {"data": "'a'"}}, {"do": "stop"}]})");
    Plan plan = make_plan(subject.scenario(), subject.maker());
    unsigned believed = 0;
    for (const Pair& pair : plan.pairs) {
        const SweepResult result = run_pair(subject.scenario(), subject.maker(), plan, pair);
        EXPECT_NE(result.verdict, Verdict::kFailed) << describe(pair) << ": " << result.why;
        believed += result.verdict == Verdict::kBelieved ? 1 : 0;
    }
    EXPECT_GE(believed, 8u) << "each bit of the character";
}

TEST(Sweep, AScenarioThatDoesNotHoldByItselfIsAFailure) {
    const Subject subject(R"({"about": "wrong", "device": {"type": "virtio-blk-pci", "sectors": 64},
        "driver": "virtio-blk", "steps": [{"do": "start"}, {"do": "blk.read", "sector": 1, "count": 1,
        "expect": {"data": "77*512"}}, {"do": "stop"}]})");
    const Plan plan = make_plan(subject.scenario(), subject.maker());
    EXPECT_TRUE(plan.fails);
    EXPECT_THAT(plan.objection, HasSubstr("does not hold"));
}

TEST(Sweep, WithoutADriverThereIsNothingToSweep) {
    const Subject subject(
        R"({"about": "registers", "device": {"type": "e1000"}, "steps": [{"setup": true}, {"read": "STATUS"}]})");
    const Plan plan = make_plan(subject.scenario(), subject.maker());
    EXPECT_FALSE(plan.fails);
    EXPECT_THAT(plan.objection, HasSubstr("no driver"));
}

TEST(Truth, DataIsTrueWhenItCameOrIsOnTheMedium) {
    Truth truth;
    const harness::Bytes frame(60, std::byte{1});
    const harness::OperationSpec receive{"net.receive", "", {}, {}};
    struct Nothing : harness::Outside {
    } outside;
    truth.learn_input("net.frame", frame);
    EXPECT_EQ(truth.judge(receive, {}, {{}, {{"data", frame}}}, outside, true), "");
    const harness::Bytes other(60, std::byte{2});
    EXPECT_NE(truth.judge(receive, {}, {{}, {{"data", other}}}, outside, true), "");
    EXPECT_EQ(truth.judge(receive, {}, {hal::Error::kTimeout, {}}, outside, true), "");
}

TEST(Truth, CharactersMayBeLostButNotInvented) {
    Truth truth;
    const auto text = [](std::string_view characters) {
        harness::Bytes bytes;
        for (const char c : characters) bytes.push_back(static_cast<std::byte>(c));
        return bytes;
    };
    truth.learn_output("uart.output", text("hello"));
    truth.begin();
    EXPECT_EQ(truth.judge_output("uart.output", text("hl")), "");
    EXPECT_EQ(truth.judge_output("uart.output", text("o")), "");
    EXPECT_NE(truth.judge_output("uart.output", text("o")), "") << "twice";
    truth.begin();
    EXPECT_NE(truth.judge_output("uart.output", text("eh")), "") << "in another order";
}

TEST(SweepMatrix, GoesThroughJsonAndAddsUp) {
    Matrix matrix;
    matrix.count({"e1000", "read STATUS", "flip"}, Verdict::kError);
    matrix.count({"e1000", "read STATUS", "flip"}, Verdict::kFailed);
    matrix.count({"e1000", "read CTRL", "zero"}, Verdict::kUnharmed);
    Matrix twice = Matrix::from_json(matrix.to_json());
    twice.merge(matrix);
    EXPECT_EQ(twice.total().runs(), 6u);
    EXPECT_EQ(twice.total().failed(), 2u);
    EXPECT_THAT(twice.to_text(), HasSubstr("read STATUS"));
    EXPECT_THAT(twice.to_text(), HasSubstr("2!"));
}

}  // namespace
}  // namespace tb::sweep
