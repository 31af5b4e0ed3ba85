// SPDX-License-Identifier: BSD-3-Clause
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "harness/cli/testing/run_program.hpp"

namespace tb::cli {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::Ran;
using testing::run_program;

std::string scenario(const char* name) {
    return std::string(TWINBENCH_SCENARIOS) + "/" + name + ".json";
}

TEST(SweepCommand, CountsItsRunsAndSaysWhatTheyGave) {
    const std::string path =
        (std::filesystem::temp_directory_path() / ("twinbench-sweep-" + std::to_string(::getpid()) + ".json"))
            .string();
    const Ran ran =
        run_program(TWINBENCH_PROGRAM, "sweep " + scenario("virtio-blk/get_id_none") + " --json " + path);
    EXPECT_EQ(ran.code, 0) << ran.output;
    std::ifstream in(path);
    const nlohmann::json report = nlohmann::json::parse(in);
    std::filesystem::remove(path);
    EXPECT_EQ(report["failures"], 0);
    EXPECT_GT(report["runs"], 1000);
    EXPECT_EQ(report["runs"], report["unharmed"].get<std::uint64_t>() +
                                  report["errors"].get<std::uint64_t>() +
                                  report["believed"].get<std::uint64_t>());
    EXPECT_GT(report["matrix"].size(), 100u);
    EXPECT_GE(report["seconds"], 0);
}

TEST(SweepCommand, ShowsTheMatrix) {
    const Ran ran = run_program(TWINBENCH_PROGRAM, "sweep --matrix " + scenario("serial/driver_stopped"));
    EXPECT_EQ(ran.code, 0) << ran.output;
    EXPECT_THAT(ran.output, AllOf(HasSubstr("all-ones"), HasSubstr("read LSR"), HasSubstr("0 failed")));
}

TEST(SweepCommand, SaysWhyThereIsNothingToSweep) {
    const Ran registers = run_program(TWINBENCH_PROGRAM, "sweep " + scenario("e1000/pci_header"));
    EXPECT_EQ(registers.code, 2);
    EXPECT_THAT(registers.output, HasSubstr("it has no driver"));
    const Ran armed = run_program(TWINBENCH_PROGRAM, "sweep " + scenario("virtio-blk/fault_removed"));
    EXPECT_EQ(armed.code, 2);
    EXPECT_THAT(armed.output, HasSubstr("it arms faults itself"));
    EXPECT_EQ(run_program(TWINBENCH_PROGRAM, "sweep nowhere.json").code, 2);
}

class SweepOfCanary : public ::testing::Test {
  protected:
    static Ran sweep(const char* canary, const char* name) {
        return run_program(std::string(TWINBENCH_CANARIES) + canary, "sweep --first " + scenario(name));
    }
    void SetUp() override {
        if (!std::filesystem::exists(std::string(TWINBENCH_CANARIES) + "01"))
            GTEST_SKIP() << "the canaries are not built: patch is not installed (apt-get install patch)";
    }
};

TEST_F(SweepOfCanary, AnIndexThatIsNotCheckedIsFound) {
    const Ran ran = sweep("01", "virtio-blk/read");
    EXPECT_EQ(ran.code, 1);
    EXPECT_THAT(ran.output, AllOf(HasSubstr("FAILED virtio-blk/read"), HasSubstr("queue.used.ring.id")));
}

TEST_F(SweepOfCanary, AWaitWithoutADeadlineIsFound) {
    const Ran ran = sweep("19", "virtio-blk/read");
    EXPECT_EQ(ran.code, 1);
    EXPECT_THAT(ran.output, HasSubstr("does not come to an end"));
}

TEST_F(SweepOfCanary, DataThatNobodyWroteIsFound) {
    const Ran ran = sweep("06", "virtio-blk/read");
    EXPECT_EQ(ran.code, 1);
    EXPECT_THAT(ran.output, HasSubstr("data that is not there"));
}

}  // namespace
}  // namespace tb::cli
