// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "harness/qemu/event_loop.hpp"
#include "harness/qemu/fd.hpp"

namespace tb::qemu {

/// An asynchronous message of QEMU, e.g. "BLOCK_IO_ERROR"; `data` is JSON text.
struct QmpEvent {
    std::string name;
    std::string data;
};

/// Client of the QEMU Machine Protocol (QEMU's docs/interop/qmp-spec). JSON goes in and out as text.
class QmpClient {
  public:
    QmpClient(UniqueFd socket, EventLoop& loop) : socket_(std::move(socket)), loop_(loop) {}

    /// Takes the greeting and leaves negotiation mode.
    void connect();

    /// Runs a command and returns the JSON text of its result. Throws kProtocol when QEMU refuses it, with
    /// QEMU's own words.
    std::string execute(std::string_view command, std::string_view arguments_json = "{}");

    /// Events since the last call, in order of arrival.
    std::vector<QmpEvent> take_events();

  private:
    std::string receive_line(const std::string& what);

    UniqueFd socket_;
    EventLoop& loop_;
    std::string input_;
    std::vector<QmpEvent> events_;
    std::uint64_t next_id_ = 1;
};

}  // namespace tb::qemu
