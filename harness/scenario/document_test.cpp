// SPDX-License-Identifier: BSD-3-Clause
#include "harness/scenario/document.hpp"

#include <gmock/gmock.h>

namespace tb::scenario {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::StartsWith;

std::string problem_with(const std::string& text) {
    std::vector<Problem> problems;
    Document::parse(text, "file.json", problems);
    return problems.empty() ? "(none)" : problems.front().to_string();
}

TEST(Document, KnowsTheLineOfEveryValue) {
    std::vector<Problem> problems;
    const Document document =
        Document::parse("{\n \"a\": 1,\n \"b\": [\n  2,\n  {\n   \"c/d\": 3 }\n ]\n}\n", "f", problems);
    ASSERT_THAT(problems, IsEmpty());
    EXPECT_EQ(document.line("/a"), 2U);
    EXPECT_EQ(document.line("/b"), 3U);
    EXPECT_EQ(document.line("/b/0"), 4U);
    EXPECT_EQ(document.line("/b/1"), 5U);
    EXPECT_EQ(document.line("/b/1/c~1d"), 6U);
    EXPECT_EQ(document.line("/b/1/nothing"), 5U) << "the nearest that there is";
    EXPECT_EQ(document.root()["b"][1]["c/d"], 3);
}

TEST(Document, TruncatedJsonGivesFileAndLine) {
    EXPECT_THAT(problem_with("{\n \"about\": \"x\",\n \"steps\": [\n"),
                StartsWith("file.json:3: is not JSON: "));
    EXPECT_THAT(problem_with(""), StartsWith("file.json:1: is not JSON: "));
    EXPECT_THAT(problem_with("{ \"about\": \"never clo"), StartsWith("file.json:1: is not JSON: "));
}

TEST(Document, MalformedJsonGivesFileAndLine) {
    EXPECT_THAT(problem_with("{\n \"a\": 1,\n}"), StartsWith("file.json:3: is not JSON: "));
    EXPECT_THAT(problem_with("{\n \"a\" 1 }"), StartsWith("file.json:2: is not JSON: "));
    EXPECT_THAT(problem_with("{} trailing"), StartsWith("file.json:1: is not JSON: "));
    EXPECT_THAT(problem_with("{ 'a': 1 }"), StartsWith("file.json:1: is not JSON: "));
    EXPECT_THAT(problem_with("{ \"a\": \"\xff\" }"), StartsWith("file.json:1: is not JSON: ")) << "not UTF-8";
}

TEST(Document, AKeyGivenTwiceIsPointedOut) {
    EXPECT_EQ(problem_with("{\n \"a\": 1,\n \"b\": { \"c\": 1,\n  \"c\": 2 } }"),
              "file.json:4: /b/c: is given twice; remove one");
}

TEST(Document, AFileThatIsNotThereIsSaidSo) {
    std::vector<Problem> problems;
    Document::load("/nonexistent/x.json", problems);
    ASSERT_THAT(problems, SizeIs(1));
    EXPECT_THAT(problems[0].to_string(), StartsWith("/nonexistent/x.json: cannot be read: No such file"));
}

TEST(Document, SuggestsWhatIsClose) {
    EXPECT_EQ(suggestion("SATUS", {"STATUS", "CTRL"}), " (did you mean 'STATUS'?)");
    EXPECT_EQ(suggestion("status", {"STATUS", "CTRL"}), " (did you mean 'STATUS'?)") << "case is a slip too";
    EXPECT_EQ(suggestion("zzzzzzzz", {"STATUS", "CTRL"}), " (there are: STATUS, CTRL)");
    EXPECT_EQ(suggestion("x", {}), "");
}

}  // namespace
}  // namespace tb::scenario
