// SPDX-License-Identifier: BSD-3-Clause
#include "harness/bench/peer.hpp"

#include <gmock/gmock.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "harness/kernel/bench/pattern.hpp"

namespace tb::bench {
namespace {

using ::testing::ElementsAre;
namespace pattern = kernel::bench;

using Bytes = std::vector<std::uint8_t>;

/// The guest's side of wire and line.
class PeerTest : public ::testing::Test {
  protected:
    PeerTest() : wire_(qemu::make_socket_pair()), line_(qemu::make_socket_pair()) {
        peer_ = std::make_unique<Peer>(std::move(wire_.theirs), std::move(line_.theirs));
    }

    static Bytes frame(std::uint32_t number, std::size_t bytes) {
        Bytes frame(bytes);
        for (std::size_t i = pattern::kBodyOffset; i < bytes; ++i) frame[i] = pattern::frame_byte(i);
        frame[pattern::kTypeOffset] = pattern::kFrameType >> 8;
        frame[pattern::kTypeOffset + 1] = pattern::kFrameType & 0xff;
        std::memcpy(&frame[pattern::kSequenceOffset], &number, sizeof number);
        return frame;
    }
    void send(const Bytes& frame) {
        Bytes whole{0, 0, static_cast<std::uint8_t>(frame.size() >> 8),
                    static_cast<std::uint8_t>(frame.size())};
        whole.insert(whole.end(), frame.begin(), frame.end());
        write(wire_.ours.get(), whole);
    }
    static void write(int fd, const Bytes& bytes) {
        for (std::size_t done = 0; done < bytes.size();) {
            pollfd ready{fd, POLLOUT, 0};
            ASSERT_GT(::poll(&ready, 1, kLimitMs), 0);
            const ssize_t sent = ::send(fd, bytes.data() + done, bytes.size() - done, MSG_NOSIGNAL);
            if (sent > 0) done += static_cast<std::size_t>(sent);
        }
    }
    /// The next frame from the peer; empty when none comes.
    Bytes receive() {
        const Bytes length = take(4);
        if (length.size() < 4) return {};
        return take(std::size_t{length[2]} << 8 | length[3]);
    }
    Bytes take(std::size_t count) {
        Bytes bytes(count);
        std::size_t done = 0;
        while (done < count) {
            pollfd ready{wire_.ours.get(), POLLIN, 0};
            if (::poll(&ready, 1, kLimitMs) <= 0) return {};
            const ssize_t got = ::recv(wire_.ours.get(), bytes.data() + done, count - done, 0);
            if (got > 0) done += static_cast<std::size_t>(got);
        }
        return bytes;
    }
    /// What the peer has counted, once `enough` of it; its thread takes a moment.
    PeerCounts counts(const std::function<bool(const PeerCounts&)>& enough) {
        const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(kLimitMs);
        PeerCounts counts = peer_->counts();
        while (!enough(counts) && std::chrono::steady_clock::now() < deadline) {
            std::this_thread::yield();
            counts = peer_->counts();
        }
        return counts;
    }
    PeerCounts counts_of_frames(std::uint64_t frames) {
        return counts([&](const PeerCounts& c) { return c.frames >= frames; });
    }

