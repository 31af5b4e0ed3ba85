// SPDX-License-Identifier: BSD-3-Clause
#include "harness/scenario/pattern.hpp"

#include <gmock/gmock.h>

#include "harness/scenario/expression.hpp"

namespace tb::scenario {
namespace {

using ::testing::HasSubstr;

std::string hex(std::string_view pattern) {
    static constexpr char kDigits[] = "0123456789abcdef";
    std::string out;
    for (const std::byte b : expand_pattern(pattern)) {
        out += kDigits[static_cast<unsigned>(b) >> 4];
        out += kDigits[static_cast<unsigned>(b) & 15];
    }
    return out;
}

std::string objection_to(std::string_view pattern) {
    try {
        expand_pattern(pattern);
    } catch (const ValueError& error) {
        return error.what();
    }
    return "(none)";
}

TEST(Pattern, HexBytes) {
    EXPECT_EQ(hex("5a"), "5a");
    EXPECT_EQ(hex("0011 22fF"), "001122ff");
    EXPECT_EQ(hex("5a*3"), "5a5a5a");
    EXPECT_EQ(hex("0102*2 ff"), "01020102ff");
}

TEST(Pattern, Nothing) {
    EXPECT_EQ(hex(""), "");
    EXPECT_EQ(hex("   "), "");
    EXPECT_EQ(hex("5a*0"), "");
    EXPECT_EQ(hex("count:0"), "");
}

TEST(Pattern, Text) {
    EXPECT_EQ(hex("'hello'"), "68656c6c6f");
    EXPECT_EQ(hex("'a b'*2"), "612062612062");
    EXPECT_EQ(hex(R"('\n\r\\\'\x7f')"), "0a0d5c277f");
    EXPECT_EQ(hex("''"), "");
}

TEST(Pattern, Counting) {
    EXPECT_EQ(hex("count:4"), "00010203");
    const auto bytes = expand_pattern("count:300");
    ASSERT_EQ(bytes.size(), 300U);
    EXPECT_EQ(bytes[255], std::byte{255});
    EXPECT_EQ(bytes[256], std::byte{0});
}

TEST(Pattern, RandomIsTheSameEverywhereAndALongerOneGoesOn) {
    EXPECT_EQ(hex("random:0:8"), "afcd1d7b39a820e2")
        << "splitmix64's first output for seed 0, low byte first";
    EXPECT_EQ(hex("random:7:20").substr(0, 26), hex("random:7:13"));
    EXPECT_NE(hex("random:7:8"), hex("random:8:8"));
}

TEST(Pattern, SectorsHoldTheirNumber) {
    const auto bytes = expand_pattern("lba:258:2");
    ASSERT_EQ(bytes.size(), 1024U);
    EXPECT_EQ(bytes[0], std::byte{2});
    EXPECT_EQ(bytes[1], std::byte{1});
    EXPECT_EQ(bytes[8], std::byte{2}) << "64 times";
    EXPECT_EQ(bytes[512], std::byte{3});
}

TEST(Pattern, TermsFollowOneAnother) {
    EXPECT_EQ(hex("01 'A'*2 count:2 ff*2"), "0141410001ffff");
}

TEST(Pattern, SaysWhatIsWrongAndWhere) {
    EXPECT_THAT(objection_to("5"), HasSubstr("two hex digits make a byte"));
    EXPECT_THAT(objection_to("zz"), HasSubstr("character 1"));
    EXPECT_THAT(objection_to("00 11 gg"), HasSubstr("character 7"));
    EXPECT_THAT(objection_to("5a*"), HasSubstr("a number is missing after '*'"));
    EXPECT_THAT(objection_to("5a*x"), HasSubstr("a number is missing after '*'"));
    EXPECT_THAT(objection_to("5a*2x"), HasSubstr("a space must separate terms"));
    EXPECT_THAT(objection_to("'open"), HasSubstr("a quote is not closed"));
    EXPECT_THAT(objection_to("'open\\"), HasSubstr("a quote is not closed"));
    EXPECT_THAT(objection_to("'\\xg0'"), HasSubstr("two hex digits"));
    EXPECT_THAT(objection_to("'a''b'"), HasSubstr("a space must separate terms"));
    EXPECT_THAT(objection_to("count:"), HasSubstr("a number is missing"));
    EXPECT_THAT(objection_to("random:7"), HasSubstr("a second number"));
    EXPECT_THAT(objection_to("lba:1:"), HasSubstr("a number is missing"));
    EXPECT_THAT(objection_to("counting"), HasSubstr("terms are hex bytes")) << "and lists what there is";
}

TEST(Pattern, DoesNotGrowWithoutBound) {
    EXPECT_THAT(objection_to("5a*16777217"), HasSubstr("16 MiB"));
    EXPECT_THAT(objection_to("5a*18446744073709551615"), HasSubstr("16 MiB"));
    EXPECT_THAT(objection_to("count:16777217"), HasSubstr("16 MiB"));
    EXPECT_THAT(objection_to("lba:0:32769"), HasSubstr("16 MiB"));
    EXPECT_THAT(objection_to("random:1:99999999999"), HasSubstr("16 MiB"));
    EXPECT_THAT(objection_to("count:9000000 count:9000000"), HasSubstr("16 MiB"));
    EXPECT_EQ(expand_pattern("5a*16777216").size(), 16U << 20);
}

}  // namespace
}  // namespace tb::scenario
