// SPDX-License-Identifier: BSD-3-Clause
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "harness/trace/atomic_file.hpp"
#include "harness/trace/exporters.hpp"
#include "harness/trace/text_form.hpp"

namespace tb::trace {

namespace {

using Json = nlohmann::ordered_json;

// Tracks, in the order in which they are shown; lines of interrupts come after them.
enum Track : std::uint64_t { kSteps = 1, kDriver, kDma, kInterrupts, kHost, kJudgement, kFirstLine = 100 };

constexpr std::size_t kMostBytesShown = 64;

// The format counts in microseconds; three decimals keep the nanoseconds.
Json microseconds(std::uint64_t nanoseconds) {
    return static_cast<double>(nanoseconds) / 1000.0;
}

class PerfettoWriter {
  public:
    PerfettoWriter(AtomicFile& file, const Trace& trace, const SymbolTable& symbols)
        : file_(file), trace_(trace), symbols_(symbols) {
        symbols_.learn(trace);
    }

    void write() {
        file_.write("{\"displayTimeUnit\":\"ns\",\"traceEvents\":[\n");
        name_track("process_name", 0, "twinbench (virtual time)");
        for (const auto& [track, name] :
             {std::pair{kSteps, "scenario"}, std::pair{kDriver, "driver"}, std::pair{kDma, "device DMA"},
              std::pair{kInterrupts, "interrupts"}, std::pair{kHost, "host"},
              std::pair{kJudgement, "findings and results"}})
            name_track("thread_name", track, name);
        for (const Event& event : trace_.events()) visit(event);
        const std::uint64_t end = trace_.events().empty() ? 0 : trace_.events().back().time;
        end_step(end);
        for (const std::uint64_t line : raised_) line_event("E", line, end);
        file_.write("\n]}\n");
        file_.commit();
    }

  private:
    void emit(const Json& event) {
        if (!first_) file_.write(",\n");
        first_ = false;
        file_.write(event.dump(-1, ' ', false, Json::error_handler_t::replace));
    }
    void name_track(const char* what, std::uint64_t track, const std::string& name) {
        emit({{"name", what}, {"ph", "M"}, {"pid", 1}, {"tid", track}, {"args", {{"name", name}}}});
        if (track != 0)
            emit({{"name", "thread_sort_index"},
                  {"ph", "M"},
                  {"pid", 1},
                  {"tid", track},
                  {"args", {{"sort_index", track}}}});
    }
    void instant(Track track, const Event& event, const std::string& name, Json args) {
        emit({{"name", name},
              {"cat", to_string(event.kind)},
              {"ph", "i"},
              {"s", "t"},
              {"ts", microseconds(event.time)},
              {"pid", 1},
              {"tid", static_cast<std::uint64_t>(track)},
              {"args", std::move(args)}});
    }
    void slice(Track track, std::string_view category, const std::string& name, std::uint64_t from,
               std::uint64_t to, Json args) {
        emit({{"name", name},
              {"cat", category},
              {"ph", "X"},
              {"ts", microseconds(from)},
              {"dur", microseconds(to - from)},
              {"pid", 1},
              {"tid", static_cast<std::uint64_t>(track)},
              {"args", std::move(args)}});
    }
    void line_event(const char* phase, std::uint64_t line, std::uint64_t time) {
        emit({{"name", fmt::format("line {}", line)},
              {"cat", "irq"},
              {"ph", phase},
              {"ts", microseconds(time)},
              {"pid", 1},
              {"tid", kFirstLine + line}});
    }

    void end_step(std::uint64_t now) {
        if (step_ != nullptr)
            slice(kSteps, "step", fmt::format("{} {}", step_->value, trace_.text(*step_)), step_->time,
                  std::max(now, step_->time), Json::object());
        step_ = nullptr;
    }
    void line_changes(const Event& event) {
        const std::uint64_t line = event.value;
        if (named_lines_.insert(line).second)
            name_track("thread_name", kFirstLine + line, fmt::format("IRQ line {}", line));
        const bool raise = event.kind == EventKind::kIrqRaised;
        if (raise ? raised_.insert(line).second : raised_.erase(line) != 0)
            line_event(raise ? "B" : "E", line, event.time);
    }
    Json with_bytes(Json args, const Event& event) const {
        const std::span<const std::byte> data = trace_.data(event);
        std::string hex;
        append_bytes(hex, data.first(std::min(data.size(), kMostBytesShown)));
        args["bytes"] = data.size();
        args["data"] = hex + (data.size() > kMostBytesShown ? " ..." : "");
        return args;
    }
    void access(const Event& event) {
        const bool read = is_register_read(event.kind);
        Json args{{"address", fmt::format("{:#x}", event.address)},
                  {"width", event.width},
                  {"value", fmt::format("{:#x}", event.value)}};
        if (const std::string fields = symbols_.fields(event); !fields.empty()) args["fields"] = fields;
        if (event.repeat != 1) args["repeat"] = event.repeat;
        instant(kDriver, event, fmt::format("{} {}", read ? "read" : "write", symbols_.name(event)),
                std::move(args));
    }
    void visit(const Event& event) {
        const std::string text(trace_.text(event));
        switch (event.kind) {
            case EventKind::kStep:
                end_step(event.time);
                step_ = &event;
                break;
            case EventKind::kDelay:
                slice(kDriver, "delay", "delay", event.time, event.time + event.value, Json::object());
                break;
            case EventKind::kDmaRead:
            case EventKind::kDmaWrite: {
                std::string name = event.kind == EventKind::kDmaRead ? "DMA read" : "DMA write";
                if (const std::string place = symbols_.name(event); !place.empty()) name += " " + place;
                instant(
                    kDma, event, name,
                    with_bytes({{"address", fmt::format("{:#x}", event.address)}, {"outcome", event.value}},
                               event));
                break;
            }
            case EventKind::kIrqRaised:
            case EventKind::kIrqLowered:
                line_changes(event);
                break;
            case EventKind::kMessage:
                instant(kInterrupts, event, fmt::format("message, vector {}", event.value), Json::object());
                break;
            case EventKind::kInterruptTaken:
                instant(kInterrupts, event, fmt::format("taken, vector {}", event.value), Json::object());
                break;
            case EventKind::kHostInput:
                instant(kHost, event, "in: " + text, with_bytes(Json::object(), event));
                break;
            case EventKind::kHostOutput:
                instant(kHost, event, "out: " + text, with_bytes(Json::object(), event));
                break;
            case EventKind::kFinding:
                instant(kJudgement, event, "finding: " + text, Json::object());
                break;
            case EventKind::kResult:
                instant(kJudgement, event, "result: " + text, {{"value", event.value}});
                break;
            case EventKind::kFault:
                instant(kJudgement, event, "fault: " + text, Json::object());
                break;
            case EventKind::kRule:
                instant(kJudgement, event, text, Json::object());
                break;
            case EventKind::kMemoryDigest:
                break;
            default:
                access(event);
                break;
        }
    }

    AtomicFile& file_;
    const Trace& trace_;
    SymbolTable symbols_;
    bool first_ = true;
    const Event* step_ = nullptr;
    std::set<std::uint64_t> raised_;
    std::set<std::uint64_t> named_lines_;
};

}  // namespace

void export_perfetto(const std::string& path, const Trace& trace, const SymbolTable& symbols) {
    AtomicFile file(path);
    PerfettoWriter(file, trace, symbols).write();
}

}  // namespace tb::trace
