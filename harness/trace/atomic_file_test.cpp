// SPDX-License-Identifier: BSD-3-Clause
#include "harness/trace/atomic_file.hpp"

#include <gmock/gmock.h>
#include <sys/resource.h>

#include <csignal>
#include <filesystem>

#include "harness/trace/testing/temp_folder.hpp"

namespace tb::trace {
namespace {

using testing::HasSubstr;

std::string message_of(const auto& action) {
    try {
        action();
    } catch (const FileError& error) {
        return error.what();
    }
    return "no error";
}

TEST(AtomicFile, IsInPlaceOnlyAfterCommit) {
    const TempFolder folder;
    const std::string path = folder.path("result.json");
    AtomicFile file(path);
    file.write("hello");
    EXPECT_FALSE(std::filesystem::exists(path));
    file.commit();
    EXPECT_EQ(read_text(path), "hello");
    EXPECT_EQ(folder.count(), 1u);
}

TEST(AtomicFile, LeavesTheOlderFileWhenAbandoned) {
    const TempFolder folder;
    const std::string path = folder.path("result.json");
    write_text(path, "old");
    {
        AtomicFile file(path);
        file.write("new");
    }
    EXPECT_EQ(read_text(path), "old");
    EXPECT_EQ(folder.count(), 1u);
}

TEST(AtomicFile, ReplacesTheTargetOfALinkAndKeepsTheLink) {
    const TempFolder folder;
    std::filesystem::create_symlink("real.json", folder.path("link.json"));
    AtomicFile file(folder.path("link.json"));
    file.write("data");
    file.commit();
    EXPECT_TRUE(std::filesystem::is_symlink(folder.path("link.json")));
    EXPECT_EQ(read_text(folder.path("real.json")), "data");
}

TEST(AtomicFile, SaysWhichFileCouldNotBeWrittenAndWhy) {
    EXPECT_EQ(message_of([] {
                  AtomicFile file("/dev/full");
                  file.write("x");
                  file.commit();
              }),
              "cannot write '/dev/full': No space left on device");
    EXPECT_TRUE(std::filesystem::is_character_file("/dev/full"));
    EXPECT_EQ(message_of([] { AtomicFile file("/no/such/folder/x"); }),
              "cannot write '/no/such/folder/x': No such file or directory");
    const TempFolder folder;
    EXPECT_THAT(message_of([&] { AtomicFile file(folder.path("")); }), HasSubstr("Is a directory"));
}

TEST(AtomicFile, LeavesNoHalfFileWhenTheDiskIsFull) {
    const TempFolder folder;
    rlimit before{};
    ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
    const auto old_handler = std::signal(SIGXFSZ, SIG_IGN);
    const rlimit small{100'000, before.rlim_max};
    ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
    const std::string message = message_of([&] {
        AtomicFile file(folder.path("big"));
        for (int i = 0; i < 100; ++i) file.write(std::string(10'000, 'x'));
        file.commit();
    });
    setrlimit(RLIMIT_FSIZE, &before);
    static_cast<void>(std::signal(SIGXFSZ, old_handler));
    EXPECT_THAT(message, HasSubstr("big': File too large"));
    EXPECT_EQ(folder.count(), 0u);
}

}  // namespace
}  // namespace tb::trace
