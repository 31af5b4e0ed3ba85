// SPDX-License-Identifier: BSD-3-Clause
#include "harness/trace/align.hpp"

#include <gmock/gmock.h>

#include <numeric>
#include <random>
#include <string>
#include <string_view>

namespace tb::trace {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<Gap> align_texts(std::string_view left, std::string_view right) {
    return align(left.size(), right.size(),
                 [&](std::size_t l, std::size_t r) { return left[l] == right[r]; });
}

std::size_t edits_of(const std::vector<Gap>& gaps) {
    return std::accumulate(gaps.begin(), gaps.end(), std::size_t{0}, [](std::size_t sum, const Gap& gap) {
        return sum + (gap.left_end - gap.left_begin) + (gap.right_end - gap.right_begin);
    });
}

// The textbook's quadratic table, as a second witness.
std::size_t shortest_script(std::string_view left, std::string_view right) {
    std::vector<std::vector<std::size_t>> cost(left.size() + 1, std::vector<std::size_t>(right.size() + 1));
    for (std::size_t l = 0; l <= left.size(); ++l) {
        for (std::size_t r = 0; r <= right.size(); ++r) {
            if (l == 0 || r == 0) {
                cost[l][r] = l + r;
            } else if (left[l - 1] == right[r - 1]) {
                cost[l][r] = cost[l - 1][r - 1];
            } else {
                cost[l][r] = 1 + std::min(cost[l - 1][r], cost[l][r - 1]);
            }
        }
    }
    return cost[left.size()][right.size()];
}

void expect_gaps_fit(std::string_view left, std::string_view right, const std::vector<Gap>& gaps) {
    std::size_t l = 0;
    std::size_t r = 0;
    for (const Gap& gap : gaps) {
        ASSERT_EQ(gap.left_begin - l, gap.right_begin - r);
        ASSERT_EQ(left.substr(l, gap.left_begin - l), right.substr(r, gap.right_begin - r));
        l = gap.left_end;
        r = gap.right_end;
    }
    ASSERT_EQ(left.substr(l), right.substr(r));
}

TEST(Align, FindsNothingBetweenEqualSequences) {
    EXPECT_THAT(align_texts("abc", "abc"), IsEmpty());
    EXPECT_THAT(align_texts("", ""), IsEmpty());
}

TEST(Align, OneExtraElementIsOneGap) {
    EXPECT_THAT(align_texts("abcdef", "abcXdef"), ElementsAre(Gap{3, 3, 3, 4}));
    EXPECT_THAT(align_texts("abcdef", "bcdef"), ElementsAre(Gap{0, 1, 0, 0}));
    EXPECT_THAT(align_texts("abc", ""), ElementsAre(Gap{0, 3, 0, 0}));
    EXPECT_THAT(align_texts("abc", "abcd"), ElementsAre(Gap{3, 3, 3, 4}));
}

TEST(Align, AChangedElementIsOneGapWithBothSides) {
    EXPECT_THAT(align_texts("abcdef", "abXdef"), ElementsAre(Gap{2, 3, 2, 3}));
    EXPECT_THAT(align_texts("x", "y"), ElementsAre(Gap{0, 1, 0, 1}));
}

TEST(Align, FindsAShortestScriptBetweenAnyShortTexts) {
    std::mt19937 random(1);
    for (int round = 0; round < 2000; ++round) {
        const auto text = [&random] {
            std::string letters(random() % 12, 'a');
            for (char& letter : letters) letter = static_cast<char>('a' + random() % 3);
            return letters;
        };
        const std::string left = text();
        const std::string right = text();
        const std::vector<Gap> gaps = align_texts(left, right);
        ASSERT_EQ(edits_of(gaps), shortest_script(left, right)) << left << " " << right;
        expect_gaps_fit(left, right, gaps);
    }
}

TEST(Align, StaysCorrectWhereTheSequencesHaveLittleInCommon) {
    std::string left(3000, 'a');
    std::string right(2500, 'b');
    right[1000] = 'a';
    expect_gaps_fit(left, right, align_texts(left, right));
    std::mt19937 random(2);
    for (char& letter : left) letter = static_cast<char>('a' + random() % 26);
    for (char& letter : right) letter = static_cast<char>('a' + random() % 26);
    expect_gaps_fit(left, right, align_texts(left, right));
}

}  // namespace
}  // namespace tb::trace
