// SPDX-License-Identifier: BSD-3-Clause
#include "harness/cli/fuzz.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "harness/cli/child.hpp"
#include "harness/cli/testing/run_program.hpp"
#include "harness/fuzz/record.hpp"

namespace tb::cli {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::Ran;
using ::testing::SizeIs;
using testing::twinbench;

/// A target that objects to inputs with a Z in them, and an input of ten records that has one.
class FuzzCommand : public ::testing::Test {
  protected:
    FuzzCommand() {
        std::ofstream(target()) << "#!/bin/sh\ngrep -q Z \"$1\" || exit 0\n"
                                   "echo 'finding: the driver read 17 Zs at 0x4d2'\nexit 1\n";
        ::chmod(target().c_str(), 0755);
        std::vector<fuzz::Record> records(10);
        for (std::size_t i = 0; i < records.size(); ++i) records[i].value = static_cast<std::uint32_t>(3 * i);
        records[6].nth = 'Z';
        write(records);
    }
    void write(const std::vector<fuzz::Record>& records) const {
        const auto bytes = fuzz::pack(records);
        std::ofstream(input(), std::ios::binary)
            .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    }
    std::string target() const { return folder_.path() + "/target"; }
    std::string input() const { return folder_.path() + "/input"; }
    std::string scenario() const { return folder_.path() + "/scenario.json"; }
    std::string kept() const { return folder_.path() + "/kept"; }
    Ran minimise() const {
        return twinbench("fuzz minimise virtio_blk_program " + input() + " --program " + target() + " -o " +
                         scenario() + " --keep " + kept());
    }

  private:
    TemporaryFolder folder_;
};

TEST_F(FuzzCommand, ListsTargetsAndKnowsNoOthers) {
    const Ran listed = twinbench("fuzz");
    EXPECT_EQ(listed.code, 0) << listed.output;
    EXPECT_THAT(listed.output, AllOf(HasSubstr("virtio_blk_program"), HasSubstr("model_e1000"),
                                     HasSubstr("serial_stream"), HasSubstr("trace_reader")));
    const Ran wrong = twinbench("fuzz virtio_blk_progam");
    EXPECT_EQ(wrong.code, 2);
    EXPECT_THAT(wrong.output, HasSubstr("did you mean 'virtio_blk_program'"));
}

TEST_F(FuzzCommand, SaysHowToBuildWhatIsNotThere) {
    const Ran ran = twinbench("fuzz minimise virtio_blk_program " + input() + " --program /nowhere/at/all");
    EXPECT_EQ(ran.code, 3);
    EXPECT_THAT(ran.output, HasSubstr("cmake --preset fuzz"));
}

TEST_F(FuzzCommand, MinimisesToOneRecordAndAScenarioThatRuns) {
    const Ran ran = minimise();
    ASSERT_EQ(ran.code, 0) << ran.output;
    EXPECT_THAT(ran.output, HasSubstr("10 records, 2 after"));
    std::ifstream in(kept(), std::ios::binary);
    const std::vector<char> bytes{std::istreambuf_iterator<char>(in), {}};
    EXPECT_THAT(bytes, SizeIs(2 * fuzz::kRecordBytes));
    std::ifstream json_in(scenario());
    const nlohmann::json made = nlohmann::json::parse(json_in);
    EXPECT_THAT(made["about"].get<std::string>(), HasSubstr("the driver read 17 Zs"));
    const Ran again = twinbench("run " + scenario());
    EXPECT_EQ(again.code, 0) << again.output;
}

TEST_F(FuzzCommand, MinimisesNothingThatIsNoFinding) {
    write(std::vector<fuzz::Record>(3));
    const Ran ran = minimise();
    EXPECT_EQ(ran.code, 2);
    EXPECT_THAT(ran.output, HasSubstr("finds nothing wrong with it"));
}

TEST_F(FuzzCommand, LeavesInputsThatAreNoProgramsToLibFuzzer) {
    const Ran ran = twinbench("fuzz minimise e1000_stream " + input());
    EXPECT_EQ(ran.code, 2);
    EXPECT_THAT(ran.output, HasSubstr("-minimize_crash=1"));
}

TEST_F(FuzzCommand, KnowsItsCanariesFromTheRootOfTheSources) {
    const Ran ran = twinbench("fuzz canaries 99");
    EXPECT_EQ(ran.code, 2);
    EXPECT_THAT(ran.output, HasSubstr("fuzz/canaries"));
}

TEST(FindingKind, IsTheSameWhateverTheNumbers) {
    EXPECT_EQ(kind_of_failure("x\nfinding: left 64 bytes at 0x2040\n", 1),
              kind_of_failure("finding: left 8 bytes at 0x9111", 134));
    EXPECT_NE(kind_of_failure("finding: a", 1), kind_of_failure("finding: b", 1));
    EXPECT_EQ(kind_of_failure("finding: a", 0), "") << "it ended well";
    EXPECT_EQ(kind_of_failure("", 139), "exit code 139");
    EXPECT_THAT(
        kind_of_failure("==1==ERROR\nSUMMARY: AddressSanitizer: heap-buffer-overflow f.cpp:12 in g\n", 1),
        HasSubstr("heap-buffer-overflow f.cpp:#"));
}

}  // namespace
}  // namespace tb::cli
