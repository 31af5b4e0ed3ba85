// SPDX-License-Identifier: BSD-3-Clause
#include "harness/fuzz/bench.hpp"

#include <fmt/format.h>

#include <hal/poll.hpp>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "harness/sweep/trial.hpp"

namespace tb::fuzz {

using harness::Arguments;
using harness::Bytes;
using harness::Outcome;

namespace {

constexpr std::uint64_t kPollEvery = 10'000;
/// Behind the longest deadline that a dialect gives a driver.
constexpr std::uint64_t kLongestFlight = 20'000'000'000;
constexpr std::uint64_t kEthernetHeader = 14;
constexpr std::uint64_t kVlanTag = 4;

std::uint64_t number_of(const Outcome& outcome, std::string_view name) {
    const auto found = outcome.results.find(name);
    return found == outcome.results.end() ? 0 : std::get<std::uint64_t>(found->second);
}

}  // namespace

Bench::Bench(const Dialect& dialect)
    : language_(dialect),
      rig_(language_.device().make_model(nlohmann::json::parse(dialect.configuration), {})) {
    if (!rig_->reset()) throw std::logic_error(fmt::format("{} cannot be reset in place", dialect.device));
}

Life::Life(Bench& bench, hal::Machine& seam)
    : bench_(bench),
      host_(seam),
      session_(bench.rig().open(bench.language().driver(), bench.language().device(), host_)) {}

void Life::object(std::string finding) {
    if (finding_.empty()) finding_ = std::move(finding);
}

void Life::take(const Step& step) {
    switch (step.kind) {
        case Step::Kind::kDo:
            return operate(step);
        case Step::Kind::kHost:
            return input(step);
        case Step::Kind::kWait:
            return host_.delay(step.wait_ns);
        case Step::Kind::kFault:
        case Step::Kind::kHeal:
            return;  // of who owns the layer that has them
    }
}

void Life::operate(const Step& step) {
    begins(*step.operation, step.arguments);
    if (!step.async) {
        const Outcome outcome = session_->run(step.operation->name, step.arguments);
        look(*step.operation, outcome);
        return ended(*step.operation, step.arguments, outcome, flights_.empty());
    }
    const hal::Result<std::uint32_t> handle = session_->begin(step.operation->name, step.arguments);
    if (handle)
        flights_.push_back({step.operation, step.arguments, *handle});
    else
        ended(*step.operation, step.arguments, {handle.error(), {}}, false);
}

/// What no driver may give, whatever its device has said.
void Life::look(const harness::OperationSpec& operation, const Outcome& outcome) {
    const std::string_view name = operation.name;
    if (!outcome.status) return;
    if (name == "net.receive") {
        const std::uint64_t bytes = number_of(outcome, "bytes");
        const std::uint64_t most = number_of(session_->run("net.info", {}), "max_frame") + kVlanTag;
        if (bytes < kEthernetHeader || bytes > most)
            object(fmt::format("net.receive gave a frame of {} bytes; {} to {} are possible", bytes,
                               kEthernetHeader, most));
    } else if (name == "blk.read") {
        const auto data = outcome.results.find(std::string_view("data"));
        if (data != outcome.results.end() &&
            number_of(outcome, "bytes") > std::get<Bytes>(data->second).size())
            object("blk.read gave more bytes than were asked for");
    }
}

void Life::input(const Step& step) {
    harness::Outside& outside = bench_.rig().outside();
    const std::string_view what = step.input;
    const Arguments& a = step.arguments;
    came_in(what, a);
    if (what == "net.frame")
        outside.send_frame(a.data("data"));
    else if (what == "net.link")
        outside.set_link(a.boolean("up"));
    else if (what == "uart.type")
        outside.type(a.data("data"));
    else if (what == "uart.break")
        outside.send_break();
    else if (what == "uart.modem")
        outside.set_modem_lines(a.boolean("cts"), a.boolean("dsr"), a.boolean("ri"), a.boolean("dcd"));
    else if (what == "blk.fail")
        outside.fail_sectors(a.integer("sector"), a.integer("sectors"), a.text("error"));
    host_.interrupt_point();
}

void Life::stop() {
    for (const Flight& flight : flights_) {
        std::optional<Outcome> end;
        const std::uint64_t start = host_.machine().now_ns();
        while (!(end = session_->finished(flight.handle))) {
            const std::uint64_t passed = host_.machine().now_ns() - start;
            if (passed > kLongestFlight) {
                object(fmt::format("{} has not ended long after its deadline", flight.operation->name));
                break;
            }
            host_.delay(hal::patience(hal::nanoseconds(passed), hal::nanoseconds(kPollEvery)).ns);
        }
        if (end) ended(*flight.operation, flight.arguments, *end, false);
    }
    flights_.clear();
    static_cast<void>(session_->run("stop", {}));
    look_for_leaks("when it stopped");
}

void Life::look_for_leaks(const char* when) {
    for (const auto& [address, size] : bench_.rig().machine().pool().allocations())
        object(fmt::format("the driver left {} bytes of DMA memory at {:#x} behind {}", size, address, when));
}

void Life::try_out() {
    harness::Outside& outside = bench_.rig().outside();
    // The cable and the modem lines are as at first, and the medium is mended.
    if (outside.has_network()) outside.set_link(true);
    if (outside.has_line()) outside.set_modem_lines(true, true, false, true);
    if (outside.has_medium()) outside.fail_sectors(0, ~std::uint64_t{0}, "");
    host_.interrupt_point();
    const std::string wrong = sweep::Trial(bench_.language().driver(), *session_, outside, host_).run();
    if (!wrong.empty()) object("the driver does not work again when the device does: " + wrong);
}

void Life::close() {
    session_.reset();
    look_for_leaks("when it went");
}

void Life::renew() {
    close();
    session_ = bench_.rig().open(bench_.language().driver(), bench_.language().device(), host_);
}

}  // namespace tb::fuzz
