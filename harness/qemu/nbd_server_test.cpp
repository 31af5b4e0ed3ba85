// SPDX-License-Identifier: BSD-3-Clause
#include "harness/qemu/nbd_server.hpp"

#include <gmock/gmock.h>
#include <sys/socket.h>

#include <array>
#include <stdexcept>

#include "harness/qemu/nbd_protocol.hpp"
#include "harness/qemu/testing.hpp"

namespace tb::qemu {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Bytes = std::vector<std::uint8_t>;

constexpr std::uint64_t kDisk = std::uint64_t{64} * 1024;

struct Reply {
    std::uint32_t error;
    std::uint64_t cookie;
    bool operator==(const Reply&) const = default;
};

/// A client that speaks the protocol by hand, on the test's own thread.
class NbdServerTest : public ::testing::Test {
  protected:
    NbdServerTest() : pair_(make_socket_pair()), server_(std::move(pair_.ours), disk_) {
        for (std::size_t i = 0; i < disk_.bytes.size(); ++i)
            disk_.bytes[i] = static_cast<std::uint8_t>(i / 512);
    }

    /// All that the server has to say.
    Bytes received() {
        do {
            server_.pump();
        } while (server_.step());
        Bytes bytes(1 << 20);
        const ssize_t got = ::recv(pair_.theirs.get(), bytes.data(), bytes.size(), MSG_DONTWAIT);
        bytes.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
        return bytes;
    }
    void send(const Bytes& bytes) {
        ASSERT_EQ(::send(pair_.theirs.get(), bytes.data(), bytes.size(), 0),
                  static_cast<ssize_t>(bytes.size()));
    }
    void send_option(std::uint32_t option, std::uint32_t length) {
        Bytes bytes;
        nbd::put(bytes, nbd::kOptionMagic, 8);
        nbd::put(bytes, option, 4);
        nbd::put(bytes, length, 4);
        bytes.resize(bytes.size() + length);
        send(bytes);
    }
    void negotiate() {
        EXPECT_EQ(received().size(), 18U);
        send({0, 0, 0, 3});
        send_option(nbd::kOptGo, 10);
        EXPECT_THAT(received(), ::testing::SizeIs(20 + 12 + 20 + 14 + 20));
    }
    void request(std::uint16_t command, std::uint64_t cookie, std::uint64_t offset, std::uint32_t length,
                 const Bytes& data = {}, std::uint16_t flags = 0) {
        Bytes bytes;
        nbd::put(bytes, nbd::kRequestMagic, 4);
        nbd::put(bytes, flags, 2);
        nbd::put(bytes, command, 2);
        nbd::put(bytes, cookie, 8);
        nbd::put(bytes, NbdServer::window_offset(kDisk) + offset, 8);
        nbd::put(bytes, length, 4);
        bytes.insert(bytes.end(), data.begin(), data.end());
        send(bytes);
    }
    /// Replies without payload.
    std::vector<Reply> replies() {
        const Bytes bytes = received();
        EXPECT_EQ(bytes.size() % 16, 0U);
        std::vector<Reply> result;
        for (std::size_t at = 0; at + 16 <= bytes.size(); at += 16)
            result.push_back(
                {static_cast<std::uint32_t>(nbd::get(bytes, at + 4, 4)), nbd::get(bytes, at + 8, 8)});
        return result;
    }

