// SPDX-License-Identifier: BSD-3-Clause
#include "harness/qemu/installation.hpp"

#include <gmock/gmock.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace tb::qemu {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

/// A folder of versions, as ci/qemu-versions leaves it, with programs that only say theirs.
class InstallationTest : public ::testing::Test {
  protected:
    void SetUp() override {
        std::string pattern = (fs::temp_directory_path() / "tb-installation-test-XXXXXX").string();
        ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
        folder_ = pattern;
        ::setenv("TWINBENCH_QEMU_VERSIONS", pattern.c_str(), 1);
    }
    void TearDown() override {
        ::unsetenv("TWINBENCH_QEMU_VERSIONS");
        fs::remove_all(folder_);
    }

    fs::path add(const std::string& version, const std::string& says) {
        const fs::path program = folder_ / version / "usr/bin/qemu-system-x86_64";
        fs::create_directories(program.parent_path());
        std::ofstream(program) << "#!/bin/sh\necho '" << says << "'\n";
        fs::permissions(program, fs::perms::owner_all);
        return program;
    }

    fs::path folder_;
};

TEST_F(InstallationTest, AVersionIsFoundWithItsFirmwareAndModules) {
    const fs::path program = add("10.0", "QEMU emulator version 10.0.13 (Debian 1:10.0.13+ds-0)");
    const fs::path usr = folder_ / "10.0/usr";
    fs::create_directories(usr / "share/qemu");
    fs::create_directories(usr / "share/seabios");
    fs::create_directories(usr / "lib/x86_64-linux-gnu/qemu");
    const auto found = find_qemu("10.0");
    ASSERT_TRUE(found);
    EXPECT_EQ(found->binary, program);
    EXPECT_EQ(found->version(), 1000);
    EXPECT_THAT(found->args,
                ElementsAre("-L", (usr / "share/qemu").string(), "-L", (usr / "share/seabios").string()));
    EXPECT_THAT(found->env,
                ElementsAre(Pair("QEMU_MODULE_DIR", (usr / "lib/x86_64-linux-gnu/qemu").string())));
    EXPECT_THAT(found->command_line({"-S"}).back(), "-S");
}

TEST_F(InstallationTest, VersionsAreListedInTheirOrder) {
    for (const char* version : {"10.0", "5.2", "11.1"}) add(version, "");
    fs::create_directories(folder_ / ".9.2");
    fs::create_directories(folder_ / "8.0/usr/bin");  // without a program
    EXPECT_THAT(fetched_versions(), ElementsAre("5.2", "10.0", "11.1"));
}

TEST_F(InstallationTest, AVersionThatIsNotThereIsToBeFetched) {
    EXPECT_FALSE(find_qemu("9.9"));
    EXPECT_THAT(how_to_get("9.9"), HasSubstr("`ci/qemu-versions 9.9` (there are: none yet)"));
    add("5.2", "");
    EXPECT_THAT(how_to_get("9.9"), HasSubstr("(there is: 5.2)"));
    EXPECT_THAT(how_to_get("qemu-system-x86_64"), HasSubstr("apt-get install qemu-system-x86"));
}

TEST_F(InstallationTest, AProgramThatSaysNoVersionHasNone) {
    const auto found = find_qemu(add("6.1", "what?"));
    ASSERT_TRUE(found);
    EXPECT_EQ(found->version(), 0);
    EXPECT_THAT(found->args, IsEmpty());
    EXPECT_THAT(found->env, IsEmpty());
}

}  // namespace
}  // namespace tb::qemu
