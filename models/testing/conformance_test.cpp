// SPDX-License-Identifier: BSD-3-Clause
// The conformance tables beside the models name tests that are there. The programs whose tests count, and the
// tables, are named by the build: TB_TEST_PROGRAMS and TB_CONFORMANCE_TABLES, each separated by colons.
#include "models/testing/conformance.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <fstream>
#include <memory>
#include <sstream>

namespace tb::model::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::vector<std::string> named(const std::string& list) {
    std::vector<std::string> names;
    std::istringstream in(list);
    for (std::string name; std::getline(in, name, ':');) names.push_back(name);
    return names;
}

std::string output_of(const std::string& command) {
    struct Close {
        void operator()(std::FILE* pipe) const { EXPECT_EQ(pclose(pipe), 0); }
    };
    const std::unique_ptr<std::FILE, Close> pipe(popen(command.c_str(), "r"));
    std::string text;
    std::array<char, 4096> part{};
    while (pipe) {
        const std::size_t size = std::fread(part.data(), 1, part.size(), pipe.get());
        if (size == 0) break;
        text.append(part.data(), size);
    }
    return text;
}

std::vector<std::string> complaints_about_text(std::string_view table) {
    std::vector<std::string> complaints;
    const std::vector<Statement> rows = read_statements(table, complaints);
    const std::vector<std::string> more = complaints_about(rows, {"Uart.Sends"});
    complaints.insert(complaints.end(), more.begin(), more.end());
    return complaints;
}

TEST(Conformance, EveryTableNamesTestsThatAreThere) {
    TestNames existing;
    for (const std::string& program : named(TB_TEST_PROGRAMS))
        existing.merge(tests_listed(output_of("'" + program + "' --gtest_list_tests")));
    ASSERT_FALSE(existing.empty());
    for (const std::string& path : named(TB_CONFORMANCE_TABLES)) {
        std::ifstream file(path);
        const std::string text{std::istreambuf_iterator<char>(file), {}};
        std::vector<std::string> complaints;
        const std::vector<Statement> rows = read_statements(text, complaints);
        EXPECT_FALSE(rows.empty()) << path;
        EXPECT_THAT(complaints, IsEmpty()) << path;
        EXPECT_THAT(complaints_about(rows, existing), IsEmpty()) << path;
    }
}

TEST(Conformance, AGoodRowIsNoComplaint) {
    EXPECT_THAT(complaints_about_text("# of the UART\nid\tlevel\tverdict\tstatement\ttests\treason\n"
                                      "uart.1\tMUST\tholds\tSends\tUart.Sends\t\n"
                                      "uart.2\tMUST\tqemu\tWaits\tUart.Sends\tQEMU does not\n"
                                      "uart.3\tMUST\tabsent\tSleeps\t\tit never does\n"),
                IsEmpty());
}

TEST(Conformance, ATestThatIsNotThereIsAComplaint) {
    EXPECT_THAT(complaints_about_text("uart.1\tMUST\tholds\tSends\tUart.Sends Uart.Sent\t\n"),
                ElementsAre("uart.1: there is no test Uart.Sent"));
}

TEST(Conformance, NeitherTestNorReasonIsAComplaint) {
    EXPECT_THAT(complaints_about_text("uart.1\tMUST\tholds\tSends\t\t\n"), ElementsAre(HasSubstr("neither")));
    EXPECT_THAT(complaints_about_text("uart.1\tMUST\tabsent\tSends\tUart.Sends\t\n"),
                ElementsAre(HasSubstr("needs a reason")));
    EXPECT_THAT(complaints_about_text("uart.1\tMUST\tqemu\tSends\t\tQEMU does not\n"),
                ElementsAre(HasSubstr("needs a test")));
}

TEST(Conformance, AnIdThatComesTwiceIsAComplaint) {
    EXPECT_THAT(complaints_about_text("uart.1\tMUST\tholds\tSends\tUart.Sends\t\n"
                                      "uart.1\tMUST\tholds\tSends more\tUart.Sends\t\n"),
                ElementsAre("uart.1: comes twice"));
}

TEST(Conformance, ALineThatIsNoRowIsAComplaint) {
    EXPECT_THAT(complaints_about_text("uart.1\tMUST\tholds\tSends\n"), ElementsAre(HasSubstr("4 columns")));
    EXPECT_THAT(complaints_about_text("uart.1\tMUST\tmaybe\tSends\tUart.Sends\t\n"),
                ElementsAre(HasSubstr("no verdict")));
    EXPECT_THAT(complaints_about_text("uart.1\tMUST\tholds\t\tUart.Sends\t\n"),
                ElementsAre("uart.1: says nothing"));
}

TEST(Conformance, AListingOfTestsIsRead) {
    EXPECT_THAT(
        tests_listed("Running main() from gmock_main.cc\nUart.\n  Sends\n  Receives\nLine.\n  Breaks\n"),
        ElementsAre("Line.Breaks", "Uart.Receives", "Uart.Sends"));
}

}  // namespace
}  // namespace tb::model::testing
