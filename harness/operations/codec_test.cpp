// SPDX-License-Identifier: BSD-3-Clause
#include "harness/operations/codec.hpp"

#include <gtest/gtest.h>

namespace tb::harness {
namespace {

Bytes bytes_of(std::initializer_list<unsigned> values) {
    Bytes bytes;
    for (const unsigned value : values) bytes.push_back(static_cast<std::byte>(value));
    return bytes;
}

NamedValues one_of_each() {
    return {{"number", std::uint64_t{0x123456789abcdef0}},
            {"flag", true},
            {"text", std::string("msix")},
            {"data", bytes_of({0, 1, 0xff})},
            {"pieces", std::vector<Bytes>{bytes_of({1}), {}, bytes_of({2, 3})}},
            {"texts", std::vector<std::string>{"04.0 1af4:1042", ""}},
            {"numbers", std::vector<std::uint64_t>{512, 0, ~std::uint64_t{0}}}};
}

bool same(const NamedValues& left, const NamedValues& right) {
    return std::equal(left.begin(), left.end(), right.begin(), right.end());
}

TEST(Codec, ACallComesBackAsItWas) {
    const auto call = decode_call(encode(Call{"blk.write", Arguments(one_of_each())}));
    ASSERT_TRUE(call);
    EXPECT_EQ(call->operation, "blk.write");
    EXPECT_TRUE(same(call->arguments.all(), one_of_each()));
}

TEST(Codec, OutcomesComeBackWithStatusAndResults) {
    const auto success = decode_outcome(encode(Outcome{{}, one_of_each()}));
    ASSERT_TRUE(success);
    EXPECT_TRUE(success->status);
    EXPECT_TRUE(same(success->results, one_of_each()));
    for (unsigned i = 0; i <= static_cast<unsigned>(hal::Error::kNotStarted); ++i) {
        const auto error = static_cast<hal::Error>(i);
        const auto failure = decode_outcome(encode(Outcome{error, {}}));
        ASSERT_TRUE(failure);
        ASSERT_FALSE(failure->status);
        EXPECT_EQ(failure->status.error(), error);
    }
}

TEST(Codec, WhatIsCutShortIsNothing) {
    const Bytes call = encode(Call{"net.send", Arguments(one_of_each())});
    const Bytes outcome = encode(Outcome{{}, one_of_each()});
    for (std::size_t size = 0; size < call.size(); ++size)
        EXPECT_FALSE(decode_call(std::span(call).first(size))) << size;
    for (std::size_t size = 0; size < outcome.size(); ++size)
        EXPECT_FALSE(decode_outcome(std::span(outcome).first(size))) << size;
}

TEST(Codec, WhatIsTooLongIsNothing) {
    Bytes outcome = encode(Outcome{{}, one_of_each()});
    outcome.push_back(std::byte{0});
    EXPECT_FALSE(decode_outcome(outcome));
}

TEST(Codec, CountsThatTheBytesCannotHoldAreRefused) {
    // Success, and four thousand million results in the two bytes that follow.
    EXPECT_FALSE(decode_outcome(bytes_of({0xff, 0xff, 0xff, 0xff, 0xff, 0, 0})));
    // One result "n", a list of numbers of that length.
    EXPECT_FALSE(decode_outcome(bytes_of({0xff, 1, 0, 0, 0, 1, 0, 0, 0, 'n', 6, 0xff, 0xff, 0xff, 0xff})));
}

TEST(Codec, KindsAndErrorsThatThereAreNotAreRefused) {
    EXPECT_FALSE(decode_outcome(bytes_of({0x7f, 0, 0, 0, 0}))) << "an error";
    EXPECT_FALSE(decode_outcome(bytes_of({0xff, 1, 0, 0, 0, 1, 0, 0, 0, 'n', 7}))) << "a kind of value";
    EXPECT_FALSE(decode_outcome(bytes_of({0xff, 1, 0, 0, 0, 1, 0, 0, 0, 'n', 1, 2}))) << "a flag of 2";
}

TEST(Codec, OneNameTwiceIsRefused) {
    const Bytes twice = bytes_of({0xff, 2, 0, 0, 0, 1, 0, 0, 0, 'n', 1, 1, 1, 0, 0, 0, 'n', 1, 1});
    EXPECT_FALSE(decode_outcome(twice));
}

}  // namespace
}  // namespace tb::harness
