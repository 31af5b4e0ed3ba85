// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <utility>

namespace tb::qemu {

/// Owns a file descriptor; closes it once.
class UniqueFd {
  public:
    UniqueFd() = default;
    explicit UniqueFd(int fd) : fd_(fd) {}
    UniqueFd(UniqueFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    UniqueFd& operator=(UniqueFd&& other) noexcept;
    UniqueFd(const UniqueFd&) = delete;
    UniqueFd& operator=(const UniqueFd&) = delete;
    ~UniqueFd() { reset(); }

    int get() const { return fd_; }
    explicit operator bool() const { return fd_ >= 0; }
    void reset();

  private:
    int fd_ = -1;
};

/// The two ends of a stream socket pair. Both are close-on-exec: `Process` hands on the ends it is told to.
struct SocketPair {
    UniqueFd ours;  ///< non-blocking
    UniqueFd theirs;
};

SocketPair make_socket_pair();

/// Bytes sent on a socket that the other end has not read: an upper bound, because the kernel counts whole
/// messages, with its own overhead, until their last byte is read. 0 means that nothing is left.
int unread_by_peer(int fd);

}  // namespace tb::qemu
