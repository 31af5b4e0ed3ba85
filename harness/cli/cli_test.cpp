// SPDX-License-Identifier: BSD-3-Clause
//
// The program as a user meets it: bad input and a lacking environment get a message that says where and what
// to do, and the exit code that the README promises.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>

#include "harness/cli/testing/run_program.hpp"
#include "harness/devices/device_type.hpp"
#include "harness/devices/qemu_rig.hpp"
#include "harness/qemu/error.hpp"
#include "harness/qemu/process.hpp"
#include "harness/scenario/interpreter.hpp"

namespace tb::cli {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::Ran;
using testing::run_program;
using testing::twinbench;

class Cli : public ::testing::Test {
  protected:
    void SetUp() override {
        std::string name = (fs::temp_directory_path() / "twinbench-cli-XXXXXX").string();
        ASSERT_NE(::mkdtemp(name.data()), nullptr);
        folder_ = name;
    }
    void TearDown() override { fs::remove_all(folder_); }

    std::string file(const std::string& name, const std::string& text) const {
        std::ofstream(folder_ / name, std::ios::binary) << text;
        return (folder_ / name).string();
    }
    /// A scenario with these steps (and top-level keys) on a UART.
    std::string scenario(const std::string& steps, const std::string& device = R"("type": "isa-serial")",
                         const std::string& more = R"("driver": "uart16550",)") const {
        return file("bad.json", "{\n\"about\": \"a test\",\n\"device\": {" + device + "},\n" + more +
                                    "\n\"steps\": [\n" + steps + "\n]}\n");
    }
    std::string script(const std::string& name, const std::string& body) const {
        const std::string path = file(name, "#!/bin/sh\n" + body + "\n");
        fs::permissions(path, fs::perms::owner_all);
        return path;
    }
    static std::string contents(const fs::path& path) {
        std::ifstream in(path, std::ios::binary);
        std::ostringstream text;
        text << in.rdbuf();
        return text.str();
    }
    bool empty_but(const std::vector<std::string>& names) const {
        for (const auto& entry : fs::directory_iterator(folder_))
            if (std::find(names.begin(), names.end(), entry.path().filename().string()) == names.end())
                return false;
        return true;
    }

