// SPDX-License-Identifier: BSD-3-Clause
#include "harness/sweep/hostile_run.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "harness/operations/net_operations.hpp"
#include "harness/sweep/trial.hpp"

namespace tb::sweep {

using harness::Arguments;
using harness::Bytes;
using harness::Outcome;

namespace {

constexpr std::uint64_t kEthernetHeader = 14;
constexpr std::uint64_t kVlanTag = 4;

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
    if (wrong.empty() || !result_.failure.empty() || announces_driver(what, bytes)) return;
    result_.wrong_data = true;
    object(wrong);
}

/// A RARP request (RFC 903) for the address that the driver says it has, and nothing else: a station may
/// announce itself at any time.
bool HostileRun::announces_driver(std::string_view what, const Bytes& bytes) {
    constexpr std::size_t kLeastFrame = 60;
    constexpr std::size_t kSource = 6;
    constexpr std::size_t kEtherType = 12;
    constexpr std::array<std::uint8_t, 10> kRequest = {0x80, 0x35, 0, 1, 0x08, 0x00, 6, 4, 0, 3};
    if (what != "net.frame" || bytes.size() != kLeastFrame) return false;
    net::MacAddress source{};
    std::memcpy(source.data(), &bytes[kSource], source.size());
    Bytes request(kLeastFrame);
    std::fill_n(request.begin(), source.size(), std::byte{0xff});
    for (const std::size_t at : {kSource, std::size_t{22}, std::size_t{32}})
        std::memcpy(&request[at], source.data(), source.size());
    std::memcpy(&request[kEtherType], kRequest.data(), kRequest.size());
    if (bytes != request) return false;
    const Outcome info = run("net.info");
    const auto mac = info.results.find(std::string_view("mac"));
    return mac != info.results.end() && std::get<std::string>(mac->second) == harness::to_text(source);
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
    for (const Broken& one : broken())
        object(fmt::format("a rule was broken: {}: {}", one.rule->id, one.how));
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
    return run_judged(operation, arguments);
}

std::string HostileRun::try_out() {
    return Trial(*scenario().driver, session(), rig().outside(), seam()).run();
}

}  // namespace tb::sweep
