// SPDX-License-Identifier: BSD-3-Clause
#include "harness/qemu/event_loop.hpp"

#include <fmt/format.h>
#include <poll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>

#include "harness/qemu/error.hpp"
#include "harness/qemu/fd.hpp"
#include "harness/qemu/process.hpp"

namespace tb::qemu {
namespace {

/// After so long without a sign of QEMU we look whether it sleeps inside the command, waiting for us.
constexpr int kStallProbeMs = 5;

}  // namespace

void EventLoop::pump() {
    for (Service* service : services_) service->pump();
}

bool EventLoop::step() {
    return std::any_of(services_.begin(), services_.end(), [](Service* service) { return service->step(); });
}

void EventLoop::wait(int fd, bool for_write, const std::string& what) {
    const auto deadline = Clock::now() + limit_;
    std::vector<pollfd> polled;
    for (;;) {
        polled.assign(1, {fd, static_cast<short>(for_write ? POLLOUT | POLLIN : POLLIN), 0});
        for (const Service* service : services_)
            if (service->fd() >= 0)
                polled.push_back({service->fd(),
                                  static_cast<short>(service->wants_write() ? POLLIN | POLLOUT : POLLIN), 0});
        const auto left =
            std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
        if (left <= 0) hung(what);
        const int timeout = static_cast<int>(std::min<long long>(left, kStallProbeMs));
        const int ready = ::poll(polled.data(), polled.size(), timeout);
        if (ready < 0 && errno != EINTR) throw std::system_error(errno, std::generic_category(), "poll");
        if (ready < 0) continue;
        // Services first: what QEMU sent before its reply has been taken in when the caller sees the reply.
        pump();
        if (polled[0].revents != 0) return;
        if (prompt_)
            while (step()) {
            }
        if (ready == 0 && !for_write) break_stall(fd);
    }
}

void EventLoop::break_stall(int fd) {
    // A QEMU that has read the command, and all that we sent, and sleeps in all its threads, can only be
    // woken by us: no command waits for a timer, and a guest that waits for us spins. Seen three times in a
    // row, it is no thread switch.
    for (int sample = 0; sample < 3; ++sample) {
        pollfd reply{fd, POLLIN, 0};
        if (sample > 0 && ::poll(&reply, 1, 1) != 0) return;
        if (process_ == nullptr || !process_->all_threads_sleep()) return;
        if (unread_by_peer(fd) != 0 || queued_towards_qemu() != 0) return;
    }
    for (Service* service : services_)
        if (service->on_stall()) return;
}

void EventLoop::peer_gone(const std::string& what) {
    if (process_ == nullptr) throw QemuError(ErrorKind::kDied, what + ": the peer closed the connection");
    process_->reap(limit_);
    process_->kill();
    throw QemuError(ErrorKind::kDied, fmt::format("{}: {}; it wrote: {}", what, process_->status_text(),
                                                  process_->stderr_text()));
}

void EventLoop::hung(const std::string& what) {
    std::string written;
    if (process_ != nullptr) {
        process_->kill();
        written = "; it was killed, and had written: " + process_->stderr_text();
    }
    throw QemuError(ErrorKind::kHung,
                    fmt::format("no answer within {} ms: {}{}", limit_.count(), what, written));
}

std::uint64_t EventLoop::traffic() const {
    std::uint64_t sum = 0;
    for (const Service* service : services_) sum += service->traffic();
    return sum;
}

std::size_t EventLoop::queued_towards_qemu() const {
    std::size_t sum = 0;
    for (const Service* service : services_) sum += static_cast<std::size_t>(unread_by_peer(service->fd()));
    return sum;
}

bool EventLoop::has_waiting() const {
    return queued_towards_qemu() != 0 ||
           std::any_of(services_.begin(), services_.end(),
                       [](const Service* service) { return service->has_more(); });
}

}  // namespace tb::qemu
