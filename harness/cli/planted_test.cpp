// SPDX-License-Identifier: BSD-3-Clause
//
// `confirm` must notice when a model is wrong. Programs with one fault planted in a model run scenarios that
// expect nothing themselves, so that only the comparison with QEMU can tell; the same scenarios pass on the
// program without the fault.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "harness/cli/testing/run_program.hpp"
#include "harness/qemu/process.hpp"

namespace tb::cli {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::Ran;
using testing::run_program;

class Planted : public ::testing::Test {
  protected:
    void SetUp() override {
        if (!qemu::find_executable("qemu-system-x86_64"))
            GTEST_SKIP() << "QEMU is not installed (apt-get install qemu-system-x86)";
        std::string name = (fs::temp_directory_path() / "twinbench-planted-XXXXXX").string();
        ASSERT_NE(::mkdtemp(name.data()), nullptr);
        folder_ = name;
    }
    void TearDown() override {
        if (!folder_.empty()) fs::remove_all(folder_);
    }
    std::string scenario(const std::string& text) const {
        const fs::path path = folder_ / "planted.json";
        std::ofstream(path) << text;
        return path.string();
    }
    static Ran faulty(const char* fault, const std::string& path) {
        const Ran sound = run_program(TWINBENCH_PROGRAM, "confirm " + path);
        EXPECT_EQ(sound.code, 0) << "without the fault: " << sound.output;
        return run_program(std::string(TWINBENCH_PLANTED) + fault, "confirm " + path);
    }

    /// The same fault must be seen by a kernel on QEMU, which sees the devices with other eyes.
    static void faulty_for_a_kernel_too(const char* fault, const std::string& path) {
        if (!fs::exists(fs::path(TWINBENCH_PROGRAM).parent_path().parent_path() /
                        "kernel/twinbench-kernel-confirm.elf")) {
            std::puts("not confirmed in a kernel: this preset builds no kernel images");
            return;
        }
        const std::string confirm = "confirm --on kernel " + path;
        const Ran sound = run_program(TWINBENCH_PROGRAM, confirm);
        EXPECT_EQ(sound.code, 0) << "without the fault: " << sound.output;
        const Ran ran = run_program(std::string(TWINBENCH_PLANTED) + fault, confirm);
        EXPECT_EQ(ran.code, 1) << ran.output;
        EXPECT_THAT(ran.output, HasSubstr("differs from the model"));
    }

    fs::path folder_;
};

TEST_F(Planted, AWrongResetValueIsCaughtWithRegisterAndBothValues) {
    const std::string path = scenario(R"({"about": "reads STATUS", "device": {"type": "e1000"},
        "steps": [{"setup": true}, {"read": "STATUS"}]})");
    const Ran ran = faulty("wrong_reset", path);
    EXPECT_EQ(ran.code, 1);
    EXPECT_THAT(ran.output, AllOf(HasSubstr("mem-read"), HasSubstr("STATUS"), HasSubstr("0x80080743"),
                                  HasSubstr("0x80080783"), HasSubstr("SPEED")));
    faulty_for_a_kernel_too("wrong_reset", path);
}

TEST_F(Planted, ALostInterruptIsCaughtAsTheEventThatIsMissing) {
    const std::string path =
        scenario(R"({"about": "three reads by MSI-X", "device": {"type": "virtio-blk-pci", "sectors": 64},
        "driver": "virtio-blk", "steps": [{"do": "start", "interrupts": "msix"},
        {"do": "blk.read", "sector": 0, "count": 1}, {"do": "blk.read", "sector": 1, "count": 1}, {"do": "blk.read", "sector": 2, "count": 1}, {"do": "stop"}]})");
    const Ran ran = faulty("lost_interrupt", path);
    EXPECT_EQ(ran.code, 1);
    EXPECT_THAT(ran.output,
                AllOf(HasSubstr("message"), HasSubstr("missing on model"), HasSubstr("blk.read")));
    faulty_for_a_kernel_too("lost_interrupt", path);
}

