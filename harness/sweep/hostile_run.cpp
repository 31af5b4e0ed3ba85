// SPDX-License-Identifier: BSD-3-Clause
#include "harness/sweep/hostile_run.hpp"

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
constexpr std::uint64_t kEthernetHeader = 14;
constexpr std::uint64_t kVlanTag = 4;
constexpr unsigned kMostBacklog = 1000;  ///< frames, or reads of characters

Bytes text(std::string_view characters) {
    Bytes bytes;
    for (const char c : characters) bytes.push_back(static_cast<std::byte>(c));
    return bytes;
}

}  // namespace

HostileRun::HostileRun(const scenario::Scenario& scenario, harness::Rig& rig, trace::Trace& trace,
                       Truth& truth, bool learning)
    : Run(scenario, rig, trace, true), truth_(truth), learning_(learning) {
    digests_memory_ = false;
}

bool HostileRun::tolerates(const std::string&) {
    result_.deviated = true;
    return true;
}

void HostileRun::object(const std::string& objection) {
    if (result_.failure.empty()) result_.failure = objection;
}

void HostileRun::ended(const harness::OperationSpec& operation, const Arguments& arguments,
                       const Outcome& outcome) {
    if (learning_) return truth_.learn(operation, arguments, outcome);
    if (const std::string never = impossible(operation, outcome); !never.empty()) return object(never);
    const std::string wrong = truth_.judge(operation, arguments, outcome, rig().outside(), pending().empty());
    if (wrong.empty() || !result_.failure.empty()) return;
    result_.wrong_data = true;
    object(wrong);
}

std::string HostileRun::impossible(const harness::OperationSpec& operation, const Outcome& outcome) {
    if (std::string_view(operation.name) != "net.receive" || !outcome.status) return {};
    const auto number = [](const Outcome& of, std::string_view name) {
        const auto found = of.results.find(name);
        return found == of.results.end() ? 0 : std::get<std::uint64_t>(found->second);
    };
    const std::uint64_t bytes = number(outcome, "bytes");
    const std::uint64_t most = number(run("net.info"), "max_frame") + kVlanTag;
    if (bytes >= kEthernetHeader && bytes <= most) return {};
    return fmt::format("net.receive gave a frame of {} bytes; {} to {} are possible", bytes, kEthernetHeader,
                       most);
}

void HostileRun::came_out(std::string_view what, const Bytes& bytes) {
    if (concluding_) return;
    if (learning_) return truth_.learn_output(what, bytes);
    const std::string wrong = truth_.judge_output(what, bytes);
    if (wrong.empty() || !result_.failure.empty()) return;
    result_.wrong_data = true;
    object(wrong);
}

void HostileRun::went_in(std::string_view what, const Bytes& bytes) {
    if (learning_) truth_.learn_input(what, bytes);
}

HostileResult HostileRun::go(std::span<const faults::Fault> faults, const Budget& budget) {
    truth_.begin();
    fault_layer().set_budget(budget.calls, budget.until_ns);
    for (const faults::Fault& fault : faults) fault_layer().arm(fault);
    try {
        all();
        conclude();
    } catch (const faults::Hang& hang) {
        object(hang.what());
        // In the middle of its work, and so not even destroyed.
        abandon_session();
    }
    const auto& log = rig().machine().log_lines();
    result_.complained = std::any_of(log.begin(), log.end(), [](const std::string& line) {
        return line.starts_with("error") || line.starts_with("warning");
    });
    result_.struck = fault_layer().strikes();
    result_.virtual_ns = recorder().now_ns();
    return result_;
}

void HostileRun::conclude() {
    concluding_ = true;
    if (at_conclusion_) at_conclusion_();
    const bool has_driver = has_session() && can("stop");
    const bool replugged = fault_layer().removed();
    if (has_driver) {
        run("stop");
        end_requests();
    }
    if (replugged) close_session();
    if (has_driver) look_for_leaks("when it stopped");
    fault_layer().heal_all();
    seam().interrupt_point();
    if (has_driver) {
        result_.why_not = try_out();
        result_.lives = result_.why_not.empty();
    }
    close_session();
    detach_interrupts();
    look_for_leaks("when it went");
    // Models judge by what they did say; a driver acts on what it heard. What it does with memory that is not
    // its own has no excuse.
    for (const trace::Event& event : recorder().trace().events()) {
        if (event.kind != trace::EventKind::kFinding) continue;
        const std::string_view finding = recorder().trace().text(event);
        if (finding.starts_with("driver ")) object(fmt::format("a rule was broken: {}", finding));
    }
}

