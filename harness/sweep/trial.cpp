// SPDX-License-Identifier: BSD-3-Clause
#include "harness/sweep/trial.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace tb::sweep {

using harness::Arguments;
using harness::Bytes;
using harness::Outcome;

namespace {

constexpr std::uint64_t kTypical = 1'000'000'000;
constexpr std::uint64_t kPollEvery = 100'000;
constexpr std::uint64_t kTrialBlock = 8;  ///< sectors: a block of any logical size that QEMU has
constexpr std::size_t kTrialFrame = 60;
constexpr unsigned kMostBacklog = 1000;  ///< frames, or reads of characters

Bytes text(std::string_view characters) {
    Bytes bytes;
    for (const char c : characters) bytes.push_back(static_cast<std::byte>(c));
    return bytes;
}

}  // namespace

bool is_subsequence(const Bytes& part, const Bytes& whole) {
    auto at = whole.begin();
    return std::all_of(part.begin(), part.end(), [&](std::byte byte) {
        at = std::find(at, whole.end(), byte);
        if (at == whole.end()) return false;
        ++at;
        return true;
    });
}

bool Trial::can(std::string_view operation) const {
    return driver_.find_operation(operation) != nullptr;
}

Outcome Trial::operate(std::string_view operation, const Arguments& arguments) {
    return session_.run(operation, arguments);
}

std::string Trial::run() {
    if (!can("start")) return {};
    if (const Outcome started = operate("start"); !started.status)
        return fmt::format("start gave {}", hal::to_string(started.status.error()));
    std::string wrong;
    if (can("blk.read")) wrong = try_disk();
    if (can("net.send")) wrong = try_network();
    if (can("uart.write")) wrong = try_line();
    operate("stop");
    return wrong;
}

std::string Trial::try_disk() {
    Arguments arguments;
    arguments.set("sector", std::uint64_t{0});
    arguments.set("count", kTrialBlock);
    const Outcome read = operate("blk.read", arguments);
    if (!read.status) return fmt::format("blk.read gave {}", hal::to_string(read.status.error()));
    const auto data = read.results.find(std::string_view("data"));
    if (data == read.results.end() ||
        std::get<Bytes>(data->second) != outside_.medium_contents(0, kTrialBlock))
        return "blk.read gave wrong data";
    return {};
}

std::string Trial::try_network() {
    if (can("e1000.wait_for_link")) {
        Arguments patience;
        patience.set("timeout", std::uint64_t{10} * kTypical);
        if (const Outcome link = operate("e1000.wait_for_link", patience); !link.status)
            return fmt::format("waiting for the link gave {}", hal::to_string(link.status.error()));
    }
    outside_.take_frames();
    Bytes frame(kTrialFrame, std::byte{0x5a});
    std::fill_n(frame.begin(), 6, std::byte{0xff});
    Arguments arguments;
    arguments.set("data", frame);
    if (const Outcome sent = operate("net.send", arguments); !sent.status)
        return fmt::format("net.send gave {}", hal::to_string(sent.status.error()));
    const auto frames = outside_.take_frames();
    if (std::find(frames.begin(), frames.end(), frame) == frames.end()) return "the frame did not come out";
    outside_.send_frame(frame);
    seam_.interrupt_point();
    Arguments wait;
    wait.set("within", kTypical);
    // Frames that came while nobody listened may be before it.
    for (unsigned i = 0; i < kMostBacklog; ++i) {
        const Outcome got = operate("net.receive", wait);
        if (!got.status) return fmt::format("net.receive gave {}", hal::to_string(got.status.error()));
        const auto data = got.results.find(std::string_view("data"));
        if (data != got.results.end() && std::get<Bytes>(data->second) == frame) return {};
    }
    return "net.receive never gave the frame";
}

std::string Trial::try_line() {
    outside_.take_output();
    Arguments arguments;
    arguments.set("data", text("on"));
    if (const Outcome written = operate("uart.write", arguments); !written.status)
        return fmt::format("uart.write gave {}", hal::to_string(written.status.error()));
    if (const Outcome drained = operate("uart.drain"); !drained.status)
        return fmt::format("uart.drain gave {}", hal::to_string(drained.status.error()));
    if (outside_.take_output() != text("on")) return "other characters came out than were written";
    // What arrived while nobody listened goes first.
    const auto next = [&] {
        operate("uart.poll");
        const Outcome got = operate("uart.read");
        const auto data = got.results.find(std::string_view("data"));
        seam_.delay(kPollEvery);
        return data == got.results.end() ? Bytes() : std::get<Bytes>(data->second);
    };
    for (unsigned i = 0; i < kMostBacklog && !next().empty(); ++i) {
    }
    outside_.type(text("y"));
    for (std::uint64_t waited = 0; waited < kTypical; waited += kPollEvery)
        if (const Bytes characters = next(); !characters.empty())
            return characters == text("y") ? "" : "another character was read than was typed";
    return "the character that was typed was never read";
}

}  // namespace tb::sweep
