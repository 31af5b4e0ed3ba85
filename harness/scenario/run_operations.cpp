// SPDX-License-Identifier: BSD-3-Clause
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "harness/scenario/run.hpp"

namespace tb::scenario {

using harness::Bytes;
using harness::OperationSpec;
using harness::Outcome;
using trace::EventKind;

namespace {

constexpr std::uint64_t kDefaultWithin = 1'000'000'000;
constexpr std::uint64_t kPollEvery = 10'000;

std::string shown(const harness::Value& value) {
    struct Show {
        std::string operator()(std::uint64_t v) const {
            return v < 10 ? fmt::format("{}", v) : fmt::format("{} ({:#x})", v, v);
        }
        std::string operator()(bool v) const { return v ? "true" : "false"; }
        std::string operator()(const std::string& v) const { return fmt::format("\"{}\"", v); }
        std::string operator()(const Bytes& v) const { return fmt::format("{} bytes", v.size()); }
        std::string operator()(const std::vector<Bytes>& v) const {
            return fmt::format("{} pieces of data", v.size());
        }
        std::string operator()(const std::vector<std::string>& v) const {
            return fmt::format("[{}]", fmt::join(v, ", "));
        }
        std::string operator()(const std::vector<std::uint64_t>& v) const {
            return fmt::format("[{}]", fmt::join(v, ", "));
        }
    };
    return std::visit(Show{}, value);
}

std::string unequal(const harness::Value& got, const harness::Value& want) {
    if (const Bytes* bytes = std::get_if<Bytes>(&got);
        bytes != nullptr && std::holds_alternative<Bytes>(want))
        return difference(*bytes, std::get<Bytes>(want));
    return got == want ? "" : fmt::format("{}, expected {}", shown(got), shown(want));
}

}  // namespace

harness::DriverSession& Run::session() {
    if (session_ == nullptr) session_ = rig_.open(*scenario_.driver, *scenario_.device, host_);
    return *session_;
}

namespace {

/// A call into the driver: what it has begun is complete when it is over.
class Judged {
  public:
    explicit Judged(rules::RulesLayer* rules) : rules_(rules) {
        if (rules_ != nullptr) rules_->driver_begins();
    }
    ~Judged() {
        if (rules_ != nullptr) rules_->driver_ends();
    }
    Judged(const Judged&) = delete;
    Judged& operator=(const Judged&) = delete;

