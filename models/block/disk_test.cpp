// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "models/block/file_disk.hpp"
#include "models/block/memory_disk.hpp"

namespace tb::model::block {
namespace {

std::vector<std::byte> read(Disk& disk, std::uint64_t sector, std::uint64_t count) {
    std::vector<std::byte> data(static_cast<std::size_t>(count) * kSectorBytes, std::byte{0xee});
    EXPECT_EQ(disk.read(sector, data), 0);
    return data;
}

std::uint64_t word(const std::vector<std::byte>& data, std::size_t at) {
    std::uint64_t value = 0;
    std::memcpy(&value, data.data() + at, sizeof value);
    return value;
}

std::vector<std::byte> block(std::uint64_t count, std::uint8_t value) {
    return std::vector<std::byte>(static_cast<std::size_t>(count) * kSectorBytes, std::byte{value});
}

/// A file that goes away.
class TemporaryFile {
  public:
    explicit TemporaryFile(std::size_t bytes)
        : path_(::testing::TempDir() + "tb-disk-" + std::to_string(::getpid())) {
        std::ofstream file(path_, std::ios::binary);
        for (std::size_t i = 0; i < bytes; ++i) file.put(static_cast<char>(i / 512));
    }
    ~TemporaryFile() { ::unlink(path_.c_str()); }
    const std::string& path() const { return path_; }

  private:
    std::string path_;
};

std::string refusal(const std::string& path) {
    try {
        FileDisk disk(path);
    } catch (const std::runtime_error& error) {
        return error.what();
    }
    return "opened";
}

TEST(MemoryDisk, AnLbaStampedDiskSaysWhereItIs) {
    MemoryDisk disk(1000, Fill::kLba);
    const auto data = read(disk, 510, 3);
    EXPECT_EQ(word(data, 0), 510U);
    EXPECT_EQ(word(data, 504), 510U);
    EXPECT_EQ(word(data, 1024), 512U);
}

TEST(MemoryDisk, ARandomDiskRepeatsWithItsSeed) {
    MemoryDisk one(100, Fill::kRandom, 7);
    MemoryDisk same(100, Fill::kRandom, 7);
    MemoryDisk other(100, Fill::kRandom, 8);
    EXPECT_EQ(read(one, 9, 4), read(same, 9, 4));
    EXPECT_NE(read(one, 9, 4), read(other, 9, 4));
    EXPECT_EQ(word(read(one, 9, 1), 0), 0x287c'8829'a61d'a367U) << "the same on every machine";
}

TEST(MemoryDisk, WritesAreKeptAndTheirNeighboursToo) {
    MemoryDisk disk(100, Fill::kLba);
    EXPECT_EQ(disk.write(6, block(5, 0x5a)), 0);
    EXPECT_EQ(word(read(disk, 5, 1), 0), 5U);
    EXPECT_EQ(read(disk, 6, 5), block(5, 0x5a));
    EXPECT_EQ(word(read(disk, 11, 1), 0), 11U);
    disk.reset();
    EXPECT_EQ(word(read(disk, 7, 1), 0), 7U);
}

TEST(MemoryDisk, AHugeDiskCostsWhatIsWritten) {
    MemoryDisk disk(std::uint64_t{1} << 50, Fill::kLba);
    const std::uint64_t last = (std::uint64_t{1} << 50) - 1;
    EXPECT_EQ(disk.write(last, block(1, 1)), 0);
    EXPECT_EQ(word(read(disk, last - 1, 1), 0), last - 1);
    EXPECT_EQ(disk.write(last, block(2, 1)), EIO) << "beyond the end";
}

TEST(MemoryDisk, ZeroesAndResizes) {
    MemoryDisk disk(100, Fill::kLba);
    EXPECT_EQ(disk.write_zeroes(10, 3, false), 0);
    EXPECT_EQ(read(disk, 10, 3), block(3, 0));
    EXPECT_EQ(disk.write(60, block(1, 9)), 0);
    EXPECT_EQ(disk.resize(50), 0);
    EXPECT_EQ(disk.resize(200), 0);
    EXPECT_EQ(read(disk, 60, 1), block(1, 0)) << "what was cut off is gone";
    EXPECT_EQ(read(disk, 50, 20), block(20, 0));
    EXPECT_EQ(word(read(disk, 49, 1), 0), 49U);
    EXPECT_EQ(disk.write(199, block(1, 9)), 0);
}

TEST(MemoryDisk, FaultsHitTheirRangeAndOperation) {
    MemoryDisk disk(100);
    disk.inject({.first = 10, .count = 5, .error = ENOSPC, .on = kOnWrite});
    EXPECT_EQ(disk.write(9, block(1, 0)), 0);
    EXPECT_EQ(disk.write(8, block(3, 0)), ENOSPC);
    EXPECT_EQ(disk.write(14, block(1, 0)), ENOSPC);
    EXPECT_EQ(disk.write(15, block(1, 0)), 0);
    read(disk, 10, 5);
    disk.heal();
    EXPECT_EQ(disk.write(10, block(1, 0)), 0);
    disk.inject({.on = kOnFlush, .times = 2});
    EXPECT_EQ(disk.flush(), EIO);
    EXPECT_EQ(disk.flush(), EIO);
    EXPECT_EQ(disk.flush(), 0);
}

TEST(FileDisk, NothingThatIsWrittenReachesTheFile) {
    const TemporaryFile file(8192);
    {
        FileDisk disk(file.path());
        EXPECT_EQ(disk.sectors(), 16U);
        EXPECT_EQ(disk.write(3, block(1, 0xaa)), 0);
        EXPECT_EQ(read(disk, 3, 1), block(1, 0xaa));
        EXPECT_EQ(read(disk, 4, 1), block(1, 4));
    }
    FileDisk again(file.path());
    EXPECT_EQ(read(again, 3, 1), block(1, 3));
}

TEST(FileDisk, AReadOnlyDiskRefusesWrites) {
    const TemporaryFile file(8192);
    FileDisk disk(file.path(), FileDisk::Mode::kReadOnly);
    EXPECT_TRUE(disk.read_only());
    EXPECT_EQ(disk.write(3, block(1, 0xaa)), EPERM);
}

TEST(FileDisk, AnImageThatCannotBeIsRefusedWithARemedy) {
    EXPECT_EQ(refusal("/nonexistent/disk.img"),
              "disk image /nonexistent/disk.img: No such file or directory; create it, for example with: "
              "truncate -s "
              "8M '/nonexistent/disk.img'");
    const TemporaryFile odd(1000);
    EXPECT_EQ(refusal(odd.path()),
              "disk image " + odd.path() +
                  ": 1000 bytes long, which is not a multiple of 512; pad it with: truncate -s "
                  "%512 '" +
                  odd.path() + "'");
    EXPECT_NE(refusal("/tmp").find("not a regular file"), std::string::npos);
}

}  // namespace
}  // namespace tb::model::block
