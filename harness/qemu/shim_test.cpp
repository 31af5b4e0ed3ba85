// SPDX-License-Identifier: BSD-3-Clause
#include "harness/qemu/shim.hpp"

#include <gmock/gmock.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "harness/qemu/testing.hpp"

namespace tb::qemu {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

/// Sets a variable for the life of this object.
class ScopedVariable {
  public:
    ScopedVariable(const char* name, const std::string& value) : name_(name) {
        if (const char* old = std::getenv(name)) old_ = old;
        ::setenv(name, value.c_str(), 1);
    }
    ~ScopedVariable() { old_ ? ::setenv(name_, old_->c_str(), 1) : ::unsetenv(name_); }
    ScopedVariable(const ScopedVariable&) = delete;
    ScopedVariable& operator=(const ScopedVariable&) = delete;

  private:
    const char* name_;
    std::optional<std::string> old_;
};

class ShimTest : public ::testing::Test {
  protected:
    void SetUp() override {
        TB_REQUIRE_QEMU();
        std::string pattern = (fs::temp_directory_path() / "tb-shim-test-XXXXXX").string();
        ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
        folder_ = pattern;
    }
    void TearDown() override {
        if (!folder_.empty()) fs::remove_all(folder_);
    }

    fs::path folder_;
    Installation qemu_ = find_qemu("qemu-system-x86_64").value_or(Installation{});
};

TEST_F(ShimTest, GivesTheInstalledQemuAVirtualClockAndKeepsTheModule) {
    const ScopedVariable cache("XDG_CACHE_HOME", folder_);
    const Accelerator accelerator = find_accelerator(qemu_);
    ASSERT_TRUE(accelerator.virtual_time()) << accelerator.reason;
    if (accelerator.kind == Accelerator::Kind::kBuiltIn)
        GTEST_SKIP() << "this QEMU has its own: no shim is needed";
    std::vector<std::string> files;
    for (const auto& entry : fs::recursive_directory_iterator(folder_))
        if (entry.is_regular_file()) files.push_back(entry.path().filename());
    EXPECT_THAT(files, ::testing::UnorderedElementsAre("accel-qtest-x86_64.so", "verdict"));
}

TEST_F(ShimTest, WithoutACompilerTheCpuIsHaltedAndTheReasonNamesTheRemedy) {
    const ScopedVariable cache("XDG_CACHE_HOME", folder_);
    const ScopedVariable path("PATH", folder_);
    const Accelerator accelerator = find_accelerator(qemu_);
    if (accelerator.kind == Accelerator::Kind::kBuiltIn) GTEST_SKIP() << "this QEMU needs no shim";
    EXPECT_EQ(accelerator.kind, Accelerator::Kind::kHaltedTcg);
    EXPECT_THAT(accelerator.reason, HasSubstr("apt-get install gcc"));
}

TEST_F(ShimTest, AShimThatDoesNotFitIsNotUsed) {
    const fs::path source = folder_ / "wrong.c";
    std::FILE* file = std::fopen(source.c_str(), "w");
    ASSERT_NE(file, nullptr);
    std::fputs("void TB_STAMP(void) {} void qemu_module_dummy(void) {}\n", file);
    std::fclose(file);
    const ScopedVariable cache("XDG_CACHE_HOME", folder_);
    const ScopedVariable shim("TWINBENCH_QEMU_SHIM", source);
    const Accelerator accelerator = find_accelerator(qemu_);
    if (accelerator.kind == Accelerator::Kind::kBuiltIn) GTEST_SKIP() << "this QEMU needs no shim";
    EXPECT_EQ(accelerator.kind, Accelerator::Kind::kHaltedTcg);
    EXPECT_THAT(accelerator.reason, HasSubstr("does not fit"));
}

TEST_F(ShimTest, TheHaltedCpuStillLetsDevicesBeDriven) {
    const ScopedVariable cache("XDG_CACHE_HOME", folder_);
    const ScopedVariable path("PATH", folder_);
    VmOptions options;
    options.binary = qemu_.binary;
    options.devices = {"e1000,addr=4"};
    Vm vm(options);
    testing::PciSlot e1000(vm, 4);
    EXPECT_EQ(e1000.config_read(0, 4), 0x100e8086U);
    e1000.map(0, 0xe0000000);
    EXPECT_EQ(vm.qtest().read(0xe0000008, 4), 0x80080783U);
    if (!vm.virtual_time()) {
        EXPECT_EQ(testing::kind_of_error([&] { vm.clock_step(1); }), ErrorKind::kUnsupported);
    }
}

TEST(HaltBios, StartsWithCliAndHlt) {
    const auto image = halt_bios();
    ASSERT_EQ(image.size(), 65536U);
    EXPECT_EQ(image[image.size() - 16], 0xfa);
    EXPECT_EQ(image[image.size() - 15], 0xf4);
}

}  // namespace
}  // namespace tb::qemu
