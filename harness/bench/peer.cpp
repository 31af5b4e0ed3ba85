// SPDX-License-Identifier: BSD-3-Clause
#include "harness/bench/peer.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>

#include "harness/kernel/bench/pattern.hpp"

namespace tb::bench {

namespace {

namespace pattern = kernel::bench;

constexpr std::size_t kInputBytes = std::size_t{1} << 20;
constexpr std::size_t kLengthBytes = 4;
constexpr std::size_t kLongestFrame = 65'536;
/// Of a flood: written at once. QEMU's e1000 drops what is queued for it when the ring fills while the queue
/// is emptied, so there must never be more in the queue than a driver gives back at a time (Linux: 16).
constexpr std::uint32_t kBatch = 16;
/// Room in the socket beside a batch, for what the system keeps with it.
constexpr std::size_t kSocketOverhead = 512;
constexpr std::size_t kShortestIp = 14 + 20 + 8;

std::int64_t now_ns() {
    return std::chrono::nanoseconds(std::chrono::steady_clock::now().time_since_epoch()).count();
}

std::uint32_t big32(const std::uint8_t* at) {
    return std::uint32_t{at[0]} << 24 | std::uint32_t{at[1]} << 16 | std::uint32_t{at[2]} << 8 | at[3];
}
std::uint16_t big16(const std::uint8_t* at) {
    return static_cast<std::uint16_t>(at[0] << 8 | at[1]);
}
void put_big32(std::uint8_t* at, std::uint32_t value) {
    for (unsigned i = 0; i < 4; ++i) at[i] = static_cast<std::uint8_t>(value >> (24 - 8 * i));
}
void put_big16(std::uint8_t* at, std::uint16_t value) {
    at[0] = static_cast<std::uint8_t>(value >> 8);
    at[1] = static_cast<std::uint8_t>(value);
}

/// The body of the longest frame that is agreed on.
const std::array<std::uint8_t, 1536> kBody = [] {
    std::array<std::uint8_t, 1536> body{};
    for (std::size_t i = 0; i < body.size(); ++i) body[i] = pattern::frame_byte(i);
    return body;
}();

bool is_arp_request(const std::uint8_t* frame, std::size_t bytes) {
    return bytes >= 42 && big16(frame + 12) == 0x0806 && big16(frame + 20) == 1;
}
bool is_echo_request(const std::uint8_t* frame, std::size_t bytes) {
    return bytes >= kShortestIp && big16(frame + 12) == 0x0800 && frame[14] == 0x45 && frame[23] == 1 &&
           frame[34] == 8;
}

std::vector<std::uint8_t> arp_answer(const std::uint8_t* frame) {
    std::vector<std::uint8_t> answer(frame, frame + 42);
    std::copy_n(frame + 6, 6, answer.begin());  // back to the sender
    std::copy(pattern::kPeerMac.begin(), pattern::kPeerMac.end(), answer.begin() + 6);
    put_big16(&answer[20], 2);
    std::copy(pattern::kPeerMac.begin(), pattern::kPeerMac.end(), answer.begin() + 22);
    std::copy_n(frame + 38, 4, answer.begin() + 28);   // the address that was asked for
    std::copy_n(frame + 22, 10, answer.begin() + 32);  // of the one who asked
    answer.resize(60);
    return answer;
}

std::vector<std::uint8_t> echo_answer(const std::uint8_t* frame, std::size_t bytes) {
    std::vector<std::uint8_t> answer(frame, frame + bytes);
    std::copy_n(frame + 6, 6, answer.begin());
    std::copy_n(frame, 6, answer.begin() + 6);
    std::copy_n(frame + 26, 4, answer.begin() + 30);
    std::copy_n(frame + 30, 4, answer.begin() + 26);
    answer[34] = 0;
    // One's complement: taking 8 << 8 off a word adds it to the sum's complement (RFC 1624).
    const std::uint32_t sum = big16(&answer[36]) + 0x0800U;
    put_big16(&answer[36], static_cast<std::uint16_t>((sum & 0xffff) + (sum >> 16)));
    return answer;
}

}  // namespace

Peer::Peer(qemu::UniqueFd wire, qemu::UniqueFd serial)
    : wire_(std::move(wire)),
      serial_(std::move(serial)),
      alarm_(qemu::make_socket_pair()),
      input_(kInputBytes) {
    thread_ = std::thread([this] { run(); });
}

Peer::~Peer() {
    ending_ = true;
    wake();
    thread_.join();
}

void Peer::wake() {
    [[maybe_unused]] const auto ignored = ::write(alarm_.ours.get(), "", 1);
}

void Peer::reset() {
    const std::scoped_lock lock(mutex_);
    counts_ = {};
    expected_ = 0;
    confirmed_ = 0;
    flood_bytes_ = 0;
}

PeerCounts Peer::counts() {
    const std::scoped_lock lock(mutex_);
    return counts_;
}

void Peer::flood(std::uint32_t bytes) {
    {
        const std::scoped_lock lock(mutex_);
        flood_bytes_ = bytes;
        flood_next_ = 0;
        // Linux doubles it: the socket holds two batches, and QEMU finds no more than that.
        const int room = static_cast<int>(kBatch * (kLengthBytes + bytes) + kSocketOverhead);
        ::setsockopt(wire_.get(), SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
    }
    wake();
}

void Peer::run() {
    while (!ending_) {
        {
            const std::scoped_lock lock(mutex_);
            refill();
        }
        const bool sends = written_ < output_.size();
        std::array<pollfd, 3> polled{
            pollfd{wire_.get(), static_cast<short>(sends ? POLLIN | POLLOUT : POLLIN), 0},
            pollfd{serial_.get(), POLLIN, 0}, pollfd{alarm_.theirs.get(), POLLIN, 0}};
        if (::poll(polled.data(), polled.size(), -1) < 0) continue;
        if ((polled[0].revents & ~POLLOUT) != 0) take_frames();
        // Answers go out at once; the socket takes what it has room for.
        if (written_ < output_.size()) send();
        if (polled[1].revents != 0) take_serial();
        if (polled[2].revents != 0) {
            std::array<char, 16> rung{};
            [[maybe_unused]] const auto ignored = ::read(alarm_.theirs.get(), rung.data(), rung.size());
        }
    }
}

void Peer::take_frames() {
    const ssize_t got = ::recv(wire_.get(), input_.data() + filled_, input_.size() - filled_, MSG_DONTWAIT);
    if (got == 0) {
        // poll() leaves out what is no descriptor.
        wire_.reset();
        output_.clear();
        written_ = 0;
    }
    if (got <= 0) return;
    filled_ += static_cast<std::size_t>(got);
    const std::scoped_lock lock(mutex_);
    const std::uint64_t before = counts_.frames;
    std::size_t at = 0;
    while (filled_ - at >= kLengthBytes) {
        const std::size_t bytes = big32(input_.data() + at);
        if (bytes > kLongestFrame || filled_ - at - kLengthBytes < bytes) break;
        take_frame(input_.data() + at + kLengthBytes, bytes);
        at += kLengthBytes + bytes;
    }
    std::memmove(input_.data(), input_.data() + at, filled_ - at);
    filled_ -= at;
    confirm();
    if (counts_.frames == before) return;
    counts_.last_ns = now_ns();
    if (before == 0)
        counts_.first_ns = counts_.last_ns;
    else
        counts_.frames_behind_first += counts_.frames - before;
}

void Peer::take_frame(const std::uint8_t* frame, std::size_t bytes) {
    const bool arp = is_arp_request(frame, bytes);
    if (arp || is_echo_request(frame, bytes)) {
        ++counts_.answered;
        return answer(arp ? arp_answer(frame) : echo_answer(frame, bytes));
    }
    ++counts_.frames;
    if (bytes < pattern::kBodyOffset || big16(frame + pattern::kTypeOffset) != pattern::kFrameType) return;
    const bool good = bytes <= kBody.size() &&
                      std::memcmp(frame + pattern::kSequenceOffset, &expected_, sizeof expected_) == 0 &&
                      std::memcmp(frame + pattern::kBodyOffset, &kBody[pattern::kBodyOffset],
                                  bytes - pattern::kBodyOffset) == 0;
    if (!good) ++counts_.damaged;
    ++expected_;
}

void Peer::confirm() {
    if (expected_ - confirmed_ < pattern::kConfirmedFrames) return;
    confirmed_ = expected_;
    std::vector<std::uint8_t> frame(60);
    std::copy(pattern::kGuestMac.begin(), pattern::kGuestMac.end(), frame.begin());
    std::copy(pattern::kPeerMac.begin(), pattern::kPeerMac.end(), frame.begin() + 6);
    put_big16(&frame[pattern::kTypeOffset], pattern::kConfirmationType);
    std::memcpy(&frame[pattern::kSequenceOffset], &confirmed_, sizeof confirmed_);
    answer(frame);
}

/// Behind what is under way.
void Peer::answer(const std::vector<std::uint8_t>& frame) {
    const std::size_t at = output_.size();
    output_.resize(at + kLengthBytes + frame.size());
    put_big32(&output_[at], static_cast<std::uint32_t>(frame.size()));
    std::copy(frame.begin(), frame.end(), output_.begin() + static_cast<std::ptrdiff_t>(at + kLengthBytes));
}

void Peer::take_serial() {
    std::array<std::uint8_t, 65'536> bytes;
    const ssize_t got = ::recv(serial_.get(), bytes.data(), bytes.size(), MSG_DONTWAIT);
    if (got == 0) serial_.reset();
    if (got <= 0) return;
    const std::scoped_lock lock(mutex_);
    for (ssize_t i = 0; i < got; ++i)
        if (bytes[static_cast<std::size_t>(i)] != pattern::serial_byte(counts_.serial_bytes++))
            ++counts_.serial_damaged;
}

/// The next frames of a flood, when all that came before is out.
void Peer::refill() {
    if (flood_bytes_ == 0 || written_ < output_.size()) return;
    const std::size_t stride = kLengthBytes + flood_bytes_;
    output_.resize(kBatch * stride);
    written_ = 0;
    for (std::uint32_t i = 0; i < kBatch; ++i) {
        std::uint8_t* at = output_.data() + i * stride;
        put_big32(at, flood_bytes_);
        std::uint8_t* frame = at + kLengthBytes;
        std::copy(pattern::kGuestMac.begin(), pattern::kGuestMac.end(), frame);
        std::copy(pattern::kPeerMac.begin(), pattern::kPeerMac.end(), frame + 6);
        put_big16(frame + pattern::kTypeOffset, pattern::kFrameType);
        std::memcpy(frame + pattern::kSequenceOffset, &flood_next_, sizeof flood_next_);
        std::copy_n(&kBody[pattern::kBodyOffset], flood_bytes_ - pattern::kBodyOffset,
                    frame + pattern::kBodyOffset);
        ++flood_next_;
    }
    output_frames_ = kBatch;
}

void Peer::send() {
    const ssize_t sent = ::send(wire_.get(), output_.data() + written_, output_.size() - written_,
                                MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent <= 0) return;
    written_ += static_cast<std::size_t>(sent);
    if (written_ < output_.size()) return;
    const std::scoped_lock lock(mutex_);
    counts_.flooded += output_frames_;
    output_frames_ = 0;
    output_.clear();
    written_ = 0;
}

}  // namespace tb::bench