void HostileRun::end_requests() {
    for (auto& [name, request] : pending())
        if (!request.outcome && !session().finished(request.handle))
            object(fmt::format("{} ('{}') has not ended though the driver has stopped",
                               request.operation->name, name));
    pending().clear();
}

void HostileRun::look_for_leaks(const char* when) {
    if (const std::string left = left_behind(); !left.empty()) object(left);
    if (const std::size_t vectors = fault_layer().attached() - attached_interrupts(); vectors != 0)
        object(fmt::format("the driver left {} interrupt vectors behind {}", vectors, when));
}

bool HostileRun::can(std::string_view operation) const {
    return scenario().driver != nullptr && scenario().driver->find_operation(operation) != nullptr;
}

Outcome HostileRun::run(std::string_view operation, const Arguments& arguments) {
    return session().run(operation, arguments);
}

std::string HostileRun::try_out() {
    if (!can("start")) return {};
    if (const Outcome started = run("start"); !started.status)
        return fmt::format("start gave {}", hal::to_string(started.status.error()));
    std::string wrong;
    if (can("blk.read")) wrong = try_disk();
    if (can("net.send")) wrong = try_network();
    if (can("uart.write")) wrong = try_line();
    run("stop");
    return wrong;
}

std::string HostileRun::try_disk() {
    Arguments arguments;
    arguments.set("sector", std::uint64_t{0});
    arguments.set("count", kTrialBlock);
    const Outcome read = run("blk.read", arguments);
    if (!read.status) return fmt::format("blk.read gave {}", hal::to_string(read.status.error()));
    const auto data = read.results.find(std::string_view("data"));
    if (data == read.results.end() ||
        std::get<Bytes>(data->second) != rig().outside().medium_contents(0, kTrialBlock))
        return "blk.read gave wrong data";
    return {};
}

std::string HostileRun::try_network() {
    if (can("e1000.wait_for_link")) {
        Arguments patience;
        patience.set("timeout", std::uint64_t{10} * kTypical);
        if (const Outcome link = run("e1000.wait_for_link", patience); !link.status)
            return fmt::format("waiting for the link gave {}", hal::to_string(link.status.error()));
    }
    rig().outside().take_frames();
    Bytes frame(kTrialFrame, std::byte{0x5a});
    std::fill_n(frame.begin(), 6, std::byte{0xff});
    Arguments arguments;
    arguments.set("data", frame);
    if (const Outcome sent = run("net.send", arguments); !sent.status)
        return fmt::format("net.send gave {}", hal::to_string(sent.status.error()));
    const auto frames = rig().outside().take_frames();
    if (std::find(frames.begin(), frames.end(), frame) == frames.end()) return "the frame did not come out";
    rig().outside().send_frame(frame);
    seam().interrupt_point();
    Arguments wait;
    wait.set("within", kTypical);
    // Frames that came while nobody listened may be before it.
    for (unsigned i = 0; i < kMostBacklog; ++i) {
        const Outcome got = run("net.receive", wait);
        if (!got.status) return fmt::format("net.receive gave {}", hal::to_string(got.status.error()));
        const auto data = got.results.find(std::string_view("data"));
        if (data != got.results.end() && std::get<Bytes>(data->second) == frame) return {};
    }
    return "net.receive never gave the frame";
}

std::string HostileRun::try_line() {
    rig().outside().take_output();
    Arguments arguments;
    arguments.set("data", text("on"));
    if (const Outcome written = run("uart.write", arguments); !written.status)
        return fmt::format("uart.write gave {}", hal::to_string(written.status.error()));
    if (const Outcome drained = run("uart.drain"); !drained.status)
        return fmt::format("uart.drain gave {}", hal::to_string(drained.status.error()));
    if (rig().outside().take_output() != text("on")) return "other characters came out than were written";
    // What arrived while nobody listened goes first.
    const auto next = [&] {
        run("uart.poll");
        const Outcome got = run("uart.read");
        const auto data = got.results.find(std::string_view("data"));
        seam().delay(kPollEvery);
        return data == got.results.end() ? Bytes() : std::get<Bytes>(data->second);
    };
    for (unsigned i = 0; i < kMostBacklog && !next().empty(); ++i) {
    }
    rig().outside().type(text("y"));
    for (std::uint64_t waited = 0; waited < kTypical; waited += kPollEvery)
        if (const Bytes characters = next(); !characters.empty())
            return characters == text("y") ? "" : "another character was read than was typed";
    return "the character that was typed was never read";
}

}  // namespace tb::sweep
