// SPDX-License-Identifier: BSD-3-Clause
#include "harness/trace/allowed.hpp"

#include <gmock/gmock.h>

#include <set>

namespace tb::trace {
namespace {

constexpr AllowedRow kRow{.id = "status-asdv",
                          .device = "e1000*",
                          .event = "mem-read",
                          .name = "STATUS",
                          .difference = DifferenceKind::kValue,
                          .mask = 0x300,
                          .from = {7, 2, 0},
                          .to = {8, 99, 99},
                          .reason = "auto-speed detection is not modelled"};
constexpr DifferenceFacts kFacts{.device = "e1000",
                                 .event = EventKind::kMemoryRead,
                                 .name = "STATUS",
                                 .difference = DifferenceKind::kValue,
                                 .differing_bits = 0x100,
                                 .qemu = QemuVersion{7, 2, 19}};

bool covers(const AllowedRow& row, const DifferenceFacts& facts) {
    return AllowedDifferences({row}).find(facts) != nullptr;
}

TEST(AllowedDifferences, EveryRowOfTheTableHasAVersionRangeAReasonAndItsOwnId) {
    std::set<std::string_view> ids;
    for (const AllowedRow& row : AllowedDifferences::standard().rows()) {
        EXPECT_TRUE(ids.insert(row.id).second) << row.id;
        EXPECT_FALSE(row.id.empty());
        EXPECT_GE(row.from, (QemuVersion{1, 0, 0})) << row.id;
        EXPECT_GE(row.to, row.from) << row.id;
        EXPECT_GE(row.reason.size(), 20u) << row.id << " needs a reason that a reader can check";
        EXPECT_FALSE(row.device.empty() || row.device == "*") << row.id;
        EXPECT_FALSE(row.event.empty() || row.name.empty()) << row.id;
        EXPECT_TRUE(row.difference != DifferenceKind::kValue || row.mask != 0) << row.id << " allows nothing";
    }
}

TEST(AllowedDifferences, ARowCoversWhatItSays) {
    EXPECT_TRUE(covers(kRow, kFacts));
    const AllowedDifferences table({kRow});
    EXPECT_EQ(table.find(kFacts)->id, "status-asdv");
    EXPECT_EQ(AllowedDifferences().find(kFacts), nullptr);
}

TEST(AllowedDifferences, ARowDoesNotCoverAnotherDeviceEventRegisterOrKindOfDifference) {
    DifferenceFacts other = kFacts;
    other.device = "virtio-net";
    EXPECT_FALSE(covers(kRow, other));
    other = kFacts;
    other.event = EventKind::kMemoryWrite;
    EXPECT_FALSE(covers(kRow, other));
    other = kFacts;
    other.name = "CTRL";
    EXPECT_FALSE(covers(kRow, other));
    other = kFacts;
    other.difference = DifferenceKind::kMissingRight;
    EXPECT_FALSE(covers(kRow, other));
}

TEST(AllowedDifferences, ARowDoesNotCoverBitsOutsideItsMask) {
    DifferenceFacts other = kFacts;
    other.differing_bits = 0x101;
    EXPECT_FALSE(covers(kRow, other));
    other = kFacts;
    other.only_value = false;
    EXPECT_FALSE(covers(kRow, other)) << "data differs too";
    AllowedRow anything = kRow;
    anything.mask = ~std::uint64_t{0};
    EXPECT_TRUE(covers(anything, other));
    other.same_place = false;
    EXPECT_FALSE(covers(anything, other)) << "another address is another event";
}

TEST(AllowedDifferences, ARowHoldsForItsVersionsOnly) {
    DifferenceFacts other = kFacts;
    for (const QemuVersion inside : {QemuVersion{7, 2, 0}, QemuVersion{8, 0, 5}, QemuVersion{8, 99, 99}}) {
        other.qemu = inside;
        EXPECT_TRUE(covers(kRow, other));
    }
    for (const QemuVersion outside : {QemuVersion{7, 1, 99}, QemuVersion{9, 0, 0}}) {
        other.qemu = outside;
        EXPECT_FALSE(covers(kRow, other));
    }
    other.qemu = std::nullopt;
    EXPECT_FALSE(covers(kRow, other)) << "no QEMU, so nothing is QEMU's fault";
}

TEST(QemuVersion, IsFoundInWhatQemuSays) {
    EXPECT_EQ(QemuVersion::parse("QEMU emulator version 7.2.19 (Debian 1:7.2+dfsg-7+deb12u16)"),
              (QemuVersion{7, 2, 19}));
    EXPECT_EQ(QemuVersion::parse("10.2"), (QemuVersion{10, 2, 0}));
    EXPECT_EQ(QemuVersion::parse("v9.0.0-rc1"), (QemuVersion{9, 0, 0}));
    EXPECT_EQ(QemuVersion::parse("7"), std::nullopt);
    EXPECT_EQ(QemuVersion::parse("unknown"), std::nullopt);
}

TEST(Patterns, MatchAsAShellDoes) {
    EXPECT_TRUE(matches_pattern("*", ""));
    EXPECT_TRUE(matches_pattern("virtio-*", "virtio-blk"));
    EXPECT_TRUE(matches_pattern("*.device_*", "common.device_status"));
    EXPECT_TRUE(matches_pattern("RAL[?]", "RAL[3]"));
    EXPECT_TRUE(matches_pattern("*ab", "aabab"));
    EXPECT_FALSE(matches_pattern("virtio", "virtio-blk"));
    EXPECT_FALSE(matches_pattern("", "x"));
    EXPECT_FALSE(matches_pattern("a?", "a"));
}

}  // namespace
}  // namespace tb::trace
