// SPDX-License-Identifier: BSD-3-Clause
#include "harness/cli/child.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>

namespace tb::cli {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

namespace {

[[noreturn]] void become(const std::vector<std::string>& command, const std::string& folder,
                         const std::string& output) {
    constexpr int kCannot = 127;
    std::vector<char*> words;
    for (const std::string& word : command) words.push_back(const_cast<char*>(word.c_str()));
    words.push_back(nullptr);
    const int out = ::open(output.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (out < 0 || (!folder.empty() && ::chdir(folder.c_str()) != 0)) ::_exit(kCannot);
    ::dup2(out, STDOUT_FILENO);
    ::dup2(out, STDERR_FILENO);
    ::setenv("SYSTEMC_DISABLE_COPYRIGHT_MESSAGE", "1", 1);
    ::execvp(words.front(), words.data());
    ::_exit(kCannot);
}

/// Waits for a process's end, which is not taken yet.
bool ends_within(::pid_t child, double seconds) {
    // Not by its function: the header of glibc 2.36 does not know C++.
    const auto end = static_cast<int>(::syscall(SYS_pidfd_open, child, 0));
    if (end < 0) throw std::system_error(errno, std::generic_category(), "pidfd_open");
    ::pollfd waited{end, POLLIN, 0};
    const int came = ::poll(&waited, 1, static_cast<int>(seconds * 1000));
    ::close(end);
    return came > 0;
}

std::string contents(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace

TemporaryFolder::TemporaryFolder() : path_((fs::temp_directory_path() / "twinbench-XXXXXX").string()) {
    if (::mkdtemp(path_.data()) == nullptr)
        throw std::system_error(errno, std::generic_category(), "no temporary folder");
}

TemporaryFolder::~TemporaryFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
}

Ended run_child(const std::vector<std::string>& command, const std::string& folder, double seconds) {
    const TemporaryFolder scratch;
    const std::string output = scratch.path() + "/output";
    const Clock::time_point start = Clock::now();
    const auto passed = [&] { return std::chrono::duration<double>(Clock::now() - start).count(); };
    const ::pid_t child = ::fork();
    if (child < 0) throw std::system_error(errno, std::generic_category(), command.front());
    if (child == 0) become(command, folder, output);
    Ended ended;
    int status = 0;
    ended.late = seconds > 0 && !ends_within(child, seconds);
    if (ended.late) ::kill(child, SIGKILL);
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    ended.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    ended.seconds = passed();
    ended.text = contents(output);
    return ended;
}

}  // namespace tb::cli
