// SPDX-License-Identifier: BSD-3-Clause
#include "harness/qemu/process.hpp"

#include <gmock/gmock.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "harness/qemu/testing.hpp"

namespace tb::qemu {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using namespace std::chrono_literals;

constexpr auto kLong = 20s;

bool exists(pid_t pid) {
    return ::kill(pid, 0) == 0;
}

/// Orphans are reaped by init, or stay zombies where init does not reap; neither runs.
bool runs(pid_t pid) {
    return exists(pid) && ::access(("/proc/" + std::to_string(pid) + "/exe").c_str(), F_OK) == 0;
}

void wait_while_running(pid_t pid) {
    const auto deadline = std::chrono::steady_clock::now() + kLong;
    while (runs(pid) && std::chrono::steady_clock::now() < deadline) ::poll(nullptr, 0, 1);
}

Process shell(const std::string& script) {
    return Process({"sh", {"-c", script}, {{"TB_TEST", "mark"}}, {}});
}

TEST(Process, TellsHowItEndedAndWhatItWrote) {
    Process child = shell("echo to-stdout; echo $TB_TEST >&2; exit 3");
    child.reap(kLong);
    EXPECT_FALSE(child.running());
    EXPECT_EQ(child.status_text(), "exit status 3");
    EXPECT_EQ(child.stderr_text(), "to-stdout\nmark\n");
}

TEST(Process, KeepsTheEndOfALongOutput) {
    Process child = shell("i=0; while [ $i -lt 20000 ]; do echo 12345678; i=$((i+1)); done; echo the-end");
    const auto deadline = std::chrono::steady_clock::now() + kLong;
    while (child.running() && std::chrono::steady_clock::now() < deadline) {
        child.pump();
        ::poll(nullptr, 0, 1);
    }
    EXPECT_EQ(child.stderr_text().size(), 64U * 1024);
    EXPECT_THAT(child.stderr_text(), EndsWith("the-end\n"));
}

TEST(Process, IsKilledAndReapedByTheDestructorWithItsChildren) {
    pid_t pid = -1;
    pid_t grandchild = -1;
    {
        Process child = shell("trap '' TERM; sleep 1000 & echo $!; wait; wait");
        while (!child.stderr_text().ends_with('\n')) ::poll(nullptr, 0, 1);
        grandchild = std::stoi(child.stderr_text());
        pid = child.pid();
        EXPECT_TRUE(exists(pid));
        EXPECT_TRUE(runs(grandchild));
    }
    EXPECT_FALSE(exists(pid));
    wait_while_running(grandchild);
    EXPECT_FALSE(runs(grandchild));
}

TEST(Process, DiesEvenWhenStopped) {
    Process child = shell("exec sleep 1000");
    ::kill(child.pid(), SIGSTOP);
    child.kill();
    EXPECT_EQ(child.status_text(), "signal 9 (KILL)");
}

TEST(Process, IsAskedBeforeItIsKilled) {
    Process polite = shell("trap 'exit 7' TERM; echo ready; while :; do sleep 0.01; done");
    while (polite.stderr_text() != "ready\n") ::poll(nullptr, 0, 1);
    EXPECT_TRUE(polite.terminate(kLong, {}));
    EXPECT_EQ(polite.status_text(), "exit status 7");

    Process stubborn = shell("trap '' TERM; echo ready; while :; do sleep 0.01; done");
    while (stubborn.stderr_text() != "ready\n") ::poll(nullptr, 0, 1);
    EXPECT_FALSE(stubborn.terminate(20ms, {}));
    EXPECT_EQ(stubborn.status_text(), "signal 9 (KILL)");
}

TEST(Process, CannotOutliveAHarnessThatIsKilled) {
    // The harness stands in a child of ours; it starts a process and tells us its id.
    int report[2];
    ASSERT_EQ(::pipe(report), 0);
    const pid_t harness = ::fork();
    ASSERT_GE(harness, 0);
    if (harness == 0) {
        Process child = shell("exec sleep 1000");
        const pid_t pid = child.pid();
        [[maybe_unused]] const auto put = ::write(report[1], &pid, sizeof pid);
        for (;;) ::pause();
    }
    pid_t grandchild = -1;
    ASSERT_EQ(::read(report[0], &grandchild, sizeof grandchild), static_cast<ssize_t>(sizeof grandchild));
    ::kill(harness, SIGKILL);
    ::waitpid(harness, nullptr, 0);
    wait_while_running(grandchild);
    EXPECT_FALSE(runs(grandchild));
    ::close(report[0]);
    ::close(report[1]);
}

TEST(Process, ABinaryThatIsAbsentIsNotFoundAndTheRemedyIsNamed) {
    std::string message;
    EXPECT_EQ(testing::kind_of_error([] { Process({"qemu-system-of-nowhere", {}, {}, {}}); }, &message),
              ErrorKind::kNotFound);
    EXPECT_THAT(message, HasSubstr("apt-get install qemu-system-x86"));
    EXPECT_EQ(testing::kind_of_error([] { Process({"/etc", {}, {}, {}}); }), ErrorKind::kNotFound);
}

TEST(Process, InheritsOnlyWhatItIsGiven) {
    const auto inode = [](const UniqueFd& fd) {
        struct stat file{};
        EXPECT_EQ(::fstat(fd.get(), &file), 0);
        return "socket:[" + std::to_string(file.st_ino) + "]";
    };
    const SocketPair given = make_socket_pair();
    const SocketPair kept = make_socket_pair();
    Process child({"ls", {"-l", "/proc/self/fd"}, {}, {given.theirs.get()}});
    child.reap(kLong);
    EXPECT_THAT(child.stderr_text(), HasSubstr(inode(given.theirs)));
    for (const UniqueFd* fd : {&given.ours, &kept.ours, &kept.theirs})
        EXPECT_THAT(child.stderr_text(), ::testing::Not(HasSubstr(inode(*fd))));
}

}  // namespace
}  // namespace tb::qemu