  private:
    rules::RulesLayer* rules_;
};

}  // namespace

Outcome Run::run_judged(std::string_view operation, const harness::Arguments& arguments) {
    const Judged judged(rules_.get());
    return session().run(operation, arguments);
}

harness::Arguments Run::arguments(const OperationSpec& operation, const json& node) {
    harness::Arguments result;
    for (const harness::KeySpec& key : operation.arguments)
        if (const auto found = node.find(key.name); found != node.end())
            result.set(key.name, to_value(*found, key.type, lookup_));
    return result;
}

void Run::operation(const json& node) {
    const OperationSpec& spec = *scenario_.driver->find_operation(node["do"].get<std::string>());
    const harness::Arguments args = arguments(spec, node);
    const std::string name = node.contains("as") ? node["as"].get<std::string>() : "";
    if (boolean(node, "async", false)) {
        const Judged judged(rules_.get());
        const hal::Result<std::uint32_t> handle = session().begin(spec.name, args);
        Pending& pending = pending_[name] = {&spec, 0, std::nullopt, args};
        if (handle)
            pending.handle = *handle;
        else
            pending.outcome = Outcome{handle.error(), {}};
        return;
    }
    const std::uint64_t start = recorder_.now_ns();
    const Outcome outcome = run_judged(spec.name, args);
    record(spec, outcome);
    ended(spec, args, outcome);
    judge(spec, outcome, node.contains("expect") ? node["expect"] : json::object());
    if (const std::uint64_t within = duration(node, "within", 0);
        within != 0 && recorder_.now_ns() - start > within)
        fail(fmt::format("{} took {} ns, more than {}", spec.name, recorder_.now_ns() - start, within));
    if (name.empty()) return;
    for (const auto& [key, value] : outcome.results)
        if (const auto* number = std::get_if<std::uint64_t>(&value)) names_[name + "." + key] = *number;
}

void Run::take_end(const json& node) {
    const std::string name = node["expect"].get<std::string>();
    const auto found = pending_.find(name);
    if (found == pending_.end()) fail(fmt::format("'{}' was taken already", name));
    Pending& pending = found->second;
    const auto look = [&] {
        const Judged judged(rules_.get());
        if (!pending.outcome) pending.outcome = session().finished(pending.handle);
        return pending.outcome.has_value();
    };
    if (boolean(node, "pending", false)) {
        if (look()) fail(fmt::format("{} has ended already", pending.operation->name));
        return;
    }
    const std::uint64_t within = duration(node, "within", kDefaultWithin);
    if (!wait_until(within, kPollEvery, look))
        fail(fmt::format("{} has not ended after {} ns", pending.operation->name, within));
    json expected = node;
    expected.erase("expect");
    expected.erase("within");
    expected.erase("pending");
    expected.erase("about");
    const OperationSpec& operation = *pending.operation;
    const Outcome outcome = pending.outcome.value_or(Outcome{});
    const harness::Arguments args = std::move(pending.arguments);
    pending_.erase(found);
    record(operation, outcome);
    ended(operation, args, outcome);
    judge(operation, outcome, expected);
}

void Run::record(const OperationSpec& operation, const Outcome& outcome) {
    recorder_.note(
        EventKind::kResult,
        fmt::format("{} {}", operation.name, outcome.status ? "ok" : hal::to_string(outcome.status.error())));
    for (const auto& [name, value] : outcome.results) {
        const auto* number = std::get_if<std::uint64_t>(&value);
        const auto* flag = std::get_if<bool>(&value);
        const auto* bytes = std::get_if<Bytes>(&value);
        const auto* text = std::get_if<std::string>(&value);
        recorder_.note(EventKind::kResult, text != nullptr ? name + " " + *text : name,
                       number != nullptr          ? *number
                       : flag != nullptr && *flag ? 1
                                                  : 0,
                       bytes != nullptr ? std::span<const std::byte>(*bytes) : std::span<const std::byte>());
    }
}

void Run::judge(const OperationSpec& operation, const Outcome& outcome, const json& expected) {
    const std::string error = expected.contains("error") ? expected["error"].get<std::string>() : "";
    const std::string got = outcome.status ? "" : hal::to_string(outcome.status.error());
    const bool as_expected = error == kAnyError || (error == kSomeError ? !got.empty() : got == error);
    if (!as_expected) {
        const std::string want = error.empty()         ? "success"
                                 : error == kSomeError ? "an error"
                                                       : fmt::format("the error {}", error);
        fail(fmt::format("{} gave {}, expected {}", operation.name,
                         got.empty() ? "success" : fmt::format("the error {}", got), want));
    }
    if (error == kAnyError && !outcome.status) return;
    for (const harness::KeySpec& key : operation.results) {
        const auto want = expected.find(key.name);
        if (want == expected.end()) continue;
        const auto result = outcome.results.find(key.name);
        if (result == outcome.results.end()) fail(fmt::format("{} gave no {}", operation.name, key.name));
        if (const std::string wrong = unequal(result->second, to_value(*want, key.type, lookup_));
            !wrong.empty())
            fail(fmt::format("{}: {} is {}", operation.name, key.name, wrong));
    }
}

void Run::collect_outputs() {
    harness::Outside& outside = rig_.outside();
    if (outside.has_network())
        for (Bytes& frame : outside.take_frames()) {
            recorder_.note(EventKind::kHostOutput, "net.frame", 0, frame);
            came_out("net.frame", frame);
            frames_.push_back(std::move(frame));
        }
    if (outside.has_line())
        if (const Bytes output = outside.take_output(); !output.empty()) {
            recorder_.note(EventKind::kHostOutput, "uart.output", 0, output);
            came_out("uart.output", output);
            characters_.insert(characters_.end(), output.begin(), output.end());
        }
}

void Run::host(const json& node) {
    const std::string name = node["host"].get<std::string>();
    const std::string_view act = std::string_view(name).substr(name.find('.') + 1);
    collect_outputs();
    if (name.starts_with("net."))
        host_network(act, node);
    else if (name.starts_with("uart."))
        host_line(act, node);
    else
        host_medium(act, node);
    // What came in may have raised an interrupt: it is taken before the next step.
    host_.interrupt_point();
}

void Run::host_network(std::string_view act, const json& node) {
    harness::Outside& outside = rig_.outside();
    if (act == "frame") {
        const Bytes frame = to_data(node["data"]);
        recorder_.note(EventKind::kHostInput, "net.frame", 0, frame);
        went_in("net.frame", frame);
        outside.send_frame(frame);
    } else if (act == "link") {
        const bool up = to_boolean(node["up"]);
        recorder_.note(EventKind::kHostInput, "net.link", up ? 1 : 0);
        outside.set_link(up);
    } else if (act == "announce") {
        recorder_.note(EventKind::kHostInput, "net.announce");
        outside.announce();
    } else if (act == "expect_none") {
        if (!frames_.empty()) fail(fmt::format("the device sent {} frames", frames_.size()));
    } else {
        if (frames_.empty()) fail("the device sent no frame");
        const Bytes frame = std::move(frames_.front());
        frames_.pop_front();
        if (node.contains("bytes") && frame.size() != integer(node["bytes"]))
            fail(fmt::format("the frame has {} bytes, expected {}", frame.size(), integer(node["bytes"])));
        if (node.contains("data"))
            if (const std::string wrong = difference(frame, to_data(node["data"])); !wrong.empty())
                fail("the frame: " + wrong);
    }
}

void Run::host_line(std::string_view act, const json& node) {
    harness::Outside& outside = rig_.outside();
    if (act == "type") {
        const Bytes data = to_data(node["data"]);
        recorder_.note(EventKind::kHostInput, "uart.type", 0, data);
        went_in("uart.type", data);
        outside.type(data);
    } else if (act == "break") {
        recorder_.note(EventKind::kHostInput, "uart.break");
        outside.send_break();
    } else if (act == "modem") {
        const bool cts = boolean(node, "cts", false);
        const bool dsr = boolean(node, "dsr", false);
        const bool ri = boolean(node, "ri", false);
        const bool dcd = boolean(node, "dcd", false);
        recorder_.note(EventKind::kHostInput, "uart.modem",
                       (cts ? 1U : 0U) | (dsr ? 2U : 0U) | (ri ? 4U : 0U) | (dcd ? 8U : 0U));
        outside.set_modem_lines(cts, dsr, ri, dcd);
    } else {
        const Bytes output = std::exchange(characters_, {});
        if (const std::string wrong = difference(output, to_data(node["data"])); !wrong.empty())
            fail("the output: " + wrong);
    }
}

void Run::host_medium(std::string_view act, const json& node) {
    harness::Outside& outside = rig_.outside();
    if (act == "medium") {
        const Bytes want = to_data(node["data"]);
        if (want.size() % 512 != 0) fail(fmt::format("{} bytes are no whole number of sectors", want.size()));
        const Bytes got = outside.medium_contents(integer(node["sector"]), want.size() / 512);
        if (const std::string wrong = difference(got, want); !wrong.empty()) fail("the medium: " + wrong);
        return;
    }
    if (act == "held") {
        if (outside.held_requests() != integer(node["count"]))
            fail(fmt::format("{} requests are held, expected {}", outside.held_requests(),
                             integer(node["count"])));
        return;
    }
    recorder_.note(EventKind::kHostInput, node.dump());
    if (act == "hold")
        outside.hold_requests(to_boolean(node["on"]));
    else if (act == "release")
        outside.release_request(static_cast<unsigned>(integer(node, "index", 0)));
    else if (act == "resize")
        outside.resize_medium(integer(node["sectors"]));
    else if (act == "fail")
        outside.fail_sectors(integer(node["sector"]), integer(node, "sectors", 1),
                             node["error"].get<std::string>());
    else if (act == "fail_flush")
        outside.fail_flushes(node["error"].get<std::string>());
    else
        outside.set_latency(duration(node, "each", 0), duration(node, "jitter", 0));
}

}  // namespace tb::scenario
