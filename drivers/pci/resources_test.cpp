// SPDX-License-Identifier: BSD-3-Clause
#include "pci/resources.hpp"

#include <gtest/gtest.h>

#include "pci/testing/fake_board.hpp"

namespace tb::pci {
namespace {

using hal::Error;
using testing::FakeBoard;
using testing::FakeFunction;

class ResourcesTest : public ::testing::Test {
  protected:
    ResourcesTest() {
        board.add(first);
        board.add(second);
    }

    std::uint32_t bar(const FakeFunction& device, unsigned index) {
        return device.get32(static_cast<std::uint16_t>(kBar0 + 4 * index));
    }

    FakeBoard board;
    FakeFunction first{{0, 4, 0}};
    FakeFunction second{{0, 5, 0}};
    ResourceAllocator allocator;
};

TEST_F(ResourcesTest, AssignsMemoryAndPortsAlignedToTheirSize) {
    first.memory_bar(0, 0x100);
    first.io_bar(1, 0x40);
    first.memory_bar(2, 0x20000);
    second.memory_bar(0, 0x1000);
    second.io_bar(1, 0x80);
    ASSERT_TRUE(allocator.assign(board.function({0, 4, 0})));
    ASSERT_TRUE(allocator.assign(board.function({0, 5, 0})));
    EXPECT_EQ(bar(first, 0), 0xc000'0000u);
    EXPECT_EQ(bar(first, 1), 0xc001u);
    EXPECT_EQ(bar(first, 2), 0xc002'0000u);
    EXPECT_EQ(bar(second, 0), 0xc004'0000u);
    EXPECT_EQ(bar(second, 1), 0xc081u);
}

TEST_F(ResourcesTest, PutsA64BitBarBelow4GiB) {
    first.memory_bar(1, 0x1000);
    first.memory_bar(4, 0x4000, 0x7f'0000'0000, true);
    ASSERT_TRUE(allocator.assign(board.function()));
    EXPECT_EQ(bar(first, 4), 0xc000'4004u);
    EXPECT_EQ(bar(first, 5), 0u);
}

TEST_F(ResourcesTest, TurnsNothingOn) {
    first.memory_bar(0, 0x1000);
    ASSERT_TRUE(allocator.assign(board.function()));
    EXPECT_EQ(first.get16(kCommand), 0u);
}

TEST_F(ResourcesTest, AWindowThatIsUsedUpIsNoMemory) {
    ResourceAllocator small(0xe000'0000, 0xe000'2000, 0xc000, 0xc010);
    first.memory_bar(0, 0x1000);
    first.memory_bar(1, 0x1000);
    second.memory_bar(0, 0x1000);
    EXPECT_TRUE(small.assign(board.function({0, 4, 0})));
    EXPECT_EQ(small.assign(board.function({0, 5, 0})).error(), Error::kNoMemory);
    EXPECT_EQ(bar(second, 0), 0u);
}

TEST_F(ResourcesTest, ABarAsLargeAsTheAddressSpaceIsNoMemory) {
    first.memory_bar(0, std::uint64_t{1} << 63, 0, true);
    EXPECT_EQ(allocator.assign(board.function()).error(), Error::kNoMemory);
}

TEST_F(ResourcesTest, ABarThatDoesNotHoldItsAddressIsAProtocolError) {
    first.set32(kBar0, 0xf);
    first.writable32(kBar0, 0);
    EXPECT_EQ(allocator.assign(board.function()).error(), Error::kProtocol);
}

TEST_F(ResourcesTest, AFunctionThatIsGoneIsReported) {
    first.present = false;
    EXPECT_EQ(allocator.assign(board.function()).error(), Error::kDeviceGone);
}

}  // namespace
}  // namespace tb::pci
