// SPDX-License-Identifier: BSD-3-Clause
//
// Recording and replaying as a user meets them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "harness/cli/testing/run_program.hpp"
#include "harness/qemu/process.hpp"
#include "harness/trace/testing/temp_folder.hpp"

namespace tb::cli {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::Ran;
using testing::twinbench;

class Recordings : public ::testing::Test {
  protected:
    std::string file(const std::string& name, const std::string& text) const {
        trace::write_text(folder_.path(name), text);
        return folder_.path(name);
    }
    static std::string linux_recording() {
        return std::string(TWINBENCH_SCENARIOS) + "/recordings/linux.pc.trace.xz";
    }

    trace::TempFolder folder_;
};

TEST_F(Recordings, WhatCannotBeReplayedIsBadInput) {
    for (const auto& [arguments, message] : std::initializer_list<std::pair<std::string, std::string>>{
             {"/no/such/file", "cannot read '/no/such/file': No such file or directory"},
             {folder_.path(""), "Is a directory"},
             {file("empty", ""), "the file is empty"},
             {file("prose", "Dear reader\n"), "no access to a device that has a model here"},
             {linux_recording() + " --device e1001", "unknown device 'e1001'"},
             {linux_recording() + " --onto vmware", "--onto"},
             {linux_recording() + " --scenario x", "--driver"},
             {"", "recording is required"}}) {
        const Ran ran = twinbench("replay " + arguments);
        EXPECT_EQ(ran.code, 2) << arguments << "\n" << ran.output;
        EXPECT_THAT(ran.output, HasSubstr(message)) << arguments;
    }
}

TEST_F(Recordings, ARecordingThatEndsEarlyIsPlayedAndBadInput) {
    const std::string line =
        "memory_region_ops_read cpu 0 mr 0x1 addr 0x3ff value 0x0 size 1 name 'serial'\n";
    const Ran ran = twinbench("replay " + file("cut.log", line + line.substr(0, 40)));
    EXPECT_EQ(ran.code, 2);
    EXPECT_THAT(ran.output,
                AllOf(HasSubstr("1 of 1 reads equal"), HasSubstr("line 2: the file is cut short")));
}

TEST_F(Recordings, TheTraceOfAScenarioIsPlayedByOtherCommands) {
    const std::string scenario = std::string(TWINBENCH_SCENARIOS) + "/virtio-blk/transitional.json";
    ASSERT_EQ(twinbench("run --trace-dir " + folder_.path("traces") + " " + scenario).code, 0);
    const std::string path = folder_.path("traces/virtio-blk/transitional.model.trace");
    const Ran ran = twinbench("replay " + path);
    EXPECT_EQ(ran.code, 2);
    EXPECT_THAT(ran.output,
                AllOf(HasSubstr(path), HasSubstr("the trace of a scenario"), HasSubstr("--driver")));
    EXPECT_EQ(twinbench("replay --driver --scenario " + scenario + " " + path).code, 0);
}

TEST_F(Recordings, ADifferenceFails) {
    const Ran ran = twinbench(
        "replay " +
        file("a.log", "memory_region_ops_read cpu 0 mr 0x1 addr 0x3fd value 0x0 size 1 name 'serial'\n"));
    EXPECT_EQ(ran.code, 1);
    EXPECT_THAT(ran.output,
                AllOf(HasSubstr("0 of 1 reads equal (0.00 %)"), HasSubstr("recorded 0x0, answered 0x60")));
}

TEST_F(Recordings, ResultsAsJson) {
    const Ran ran = twinbench("replay --json - " + linux_recording());
    ASSERT_EQ(ran.code, 0) << ran.output;
    const auto document = nlohmann::json::parse(ran.output);
    ASSERT_EQ(document["devices"].size(), 3U);
    for (const auto& device : document["devices"]) {
        EXPECT_EQ(device["reads"], device["equal"]) << device["name"];
        EXPECT_EQ(device["share"], 1.0);
    }
    EXPECT_EQ(document["devices"][0]["name"], "e1000");
}

TEST_F(Recordings, TheSameBytesOutEachTime) {
    const auto without_speed = [](const std::string& text) {
        return text.substr(0, text.rfind("events_per_second"));
    };
    const std::string arguments = "replay --json - " + linux_recording();
    EXPECT_EQ(without_speed(twinbench(arguments).output), without_speed(twinbench(arguments).output));
}

TEST_F(Recordings, AContextAsLongAsAskedFor) {
    const std::string read =
        "memory_region_ops_read cpu 0 mr 0x1 addr 0x3ff value 0x0 size 1 name 'serial'\n";
    std::string log;
    for (int i = 0; i < 10; ++i) log += read;
    log += "memory_region_ops_read cpu 0 mr 0x1 addr 0x3fd value 0x0 size 1 name 'serial'\n";
    for (int i = 0; i < 10; ++i) log += read;
    const auto shown = [&](const char* context) {
        const std::string output =
            twinbench(std::string("replay --context ") + context + " " + file("a.log", log)).output;
        std::size_t lines = 0;
        for (std::size_t at = output.find("port-read"); at != std::string::npos;
             at = output.find("port-read", at + 1))
            ++lines;
        return lines;
    };
    EXPECT_EQ(shown("0"), 1U);
    EXPECT_EQ(shown("5"), 11U);
}

TEST_F(Recordings, ALogBecomesATraceOfOurs) {
    const std::string log =
        file("a.log",
             "1@5.000000:pci_cfg_read e1000 00:02.0 @0x0 -> 0x100e8086\n"
             "1@5.000001:memory_region_ops_read cpu 0 mr 0x1 addr 0x3fd value 0x60 size 1 name 'serial'\n"
             "prose\n");
    const std::string path = folder_.path("a.trace");
    const Ran ran = twinbench("export " + log + " --to text -o " + path);
    EXPECT_EQ(ran.code, 0) << ran.output;
    EXPECT_THAT(ran.output, HasSubstr("1 lines are no events, the first is line 3: \"prose\""));
    const Ran replayed = twinbench("replay " + path);
    EXPECT_EQ(replayed.code, 0) << replayed.output;
    EXPECT_THAT(replayed.output,
                AllOf(HasSubstr("e1000 at 00:02.0: 1 of 1"), HasSubstr("isa-serial at isa:0x3f8: 1 of 1")));
    EXPECT_EQ(twinbench("export " + linux_recording() + " --to pcap -o " + folder_.path("a.pcap")).code, 0);
    EXPECT_GT(fs::file_size(folder_.path("a.pcap")), 500U);
}

TEST_F(Recordings, RecordSaysWhatIsMissing) {
    const std::string to = " -o " + folder_.path("a.trace");
    for (const auto& [arguments, code, message] :
         std::initializer_list<std::tuple<std::string, int, std::string>>{
             {"", 2, "--output is required"},
             {to + " --machine virt", 2, "--machine"},
             {to + " --device ahci", 2, "--device"},
             {to + " --initrd x", 2, "--kernel"},
             {" -o /no/such/folder/a.trace --kernel " + file("kernel", "x"), 2,
              "cannot write '/no/such/folder/a.trace'"},
             {to + " --kernel /no/such/kernel", 2, "cannot read '/no/such/kernel'"},
             {to + " --kernel " + file("kernel", "x") + " --qemu /no/such/qemu", 3, "/no/such/qemu"}}) {
        const Ran ran = twinbench("record " + arguments);
        EXPECT_EQ(ran.code, code) << arguments << "\n" << ran.output;
        EXPECT_THAT(ran.output, HasSubstr(message)) << arguments;
    }
    EXPECT_FALSE(fs::exists(folder_.path("a.trace")));
}

/// A guest of our own, whose drivers are ours: needs no network.
TEST_F(Recordings, OurOwnKernelIsRecordedAndReplayedToTheLastByte) {
    if (!qemu::find_executable("qemu-system-x86_64"))
        GTEST_SKIP() << "QEMU is not installed (apt-get install qemu-system-x86)";
    const std::string kernel = std::string(TWINBENCH_KERNELS) + "/twinbench-kernel-selftest.elf";
    if (!fs::exists(kernel)) GTEST_SKIP() << "this preset builds no kernel images";
    const std::string path = folder_.path("own.trace.xz");
    const Ran recorded = twinbench("record --machine q35 --kernel " + kernel + " -o " + path);
    ASSERT_EQ(recorded.code, 0) << recorded.output;
    if (recorded.output.find("wall-clock") != std::string::npos) GTEST_SKIP() << recorded.output;
    const Ran replayed = twinbench("replay --json - " + path);
    EXPECT_EQ(replayed.code, 0) << twinbench("replay " + path).output;
    const auto document = nlohmann::json::parse(replayed.output);
    ASSERT_EQ(document["devices"].size(), 3U);
    for (const auto& device : document["devices"]) {
        EXPECT_EQ(device["share"], 1.0) << device["name"];
        EXPECT_EQ(device["memory_bytes"], device["memory_bytes_equal"]) << device["name"];
        EXPECT_EQ(device["interrupts"], device["interrupts_equal"]) << device["name"];
    }
    EXPECT_GT(document["devices"][1]["memory_bytes"], 10'000);
    const Ran plain = twinbench("record --plain --machine pc --kernel " + kernel + " -o " + path);
    EXPECT_EQ(plain.code, 0) << plain.output;
    EXPECT_EQ(twinbench("replay " + path).code, 0) << twinbench("replay " + path).output;
}

TEST_F(Recordings, AGuestThatQemuDoesNotTakeIsNamedAtOnce) {
    if (!qemu::find_executable("qemu-system-x86_64"))
        GTEST_SKIP() << "QEMU is not installed (apt-get install qemu-system-x86)";
    const std::string path = folder_.path("none.trace");
    const Ran ran =
        twinbench("record --plain --kernel " + file("kernel", std::string(4096, 'x')) + " -o " + path);
    EXPECT_EQ(ran.code, 3);
    EXPECT_THAT(ran.output, HasSubstr("invalid kernel header"));
    EXPECT_FALSE(fs::exists(path));
}

TEST_F(Recordings, AGuestThatDoesNotEndIsKilledAndWhatItDidIsKept) {
    if (!qemu::find_executable("qemu-system-x86_64"))
        GTEST_SKIP() << "QEMU is not installed (apt-get install qemu-system-x86)";
    const std::string kernel = std::string(TWINBENCH_KERNELS) + "/twinbench-kernel-selftest.elf";
    if (!fs::exists(kernel)) GTEST_SKIP() << "this preset builds no kernel images";
    const std::string path = folder_.path("hung.trace");
    // Told so, this kernel hangs.
    const Ran ran =
        twinbench("record --plain --deadline 2 --append panic=hang --kernel " + kernel + " -o " + path);
    EXPECT_EQ(ran.code, 1);
    EXPECT_THAT(ran.output, HasSubstr("the guest has not ended after 2 s, and was killed"));
    EXPECT_EQ(twinbench("replay " + path).code, 0);
}

}  // namespace
}  // namespace tb::cli
