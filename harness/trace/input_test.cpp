// SPDX-License-Identifier: BSD-3-Clause
#include "harness/trace/input.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "harness/trace/atomic_file.hpp"
#include "harness/trace/compressor.hpp"
#include "harness/trace/testing/temp_folder.hpp"

namespace tb::trace {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class InputTest : public ::testing::Test {
  protected:
    std::string write(const char* name, const std::string& text) const {
        const std::string path = folder_.path(name);
        write_text(path, text);
        return path;
    }
    std::string compressed(const char* name, const std::string& text) const {
        std::string out;
        Compressor compressor(name, [&](std::string_view bytes) { out += bytes; });
        compressor.write(text);
        compressor.finish();
        return write(name, out);
    }
    static std::vector<std::string> lines_of(const std::string& path, std::string* trouble = nullptr) {
        Scanner scanner(Input::open(path));
        std::vector<std::string> lines;
        std::string_view line;
        while (scanner.line(line)) lines.emplace_back(line);
        if (trouble != nullptr) *trouble = scanner.trouble();
        return lines;
    }
    static std::string long_text() {
        std::string text;
        for (unsigned i = 0; i < 40'000; ++i) text += "line " + std::to_string(i * 2'654'435'761U) + "\n";
        return text;
    }

    trace::TempFolder folder_;
};

TEST_F(InputTest, PlainAndCompressedFilesGiveTheSameLines) {
    const std::string text = long_text();
    const auto plain = lines_of(write("plain", text));
    ASSERT_EQ(plain.size(), 40'000U);
    for (const char* name : {"a.xz", "a.gz", "a.zst"}) {
        const std::string path = compressed(name, text);
        EXPECT_LT(fs::file_size(path), text.size()) << name;
        EXPECT_EQ(lines_of(path), plain) << name;
    }
}

TEST_F(InputTest, ALastLineWithoutItsEndIsTold) {
    Scanner scanner(Input::open(write("cut", "one\ntwo")));
    std::string_view line;
    ASSERT_TRUE(scanner.line(line));
    EXPECT_TRUE(scanner.complete());
    ASSERT_TRUE(scanner.line(line));
    EXPECT_EQ(line, "two");
    EXPECT_FALSE(scanner.complete());
    EXPECT_FALSE(scanner.line(line));
}

TEST_F(InputTest, AnEmptyFileHasNoLines) {
    EXPECT_THAT(lines_of(write("empty", "")), IsEmpty());
}

TEST_F(InputTest, EmptyLinesAreLines) {
    EXPECT_THAT(lines_of(write("empty", "\n\na\n")), ElementsAre("", "", "a"));
}

TEST_F(InputTest, WhatCannotBeReadIsNamedWithItsReason) {
    const auto message_of = [](const std::string& path) -> std::string {
        try {
            Input::open(path);
        } catch (const FileError& error) {
            return error.what();
        }
        return "no error";
    };
    EXPECT_EQ(message_of("/no/such/file"), "cannot read '/no/such/file': No such file or directory");
    EXPECT_THAT(message_of(folder_.path("")), HasSubstr("Is a directory"));
}

TEST_F(InputTest, ACompressedFileThatIsCutGivesWhatCameBefore) {
    const std::string whole = read_text(compressed("a.xz", long_text()));
    const std::string path = write("cut.xz", whole.substr(0, whole.size() / 2));
    std::string trouble;
    const auto lines = lines_of(path, &trouble);
    EXPECT_THAT(trouble, Not(IsEmpty()));
    ASSERT_THAT(lines, Not(IsEmpty()));
    EXPECT_EQ(lines.front(), "line 0");
}

TEST_F(InputTest, ACompressedFileWithDamageEndsThere) {
    std::string whole = read_text(compressed("a.xz", long_text()));
    for (std::size_t i = 0; i < 64; ++i) whole[whole.size() / 2 + i] = static_cast<char>(0x55 + i);
    std::string trouble;
    lines_of(write("damaged.xz", whole), &trouble);
    EXPECT_THAT(trouble, Not(IsEmpty()));
}

TEST_F(InputTest, ALineLongerThanTheLimitIsCutAndSaidToBe) {
    const std::string path = write("long", std::string(300'000, 'x') + "\nnext\n");
    Scanner scanner(Input::open(path), 1000);
    std::string_view line;
    ASSERT_TRUE(scanner.line(line));
    EXPECT_TRUE(scanner.too_long());
    EXPECT_EQ(line.size(), 1000U);
    ASSERT_TRUE(scanner.line(line));
    EXPECT_FALSE(scanner.too_long());
    EXPECT_EQ(line, "next");
    EXPECT_EQ(scanner.position(), 300'006U);
}

TEST_F(InputTest, BytesAndLinesCanBeMixed) {
    Scanner scanner(Input::open(write("mixed", "abcdef\nrest")));
    char head[4] = {};
    EXPECT_EQ(scanner.bytes(head), 4U);
    std::string_view line;
    ASSERT_TRUE(scanner.line(line));
    EXPECT_EQ(line, "ef");
    char tail[10] = {};
    EXPECT_EQ(scanner.bytes(tail), 4U);
}

}  // namespace
}  // namespace tb::trace
