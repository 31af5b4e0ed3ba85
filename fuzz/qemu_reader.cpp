// SPDX-License-Identifier: BSD-3-Clause
//
// What QEMU answers, which may be anything: lines of qtest, JSON of QMP, base64.
//
// Findings: a memory error or undefined behaviour; an exception that is no QemuError; bytes that base64
// does not give back.

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <span>
#include <string_view>

#include "fuzz/entry.hpp"
#include "harness/qemu/base64.hpp"
#include "harness/qemu/error.hpp"
#include "harness/qemu/qmp_client.hpp"
#include "harness/qemu/qtest_client.hpp"

namespace {

using namespace tb;
using namespace std::chrono_literals;

/// One end of a line on whose other end all has been said already.
qemu::UniqueFd end_that_gets(std::string_view text) {
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) fuzz::report("no sockets");
    static_cast<void>(::send(ends[1], text.data(), text.size(), MSG_DONTWAIT | MSG_NOSIGNAL));
    ::shutdown(ends[1], SHUT_WR);
    // What is sent there is never read, and must not end the program.
    static std::array<int, 16> kept{};
    static std::size_t next = 0;
    if (kept[next] != 0) ::close(kept[next]);
    kept[next] = ends[1];
    next = (next + 1) % kept.size();
    return qemu::UniqueFd(ends[0]);
}

template <class Use>
void use(Use&& use) {
    try {
        use();
    } catch (const qemu::QemuError& error) {
        if (error.message().empty()) fuzz::report("an error without a word");
    }
}

void ask_qtest(std::string_view text) {
    qemu::EventLoop loop(nullptr, 50ms);
    qemu::QtestClient client(end_that_gets(text), loop);
    use([&] {
        client.in(0x3f8, 1);
        client.read(0x1000, 8);
        std::array<std::uint8_t, 16> block{};
        client.read_block(0x2000, block);
        client.clock_step(1000);
        client.irq_intercept_in("ioapic");
        client.command("anything");
    });
    client.take_irq_edges();
}

void ask_qmp(std::string_view text) {
    qemu::EventLoop loop(nullptr, 50ms);
    qemu::QmpClient client(end_that_gets(text), loop);
    use([&] {
        client.connect();
        client.execute("query-status");
        client.execute("query-version");
    });
    client.take_events();
}

void decode(std::string_view text) {
    use([&] {
        if (qemu::base64_encode(qemu::base64_decode(text)).size() != text.size())
            fuzz::report("base64 does not give back what it took");
    });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
    switch (*data % 3) {
        case 0:
            ask_qtest(text);
            break;
        case 1:
            ask_qmp(text);
            break;
        default:
            decode(text);
            break;
    }
    return 0;
}

std::optional<std::uint64_t> tb::fuzz::seam_hash(const std::uint8_t*, std::size_t, bool) {
    return std::nullopt;
}
