// SPDX-License-Identifier: BSD-3-Clause
#include "harness/cli/pool.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <exception>
#include <memory>
#include <optional>
#include <system_error>
#include <vector>

#ifdef TWINBENCH_COVERAGE
// Writes the counters of lines, which _exit() would lose.
// NOLINTNEXTLINE(bugprone-reserved-identifier,readability-identifier-naming)
extern "C" void __gcov_dump();
#endif

namespace tb::cli {

namespace {

/// The number of the next job, shared by all workers.
class Counter {
  public:
    Counter()
        : value_(static_cast<std::atomic<std::size_t>*>(::mmap(nullptr, sizeof(std::atomic<std::size_t>),
                                                               PROT_READ | PROT_WRITE,
                                                               MAP_SHARED | MAP_ANONYMOUS, -1, 0))) {
        if (value_ == MAP_FAILED)
            throw std::system_error(errno, std::generic_category(), "no shared memory for the workers");
        ::new (value_) std::atomic<std::size_t>(0);
    }
    ~Counter() { ::munmap(value_, sizeof(std::atomic<std::size_t>)); }
    Counter(const Counter&) = delete;
    Counter& operator=(const Counter&) = delete;
    std::size_t take() { return value_->fetch_add(1); }

  private:
    std::atomic<std::size_t>* value_;
};

/// What a worker writes: a number in front of each message, a line each. "b 7": job 7 begins; "e 7 RESULT":
/// it ends.
struct Worker {
    pid_t process = -1;
    int pipe = -1;
    std::string input;
    std::optional<std::size_t> at_work;
};

void write_all(int fd, const std::string& text) {
    std::size_t done = 0;
    while (done < text.size()) {
        const ssize_t n = ::write(fd, text.data() + done, text.size() - done);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) ::_exit(1);  // the parent is gone
        done += static_cast<std::size_t>(n);
    }
}

[[noreturn]] void work(int pipe, Counter& counter, std::size_t count, const Pool::Job& job) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (std::size_t index = counter.take(); index < count; index = counter.take()) {
        write_all(pipe, fmt::format("b {}\n", index));
        write_all(pipe, fmt::format("e {} {}\n", index, job(index)));
    }
    std::fflush(nullptr);
#ifdef TWINBENCH_COVERAGE
    __gcov_dump();
#endif
    // Not exit(): what the parent had buffered or registered is the parent's.
    ::_exit(0);
}

Worker start(Counter& counter, std::size_t count, const Pool::Job& job) {
    int ends[2];
    if (::pipe(ends) != 0) throw std::system_error(errno, std::generic_category(), "no pipe for a worker");
    std::fflush(nullptr);
    const pid_t process = ::fork();
    if (process < 0) throw std::system_error(errno, std::generic_category(), "no process for a worker");
    if (process == 0) {
        ::close(ends[0]);
        try {
            work(ends[1], counter, count, job);
        } catch (const std::exception& error) {
            fmt::print(stderr, "twinbench: {}\n", error.what());
            ::_exit(70);
        }
    }
    ::close(ends[1]);
    Worker worker;
    worker.process = process;
    worker.pipe = ends[0];
    return worker;
}

std::string ended(pid_t process) {
    int status = 0;
    while (::waitpid(process, &status, 0) < 0 && errno == EINTR) {
    }
    if (WIFSIGNALED(status))
        return fmt::format("signal {} ({})", WTERMSIG(status), ::strsignal(WTERMSIG(status)));
    return fmt::format("exit code {}", WEXITSTATUS(status));
}

void take_lines(Worker& worker, const Pool::Done& done) {
    std::size_t start = 0;
    for (std::size_t end = worker.input.find('\n'); end != std::string::npos;
         end = worker.input.find('\n', start)) {
        const std::string line = worker.input.substr(start, end - start);
        start = end + 1;
        std::size_t after = 0;
        const std::size_t index = std::stoul(line.substr(2), &after);
        if (line[0] == 'b') {
            worker.at_work = index;
        } else {
            worker.at_work.reset();
            done(index, line.substr(2 + after + 1));
        }
    }
    worker.input.erase(0, start);
}

}  // namespace

void Pool::run(std::size_t count, unsigned workers, const Job& job, const Done& done,
               const Crashed& crashed) {
    Counter counter;
    std::vector<Worker> running;
    for (unsigned i = 0; i < workers && i < count; ++i) running.push_back(start(counter, count, job));
    while (!running.empty()) {
        std::vector<pollfd> waits;
        for (const Worker& worker : running) waits.push_back({worker.pipe, POLLIN, 0});
        if (::poll(waits.data(), waits.size(), -1) < 0 && errno != EINTR)
            throw std::system_error(errno, std::generic_category(), "waiting for workers");
        for (std::size_t i = running.size(); i-- > 0;) {
            if (waits[i].revents == 0) continue;
            Worker& worker = running[i];
            char buffer[1 << 16];
            const ssize_t n = ::read(worker.pipe, buffer, sizeof buffer);
            if (n > 0) {
                worker.input.append(buffer, static_cast<std::size_t>(n));
                take_lines(worker, done);
                continue;
            }
            if (n < 0 && errno == EINTR) continue;
            ::close(worker.pipe);
            const std::string how = ended(worker.process);
            const std::optional<std::size_t> lost = worker.at_work;
            running.erase(running.begin() + static_cast<std::ptrdiff_t>(i));
            if (!lost) continue;
            crashed(*lost, how);
            running.push_back(start(counter, count, job));
        }
    }
}

}  // namespace tb::cli
