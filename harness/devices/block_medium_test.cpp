// SPDX-License-Identifier: BSD-3-Clause
#include "harness/devices/block_medium.hpp"

#include <gmock/gmock.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

namespace tb::harness {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

constexpr std::size_t kSector = 512;

/// A folder with an image in it, gone when the test ends.
class ImageFolder {
  public:
    ImageFolder()
        : path_(std::filesystem::temp_directory_path() / ("twinbench-medium-" + std::to_string(::getpid()))) {
        std::filesystem::create_directories(path_);
    }
    ~ImageFolder() { std::filesystem::remove_all(path_); }
    ImageFolder(const ImageFolder&) = delete;
    ImageFolder& operator=(const ImageFolder&) = delete;

    void write(const std::string& name, const std::string& content) const {
        std::ofstream(path_ / name) << content;
    }

    RigOptions options() const {
        RigOptions options;
        options.base_directory = path_.string();
        return options;
    }

  private:
    std::filesystem::path path_;
};

std::string message_of(const json& configuration, const RigOptions& options) {
    try {
        const BlockMedium medium(configuration, options);
    } catch (const std::runtime_error& error) {
        return error.what();
    }
    return {};
}

TEST(BlockMedium, ObjectsToWhatMakesNoSense) {
    EXPECT_EQ(BlockMedium::check(json::object()), "");
    EXPECT_THAT(BlockMedium::check({{"fill", "ones"}}), HasSubstr("zero, lba or random"));
    EXPECT_THAT(BlockMedium::check({{"sectors", 0}}), HasSubstr("from 1"));
    EXPECT_THAT(BlockMedium::check({{"image", "a.img"}, {"sectors", 8}}),
                HasSubstr("does not go with \"image\""));
}

TEST(BlockMedium, AnImageThatCannotBeUsedIsNamedWithTheRemedy) {
    const ImageFolder folder;
    folder.write("odd.img", "three");
    EXPECT_THAT(message_of({{"image", "none.img"}}, folder.options()), HasSubstr("none.img"));
    EXPECT_THAT(message_of({{"image", "none.img"}}, folder.options()), HasSubstr("truncate -s"));
    EXPECT_THAT(message_of({{"image", "odd.img"}}, folder.options()), HasSubstr("not a multiple of 512"));
}

TEST(BlockMedium, WhatIsWrittenOverAnImageStaysInMemory) {
    const ImageFolder folder;
    folder.write("disk.img", std::string(1024, 'x'));
    BlockMedium medium({{"image", "disk.img"}}, folder.options());
    ASSERT_EQ(medium.size(), 1024U);
    const std::vector<std::uint8_t> data(kSector, 0x5a);
    EXPECT_EQ(medium.write(512, data), 0);
    EXPECT_EQ(medium.contents(1, 1), Bytes(kSector, std::byte{0x5a}));
    BlockMedium again({{"image", "disk.img"}}, folder.options());
    EXPECT_EQ(again.contents(1, 1), Bytes(kSector, std::byte{'x'}));
}

TEST(BlockMedium, FailingSectorsFailUntilTheyAreMended) {
    BlockMedium medium({{"sectors", 64}}, {});
    std::vector<std::uint8_t> data(kSector);
    medium.fail_sectors(10, 2, "eio");
    medium.fail_sectors(30, 1, "enospc");
    EXPECT_EQ(medium.read(11 * kSector, data), EIO);
    EXPECT_EQ(medium.write(30 * kSector, data), ENOSPC);
    EXPECT_EQ(medium.write_zeroes(8 * kSector, 4 * kSector, false), EIO);
    EXPECT_EQ(medium.flush(), 0) << "a flush touches no sector";
    EXPECT_EQ(medium.contents(10, 1)[0], std::byte{10}) << "the content can be looked at all the same";
    EXPECT_EQ(medium.read(10 * kSector, data), EIO) << "looking has mended nothing";
    medium.fail_sectors(10, 2, "");
    EXPECT_EQ(medium.read(10 * kSector, data), 0);
    EXPECT_EQ(medium.read(30 * kSector, data), ENOSPC);
}

TEST(BlockMedium, FlushesFailApartFromSectors) {
    BlockMedium medium({{"sectors", 64}}, {});
    std::vector<std::uint8_t> data(kSector);
    medium.fail_flushes("eio");
    EXPECT_EQ(medium.flush(), EIO);
    EXPECT_EQ(medium.write(0, data), 0);
    medium.fail_sectors(0, 64, "");
    EXPECT_EQ(medium.flush(), EIO);
    medium.fail_flushes("");
    EXPECT_EQ(medium.flush(), 0);
}

TEST(BlockMedium, AnUnknownErrorIsRefused) {
    BlockMedium medium(json::object(), {});
    EXPECT_THROW(medium.fail_sectors(0, 1, "eperm"), OutsideUnsupported);
}

}  // namespace
}  // namespace tb::harness
