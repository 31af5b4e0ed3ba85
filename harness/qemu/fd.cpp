// SPDX-License-Identifier: BSD-3-Clause
#include "harness/qemu/fd.hpp"

#include <fcntl.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace tb::qemu {

UniqueFd& UniqueFd::operator=(UniqueFd&& other) noexcept {
    if (this != &other) {
        reset();
        fd_ = std::exchange(other.fd_, -1);
    }
    return *this;
}

void UniqueFd::reset() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
}

SocketPair make_socket_pair() {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
        throw std::system_error(errno, std::generic_category(), "socketpair");
    SocketPair pair{UniqueFd(ends[0]), UniqueFd(ends[1])};
    if (::fcntl(pair.ours.get(), F_SETFL, O_NONBLOCK) != 0)
        throw std::system_error(errno, std::generic_category(), "fcntl(O_NONBLOCK)");
    return pair;
}

int unread_by_peer(int fd) {
    int bytes = 0;
    if (fd < 0 || ::ioctl(fd, SIOCOUTQ, &bytes) != 0) return 0;
    return bytes;
}

}  // namespace tb::qemu
