// SPDX-License-Identifier: BSD-3-Clause
#include "harness/qemu/process.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/close_range.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "harness/qemu/error.hpp"

namespace tb::qemu {
namespace {

constexpr std::size_t kCaptureLimit = std::size_t{64} * 1024;

UniqueFd make_pipe(UniqueFd& write_end) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) throw std::system_error(errno, std::generic_category(), "pipe2");
    write_end = UniqueFd(ends[1]);
    return UniqueFd(ends[0]);
}

std::vector<char*> pointers(std::vector<std::string>& strings) {
    std::vector<char*> result;
    result.reserve(strings.size() + 1);
    for (auto& text : strings) result.push_back(text.data());
    result.push_back(nullptr);
    return result;
}

std::vector<std::string> merged_environment(const ProcessOptions& options) {
    std::vector<std::string> result;
    for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
        const std::string text = *entry;
        const auto overridden = [&](const auto& pair) { return text.starts_with(pair.first + "="); };
        if (std::none_of(options.env.begin(), options.env.end(), overridden)) result.push_back(text);
    }
    for (const auto& [name, value] : options.env) result.push_back(fmt::format("{}={}", name, value));
    return result;
}

/// What the child needs, prepared before fork(): between fork() and exec() only async-signal-safe calls are
/// allowed, because another thread may have held any lock.
struct ChildPlan {
    const char* path;
    char** argv;
    char** envp;
    const std::vector<int>* inherit;
    int null_fd;
    int output_fd;
    int error_fd;
    pid_t parent;
};

[[noreturn]] void run_child(const ChildPlan& plan) {
    const auto fail = [&] {
        const int error = errno;
        [[maybe_unused]] const auto ignored = ::write(plan.error_fd, &error, sizeof error);
        ::_exit(127);
    };
    if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) fail();
    // The parent may have ended before prctl() took effect; then no signal will come.
    if (::getppid() != plan.parent) ::_exit(127);
    ::setpgid(0, 0);
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    ::signal(SIGPIPE, SIG_DFL);
    if (::dup2(plan.null_fd, 0) < 0 || ::dup2(plan.output_fd, 1) < 0 || ::dup2(plan.output_fd, 2) < 0) fail();
    // Also what our own caller left open: only the descriptors that were named pass. Kernels before 5.11
    // refuse.
    ::close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
    for (const int fd : *plan.inherit)
        if (::fcntl(fd, F_SETFD, 0) != 0) fail();
    ::execve(plan.path, plan.argv, plan.envp);
    fail();
    ::_exit(127);
}

}  // namespace

std::optional<std::string> find_executable(const std::string& binary) {
    const auto usable = [](const std::string& path) { return ::access(path.c_str(), X_OK) == 0; };
    if (binary.find('/') != std::string::npos) {
        if (usable(binary)) return binary;
        return std::nullopt;
    }
    const char* variable = std::getenv("PATH");  // NOLINT(concurrency-mt-unsafe)
    const std::string path = variable != nullptr ? variable : "/usr/local/bin:/usr/bin:/bin";
    for (std::size_t begin = 0; begin <= path.size();) {
        const std::size_t end = std::min(path.find(':', begin), path.size());
        std::string candidate = path.substr(begin, end - begin) + "/" + binary;
        if (end > begin && usable(candidate)) return candidate;
        begin = end + 1;
    }
    return std::nullopt;
}