    static constexpr int kLimitMs = 10'000;
    qemu::SocketPair wire_;
    qemu::SocketPair line_;
    std::unique_ptr<Peer> peer_;
};

TEST_F(PeerTest, CountsFramesAndFindsThemGood) {
    for (std::uint32_t i = 0; i < 10; ++i) send(frame(i, i % 2 == 0 ? 60 : 1514));
    const PeerCounts counts = counts_of_frames(10);
    EXPECT_EQ(counts.frames, 10u);
    EXPECT_EQ(counts.damaged, 0u);
    EXPECT_GT(counts.first_ns, 0);
    EXPECT_GE(counts.last_ns, counts.first_ns);
    EXPECT_LT(counts.frames_behind_first, 10u);
}

TEST_F(PeerTest, SeesDamageLossAndDoubles) {
    Bytes damaged = frame(0, 60);
    damaged[40] ^= 1;
    send(damaged);
    send(frame(1, 60));
    send(frame(1, 60));
    EXPECT_EQ(counts_of_frames(3).damaged, 2u);
    peer_->reset();
    send(frame(0, 60));
    send(frame(2, 60));
    EXPECT_EQ(counts_of_frames(2).damaged, 1u);
}

TEST_F(PeerTest, FramesOfOthersAreCountedAndNotJudged) {
    send(Bytes(60, 0x55));
    const PeerCounts counts = counts_of_frames(1);
    EXPECT_EQ(counts.frames, 1u);
    EXPECT_EQ(counts.damaged, 0u);
}

TEST_F(PeerTest, ConfirmsASendersFrames) {
    for (std::uint32_t i = 0; i < pattern::kConfirmedFrames; ++i) send(frame(i, 60));
    const Bytes confirmation = receive();
    ASSERT_EQ(confirmation.size(), 60u);
    EXPECT_EQ(confirmation[12] << 8 | confirmation[13], pattern::kConfirmationType);
    std::uint32_t number = 0;
    std::memcpy(&number, &confirmation[pattern::kSequenceOffset], sizeof number);
    EXPECT_EQ(number, pattern::kConfirmedFrames);
}

TEST_F(PeerTest, AnswersWhoAsksForItsAddress) {
    Bytes request(42);
    std::fill_n(request.begin(), 6, 0xff);
    std::copy(pattern::kGuestMac.begin(), pattern::kGuestMac.end(), request.begin() + 6);
    const std::array<std::uint8_t, 10> arp{0x08, 0x06, 0, 1, 8, 0, 6, 4, 0, 1};
    std::copy(arp.begin(), arp.end(), request.begin() + 12);
    std::copy(pattern::kGuestMac.begin(), pattern::kGuestMac.end(), request.begin() + 22);
    std::copy(pattern::kGuestIp.begin(), pattern::kGuestIp.end(), request.begin() + 28);
    std::copy(pattern::kPeerIp.begin(), pattern::kPeerIp.end(), request.begin() + 38);
    send(request);
    const Bytes answer = receive();
    ASSERT_EQ(answer.size(), 60u);
    const auto part = [&](std::size_t at, std::size_t bytes) {
        return Bytes(answer.begin() + static_cast<std::ptrdiff_t>(at),
                     answer.begin() + static_cast<std::ptrdiff_t>(at + bytes));
    };
    EXPECT_THAT(part(0, 6), ElementsAre(0x52, 0x54, 0x00, 0x12, 0x34, 0x56));
    EXPECT_THAT(part(20, 2), ElementsAre(0, 2));
    EXPECT_THAT(part(22, 6), ElementsAre(2, 0, 0, 0, 0, 1));
    EXPECT_THAT(part(28, 4), ElementsAre(10, 0, 2, 2));
    EXPECT_THAT(part(32, 6), ElementsAre(0x52, 0x54, 0x00, 0x12, 0x34, 0x56));
    EXPECT_THAT(part(38, 4), ElementsAre(10, 0, 2, 15));
    EXPECT_EQ(peer_->counts().frames, 0u);
}

/// The sum of a message with its checksum is all ones (RFC 1071).
std::uint32_t ones_sum(const Bytes& frame, std::size_t from) {
    std::uint32_t sum = 0;
    for (std::size_t i = from; i < frame.size(); i += 2) sum += std::uint32_t{frame[i]} << 8 | frame[i + 1];
    while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
    return sum;
}

TEST_F(PeerTest, AnswersEchoRequestsWithAGoodChecksum) {
    for (const std::uint8_t filler : {std::uint8_t{0x00}, std::uint8_t{0xff}, std::uint8_t{0x5a}}) {
        Bytes request(pattern::kEchoBytes, filler);
        std::copy(pattern::kPeerMac.begin(), pattern::kPeerMac.end(), request.begin());
        std::copy(pattern::kGuestMac.begin(), pattern::kGuestMac.end(), request.begin() + 6);
        request[12] = 0x08;
        request[13] = 0x00;
        request[14] = 0x45;
        request[23] = 1;
        std::copy(pattern::kGuestIp.begin(), pattern::kGuestIp.end(), request.begin() + 26);
        std::copy(pattern::kPeerIp.begin(), pattern::kPeerIp.end(), request.begin() + 30);
        request[34] = 8;
        request[35] = 0;
        request[36] = request[37] = 0;
        const std::uint32_t sum = ~ones_sum(request, 34) & 0xffff;
        request[36] = static_cast<std::uint8_t>(sum >> 8);
        request[37] = static_cast<std::uint8_t>(sum);
        send(request);
        const Bytes answer = receive();
        ASSERT_EQ(answer.size(), request.size());
        EXPECT_EQ(answer[34], 0);
        EXPECT_EQ(ones_sum(answer, 34), 0xffffu);
        EXPECT_TRUE(std::equal(answer.begin() + 38, answer.end(), request.begin() + 38));
        EXPECT_TRUE(std::equal(answer.begin(), answer.begin() + 6, pattern::kGuestMac.begin()));
        EXPECT_TRUE(std::equal(answer.begin() + 30, answer.begin() + 34, pattern::kGuestIp.begin()));
    }
}

TEST_F(PeerTest, FloodsInOrderUntilItIsStopped) {
    peer_->flood(60);
    for (std::uint32_t i = 0; i < 1000; ++i) {
        const Bytes one = receive();
        ASSERT_EQ(one.size(), 60u);
        const Bytes expected = frame(i, 60);
        ASSERT_TRUE(std::equal(one.begin() + 12, one.end(), expected.begin() + 12)) << i;
    }
    peer_->flood(0);
    EXPECT_GE(counts([](const PeerCounts& c) { return c.flooded >= 1000; }).flooded, 1000u - 16);
}

TEST_F(PeerTest, ChecksCharacters) {
    Bytes text(1000);
    for (std::size_t i = 0; i < text.size(); ++i) text[i] = pattern::serial_byte(i);
    text[999] ^= 0x80;
    write(line_.ours.get(), text);
    const PeerCounts seen = counts([](const PeerCounts& c) { return c.serial_bytes >= 1000; });
    EXPECT_EQ(seen.serial_bytes, 1000u);
    EXPECT_EQ(seen.serial_damaged, 1u);
}

TEST_F(PeerTest, EndsWhenTheGuestIsGone) {
    wire_.ours.reset();
    line_.ours.reset();
    peer_.reset();
}

}  // namespace
}  // namespace tb::bench
