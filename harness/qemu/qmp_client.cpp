// SPDX-License-Identifier: BSD-3-Clause
#include "harness/qemu/qmp_client.hpp"

#include <fmt/format.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <nlohmann/json.hpp>
#include <utility>

#include "harness/qemu/error.hpp"

namespace tb::qemu {
namespace {

using nlohmann::json;

json parse(const std::string& line) {
    json value = json::parse(line, nullptr, /*allow_exceptions=*/false);
    if (!value.is_object())
        throw QemuError(ErrorKind::kProtocol, "QMP sent no JSON object: " + line.substr(0, 200));
    return value;
}

/// A text of a reply; the reply itself where there is none.
std::string text_of(const json& node, const char* key, const json& reply) {
    const bool there = node.is_object() && node.contains(key) && node[key].is_string();
    return there ? node[key].get<std::string>() : reply.dump();
}

}  // namespace

void QmpClient::connect() {
    const json greeting = parse(receive_line("its greeting"));
    if (!greeting.contains("QMP"))
        throw QemuError(ErrorKind::kProtocol, "QMP did not greet: " + greeting.dump());
    execute("qmp_capabilities");
}

std::string QmpClient::execute(std::string_view command, std::string_view arguments_json) {
    const json arguments = json::parse(arguments_json, nullptr, /*allow_exceptions=*/false);
    if (!arguments.is_object())
        throw QemuError(ErrorKind::kUnsupported,
                        fmt::format("QMP {}: the arguments are no JSON object", command));
    const std::uint64_t id = next_id_++;
    const std::string name(command);
    // No line end: QEMU acts on the closing brace, and would leave the byte behind it unread while it sleeps
    // inside the command, which EventLoop could not tell from a command not yet taken.
    const std::string text = json{{"execute", name}, {"arguments", arguments}, {"id", id}}.dump();
    std::string_view rest = text;
    while (!rest.empty()) {
        const ssize_t put = ::send(socket_.get(), rest.data(), rest.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        if (put > 0)
            rest.remove_prefix(static_cast<std::size_t>(put));
        else if (errno == EAGAIN)
            loop_.wait_writable(socket_.get(), "QMP: QEMU does not read " + name);
        else if (errno != EINTR)
            loop_.peer_gone("QMP " + name);
    }
    for (;;) {
        json reply = parse(receive_line(name));
        if (reply.contains("event")) {
            events_.push_back({text_of(reply, "event", reply), reply.value("data", json::object()).dump()});
            continue;
        }
        if (reply.contains("error"))
            throw QemuError(ErrorKind::kProtocol,
                            fmt::format("QMP {}: {}", name, text_of(reply["error"], "desc", reply)));
        if (!reply.contains("return") || reply.value("id", json()) != id)
            throw QemuError(ErrorKind::kProtocol, fmt::format("QMP {}: unexpected {}", name, reply.dump()));
        return reply["return"].dump();
    }
}

std::vector<QmpEvent> QmpClient::take_events() {
    return std::exchange(events_, {});
}

std::string QmpClient::receive_line(const std::string& what) {
    for (;;) {
        const std::size_t newline = input_.find('\n');
        if (newline != std::string::npos) {
            std::string line = input_.substr(0, newline);
            input_.erase(0, newline + 1);
            return line;
        }
        loop_.wait_readable(socket_.get(), "QMP " + what);
        std::array<char, 16384> piece;
        const ssize_t got = ::recv(socket_.get(), piece.data(), piece.size(), MSG_DONTWAIT);
        if (got > 0)
            input_.append(piece.data(), static_cast<std::size_t>(got));
        else if (got == 0 || (errno != EAGAIN && errno != EINTR))
            loop_.peer_gone("QMP " + what);
    }
}

}  // namespace tb::qemu