Process::Process(const ProcessOptions& options) : name_(options.binary) {
    const auto path = find_executable(options.binary);
    if (!path)
        throw QemuError(
            ErrorKind::kNotFound,
            fmt::format("{} is not an executable in PATH; install it: apt-get install qemu-system-x86",
                        options.binary));
    std::vector<std::string> args{*path};
    args.insert(args.end(), options.args.begin(), options.args.end());
    std::vector<std::string> env = merged_environment(options);
    const std::vector<char*> argv = pointers(args);
    const std::vector<char*> envp = pointers(env);

    UniqueFd output_write;
    stderr_ = make_pipe(output_write);
    UniqueFd error_write;
    const UniqueFd error_read = make_pipe(error_write);
    const UniqueFd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
    ::fcntl(stderr_.get(), F_SETFL, O_NONBLOCK);

    const ChildPlan plan{path->c_str(),
                         const_cast<char**>(argv.data()),
                         const_cast<char**>(envp.data()),
                         &options.inherit,
                         null.get(),
                         output_write.get(),
                         error_write.get(),
                         ::getpid()};
    pid_ = ::fork();
    if (pid_ < 0) throw std::system_error(errno, std::generic_category(), "fork");
    if (pid_ == 0) run_child(plan);

    // The error pipe closes by itself when exec succeeds.
    error_write.reset();
    int error = 0;
    ssize_t got = 0;
    do {
        got = ::read(error_read.get(), &error, sizeof error);
    } while (got < 0 && errno == EINTR);
    if (got > 0) {
        kill();
        throw QemuError(ErrorKind::kNotFound, fmt::format("{} cannot be executed: {}", *path,
                                                          std::generic_category().message(error)));
    }
}

Process::~Process() {
    kill();
}

bool Process::running() {
    if (reaped_ || pid_ < 0) return false;
    if (::waitpid(pid_, &wait_status_, WNOHANG) == pid_) reaped_ = true;
    return !reaped_;
}

std::string Process::status_text() const {
    if (!reaped_) return "still running";
    if (WIFEXITED(wait_status_)) return fmt::format("exit status {}", WEXITSTATUS(wait_status_));
    const int signal = WTERMSIG(wait_status_);
    return fmt::format("signal {} ({})", signal,
                       ::sigabbrev_np(signal) != nullptr ? ::sigabbrev_np(signal) : "?");
}

std::string Process::stderr_text() {
    pump();
    return captured_;
}

void Process::kill() {
    if (!running()) return;
    ::kill(-pid_, SIGKILL);  // the group: a compiler has children of its own
    ::kill(pid_, SIGKILL);
    // SIGKILL cannot be refused; a stopped process dies of it too. Only a process inside an uninterruptible
    // system call takes longer than an instant.
    while (::waitpid(pid_, &wait_status_, 0) < 0 && errno == EINTR) {
    }
    reaped_ = true;
}

bool Process::terminate(std::chrono::milliseconds grace, const std::function<void()>& meanwhile) {
    if (!running()) return true;
    ::kill(pid_, SIGTERM);
    const auto deadline = std::chrono::steady_clock::now() + grace;
    while (running()) {
        if (std::chrono::steady_clock::now() >= deadline) {
            kill();
            return false;
        }
        if (meanwhile) meanwhile();
        ::poll(nullptr, 0, 1);
    }
    return true;
}

void Process::reap(std::chrono::milliseconds limit) {
    const auto deadline = std::chrono::steady_clock::now() + limit;
    while (running() && std::chrono::steady_clock::now() < deadline) ::poll(nullptr, 0, 1);
}

bool Process::all_threads_sleep() const {
    if (reaped_) return false;
    std::error_code error;
    const std::filesystem::directory_iterator tasks(fmt::format("/proc/{}/task", pid_), error);
    if (error) return false;
    return std::all_of(begin(tasks), end(tasks), [](const std::filesystem::directory_entry& task) {
        const UniqueFd stat(::open((task.path() / "stat").c_str(), O_RDONLY | O_CLOEXEC));
        std::array<char, 512> text{};
        // A thread that ends between the listing and the look is one that does not sleep.
        if (!stat || ::read(stat.get(), text.data(), text.size() - 1) <= 0) return false;
        // "PID (NAME) STATE ...": the name may hold anything, also parentheses.
        const char* close = std::strrchr(text.data(), ')');
        return close != nullptr && close[1] == ' ' && (close[2] == 'S' || close[2] == 'D');
    });
}

void Process::pump() {
    std::array<char, 4096> piece{};
    while (stderr_) {
        const ssize_t got = ::read(stderr_.get(), piece.data(), piece.size());
        if (got > 0) {
            captured_.append(piece.data(), static_cast<std::size_t>(got));
            if (captured_.size() > kCaptureLimit) captured_.erase(0, captured_.size() - kCaptureLimit);
        } else if (got == 0) {
            stderr_.reset();
        } else if (errno != EINTR) {
            break;
        }
    }
}

}  // namespace tb::qemu
