// SPDX-License-Identifier: BSD-3-Clause
#include "models/serial/char_stream.hpp"

#include <gtest/gtest.h>

#include <string>

namespace tb::model::serial {
namespace {

class Sink : public CharDevice {
  public:
    std::size_t can_receive() const override { return room; }
    void receive(std::span<const std::byte> characters) override {
        ASSERT_LE(characters.size(), room);
        for (const std::byte b : characters) text.push_back(static_cast<char>(b));
        text.push_back('|');
        room -= characters.size();
    }
    void receive_break() override { text += "<break>"; }
    void output_ready() override { ++ready; }

    std::size_t room = 0;
    std::string text;
    int ready = 0;
};

class CharStreamTest : public ::testing::Test {
  protected:
    CharStreamTest() { stream_.connect(sink_); }
    void type(std::string_view text) { stream_.type(std::as_bytes(std::span(text.data(), text.size()))); }

    Sink sink_;
    CharStream stream_;
};

TEST_F(CharStreamTest, WhatIsTypedWaitsForRoomAndComesInPieces) {
    type("abcdef");
    EXPECT_EQ(sink_.text, "");
    EXPECT_EQ(stream_.waiting(), 6u);
    sink_.room = 4;
    stream_.room();
    EXPECT_EQ(sink_.text, "abcd|");
    sink_.room = 4;
    stream_.room();
    EXPECT_EQ(sink_.text, "abcd|ef|");
}

TEST_F(CharStreamTest, ABreakKeepsItsPlaceAmongTheCharacters) {
    type("ab");
    stream_.send_break();
    type("c");
    sink_.room = 10;
    stream_.room();
    EXPECT_EQ(sink_.text, "ab|<break>c|");
}

TEST_F(CharStreamTest, ABreakNeedsNoRoom) {
    stream_.send_break();
    EXPECT_EQ(sink_.text, "<break>");
}

TEST_F(CharStreamTest, KeepsWhatIsSentUntilItIsTaken) {
    EXPECT_EQ(stream_.send(std::byte{'x'}), Sent::kTaken);
    EXPECT_EQ(stream_.take_output(), std::vector<std::byte>{std::byte{'x'}});
    EXPECT_TRUE(stream_.take_output().empty());
}

TEST_F(CharStreamTest, ABlockedOneTakesNothingAndSaysWhenItDoesAgain) {
    stream_.block(true);
    EXPECT_EQ(stream_.send(std::byte{'x'}), Sent::kWouldBlock);
    EXPECT_EQ(sink_.ready, 0);
    stream_.block(false);
    EXPECT_EQ(sink_.ready, 1);
    stream_.set_present(false);
    EXPECT_EQ(stream_.send(std::byte{'x'}), Sent::kLost);
    EXPECT_TRUE(stream_.take_output().empty());
}

TEST_F(CharStreamTest, ResetKeepsOnlyTheConnection) {
    type("abc");
    stream_.set_modem_inputs({});
    stream_.set_break(true);
    stream_.block(true);
    stream_.reset();
    EXPECT_EQ(stream_.waiting(), 0u);
    EXPECT_FALSE(stream_.has_modem_lines());
    EXPECT_FALSE(stream_.break_on());
    sink_.room = 1;
    type("z");
    EXPECT_EQ(sink_.text, "z|");
}

}  // namespace
}  // namespace tb::model::serial
