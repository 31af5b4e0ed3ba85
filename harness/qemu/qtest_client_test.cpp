// SPDX-License-Identifier: BSD-3-Clause
#include "harness/qemu/qtest_client.hpp"

#include <gmock/gmock.h>
#include <sys/socket.h>

#include <array>
#include <numeric>

#include "harness/qemu/base64.hpp"
#include "harness/qemu/testing.hpp"

namespace tb::qemu {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using namespace std::chrono_literals;

/// A peer that answers what the test has written beforehand: one thread is enough.
class QtestClientTest : public ::testing::Test {
  protected:
    QtestClientTest()
        : pair_(make_socket_pair()), loop_(nullptr, 50ms), client_(std::move(pair_.ours), loop_) {}

    void will_answer(std::string_view text) {
        ASSERT_EQ(::send(pair_.theirs.get(), text.data(), text.size(), 0), static_cast<ssize_t>(text.size()));
    }
    std::string sent() {
        std::array<char, 4096> text{};
        const ssize_t got = ::recv(pair_.theirs.get(), text.data(), text.size(), MSG_DONTWAIT);
        return got > 0 ? std::string(text.data(), static_cast<std::size_t>(got)) : "";
    }

    SocketPair pair_;
    EventLoop loop_;
    QtestClient client_;
};

TEST_F(QtestClientTest, WritesTheWidthAsALetterAndReadsTheValueBack) {
    will_answer("OK\nOK 0x00000000fee1dead\nOK 0x00ff\n");
    client_.write(0xfebc0000, 8, 0x1122334455667788);
    EXPECT_EQ(client_.read(0xfebc0008, 4), 0xfee1deadU);
    EXPECT_EQ(client_.in(0x3f8, 1), 0xffU);
    EXPECT_EQ(sent(), "writeq 0xfebc0000 0x1122334455667788\nreadl 0xfebc0008\ninb 0x3f8\n");
}

TEST_F(QtestClientTest, KeepsInterruptLinesThatArriveBeforeAReplyInOrder) {
    will_answer("IRQ raise 20\nIRQ lower 20\nIRQ raise 20\nOK\nIRQ lower 20\nIRQ raise 4\nOK little\n");
    client_.write(0, 4, 0);
    EXPECT_TRUE(client_.irq_levels()[20]);
    EXPECT_THAT(client_.take_irq_edges(),
                ElementsAre(IrqEdge{20, true}, IrqEdge{20, false}, IrqEdge{20, true}));
    client_.round_trip();
    EXPECT_FALSE(client_.irq_levels()[20]);
    EXPECT_THAT(client_.take_irq_edges(), ElementsAre(IrqEdge{20, false}, IrqEdge{4, true}));
    EXPECT_THAT(client_.take_irq_edges(), ElementsAre());
}

TEST_F(QtestClientTest, RefusesWhatWouldAbortQemuWithoutSendingIt) {
    using testing::kind_of_error;
    EXPECT_EQ(kind_of_error([&] { client_.in(0x10000, 1); }), ErrorKind::kUnsupported);
    EXPECT_EQ(kind_of_error([&] { client_.out(0x12345678, 4, 0); }), ErrorKind::kUnsupported);
    EXPECT_EQ(kind_of_error([&] { client_.in(0x3f8, 8); }), ErrorKind::kUnsupported);
    EXPECT_EQ(kind_of_error([&] { client_.read(0, 3); }), ErrorKind::kUnsupported);
    EXPECT_EQ(kind_of_error([&] { client_.command(""); }), ErrorKind::kUnsupported);
    EXPECT_EQ(kind_of_error([&] { client_.command("inb  0x80"); }), ErrorKind::kUnsupported);
    EXPECT_EQ(kind_of_error([&] { client_.command("inb 1\ninb 2"); }), ErrorKind::kUnsupported);
    EXPECT_EQ(kind_of_error([&] { client_.clock_step(-1); }), ErrorKind::kUnsupported);
    client_.read_block(0, {});
    client_.fill(0, 0, 0xff);
    EXPECT_EQ(sent(), "");
}

TEST_F(QtestClientTest, ReportsWhatQemuRefusesInItsOwnWords) {
    will_answer("FAIL Unknown command 'clock_step'\nERR invalid argument size\nOK zebra\n");
    std::string message;
    EXPECT_EQ(testing::kind_of_error([&] { client_.clock_step(1); }), ErrorKind::kUnsupported);
    EXPECT_EQ(testing::kind_of_error([&] { client_.fill(0, 1, 0); }, &message), ErrorKind::kProtocol);
    EXPECT_THAT(message, HasSubstr("ERR invalid argument size"));
    EXPECT_EQ(testing::kind_of_error([&] { client_.in(1, 1); }, &message), ErrorKind::kProtocol);
    EXPECT_THAT(message, HasSubstr("zebra"));
}

TEST_F(QtestClientTest, ASilentPeerIsHungAndAClosedOneDied) {
    std::string message;
    EXPECT_EQ(testing::kind_of_error([&] { client_.in(0x80, 1); }, &message), ErrorKind::kHung);
    EXPECT_THAT(message, HasSubstr("inb 0x80"));
    pair_.theirs.reset();
    EXPECT_EQ(testing::kind_of_error([&] { client_.in(0x80, 1); }), ErrorKind::kDied);
}

TEST_F(QtestClientTest, MovesBlocksAsBase64) {
    const std::vector<std::uint8_t> data{'h', 'e', 'l', 'l', 'o'};
    will_answer("OK\nOK aGVsbG8=\n");
    client_.write_block(0x1000, data);
    std::vector<std::uint8_t> back(5);
    client_.read_block(0x2000, back);
    EXPECT_EQ(back, data);
    EXPECT_EQ(sent(), "b64write 0x1000 0x5 aGVsbG8=\nb64read 0x2000 0x5\n");
}

TEST(Base64, ComesBackForEveryLengthAndByte) {
    std::vector<std::uint8_t> data(256);
    std::iota(data.begin(), data.end(), std::uint8_t{0});
    for (std::size_t size = 0; size <= data.size(); ++size) {
        const std::vector<std::uint8_t> part(data.end() - static_cast<std::ptrdiff_t>(size), data.end());
        EXPECT_EQ(base64_decode(base64_encode(part)), part);
    }
    // RFC 4648 §10
    EXPECT_EQ(base64_encode(std::vector<std::uint8_t>{'f', 'o', 'o', 'b'}), "Zm9vYg==");
    for (const char* wrong : {"Zg=", "Z===", "Zg==Zg==", "Zm9v\n", "Z*9v"})
        EXPECT_EQ(testing::kind_of_error([&] { base64_decode(wrong); }), ErrorKind::kProtocol) << wrong;
}

}  // namespace
}  // namespace tb::qemu
