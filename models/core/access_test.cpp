// SPDX-License-Identifier: BSD-3-Clause
#include "models/core/access.hpp"

#include <gtest/gtest.h>

#include <utility>
#include <vector>

namespace tb::model {
namespace {

using Pieces = std::vector<std::pair<unsigned, unsigned>>;

Pieces pieces_of(std::uint64_t address, unsigned length, unsigned most) {
    Pieces pieces;
    cut_at_alignment(address, length, most,
                     [&](unsigned done, unsigned width) { pieces.emplace_back(done, width); });
    return pieces;
}

TEST(CutAtAlignment, AnAlignedAccessStaysWhole) {
    EXPECT_EQ(pieces_of(8, 4, 4), (Pieces{{0, 4}}));
    EXPECT_EQ(pieces_of(2, 2, 4), (Pieces{{0, 2}}));
    EXPECT_EQ(pieces_of(7, 1, 4), (Pieces{{0, 1}}));
}

TEST(CutAtAlignment, AMisalignedAccessIsCutWhereItCrosses) {
    EXPECT_EQ(pieces_of(1, 4, 4), (Pieces{{0, 1}, {1, 2}, {3, 1}}));
    EXPECT_EQ(pieces_of(2, 4, 4), (Pieces{{0, 2}, {2, 2}}));
    EXPECT_EQ(pieces_of(3, 2, 4), (Pieces{{0, 1}, {1, 1}}));
}

TEST(CutAtAlignment, AWideAccessIsCutIntoTheWidestThatTheBusHas) {
    EXPECT_EQ(pieces_of(16, 8, 4), (Pieces{{0, 4}, {4, 4}}));
    EXPECT_EQ(pieces_of(17, 8, 4), (Pieces{{0, 1}, {1, 2}, {3, 4}, {7, 1}}));
}

TEST(CutAtAlignment, OfNothingThereIsNoPiece) {
    EXPECT_TRUE(pieces_of(5, 0, 4).empty());
}

}  // namespace
}  // namespace tb::model
