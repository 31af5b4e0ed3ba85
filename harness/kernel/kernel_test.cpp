// SPDX-License-Identifier: BSD-3-Clause
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <chrono>
#include <string>
#include <vector>

#include "harness/qemu/process.hpp"
#include "harness/qemu/testing.hpp"

/// Boots the self-test image in QEMU, as a user would: `-kernel`, with the board's own firmware.
namespace tb::kernel {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::chrono::seconds kDeadline{60};
constexpr int kSuccess = 0x10 * 2 + 1;
constexpr int kSomeFailed = 0x11 * 2 + 1;
constexpr int kPanic = 0x12 * 2 + 1;

struct Boot {
    std::string status;
    std::string log;
};

Boot boot(const std::string& machine, const std::string& command_line, bool with_pci,
          const std::string& disk_options = "") {
    std::vector<std::string> arguments = {"-machine",
                                          machine,
                                          "-accel",
                                          "tcg",
                                          "-m",
                                          "192M",
                                          "-nodefaults",
                                          "-no-user-config",
                                          "-display",
                                          "none",
                                          "-no-reboot",
                                          "-kernel",
                                          TB_SELFTEST,
                                          "-append",
                                          command_line,
                                          "-chardev",
                                          "file,id=log,path=/dev/stdout",
                                          "-device",
                                          "isa-debugcon,iobase=0xe9,chardev=log",
                                          "-device",
                                          "isa-debug-exit,iobase=0xf4,iosize=4",
                                          "-chardev",
                                          "null,id=line",
                                          "-serial",
                                          "chardev:line"};
    if (with_pci)
        for (const std::string& word : std::initializer_list<std::string>{
                 "-blockdev", "driver=null-co,node-name=disk,read-zeroes=on,size=1048576" + disk_options,
                 "-device", "virtio-blk-pci,addr=4,drive=disk", "-netdev", "hubport,id=wire,hubid=0",
                 "-device", "e1000,netdev=wire,addr=5"})
            arguments.push_back(word);
    qemu::Process process({"qemu-system-x86_64", arguments, {}, {}});
    process.reap(kDeadline);
    if (process.running()) {
        process.kill();
        return {"still running at the deadline", process.stderr_text()};
    }
    return {process.status_text(), process.stderr_text()};
}

std::string exit_status(int status) {
    return fmt::format("exit status {}", status);
}

class KernelTest : public ::testing::Test {
  protected:
    void SetUp() override { TB_REQUIRE_QEMU(); }
};

class KernelBoardTest : public KernelTest, public ::testing::WithParamInterface<const char*> {};

TEST_P(KernelBoardTest, BootsAndDriversWorkPolledAndByInterrupt) {
    const std::string machine = GetParam();
    const bool has_pci = machine != "microvm";
    const Boot run = boot(machine, "", has_pci);
    EXPECT_EQ(run.status, exit_status(kSuccess)) << run.log;
    EXPECT_THAT(run.log, Not(HasSubstr("not ok")));
    for (const char* name : {"heap", "pages", "clock", "interrupt to itself", "16550"})
        EXPECT_THAT(run.log, HasSubstr(fmt::format("ok {}\n", name)));
    if (!has_pci) return;
    for (const char* name :
         {"virtio-blk polled", "virtio-blk INTx", "virtio-blk MSI-X", "e1000 polled", "e1000 INTx"})
        EXPECT_THAT(run.log, HasSubstr(fmt::format("ok {}\n", name)));
}

INSTANTIATE_TEST_SUITE_P(Boards, KernelBoardTest,
                         ::testing::Values("q35", "pc", "microvm", "microvm,pcie=on"), [](const auto& board) {
                             std::string name = board.param;
                             std::erase_if(name, [](char c) { return c == ',' || c == '='; });
                             return name;
                         });

TEST_F(KernelTest, ADriverThatTimesOutIsReportedAndTheOthersGoOn) {
    // The disk answers after 5.5 seconds; the driver's patience ends after five.
    const Boot run = boot("q35", "", true, ",latency-ns=5500000000");
    EXPECT_EQ(run.status, exit_status(kSomeFailed)) << run.log;
    EXPECT_THAT(run.log, HasSubstr("not ok virtio-blk polled: a read failed\n"));
    EXPECT_THAT(run.log, HasSubstr("virtio-blk: a request timed out, resetting the device"));
    EXPECT_THAT(run.log, HasSubstr("ok e1000 INTx\n"));
}

TEST_F(KernelTest, ANullPointerGivesAReportWithTheFunctionsName) {
    const Boot run = boot("q35", "panic=null", false);
    EXPECT_EQ(run.status, exit_status(kPanic));
    EXPECT_THAT(run.log, AllOf(HasSubstr("PANIC: page fault"), HasSubstr("write at 0x00000010"),
                               HasSubstr("(a null pointer)"), HasSubstr("rip 0x"),
                               HasSubstr("tb::kernel::provoke"), HasSubstr("tb_kernel_start")));
}

TEST_F(KernelTest, ConstantsCannotBeWritten) {
    const Boot run = boot("q35", "panic=write", false);
    EXPECT_EQ(run.status, exit_status(kPanic));
    EXPECT_THAT(run.log,
                AllOf(HasSubstr("PANIC: page fault"), HasSubstr("write at"), HasSubstr("not allowed there")));
}

TEST_F(KernelTest, AStackThatOverflowsIsNamed) {
    const Boot run = boot("q35", "panic=stack", false);
    EXPECT_EQ(run.status, exit_status(kPanic));
    EXPECT_THAT(run.log, AllOf(HasSubstr("(the stack has overflowed)"), HasSubstr("recurse")));
}

TEST_F(KernelTest, AStrayInterruptIsNamed) {
    const Boot run = boot("q35", "panic=stray", false);
    EXPECT_EQ(run.status, exit_status(kPanic));
    EXPECT_THAT(run.log, HasSubstr("PANIC: stray interrupt, vector 0x21"));
}

TEST_F(KernelTest, AHangEndsAtTheDeadlineAndSaysWhere) {
    const Boot run = boot("q35", "deadline=1 panic=hang", false);
    EXPECT_EQ(run.status, exit_status(kPanic));
    EXPECT_THAT(run.log, AllOf(HasSubstr("PANIC: the deadline has passed"), HasSubstr("provoke")));
}

TEST_F(KernelTest, WhatTheKernelItselfFindsWrongIsReported) {
    const Boot run = boot("q35", "panic=assert", false);
    EXPECT_EQ(run.status, exit_status(kPanic));
    EXPECT_THAT(run.log, AllOf(HasSubstr("PANIC: as asked for"), HasSubstr("provoke")));
}

}  // namespace
}  // namespace tb::kernel