    testing::MemoryDisk disk_{kDisk};
    SocketPair pair_;
    NbdServer server_;
};

TEST_F(NbdServerTest, RefusesOptionsThatItDoesNotKnowAndGoesOn) {
    received();
    send({0, 0, 0, 3});
    constexpr std::uint32_t kStructuredReply = 8;
    send_option(kStructuredReply, 0);
    const Bytes answer = received();
    ASSERT_EQ(answer.size(), 20U);
    EXPECT_EQ(nbd::get(answer, 0, 8), nbd::kOptionReplyMagic);
    EXPECT_EQ(nbd::get(answer, 8, 4), kStructuredReply);
    EXPECT_EQ(nbd::get(answer, 12, 4), nbd::kRepErrUnsupported);
    send_option(nbd::kOptGo, 10);
    EXPECT_FALSE(received().empty());
}

TEST_F(NbdServerTest, TakesTheOldWayIntoTheTransmissionPhase) {
    received();
    send({0, 0, 0, 1});
    send_option(nbd::kOptExportName, 4);
    EXPECT_EQ(received().size(), 8U + 2 + 124);
    request(nbd::kCmdFlush, 1, 0, 0);
    EXPECT_THAT(replies(), ElementsAre(Reply{0, 1}));
}

TEST_F(NbdServerTest, ServesReadsAndWritesInOrder) {
    negotiate();
    request(nbd::kCmdWrite, 7, 1024, 4, {1, 2, 3, 4});
    request(nbd::kCmdRead, 8, 1022, 6);
    const Bytes bytes = received();
    ASSERT_EQ(bytes.size(), 16U + 16 + 6);
    EXPECT_EQ(nbd::get(bytes, 8, 8), 7U);
    EXPECT_EQ(nbd::get(bytes, 24, 8), 8U);
    EXPECT_THAT(Bytes(bytes.end() - 6, bytes.end()), ElementsAre(1, 1, 1, 2, 3, 4));
    EXPECT_THAT(server_.take_requests(), ElementsAre(BlockRequest{BlockOperation::kWrite, 1024, 4},
                                                     BlockRequest{BlockOperation::kRead, 1022, 6}));
}

TEST_F(NbdServerTest, AnswersOneRequestAStepAndNoneWhenPumped) {
    negotiate();
    request(nbd::kCmdFlush, 1, 0, 0);
    request(nbd::kCmdFlush, 2, 0, 0);
    server_.pump();
    EXPECT_EQ(disk_.flushes, 0);
    EXPECT_TRUE(server_.step());
    EXPECT_EQ(disk_.flushes, 1);
    EXPECT_TRUE(server_.step());
    EXPECT_FALSE(server_.step());
    EXPECT_THAT(replies(), ElementsAre(Reply{0, 1}, Reply{0, 2}));
}

TEST_F(NbdServerTest, AssemblesARequestThatArrivesInPieces) {
    negotiate();
    Bytes bytes;
    nbd::put(bytes, nbd::kRequestMagic, 4);
    nbd::put(bytes, nbd::kCmdWrite, 4);
    nbd::put(bytes, 99, 8);
    nbd::put(bytes, NbdServer::window_offset(kDisk), 8);
    nbd::put(bytes, 2, 4);
    nbd::put(bytes, 0xaabb, 2);
    for (const std::uint8_t byte : bytes) {
        EXPECT_THAT(received(), IsEmpty());
        send({byte});
    }
    EXPECT_THAT(replies(), ElementsAre(Reply{0, 99}));
    EXPECT_EQ(disk_.bytes[0], 0xaa);
    EXPECT_EQ(disk_.bytes[1], 0xbb);
}

TEST_F(NbdServerTest, PassesTheBackendsErrorOn) {
    negotiate();
    disk_.error = EIO;
    request(nbd::kCmdRead, 1, 0, 512);
    EXPECT_THAT(replies(), ElementsAre(Reply{EIO, 1}));
    disk_.error = ENOSPC;
    request(nbd::kCmdWrite, 2, 0, 1, {0});
    EXPECT_THAT(replies(), ElementsAre(Reply{ENOSPC, 2}));
    disk_.error = EBADF;  // the protocol has no number for it
    request(nbd::kCmdFlush, 3, 0, 0);
    EXPECT_THAT(replies(), ElementsAre(Reply{EIO, 3}));
}

TEST_F(NbdServerTest, RefusesWhatLiesOutsideTheDisk) {
    negotiate();
    request(nbd::kCmdRead, 1, std::uint64_t{0} - 512, 512);
    request(nbd::kCmdRead, 2, kDisk - 512, 1024);
    request(/*no such command*/ 77, 3, 0, 0);
    EXPECT_THAT(replies(), ElementsAre(Reply{EINVAL, 1}, Reply{EINVAL, 2}, Reply{EINVAL, 3}));
}

TEST_F(NbdServerTest, CarriesDiscardZeroesAndForcedUnitAccess) {
    negotiate();
    request(nbd::kCmdTrim, 1, 0, 4096);
    request(nbd::kCmdWriteZeroes, 2, 512, 512);
    request(nbd::kCmdWrite, 3, 0, 1, {0xff}, nbd::kCmdFlagFua);
    EXPECT_THAT(replies(), ElementsAre(Reply{0, 1}, Reply{0, 2}, Reply{0, 3}));
    EXPECT_EQ(disk_.discards, 1);
    EXPECT_EQ(disk_.bytes[512], 0);
    EXPECT_EQ(disk_.flushes, 1);
}

TEST_F(NbdServerTest, HeldRequestsAreAnsweredInTheOrderOfTheirRelease) {
    negotiate();
    server_.hold(true);
    for (std::uint64_t i = 0; i < 4; ++i)
        request(nbd::kCmdWrite, i, 512 * i, 1, {static_cast<std::uint8_t>(0xa0 + i)});
    EXPECT_THAT(replies(), IsEmpty());
    ASSERT_EQ(server_.held().size(), 4U);
    EXPECT_EQ(server_.held()[2].offset, 1024U);
    EXPECT_EQ(disk_.bytes[1024], 2) << "a held write must not have happened";

    server_.release_one(2);
    server_.fail_one(0, EIO);
    EXPECT_THAT(replies(), ElementsAre(Reply{0, 2}, Reply{EIO, 0}));
    EXPECT_EQ(disk_.bytes[1024], 0xa2);
    EXPECT_EQ(disk_.bytes[0], 0) << "a failed write must not have happened";
    EXPECT_THROW(server_.release_one(2), std::out_of_range);

    server_.hold(false);
    EXPECT_THAT(replies(), ElementsAre(Reply{0, 1}, Reply{0, 3}));
}

TEST_F(NbdServerTest, ClosesOnRubbishAndOnDisconnect) {
    negotiate();
    request(nbd::kCmdDisconnect, 0, 0, 0);
    server_.pump();
    EXPECT_EQ(server_.fd(), -1);

    SocketPair other = make_socket_pair();
    NbdServer server(std::move(other.ours), disk_);
    server.pump();
    const Bytes rubbish(64, 0x5a);
    ASSERT_EQ(::send(other.theirs.get(), rubbish.data(), rubbish.size(), 0), 64);
    server.pump();
    EXPECT_EQ(server.fd(), -1);
}

TEST_F(NbdServerTest, SaysThatADiskIsReadOnly) {
    disk_.write_protected = true;
    received();
    send({0, 0, 0, 3});
    send_option(nbd::kOptGo, 10);
    const Bytes answer = received();
    EXPECT_NE(nbd::get(answer, 20 + 10, 2) & nbd::kTransReadOnly, 0U);
}

}  // namespace
}  // namespace tb::qemu