TEST_F(Planted, AWrongUsedLengthIsCaughtWithBothValues) {
    // The scenario with a ring built by hand, up to where it looks at the used element, and without its
    // expectation.
    std::ifstream in(std::string(TWINBENCH_SCENARIOS) + "/virtio-blk/ring_by_hand.json");
    nlohmann::json scenario_by_hand = nlohmann::json::parse(in);
    nlohmann::json steps = nlohmann::json::array();
    for (const nlohmann::json& step : scenario_by_hand["steps"]) {
        if (step.value("layout", "") == "virtq_used_elem") break;
        steps.push_back(step);
    }
    ASSERT_LT(steps.size(), scenario_by_hand["steps"].size());
    steps.push_back({{"load", "ring"}, {"at", 2056}, {"width", 4}, {"as", "used_len"}});
    scenario_by_hand["steps"] = steps;
    const std::string path = scenario(scenario_by_hand.dump());
    const Ran ran = faulty("wrong_used_length", path);
    EXPECT_EQ(ran.code, 1);
    EXPECT_THAT(ran.output, AllOf(HasSubstr("ring+2056"), HasSubstr("0x200"), HasSubstr("0x201")));
    faulty_for_a_kernel_too("wrong_used_length", path);
}

struct Fault {
    const char* name;
    const char* device;
};
class FoundByChance : public Planted, public ::testing::WithParamInterface<Fault> {};

TEST_P(FoundByChance, AndSavedAsAFewOperationsThatShowIt) {
    const Fault fault = GetParam();
    const std::string faulty_program = std::string(TWINBENCH_PLANTED) + fault.name;
    const Ran ran = run_program(faulty_program, std::string("confirm --random 1000 --device ") +
                                                    fault.device + " --save " + folder_.string());
    EXPECT_EQ(ran.code, 1);
    EXPECT_THAT(ran.output, HasSubstr("operations are enough"));
    const std::string path = (folder_ / ("random-" + std::string(fault.device) + "-seed-1-1.json")).string();
    std::ifstream in(path);
    ASSERT_TRUE(in) << ran.output;
    const nlohmann::json saved = nlohmann::json::parse(in);
    EXPECT_LT(saved["steps"].size(), 10u) << saved.dump(2);
    EXPECT_EQ(run_program(faulty_program, "confirm " + path).code, 1);
    EXPECT_EQ(run_program(TWINBENCH_PROGRAM, "confirm " + path).code, 0);
}

INSTANTIATE_TEST_SUITE_P(Faults, FoundByChance,
                         ::testing::Values(Fault{"wrong_reset", "e1000"}, Fault{"wrong_write_mask", "e1000"},
                                           Fault{"missing_read_clear", "e1000"},
                                           Fault{"late_interrupt", "e1000"},
                                           Fault{"wrong_used_length", "virtio-blk-pci"}),
                         [](const auto& fault) { return std::string(fault.param.name); });

/// What real guests did shows faults too.
TEST_F(Planted, AReplayFindsWhatTheRecordedGuestWouldHaveSeen) {
    const std::string recording =
        "replay " + std::string(TWINBENCH_SCENARIOS) + "/recordings/linux.pc.trace.xz";
    EXPECT_EQ(run_program(TWINBENCH_PROGRAM, recording).code, 0);
    const auto with = [&](const char* fault) {
        return run_program(std::string(TWINBENCH_PLANTED) + fault, recording);
    };
    const Ran reset = with("wrong_reset");
    EXPECT_EQ(reset.code, 1);
    EXPECT_THAT(reset.output,
                AllOf(HasSubstr("reads of STATUS: the device answers otherwise"), HasSubstr("SPEED")));
    const Ran cleared = with("missing_read_clear");
    EXPECT_EQ(cleared.code, 1);
    EXPECT_THAT(cleared.output, HasSubstr("the device answers otherwise"));
    const Ran used = with("wrong_used_length");
    EXPECT_EQ(used.code, 1);
    EXPECT_THAT(used.output, HasSubstr("bytes that were written"));
    const Ran lost = with("lost_interrupt");
    EXPECT_EQ(lost.code, 1);
    EXPECT_THAT(lost.output, HasSubstr("interrupts only recorded"));
}

}  // namespace
}  // namespace tb::cli
