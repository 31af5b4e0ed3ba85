// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace tb::qemu {

class Process;

/// A back end of QEMU that lives in this process, on one end of a socket: a disk, a network peer, a
/// serial line. Always used on the one thread that drives QEMU.
///
/// What QEMU sends is taken in at once; what goes to QEMU waits, and goes there piece by piece while QEMU is
/// at rest (Vm::settle). Otherwise the outcome would depend on timing: a QEMU that finds two block replies
/// completes them in another order than one that finds the second after having dealt with the first.
class Service {
  public:
    Service() = default;
    Service(const Service&) = delete;
    Service& operator=(const Service&) = delete;
    virtual ~Service() = default;

    /// The socket to poll, or -1 once QEMU has closed it.
    virtual int fd() const = 0;
    /// Takes in what has arrived, and goes on writing a piece that the socket did not take as a whole.
    /// Never blocks.
    virtual void pump() = 0;
    /// True while the rest of a piece waits for room in the socket.
    virtual bool wants_write() const { return false; }
    /// Gives QEMU the next piece of what waits for it; false when nothing does.
    virtual bool step() { return false; }
    /// Whether step() would have something, now or once QEMU has taken what it was given before.
    virtual bool has_more() const { return false; }
    /// QEMU sleeps inside a command until it gets something from a back end: give it a piece now, one that a
    /// plan holds back if need be; false when there is none.
    virtual bool on_stall() { return false; }
    /// Counts bytes moved in either direction; two equal values mean that nothing happened in between.
    virtual std::uint64_t traffic() const = 0;
};

/// The one place where this library waits. Everything is single-threaded: waiting for QEMU's reply and
/// serving QEMU's back ends are the same loop.
class EventLoop {
  public:
    using Clock = std::chrono::steady_clock;

    /// `process` may be null (a peer that is not a QEMU, in tests).
    EventLoop(Process* process, std::chrono::milliseconds limit) : process_(process), limit_(limit) {}

    void add(Service* service) { services_.push_back(service); }

    /// Pumps each service once, in the order in which they were added.
    void pump();
    /// Lets the first service that has something give QEMU one piece of it; false when none has.
    bool step();
    /// While prompt, waiting for a reply also steps. For the start of QEMU, which reads its disks.
    void set_prompt(bool prompt) { prompt_ = prompt; }

    /// Waits until `fd` is readable (or writable), pumping services meanwhile.
    /// Throws QemuError kHung, having killed QEMU, when nothing came within the limit.
    /// `what` names what was waited for, for that message.
    void wait_readable(int fd, const std::string& what) { wait(fd, /*for_write=*/false, what); }
    void wait_writable(int fd, const std::string& what) { wait(fd, /*for_write=*/true, what); }

    /// The other end of a control socket is closed: throws kDied with exit status and stderr.
    [[noreturn]] void peer_gone(const std::string& what);
    /// Kills QEMU and throws kHung.
    [[noreturn]] void hung(const std::string& what);

    /// Wall-clock limit for one reply.
    std::chrono::milliseconds limit() const { return limit_; }
    void set_limit(std::chrono::milliseconds limit) { limit_ = limit; }

    /// Sum of the services' traffic.
    std::uint64_t traffic() const;
    /// Bytes that sit in the kernel between a service and QEMU, because QEMU has not read them yet.
    std::size_t queued_towards_qemu() const;
    /// Whether anything waits for QEMU to take it: in the kernel, or in a service.
    bool has_waiting() const;

  private:
    void wait(int fd, bool for_write, const std::string& what);
    void break_stall(int fd);

    Process* process_;
    std::chrono::milliseconds limit_;
    bool prompt_ = false;
    std::vector<Service*> services_;
};

}  // namespace tb::qemu
