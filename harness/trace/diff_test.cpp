// SPDX-License-Identifier: BSD-3-Clause
#include "harness/trace/diff.hpp"

#include <gmock/gmock.h>

#include "harness/trace/testing/sample.hpp"

namespace tb::trace {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr std::uint64_t kCtrl = kSampleBar;
constexpr std::uint64_t kRal = kSampleBar + 0x5400;

Comparison compare_all(const Trace& left, const Trace& right, bool compare_time = false) {
    static const SymbolTable symbols = sample_symbols();
    return compare(left, Visibility::all(), right, Visibility::all(), AllowedDifferences(),
                   {.device = "e1000",
                    .qemu = QemuVersion{7, 2, 19},
                    .symbols = &symbols,
                    .compare_time = compare_time});
}

TraceBuilder link_up() {
    TraceBuilder trace;
    trace.step(0, "reset").write(kCtrl, 0x0400'0000).read(kCtrl, 0);
    trace.step(1, "link").read(kStatusAddress, 0x83).write(kRal, 0x12005452);
    return trace;
}

TEST(Compare, ARunEqualsItself) {
    const Comparison result = compare_all(full_trace(), full_trace(), true);
    EXPECT_TRUE(result.equal());
    EXPECT_EQ(result.compared_events(), 20u);
    EXPECT_EQ(result.compared[static_cast<std::size_t>(EventKind::kMemoryRead)], 2u);
    EXPECT_THAT(result.uncompared, IsEmpty());
}

TEST(Compare, NamesTheRegisterTheFieldAndBothValues) {
    TraceBuilder right;
    right.step(0, "reset").write(kCtrl, 0x0400'0000).read(kCtrl, 0);
    right.step(1, "link").read(kStatusAddress, 0x81).write(kRal, 0x12005452);
    const Comparison result = compare_all(link_up(), right);
    ASSERT_THAT(result.unexplained, SizeIs(1));
    const Difference& difference = result.unexplained[0];
    EXPECT_EQ(difference.kind, DifferenceKind::kValue);
    EXPECT_EQ(difference.left->name, "STATUS");
    EXPECT_EQ(difference.left->event.value, 0x83u);
    EXPECT_EQ(difference.right->event.value, 0x81u);
    EXPECT_EQ(difference.left->position, 4u);
    EXPECT_EQ(difference.step, 1u);
    EXPECT_EQ(difference.step_text, "link");
    EXPECT_THAT(difference.fields, ElementsAre(FieldDifference{"LU", 1, 0}));
    EXPECT_EQ(result.compared_events(), 6u) << "an event that differs was compared";
}

TEST(Compare, OneExtraEventIsOneDifference) {
    TraceBuilder right;
    right.step(0, "reset").write(kCtrl, 0x0400'0000).plain(EventKind::kIrqRaised, 11).read(kCtrl, 0);
    right.step(1, "link").read(kStatusAddress, 0x83).write(kRal, 0x12005452);
    const Comparison result = compare_all(link_up(), right);
    ASSERT_THAT(result.unexplained, SizeIs(1));
    EXPECT_EQ(result.unexplained[0].kind, DifferenceKind::kMissingLeft);
    EXPECT_FALSE(result.unexplained[0].left);
    EXPECT_EQ(result.unexplained[0].right->event.kind, EventKind::kIrqRaised);
    EXPECT_EQ(result.unexplained[0].step, 0u);

    const Comparison mirrored = compare_all(right, link_up());
    ASSERT_THAT(mirrored.unexplained, SizeIs(1));
    EXPECT_EQ(mirrored.unexplained[0].kind, DifferenceKind::kMissingRight);
}

TEST(Compare, AChangedEventAndAnExtraOneAreToldApart) {
    TraceBuilder right;
    right.step(0, "reset").write(kCtrl, 0x0400'0000).read(kCtrl, 0);
    right.step(1, "link").plain(EventKind::kMessage, 2).read(kStatusAddress, 0x80).write(kRal, 0x12005452);
    const Comparison result = compare_all(link_up(), right);
    ASSERT_THAT(result.unexplained, SizeIs(2));
    EXPECT_EQ(result.unexplained[0].kind, DifferenceKind::kMissingLeft);
    EXPECT_EQ(result.unexplained[1].kind, DifferenceKind::kValue);
    EXPECT_EQ(result.unexplained[1].left->name, "STATUS");
}

TEST(Compare, TwoRegistersAreTwoEventsNotOneThatMoved) {
    TraceBuilder left;
    left.step(0, "a").write(kCtrl, 1).read(kStatusAddress, 3);
    TraceBuilder right;
    right.step(0, "a").write(kRal, 1).read(kStatusAddress, 3);
    const Comparison result = compare_all(left, right);
    ASSERT_THAT(result.unexplained, SizeIs(2));
    EXPECT_EQ(result.unexplained[0].kind, DifferenceKind::kMissingRight);
    EXPECT_EQ(result.unexplained[0].left->name, "CTRL");
    EXPECT_EQ(result.unexplained[1].kind, DifferenceKind::kMissingLeft);
    EXPECT_EQ(result.unexplained[1].right->name, "RAL[0]");
}

TEST(Compare, NothingIsAlignedAcrossAStep) {
    TraceBuilder left;
    left.step(0, "a").read(kCtrl, 1).step(1, "b").read(kStatusAddress, 2);
    TraceBuilder right;
    right.step(0, "a").step(1, "b").read(kCtrl, 1).read(kStatusAddress, 2);
    const Comparison result = compare_all(left, right);
    ASSERT_THAT(result.unexplained, SizeIs(2)) << "the read moved from one step to another";
    EXPECT_EQ(result.unexplained[0].step, 0u);
    EXPECT_EQ(result.unexplained[1].step, 1u);
}

TEST(Compare, AMissingStepIsOneDifference) {
    TraceBuilder right;
    right.step(0, "reset").write(kCtrl, 0x0400'0000).read(kCtrl, 0);
    const Comparison result = compare_all(link_up(), right);
    ASSERT_THAT(result.unexplained, SizeIs(1));
    EXPECT_EQ(result.unexplained[0].kind, DifferenceKind::kMissingRight);
    EXPECT_EQ(result.unexplained[0].left->event.kind, EventKind::kStep);
    EXPECT_EQ(result.unexplained[0].more_in_step, 2u);
}

TEST(Compare, TimeAndDelaysCountOnlyWhenAskedFor) {
    TraceBuilder left;
    left.step(0, "a").read(kCtrl, 1).write(kRal, 2);
    TraceBuilder right;
    right.step(0, "a").delay(500).read(kCtrl, 1).write(kRal, 2);
    EXPECT_TRUE(compare_all(left, right).equal());
    const Comparison timed = compare_all(left, right, true);
    EXPECT_EQ(timed.unexplained_count, 3u) << "the delay, and two events that came later";
}

TEST(Compare, ThatOneSidePolledMoreOftenIsNoDifference) {
    TraceBuilder left;
    left.step(0, "a").write(kCtrl, 1);
    for (int i = 0; i < 5; ++i) left.read(kStatusAddress, 0).delay(1000);
    left.read(kStatusAddress, 3);
    TraceBuilder right;
    right.step(0, "a").write(kCtrl, 1).read(kStatusAddress, 3);
    const Comparison result = compare_all(left, right);
    EXPECT_TRUE(result.equal());
    EXPECT_EQ(result.extra_polls, 1u) << "five reads, folded";
    EXPECT_TRUE(compare_all(right, left).equal());

    TraceBuilder wrong;
    wrong.step(0, "a").write(kCtrl, 1).read(kStatusAddress, 1);
    EXPECT_EQ(compare_all(left, wrong).unexplained_count, 1u) << "what the loop ended with counts";
}

TEST(Compare, APollOfTwoRegistersIsAPoll) {
    TraceBuilder left;
    left.step(0, "a");
    for (int i = 0; i < 3; ++i) left.read(kCtrl, 0).read(kStatusAddress, 7).delay(1000);
    left.read(kCtrl, 1).read(kStatusAddress, 7);
    TraceBuilder right;
    right.step(0, "a").read(kCtrl, 1).read(kStatusAddress, 7);
    EXPECT_TRUE(compare_all(left, right).equal());
}

TEST(Compare, ReadsOfAFifoAreNotTakenForAPoll) {
    TraceBuilder left;
    left.step(0, "a").read(kRal, 'a').read(kRal, 'b').read(kRal, 'c');
    TraceBuilder right;
    right.step(0, "a").read(kRal, 'b').read(kRal, 'c');
    EXPECT_EQ(compare_all(left, right).unexplained_count, 1u);
}

TEST(Compare, OnlyWhatBothSeeIsComparedAndTheRestIsNamed) {
    TraceBuilder left;
    left.step(0, "a").read(kStatusAddress, 0);
    left.add({.address = 0x200000, .kind = EventKind::kDmaRead}, {}, bytes({1}));
    left.read(kStatusAddress, 0).plain(EventKind::kIrqRaised, 11);
    TraceBuilder right;
    right.step(0, "a").read(kStatusAddress, 0).plain(EventKind::kIrqRaised, 11);
    const Visibility no_dma = Visibility::all().without({EventKind::kDmaRead, EventKind::kDmaWrite});
    const Comparison result = compare(left, Visibility::all(), right, no_dma, AllowedDifferences(),
                                      CompareContext{.device = "e1000"});
    EXPECT_TRUE(result.equal()) << "what is not seen does not interrupt a polling loop either\n"
                                << render(result, {});
    EXPECT_THAT(result.uncompared, ElementsAre(UncomparedKind{EventKind::kDmaRead, 1, 0}));
}

TEST(Compare, ComparesTheBytesThatGoInAndOut) {
    const auto frame = [](unsigned last) {
        TraceBuilder trace;
        trace.step(0, "send").add({.kind = EventKind::kHostOutput}, "net frame", bytes({1, 2, 3, last}));
        return trace;
    };
    const Comparison result = compare_all(frame(4), frame(5));
    ASSERT_THAT(result.unexplained, SizeIs(1));
    EXPECT_EQ(result.unexplained[0].kind, DifferenceKind::kValue);
    EXPECT_THAT(render(result, {}),
                HasSubstr("data: first difference at byte 3 of 4: model 0x04, QEMU 0x05"));
}

TEST(Compare, NamesTheAllocationWhoseContentsDiffer) {
    const auto digests = [](std::uint64_t second) {
        TraceBuilder trace;
        trace.step(0, "sync").plain(EventKind::kMemoryDigest, 1, 0x200000);
        trace.plain(EventKind::kMemoryDigest, second, 0x201000);
        return trace;
    };
    const Comparison result = compare_all(digests(2), digests(3));
    ASSERT_THAT(result.unexplained, SizeIs(1));
    EXPECT_EQ(result.unexplained[0].left->name, "allocation 2 at 0x201000");
    SymbolTable symbols;
    symbols.name_memory(0x201000, 0x1000, "tx ring");
    const Comparison named = compare(digests(2), Visibility::all(), digests(3), Visibility::all(),
                                     AllowedDifferences(), {.device = "e1000", .symbols = &symbols});
    EXPECT_EQ(named.unexplained.at(0).left->name, "tx ring");
}

TEST(Compare, SetsAsideWhatTheTableAllows) {
    TraceBuilder right;
    right.step(0, "reset").write(kCtrl, 0x0400'0000).read(kCtrl, 0);
    right.step(1, "link").read(kStatusAddress, 0x81).write(kRal, 0x12005452);
    const AllowedDifferences table({{.id = "no-link",
                                     .device = "e1000",
                                     .event = "mem-read",
                                     .name = "STATUS",
                                     .difference = DifferenceKind::kValue,
                                     .mask = 2,
                                     .from = {7, 2, 0},
                                     .to = {7, 2, 99},
                                     .reason = "for this test"}});
    const SymbolTable symbols = sample_symbols();
    CompareContext context{.device = "e1000", .qemu = QemuVersion{7, 2, 19}, .symbols = &symbols};
    const Comparison allowed =
        compare(link_up(), Visibility::all(), right, Visibility::all(), table, context);
    EXPECT_TRUE(allowed.equal());
    ASSERT_THAT(allowed.allowed, SizeIs(1));
    EXPECT_EQ(allowed.allowed[0].allowed_by, "no-link");
    context.qemu = QemuVersion{8, 0, 0};
    EXPECT_FALSE(compare(link_up(), Visibility::all(), right, Visibility::all(), table, context).equal());
}

TEST(Compare, CountsAllDifferencesAndKeepsTheFirst) {
    TraceBuilder left;
    TraceBuilder right;
    for (std::uint64_t i = 0; i < 2500; ++i) {
        left.step(i, "x").read(kCtrl, 1);
        right.step(i, "x").read(kCtrl, 2);
    }
    const Comparison result = compare_all(left, right);
    EXPECT_EQ(result.unexplained_count, 2500u);
    EXPECT_EQ(result.unexplained.size(), Comparison::kMostKept);
    EXPECT_THAT(render(result, {}), HasSubstr("... and 2480 more"));
}

TEST(Render, ShowsTheEventTheRegisterBothValuesAndWhatIsAround) {
    TraceBuilder right;
    right.step(0, "reset").write(kCtrl, 0x0400'0000).read(kCtrl, 0);
    right.step(1, "link").read(kStatusAddress, 0x81).write(kRal, 0x12005452);
    EXPECT_EQ(render(compare_all(link_up(), right), {.scenario = "net/link-up"}),
              "net/link-up: 1 unexplained and 0 allowed differences in 6 compared events\n"
              "  step 1 \"link\", event 5 / 5:\n"
              "    mem-read STATUS differs\n"
              "      value: model 0x83, QEMU 0x81\n"
              "        LU: model 1, QEMU 0\n"
              "      model:\n"
              "                   200 mem-write    0xfebc0000/4    0x4000000 (CTRL)\n"
              "                   300 mem-read     0xfebc0000/4          0x0 (CTRL)\n"
              "                   400 step                    -            1 \"link\"\n"
              "        >          500 mem-read     0xfebc0008/4         0x83 (STATUS FD=1 LU=1 SPEED=2)\n"
              "                   600 mem-write    0xfebc5400/4   0x12005452 (RAL[0])\n"
              "      QEMU:\n"
              "                   200 mem-write    0xfebc0000/4    0x4000000 (CTRL)\n"
              "                   300 mem-read     0xfebc0000/4          0x0 (CTRL)\n"
              "                   400 step                    -            1 \"link\"\n"
              "        >          500 mem-read     0xfebc0008/4         0x81 (STATUS FD=1 SPEED=2)\n"
              "                   600 mem-write    0xfebc5400/4   0x12005452 (RAL[0])\n");
}

TEST(Render, MarksThePlaceWhereAnEventLacks) {
    TraceBuilder left;
    left.step(0, "a").write(kCtrl, 1).plain(EventKind::kIrqRaised, 11);
    TraceBuilder right;
    right.step(0, "a").write(kCtrl, 1);
    EXPECT_EQ(render(compare_all(left, right), {}),
              "1 unexplained and 0 allowed differences in 2 compared events\n"
              "  step 0 \"a\", event 3 / -:\n"
              "    irq-raise value 0xb: on model, missing on QEMU\n"
              "      model:\n"
              "                   100 step                    -            - \"a\"\n"
              "                   200 mem-write    0xfebc0000/4          0x1 (CTRL)\n"
              "        >          300 irq-raise               -           11\n"
              "      QEMU:\n"
              "                   100 step                    -            - \"a\"\n"
              "                   200 mem-write    0xfebc0000/4          0x1 (CTRL)\n"
              "        > (nothing)\n");
}

}  // namespace
}  // namespace tb::trace