    fs::path folder_;
};

#define EXPECT_BAD_INPUT(ran, ...)                      \
    do {                                                \
        const Ran result = (ran);                       \
        EXPECT_EQ(result.code, 2) << result.output;     \
        EXPECT_THAT(result.output, AllOf(__VA_ARGS__)); \
    } while (false)

constexpr const char* kGood = R"({"read": "LSR", "expect": {"THRE": 1}})";

TEST_F(Cli, AScenarioThatHoldsPasses) {
    const Ran ran = twinbench("run " + scenario(kGood));
    EXPECT_EQ(ran.code, 0) << ran.output;
    EXPECT_THAT(ran.output, HasSubstr("1 passed"));
}

TEST_F(Cli, AScenarioThatDoesNotHoldFailsWithFileLineAndBothValues) {
    const Ran ran =
        twinbench("run " + scenario("{\"read\": \"LSR\"},\n{\"read\": \"SCR\", \"expect\": \"0x55\"}"));
    EXPECT_EQ(ran.code, 1) << ran.output;
    EXPECT_THAT(ran.output, AllOf(HasSubstr("bad.json:7: /steps/1: SCR is 0x0, expected 0x55")));
}

TEST_F(Cli, TruncatedJsonNamesFileAndLine) {
    EXPECT_BAD_INPUT(twinbench("run " + file("cut.json", "{\n\"about\": \"x\",\n\"steps\": [")),
                     HasSubstr("cut.json:3"), HasSubstr("is not JSON"));
}

TEST_F(Cli, MalformedJsonNamesFileAndLine) {
    EXPECT_BAD_INPUT(twinbench("run " + file("bad.json", "{\n\"about\" \"x\"\n}")), HasSubstr("bad.json:2"),
                     HasSubstr("is not JSON"));
}

TEST_F(Cli, AnUnknownKeyIsNamedWithWhatWouldBeRight) {
    EXPECT_BAD_INPUT(twinbench("run " + scenario(R"({"read": "LSR", "expct": 1})")),
                     HasSubstr("bad.json:6: /steps/0/expct"), HasSubstr("did you mean 'expect'?"));
    EXPECT_BAD_INPUT(
        twinbench("run " + scenario(kGood, R"("type": "isa-serial")", R"("drvier": "uart16550",)")),
        HasSubstr("/drvier"), HasSubstr("did you mean 'driver'?"));
}

TEST_F(Cli, AnUnknownRegisterFieldDeviceDriverOrOperationIsNamed) {
    EXPECT_BAD_INPUT(twinbench("run " + scenario(R"({"read": "LSTR"})")), HasSubstr("/steps/0/read"),
                     HasSubstr("did you mean 'LSR'?"));
    EXPECT_BAD_INPUT(twinbench("run " + scenario(R"({"read": "LSR", "expect": {"THER": 1}})")),
                     HasSubstr("did you mean 'THRE'?"));
    EXPECT_BAD_INPUT(twinbench("run " + scenario(kGood, R"("type": "isa-serail")")),
                     HasSubstr("/device/type"), HasSubstr("did you mean 'isa-serial'?"));
    EXPECT_BAD_INPUT(twinbench("run " + scenario(kGood, R"("type": "isa-serial")", R"("driver": "uart",)")),
                     HasSubstr("/driver"));
    EXPECT_BAD_INPUT(twinbench("run " + scenario(R"({"do": "uart.wirte"})")),
                     HasSubstr("did you mean 'uart.write'?"));
}

TEST_F(Cli, AValueTooWideForItsRegisterIsRefused) {
    EXPECT_BAD_INPUT(twinbench("run " + scenario(R"({"write": "SCR", "value": "0x100"})")),
                     HasSubstr("/steps/0/value"), HasSubstr("0x100 is too wide for SCR"),
                     HasSubstr("at most 0xff"));
}

TEST_F(Cli, ABufferThatIsNotDeclaredIsRefused) {
    EXPECT_BAD_INPUT(twinbench("run " + scenario(R"({"store": "ring", "width": 4, "value": 1})")),
                     HasSubstr("/steps/0/store"), HasSubstr("'ring' is not declared"));
}

TEST_F(Cli, APatternThatMatchesNothingIsNoSuccess) {
    EXPECT_BAD_INPUT(twinbench("run " + scenario(kGood) + " --filter nothing"),
                     HasSubstr("--filter nothing: no scenario matches"));
    EXPECT_BAD_INPUT(twinbench("run " + scenario(kGood) + " --device e1000"),
                     HasSubstr("no scenario matches"));
    EXPECT_BAD_INPUT(twinbench("run " + scenario(kGood) + " --device e100"),
                     HasSubstr("did you mean 'e1000'?"));
}

TEST_F(Cli, AMissingFileOrFolderIsNamed) {
    EXPECT_BAD_INPUT(twinbench("run " + (folder_ / "none").string()),
                     HasSubstr("none: there is no such file or folder"));
    EXPECT_BAD_INPUT(twinbench("run " + folder_.string()), HasSubstr("holds no scenario"));
}

TEST_F(Cli, AnUnknownOptionOrCommandIsBadInput) {
    EXPECT_BAD_INPUT(twinbench("run --nonsense"), HasSubstr("--nonsense"));
    EXPECT_BAD_INPUT(twinbench("rnu"), HasSubstr("rnu"));
    EXPECT_BAD_INPUT(twinbench("confirm --machine pc"), HasSubstr("give --on kernel too"));
    EXPECT_EQ(twinbench("--help").code, 0);
    EXPECT_EQ(twinbench("run --help").code, 0);
}

TEST_F(Cli, ADiskImageThatIsMissingOrOfOddSizeIsNamedWithARemedy) {
    const std::string missing =
        scenario(R"({"setup": true})", R"("type": "virtio-blk-pci", "image": "none.img")", "");
    const Ran ran = twinbench("run " + missing);
    EXPECT_EQ(ran.code, 2);
    EXPECT_THAT(ran.output, AllOf(HasSubstr("/device"), HasSubstr("none.img")));
    file("odd.img", std::string(1000, 'x'));
    const std::string odd =
        scenario(R"({"setup": true})", R"("type": "virtio-blk-pci", "image": "odd.img")", "");
    const Ran second = twinbench("run " + odd);
    EXPECT_EQ(second.code, 2);
    EXPECT_THAT(second.output, AllOf(HasSubstr("odd.img"), HasSubstr("512")));
}

TEST_F(Cli, ATraceFileThatIsCutShortIsNamedWithTheLine) {
    const std::string traces = (folder_ / "traces").string();
    ASSERT_EQ(twinbench("run " + scenario(kGood) + " --trace-dir " + traces).code, 0);
    fs::path trace;
    for (const auto& entry : fs::recursive_directory_iterator(traces))
        if (entry.is_regular_file()) trace = entry.path();
    ASSERT_FALSE(trace.empty());
    EXPECT_EQ(twinbench("diff " + trace.string() + " " + trace.string()).code, 0);
    const std::string text = contents(trace);
    const std::string cut = file("cut.trace", text.substr(0, text.size() - 40));
    EXPECT_BAD_INPUT(twinbench("diff " + trace.string() + " " + cut), HasSubstr("cut.trace:"),
                     HasSubstr("events could be read"));
    EXPECT_BAD_INPUT(twinbench("export " + cut + " --to vcd -o " + (folder_ / "out.vcd").string()),
                     HasSubstr("cut.trace:"));
    EXPECT_FALSE(fs::exists(folder_ / "out.vcd"));
}

TEST_F(Cli, AFullDiskLosesNoOtherResult) {
    const std::string junit = (folder_ / "results.xml").string();
    const Ran ran = twinbench("run " + scenario(kGood) + " --json /dev/full --junit " + junit);
    EXPECT_EQ(ran.code, 2) << ran.output;
    EXPECT_THAT(ran.output, AllOf(HasSubstr("/dev/full"), HasSubstr("No space left")));
    EXPECT_THAT(contents(junit), HasSubstr("</testsuites>"));
}

TEST_F(Cli, AResultThatCannotBeWrittenNamesThePath) {
    EXPECT_BAD_INPUT(
        twinbench("run " + scenario(kGood) + " --json " + (folder_ / "no/such/results.json").string()),
        HasSubstr("no/such/results.json"));
    EXPECT_BAD_INPUT(twinbench("run " + scenario(kGood) + " --trace-dir /dev/null/x"),
                     HasSubstr("--trace-dir /dev/null/x"));
}

TEST_F(Cli, TheJsonResultHasTheKeysThatOthersRelyOn) {
    const std::string path = (folder_ / "run.json").string();
    ASSERT_EQ(twinbench("run " + scenario(kGood) + " --json " + path).code, 0);
    const nlohmann::json result = nlohmann::json::parse(contents(path));
    EXPECT_EQ(result["summary"],
              (nlohmann::json{{"total", 1}, {"passed", 1}, {"failed", 0}, {"skipped", 0}}));
    const nlohmann::json& only = result["scenarios"][0];
    for (const char* key : {"id", "device", "verdict", "trace_hash", "virtual_ns"})
        EXPECT_TRUE(only.contains(key)) << key;
    EXPECT_EQ(only["verdict"], "passed");
}

TEST_F(Cli, AQemuThatIsNotThereIsTheEnvironmentsFault) {
    const Ran ran = twinbench("confirm " + scenario(kGood) + " --qemu no-such-qemu");
    EXPECT_EQ(ran.code, 3) << ran.output;
    EXPECT_THAT(ran.output, AllOf(HasSubstr("no-such-qemu"), HasSubstr("apt-get install qemu-system-x86")));
    EXPECT_EQ(twinbench("doctor --qemu no-such-qemu").code, 3);
}

TEST_F(Cli, AQemuThatDiesAtOnceIsAFailureWithItsOwnWords) {
    const std::string dying = script("dying-qemu", "echo 'qemu: out of magic' >&2; exit 7");
    const Ran ran = twinbench("confirm " + scenario(kGood) + " --qemu " + dying);
    EXPECT_EQ(ran.code, 1) << ran.output;
    EXPECT_THAT(ran.output, AllOf(HasSubstr("out of magic")));
}

TEST_F(Cli, AQemuThatHangsIsEndedAndLeavesNoProcessAndNoFile) {
    const std::string pid_file = (folder_ / "pid").string();
    // Answers nothing: the limit for a reply ends it.
    const std::string hanging = script("hanging-qemu", "echo $$ > " + pid_file + "\nexec sleep 1000");
    const Ran ran = twinbench("confirm " + scenario(kGood) + " --qemu " + hanging);
    EXPECT_EQ(ran.code, 1) << ran.output;
    const pid_t pid = static_cast<pid_t>(std::stol(contents(pid_file)));
    EXPECT_EQ(::kill(pid, 0), -1);
    EXPECT_EQ(errno, ESRCH);
    EXPECT_TRUE(empty_but({"bad.json", "hanging-qemu", "pid"}));
}

TEST_F(Cli, AKernelImageThatIsNotThereIsTheEnvironmentsFault) {
    // A copy of the program has no images beside it.
    fs::create_directories(folder_ / "bin");
    fs::copy_file(TWINBENCH_PROGRAM, folder_ / "bin/twinbench");
    const Ran ran =
        run_program((folder_ / "bin/twinbench").string(), "confirm " + scenario(kGood) + " --on kernel");
    if (!qemu::find_executable("qemu-system-x86_64"))
        GTEST_SKIP() << "QEMU is not installed (apt-get install qemu-system-x86)";
    EXPECT_EQ(ran.code, 3) << ran.output;
    EXPECT_THAT(ran.output,
                AllOf(HasSubstr("there is no twinbench-kernel-confirm.elf"), HasSubstr("TWINBENCH_KERNELS")));
}

TEST_F(Cli, SequencesByChanceAgreeWithQemu) {
    EXPECT_BAD_INPUT(twinbench("confirm --random 10 " + scenario(kGood)), HasSubstr("--random"));
    EXPECT_BAD_INPUT(twinbench("confirm --random 0"), HasSubstr("--random"));
    EXPECT_BAD_INPUT(twinbench("confirm --save ."), HasSubstr("--random"));
    if (!qemu::find_executable("qemu-system-x86_64"))
        GTEST_SKIP() << "QEMU is not installed (apt-get install qemu-system-x86)";
    EXPECT_BAD_INPUT(twinbench("confirm --random 10 --device e1000 --device floppy"),
                     HasSubstr("--device: unknown device 'floppy'"));
    const Ran ran = twinbench("confirm --random 400 --seed 3 --save " + folder_.string());
    EXPECT_EQ(ran.code, 0) << ran.output;
    EXPECT_THAT(ran.output, AllOf(HasSubstr("random/e1000/seed-3/1"), HasSubstr("random/isa-serial/seed-3/1"),
                                  HasSubstr("differences: 0 unexplained")));
    EXPECT_TRUE(empty_but({"bad.json"}));
}

TEST_F(Cli, KernelBenchmarksNameWhatIsMissing) {
    EXPECT_BAD_INPUT(twinbench("bench kernel --filter nonsense"), HasSubstr("no measurement matches"));
    EXPECT_BAD_INPUT(twinbench("bench kernel --nonsense"), HasSubstr("--nonsense"));
    const Ran no_qemu = twinbench("bench kernel --qemu /nonexistent/qemu");
    EXPECT_EQ(no_qemu.code, 3);
    EXPECT_THAT(no_qemu.output, HasSubstr("apt-get install qemu-system-x86"));
    if (!qemu::find_executable("qemu-system-x86_64"))
        GTEST_SKIP() << "QEMU is not installed (apt-get install qemu-system-x86)";
    fs::create_directories(folder_ / "bin");
    fs::copy_file(TWINBENCH_PROGRAM, folder_ / "bin/twinbench");
    const Ran no_image = run_program((folder_ / "bin/twinbench").string(), "bench kernel");
    EXPECT_EQ(no_image.code, 3);
    EXPECT_THAT(no_image.output,
                AllOf(HasSubstr("there is no twinbench-kernel-bench.elf"), HasSubstr("TWINBENCH_KERNELS")));
}

TEST_F(Cli, KernelBenchmarksGiveATableAndJson) {
    const fs::path image =
        fs::path(TWINBENCH_PROGRAM).parent_path().parent_path() / "kernel/twinbench-kernel-bench.elf";
    if (!qemu::find_executable("qemu-system-x86_64") || !fs::exists(image))
        GTEST_SKIP() << "QEMU is not installed, or this preset builds no kernel images";
    const std::string json = (folder_ / "bench.json").string();
    const Ran ran = twinbench("bench kernel --quick --filter uart --json " + json);
    EXPECT_EQ(ran.code, 0) << ran.output;
    EXPECT_THAT(ran.output, AllOf(HasSubstr("under TCG"), HasSubstr("uart_send"), HasSubstr("under KVM")));
    const auto list = nlohmann::json::parse(contents(json));
    ASSERT_EQ(list.size(), 2u);
    EXPECT_EQ(list[0]["name"], "tcg.uart_send");
    EXPECT_GT(list[0]["value"].get<double>(), 0);
    EXPECT_EQ(list[0]["unit"], "B/s");
    EXPECT_GT(list[0]["cpu_percent"].get<double>(), 0);
    // Measured, or with a reason.
    EXPECT_EQ(list[1]["name"], "kvm.uart_send");
    EXPECT_TRUE(list[1]["value"].is_number() || !list[1]["reason"].get<std::string>().empty());
}

TEST_F(Cli, AKernelThatPanicsIsAFailureWithTheEndOfItsLog) {
    const fs::path image =
        fs::path(TWINBENCH_PROGRAM).parent_path().parent_path() / "kernel/twinbench-kernel-selftest.elf";
    if (!qemu::find_executable("qemu-system-x86_64") || !fs::exists(image))
        GTEST_SKIP() << "QEMU is not installed, or this preset builds no kernel images";
    // Another kernel in its place: it does not answer, and panics because no time passes.
    fs::copy_file(image, folder_ / "twinbench-kernel-confirm.elf");
    const Ran ran = run_program("TWINBENCH_KERNELS=" + folder_.string() + " " + TWINBENCH_PROGRAM,
                                "confirm " + scenario(kGood) + " --on kernel");
    EXPECT_EQ(ran.code, 1) << ran.output;
    EXPECT_THAT(ran.output, AllOf(HasSubstr("exit status 37"), HasSubstr("PANIC: "),
                                  HasSubstr("tb::kernel::calibrate_clock")));
}

TEST_F(Cli, AQemuThatDiesInTheMiddleOfAScenarioIsAnErrorThatSaysSo) {
    if (!qemu::find_executable("qemu-system-x86_64"))
        GTEST_SKIP() << "QEMU is not installed (apt-get install qemu-system-x86)";
    const auto rig = harness::find_device_type("isa-serial")->make_qemu(nlohmann::json::object(), {});
    harness::QemuRig& real = dynamic_cast<harness::QemuRig&>(*rig);
    EXPECT_EQ(real.machine().read(hal::AddressSpace::kPort, 0x3fd, 1), 0x60U);
    ::kill(real.vm().process().pid(), SIGKILL);
    try {
        for (int i = 0; i < 100; ++i) real.machine().read(hal::AddressSpace::kPort, 0x3fd, 1);
        FAIL() << "nothing noticed that QEMU is gone";
    } catch (const qemu::QemuError& error) {
        EXPECT_EQ(error.kind(), qemu::ErrorKind::kDied);
        EXPECT_THAT(error.what(), HasSubstr("signal 9"));
    }
}

}  // namespace
}  // namespace tb::cli
