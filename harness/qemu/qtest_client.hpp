// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "harness/qemu/event_loop.hpp"
#include "harness/qemu/fd.hpp"

namespace tb::qemu {

struct IrqEdge {
    std::uint8_t pin;
    bool raised;
    bool operator==(const IrqEdge&) const = default;
};

/// Client of QEMU's qtest protocol (documented at the head of QEMU's softmmu/qtest.c; line based).
///
/// Each call is one round trip: it returns after QEMU has executed the command. Arguments that would make
/// QEMU abort are refused with QemuError kUnsupported. All calls throw kDied, kHung or kProtocol.
class QtestClient {
  public:
    QtestClient(UniqueFd socket, EventLoop& loop) : socket_(std::move(socket)), loop_(loop) {}

    /// Port access. `width` in bytes: 1, 2 or 4; `port` up to 0xffff.
    std::uint32_t in(std::uint32_t port, unsigned width);
    void out(std::uint32_t port, unsigned width, std::uint32_t value);

    /// One memory access by the first CPU, as it would do it: `width` is 1, 2, 4 or 8 bytes.
    std::uint64_t read(std::uint64_t address, unsigned width);
    void write(std::uint64_t address, unsigned width, std::uint64_t value);

    /// Bulk access in guest physical memory, in pieces of 48 KiB. For RAM prefer Vm::ram().
    void read_block(std::uint64_t address, std::span<std::uint8_t> data);
    void write_block(std::uint64_t address, std::span<const std::uint8_t> data);
    void fill(std::uint64_t address, std::uint64_t size, std::uint8_t value);

    /// Moves virtual time on by so many ns: runs the timers that fall due and returns the new time; with 0
    /// nothing happens. It starts at 0. Throws kUnsupported when QEMU does not run with the qtest
    /// accelerator.
    std::int64_t clock_step(std::int64_t ns);

    /// Reports level changes of the input pins of a device (QOM path or unique name, "ioapic"). One
    /// device in the life of a QEMU.
    void irq_intercept_in(std::string_view path);
    /// Drives an input pin of the unnamed list of a device.
    void set_irq_in(std::string_view path, unsigned pin, int level);

    /// A command without effect: QEMU's main loop has turned at least once when it returns.
    void round_trip();

    /// Levels of the intercepted pins, as of the last reply.
    const std::array<bool, 256>& irq_levels() const { return levels_; }
    /// Level changes since the last call, in the order in which QEMU reported them.
    std::vector<IrqEdge> take_irq_edges();
    /// Number of level changes since the start.
    std::uint64_t irq_edge_count() const { return edge_count_; }

    /// Sends one command line (without newline) and returns the words after "OK". For commands that have
    /// no function here. Throws kProtocol on FAIL and ERR.
    std::string command(std::string_view line);

  private:
    void send(std::string_view text);
    std::string receive_line();
    bool take_irq_line(std::string_view line);
    [[noreturn]] void bad_reply(std::string_view command, std::string_view reply);

    UniqueFd socket_;
    EventLoop& loop_;
    std::string input_;
    std::size_t consumed_ = 0;
    std::array<bool, 256> levels_{};
    std::vector<IrqEdge> edges_;
    std::uint64_t edge_count_ = 0;
    std::string last_command_;
    std::int64_t now_ = 0;
};

}  // namespace tb::qemu
