// SPDX-License-Identifier: BSD-3-Clause
#include "harness/scenario/expression.hpp"

#include <gmock/gmock.h>

namespace tb::scenario {
namespace {

using ::testing::HasSubstr;

std::uint64_t value_of(std::string_view text) {
    return evaluate(text, [](const std::string& name) -> std::optional<std::uint64_t> {
        if (name == "ring") return 0x1000;
        if (name == "msi.data") return 7;
        return std::nullopt;
    });
}

template <class Act>
std::string objection(Act&& act) {
    try {
        act();
    } catch (const ValueError& error) {
        return error.what();
    }
    return "(none)";
}

std::string objection_to(std::string_view text) {
    return objection([&] { value_of(text); });
}

TEST(Expression, ReadsNumbersAndNames) {
    EXPECT_EQ(value_of("42"), 42U);
    EXPECT_EQ(value_of("0x1F"), 31U);
    EXPECT_EQ(value_of("18446744073709551615"), ~std::uint64_t{0});
    EXPECT_EQ(value_of("=ring"), 0x1000U) << "an equals sign in front is allowed";
    EXPECT_EQ(value_of("msi.data + 1"), 8U);
}

TEST(Expression, BindsAsInC) {
    EXPECT_EQ(value_of("2 + 3 * 4"), 14U);
    EXPECT_EQ(value_of("(2 + 3) * 4"), 20U);
    EXPECT_EQ(value_of("20 - 5 - 3"), 12U) << "from the left";
    EXPECT_EQ(value_of("100 / 10 / 2"), 5U);
    EXPECT_EQ(value_of("17 % 5"), 2U);
    EXPECT_EQ(value_of("1 << 4 + 1"), 32U) << "sums before shifts";
    EXPECT_EQ(value_of("0xf0 >> 4 & 3"), 3U) << "shifts before and";
    EXPECT_EQ(value_of("1 | 6 & 4"), 5U);
    EXPECT_EQ(value_of("1 | 3 ^ 1"), 3U);
    EXPECT_EQ(value_of("6 ^ 3 & 1"), 7U);
}

TEST(Expression, HasSignAndComplement) {
    EXPECT_EQ(value_of("-1"), ~std::uint64_t{0});
    EXPECT_EQ(value_of("~0xff & 0xfff"), 0xf00U);
    EXPECT_EQ(value_of("- -3"), 3U);
    EXPECT_EQ(value_of("1 << 64"), 0U) << "all bits are gone, where C leaves it undefined";
}

TEST(Expression, SaysWhatIsWrong) {
    EXPECT_THAT(objection_to(""), HasSubstr("missing at the end"));
    EXPECT_THAT(objection_to("1 +"), HasSubstr("missing at the end"));
    EXPECT_THAT(objection_to("(1"), HasSubstr("a ')' is missing"));
    EXPECT_THAT(objection_to("1 2"), HasSubstr("'2' is not expected here"));
    EXPECT_THAT(objection_to("1 + $"), HasSubstr("'$' is not expected here"));
    EXPECT_THAT(objection_to("12ab"), HasSubstr("'a' is not part of a number"));
    EXPECT_THAT(objection_to("0x"), HasSubstr("malformed"));
    EXPECT_THAT(objection_to("18446744073709551616"), HasSubstr("64 bits"));
    EXPECT_THAT(objection_to("1 / (2 - 2)"), HasSubstr("division by zero"));
    EXPECT_THAT(objection_to("1 % 0"), HasSubstr("division by zero"));
    EXPECT_THAT(objection_to("rnig + 1"), HasSubstr("'rnig' has no value here"));
    EXPECT_THAT(objection_to("1 +"), HasSubstr("'1 +'")) << "and quotes the expression";
}

TEST(Expression, EndsOnDeepNesting) {
    EXPECT_THAT(objection_to(std::string(100'000, '(')), HasSubstr("too deeply"));
    EXPECT_THAT(objection_to(std::string(100'000, '-') + "1"), HasSubstr("too deeply"));
    EXPECT_EQ(value_of(std::string(50, '(') + "1" + std::string(50, ')')), 1U);
}

TEST(Expression, ManySignsInALongSumAreNoNesting) {
    std::string sum = "0";
    for (int i = 0; i < 500; ++i) sum += " + ~~1";
    EXPECT_EQ(value_of(sum), 500U);
}

TEST(Duration, IsANumberWithAUnit) {
    EXPECT_EQ(parse_duration("10ns"), 10U);
    EXPECT_EQ(parse_duration("5us"), 5'000U);
    EXPECT_EQ(parse_duration("1.5ms"), 1'500'000U);
    EXPECT_EQ(parse_duration("2s"), 2'000'000'000U);
    EXPECT_EQ(parse_duration("0s"), 0U);
    EXPECT_EQ(parse_duration("347.222us"), 347'222U);
}

TEST(Duration, SaysWhatIsWrong) {
    for (const char* text : {"", "10", "ms", "10 ms", "1.2.3s", "-1s", "10m", "1e3ns", "."})
        EXPECT_THAT(objection([&] { parse_duration(text); }), HasSubstr("write a number and a unit")) << text;
}

TEST(Duration, ThatDoesNotFitIsRefused) {
    EXPECT_THAT(objection([] { parse_duration("99999999999999999999s"); }), HasSubstr("not a duration"));
    EXPECT_THAT(objection([] { parse_duration("500000000000s"); }), HasSubstr("not a duration"))
        << "beyond 64 bits of ns";
}

}  // namespace
}  // namespace tb::scenario
