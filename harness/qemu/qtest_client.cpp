// SPDX-License-Identifier: BSD-3-Clause
#include "harness/qemu/qtest_client.hpp"

#include <fmt/format.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <utility>

#include "harness/qemu/base64.hpp"
#include "harness/qemu/error.hpp"

namespace tb::qemu {
namespace {

/// A multiple of 3, so that only the last piece of a transfer has base64 padding.
constexpr std::size_t kPiece = std::size_t{48} * 1024;

char width_letter(unsigned width, bool with_quad) {
    switch (width) {
        case 1:
            return 'b';
        case 2:
            return 'w';
        case 4:
            return 'l';
        case 8:
            if (with_quad) return 'q';
            break;
        default:
            break;
    }
    throw QemuError(ErrorKind::kUnsupported, fmt::format("qtest has no access of {} bytes", width));
}

void check_port(std::uint32_t port) {
    // QEMU asserts this, and aborts.
    if (port > 0xffff)
        throw QemuError(ErrorKind::kUnsupported, fmt::format("port {:#x} is above 0xffff", port));
}

std::uint64_t parse_number(std::string_view text, std::string_view command) {
    int base = 10;
    std::string_view digits = text;
    if (digits.starts_with("0x")) {
        digits.remove_prefix(2);
        base = 16;
    }
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
    if (error != std::errc{} || end != digits.data() + digits.size())
        throw QemuError(ErrorKind::kProtocol,
                        fmt::format("qtest '{}' answered '{}', not a number", command, text));
    return value;
}

}  // namespace

std::uint32_t QtestClient::in(std::uint32_t port, unsigned width) {
    check_port(port);
    const std::string line = fmt::format("in{} {:#x}", width_letter(width, false), port);
    return static_cast<std::uint32_t>(parse_number(command(line), line));
}

void QtestClient::out(std::uint32_t port, unsigned width, std::uint32_t value) {
    check_port(port);
    command(fmt::format("out{} {:#x} {:#x}", width_letter(width, false), port, value));
}

std::uint64_t QtestClient::read(std::uint64_t address, unsigned width) {
    const std::string line = fmt::format("read{} {:#x}", width_letter(width, true), address);
    return parse_number(command(line), line);
}

void QtestClient::write(std::uint64_t address, unsigned width, std::uint64_t value) {
    command(fmt::format("write{} {:#x} {:#x}", width_letter(width, true), address, value));
}

void QtestClient::read_block(std::uint64_t address, std::span<std::uint8_t> data) {
    while (!data.empty()) {  // QEMU asserts that the size is not 0
        const std::size_t size = std::min(data.size(), kPiece);
        const std::string line = fmt::format("b64read {:#x} {:#x}", address, size);
        const auto bytes = base64_decode(command(line));
        if (bytes.size() != size) bad_reply(line, fmt::format("{} bytes", bytes.size()));
        std::copy(bytes.begin(), bytes.end(), data.begin());
        data = data.subspan(size);
        address += size;
    }
}

void QtestClient::write_block(std::uint64_t address, std::span<const std::uint8_t> data) {
    while (!data.empty()) {
        const std::size_t size = std::min(data.size(), kPiece);
        command(fmt::format("b64write {:#x} {:#x} {}", address, size, base64_encode(data.first(size))));
        data = data.subspan(size);
        address += size;
    }
}

void QtestClient::fill(std::uint64_t address, std::uint64_t size, std::uint8_t value) {
    if (size != 0) command(fmt::format("memset {:#x} {:#x} {:#x}", address, size, value));
}

std::int64_t QtestClient::clock_step(std::int64_t ns) {
    if (ns < 0) throw QemuError(ErrorKind::kUnsupported, "virtual time cannot go back");
    // Since QEMU 10 not to move is an error.
    if (ns == 0) return now_;
    const std::string line = fmt::format("clock_step {}", ns);
    now_ = static_cast<std::int64_t>(parse_number(command(line), line));
    return now_;
}

void QtestClient::irq_intercept_in(std::string_view path) {
    command(fmt::format("irq_intercept_in {}", path));
}

void QtestClient::set_irq_in(std::string_view path, unsigned pin, int level) {
    command(fmt::format("set_irq_in {} unnamed-gpio-in {} {}", path, pin, level));
}

void QtestClient::round_trip() {
    command("endianness");
}

std::vector<IrqEdge> QtestClient::take_irq_edges() {
    return std::exchange(edges_, {});
}

std::string QtestClient::command(std::string_view line) {
    // An empty line, two spaces in a row and a line break inside make QEMU abort or lose step.
    if (line.empty() || line.front() == ' ' || line.back() == ' ' ||
        line.find("  ") != std::string_view::npos || line.find_first_of("\r\n") != std::string_view::npos)
        throw QemuError(ErrorKind::kUnsupported, fmt::format("'{}' is no qtest command line", line));
    last_command_ = line.substr(0, 60);
    send(std::string(line) + "\n");
    for (;;) {
        const std::string reply = receive_line();
        if (take_irq_line(reply)) continue;
        if (reply == "OK") return {};
        if (reply.starts_with("OK ")) return reply.substr(3);
        if (reply.starts_with("FAIL Unknown command"))
            throw QemuError(ErrorKind::kUnsupported,
                            fmt::format("this QEMU has no qtest command '{}'", last_command_));
        bad_reply(last_command_, reply);
    }
}

void QtestClient::send(std::string_view text) {
    while (!text.empty()) {
        const ssize_t put = ::send(socket_.get(), text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        if (put > 0)
            text.remove_prefix(static_cast<std::size_t>(put));
        else if (errno == EAGAIN)
            loop_.wait_writable(socket_.get(), "qtest: QEMU does not read " + last_command_);
        else if (errno != EINTR)
            loop_.peer_gone("qtest " + last_command_);
    }
}

std::string QtestClient::receive_line() {
    for (;;) {
        const std::size_t newline = input_.find('\n', consumed_);
        if (newline != std::string::npos) {
            std::string line = input_.substr(consumed_, newline - consumed_);
            consumed_ = newline + 1;
            if (consumed_ == input_.size()) {
                input_.clear();
                consumed_ = 0;
            }
            if (line.ends_with('\r')) line.pop_back();
            return line;
        }
        loop_.wait_readable(socket_.get(), "qtest " + last_command_);
        std::array<char, 65536> piece;
        const ssize_t got = ::recv(socket_.get(), piece.data(), piece.size(), MSG_DONTWAIT);
        if (got > 0)
            input_.append(piece.data(), static_cast<std::size_t>(got));
        else if (got == 0 || (errno != EAGAIN && errno != EINTR))
            loop_.peer_gone("qtest " + last_command_);
    }
}

bool QtestClient::take_irq_line(std::string_view line) {
    const bool raised = line.starts_with("IRQ raise ");
    if (!raised && !line.starts_with("IRQ lower ")) return false;
    const std::uint64_t pin = parse_number(line.substr(10), "IRQ");
    if (pin >= levels_.size()) bad_reply("IRQ", line);
    levels_[pin] = raised;
    edges_.push_back({static_cast<std::uint8_t>(pin), raised});
    ++edge_count_;
    return true;
}

void QtestClient::bad_reply(std::string_view command, std::string_view reply) {
    throw QemuError(ErrorKind::kProtocol,
                    fmt::format("qtest '{}' answered '{}'", command, reply.substr(0, 200)));
}

}  // namespace tb::qemu
