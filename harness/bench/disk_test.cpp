// SPDX-License-Identifier: BSD-3-Clause
#include "harness/bench/disk.hpp"

#include <gmock/gmock.h>
#include <unistd.h>

#include <string>

#include "harness/kernel/bench/pattern.hpp"

namespace tb::bench {
namespace {

using ::testing::HasSubstr;
namespace pattern = kernel::bench;

constexpr std::uint64_t kBlocks = Disk::kBytes / pattern::kBlockBytes;

void write_word(const Disk& disk, std::uint64_t block, std::uint64_t word, std::uint64_t value) {
    const auto at = static_cast<off_t>(block * pattern::kBlockBytes + word * sizeof value);
    ASSERT_EQ(::pwrite(disk.fd(), &value, sizeof value, at), ssize_t{sizeof value});
}

TEST(DiskTest, BeginsInTheFirstGeneration) {
    Disk disk;
    std::string why;
    EXPECT_EQ(disk.count(why), (Disk::Counts{0, kBlocks, 0, 0, 0}));
}

TEST(DiskTest, CountsWhatWasWrittenLater) {
    Disk disk;
    for (std::uint64_t word = 0; word < pattern::kBlockWords; ++word)
        write_word(disk, 77, word, pattern::block_word(3, 77, word));
    std::string why;
    EXPECT_EQ(disk.count(why), (Disk::Counts{0, kBlocks - 1, 0, 1, 0}));
}

TEST(DiskTest, NamesABlockThatNobodyWroteSo) {
    std::string why;
    Disk wrong_word;
    write_word(wrong_word, 5, 511, 0);
    EXPECT_FALSE(wrong_word.count(why));
    EXPECT_THAT(why, HasSubstr("block 5 "));
    EXPECT_THAT(why, HasSubstr("word 511"));

    Disk wrong_place;
    for (std::uint64_t word = 0; word < pattern::kBlockWords; ++word)
        write_word(wrong_place, 9, word, pattern::block_word(2, 10, word));
    EXPECT_FALSE(wrong_place.count(why));
    EXPECT_THAT(why, HasSubstr("block 9 "));

    Disk half_written;
    write_word(half_written, 3, 0, pattern::block_word(2, 3, 0));
    EXPECT_FALSE(half_written.count(why));
}

}  // namespace
}  // namespace tb::bench
