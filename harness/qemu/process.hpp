// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "harness/qemu/event_loop.hpp"
#include "harness/qemu/fd.hpp"

namespace tb::qemu {

struct ProcessOptions {
    std::string binary;                                    ///< a path, or a name to look up in PATH
    std::vector<std::string> args;                         ///< without argv[0]
    std::vector<std::pair<std::string, std::string>> env;  ///< added to this process's environment
    std::vector<int> inherit;  ///< descriptors that the child keeps, under the same numbers
};

/// Path of an executable, looked up in PATH when `binary` has no slash; empty when there is none.
std::optional<std::string> find_executable(const std::string& binary);

/// A child process that cannot outlive this one.
///
/// Nothing needs tidying up after it, whatever happens: it speaks through inherited sockets, its RAM is
/// a memfd, so there is no path that could stay behind; and the kernel kills it when the thread that
/// started it ends (PR_SET_PDEATHSIG), be it by return, by SIGINT or by SIGKILL. Therefore the thread that
/// constructs a Process must be the one that uses it, and must live as long.
///
/// It runs in its own process group: a Ctrl-C at the terminal reaches the harness only.
class Process : public Service {
  public:
    /// Throws QemuError kNotFound when the binary cannot be executed.
    explicit Process(const ProcessOptions& options);
    /// Kills what still runs, and reaps it.
    ~Process() override;

    pid_t pid() const { return pid_; }
    bool running();
    /// "exit status 1", "signal 9 (Killed)", or "still running".
    std::string status_text() const;
    /// The last 64 KiB that the child wrote to stdout and stderr.
    std::string stderr_text();

    /// SIGKILL to the process and its group, and reap.
    void kill();
    /// SIGTERM; calls `meanwhile` while waiting; SIGKILL after `grace`. True if the child ended by itself.
    bool terminate(std::chrono::milliseconds grace, const std::function<void()>& meanwhile);
    /// Waits for the end of a child that is known to be about to end, at most `limit`.
    void reap(std::chrono::milliseconds limit);

    /// True when every thread sleeps in the kernel (state S or D): none computes, be it for QEMU or for a
    /// guest.
    bool all_threads_sleep() const;

    int fd() const override { return stderr_.get(); }
    void pump() override;
    /// What QEMU says on stderr is no guest-visible traffic.
    std::uint64_t traffic() const override { return 0; }

  private:
    std::string name_;
    pid_t pid_ = -1;
    bool reaped_ = false;
    int wait_status_ = 0;
    UniqueFd stderr_;
    std::string captured_;
};

}  // namespace tb::qemu
