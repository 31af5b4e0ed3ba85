// SPDX-License-Identifier: BSD-3-Clause
#include "pci/enumerate.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "pci/testing/fake_board.hpp"

namespace tb::pci {
namespace {

using hal::PciAddress;
using testing::FakeBoard;
using testing::FakeFunction;

struct Seen {
    std::vector<PciAddress> places;
    unsigned most = ~0u;
};

bool note(void* context, const Function& function, const Identity&) {
    auto& seen = *static_cast<Seen*>(context);
    seen.places.push_back(function.config().address());
    return seen.places.size() < seen.most;
}

class EnumerateTest : public ::testing::Test {
  protected:
    EnumerateTest() {
        bridge.set8(kHeaderType, 0x80);
        for (FakeFunction* f : {&bridge, &ide, &hidden, &disk, &disk2, &far}) board.add(*f);
    }

    FakeBoard board;
    FakeFunction bridge{{0, 1, 0}};
    FakeFunction ide{{0, 1, 3}};
    FakeFunction hidden{{0, 2, 1}};  // function 0 does not answer, so nobody asks
    FakeFunction disk{{0, 4, 0}};
    FakeFunction disk2{{0, 5, 0}};
    FakeFunction far{{1, 0, 0}};
};

TEST_F(EnumerateTest, VisitsFunctionsInOrder) {
    Seen seen;
    EXPECT_EQ(enumerate(board.platform, 0, note, &seen), 4u);
    const std::vector<PciAddress> expected{{0, 1, 0}, {0, 1, 3}, {0, 4, 0}, {0, 5, 0}};
    EXPECT_EQ(seen.places, expected);
}

TEST_F(EnumerateTest, LooksBehindTheFirstBusWhenAsked) {
    Seen seen;
    EXPECT_EQ(enumerate(board.platform, 1, note, &seen), 5u);
    EXPECT_EQ(seen.places.back(), (PciAddress{1, 0, 0}));
}

TEST_F(EnumerateTest, StopsWhenTheVisitorHasSeenEnough) {
    Seen seen;
    seen.most = 2;
    EXPECT_EQ(enumerate(board.platform, 255, note, &seen), 2u);
}

TEST_F(EnumerateTest, AnEmptyBusIsSearchedInBoundedTime) {
    FakeBoard empty;
    Seen seen;
    EXPECT_EQ(enumerate(empty.platform, 255, note, &seen), 0u);
    EXPECT_EQ(empty.reads, 256u * 32u);
}

TEST_F(EnumerateTest, FindsTheNthOfAKind) {
    for (FakeFunction* f : {&disk, &disk2}) f->set16(kDeviceId, 0x1043);
    EXPECT_EQ(find(board.platform, 0x1af4, 0x1043)->config().address(), (PciAddress{0, 4, 0}));
    EXPECT_EQ(find(board.platform, 0x1af4, 0x1043, 1)->config().address(), (PciAddress{0, 5, 0}));
    EXPECT_EQ(find(board.platform, 0x1af4, 0x1043, 2).error(), hal::Error::kAbsent);
    EXPECT_EQ(find(board.platform, 0x8086, 0x1043).error(), hal::Error::kAbsent);
}

}  // namespace
}  // namespace tb::pci
