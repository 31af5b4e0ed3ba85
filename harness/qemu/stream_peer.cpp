// SPDX-License-Identifier: BSD-3-Clause
#include "harness/qemu/stream_peer.hpp"

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <utility>

namespace tb::qemu {

bool StreamPeer::step() {
    // A piece that QEMU does not take blocks those behind it, as on a wire.
    if (pieces_.empty() || wants_write() || !socket_) return false;
    output_ = std::move(pieces_.front());
    pieces_.pop_front();
    sent_ = 0;
    flush_output();
    return true;
}

void StreamPeer::flush_output() {
    while (socket_ && sent_ < output_.size()) {
        const ssize_t put = ::send(socket_.get(), output_.data() + sent_, output_.size() - sent_,
                                   MSG_NOSIGNAL | MSG_DONTWAIT);
        if (put > 0) {
            sent_ += static_cast<std::size_t>(put);
            traffic_ += static_cast<std::uint64_t>(put);
        } else if (errno == EINTR) {
            continue;
        } else {
            if (errno != EAGAIN) socket_.reset();
            return;
        }
    }
    output_.clear();
    sent_ = 0;
}

void StreamPeer::pump() {
    std::array<std::uint8_t, 16384> piece;
    while (socket_) {
        const ssize_t got = ::recv(socket_.get(), piece.data(), piece.size(), MSG_DONTWAIT);
        if (got > 0) {
            input_.insert(input_.end(), piece.data(), piece.data() + got);
            traffic_ += static_cast<std::uint64_t>(got);
        } else if (got < 0 && errno == EINTR) {
            continue;
        } else {
            if (got == 0 || errno != EAGAIN) socket_.reset();
            break;
        }
    }
    flush_output();
}

bool CharPeer::step() {
    if (typed_.empty() || unread_by_peer(fd()) != 0) return false;
    enqueue({typed_.front()});
    typed_.pop_front();
    return StreamPeer::step();
}

std::vector<std::uint8_t> CharPeer::take_received() {
    return std::exchange(input(), {});
}

void NetPeer::send(std::span<const std::uint8_t> frame) {
    const auto length = static_cast<std::uint32_t>(frame.size());
    std::vector<std::uint8_t> bytes;
    bytes.reserve(frame.size() + 4);
    for (int shift = 24; shift >= 0; shift -= 8) bytes.push_back(static_cast<std::uint8_t>(length >> shift));
    bytes.insert(bytes.end(), frame.begin(), frame.end());
    enqueue(std::move(bytes));
}

std::vector<std::vector<std::uint8_t>> NetPeer::take_received() {
    std::vector<std::vector<std::uint8_t>> frames;
    std::vector<std::uint8_t>& bytes = input();
    std::size_t at = 0;
    while (bytes.size() - at >= 4) {
        std::size_t length = 0;
        for (std::size_t i = 0; i < 4; ++i) length = length << 8 | bytes[at + i];
        if (bytes.size() - at - 4 < length) break;
        const auto begin = bytes.begin() + static_cast<std::ptrdiff_t>(at + 4);
        frames.emplace_back(begin, begin + static_cast<std::ptrdiff_t>(length));
        at += 4 + length;
    }
    bytes.erase(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(at));
    return frames;
}

}  // namespace tb::qemu
