// SPDX-License-Identifier: BSD-3-Clause
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "harness/replay/replay.hpp"

namespace tb::replay {

namespace {

using nlohmann::json;

constexpr std::size_t kMostDifferences = 20;
constexpr std::size_t kMostNames = 12;

std::string percent(double share) {
    // Never "100 %" for less than all.
    const double value = share * 100;
    return share < 1.0 && value > 99.995 ? "99.99" : fmt::format("{:.2f}", value);
}

void render_difference(std::string& out, const DifferentReads& different, bool verbose) {
    out += fmt::format("  {} reads of {}: {}\n", different.count, different.name, to_string(different.cause));
    if (different.cause != Cause::kDevice && !verbose) return;
    out += fmt::format("    first in line {}: recorded {:#x}, answered {:#x}", different.line,
                       different.recorded, different.answered);
    for (std::size_t i = 0; i < different.recorded_fields.size(); ++i)
        out += fmt::format("{}{} {:#x}, not {:#x}", i == 0 ? " (" : "; ", different.recorded_fields[i].name,
                           different.recorded_fields[i].value, different.answered_fields[i].value);
    out += different.recorded_fields.empty() ? "\n" : ")\n";
    for (const std::string& line : different.context) out += fmt::format("      {}\n", line);
}

void render_part(std::string& out, const PartReport& part, bool verbose) {
    out += fmt::format("{} at {}: {} of {} reads equal ({} %), {} writes", part.name, part.place, part.equal,
                       part.reads, percent(part.share()), part.writes);
    if (part.memory_bytes != 0)
        out += fmt::format(", {} of {} bytes of DMA equal", part.memory_bytes_equal, part.memory_bytes);
    if (part.frames != 0) out += fmt::format(", {} of {} frames equal", part.frames_equal, part.frames);
    if (part.interrupts != 0)
        out += fmt::format(", {} of {} interrupts equal", part.interrupts_equal, part.interrupts);
    if (part.lost_dma != 0)
        out += fmt::format(", {} bytes of DMA beyond this machine's memory", part.lost_dma);
    if (part.inputs != 0) out += fmt::format(", {} inputs", part.inputs);
    const std::uint64_t explained = part.reads - part.equal - part.unexplained();
    if (explained != 0)
        out += fmt::format(
            "\n  without the {} that only what the recording lacks could decide: {} % of {}", explained,
            percent(part.reads == explained
                        ? 1.0
                        : static_cast<double>(part.equal) / static_cast<double>(part.reads - explained)),
            part.reads - explained);
    out += fmt::format("\n  touched {} of {} registers; {} of {} fields with and without a value\n",
                       part.registers_touched, part.registers_total, part.fields_seen, part.fields_total);
    if (!part.note.empty()) out += fmt::format("  {}\n", part.note);
    if (part.placed != 0)
        out += fmt::format("  put {} BARs where the recording has them: it does not show how that was done\n",
                           part.placed);
    if (verbose) {
        out += fmt::format("  made with {}\n", part.configuration);
        if (!part.untouched.empty()) {
            out += "  not touched:";
            for (const std::string& name : part.untouched) out += " " + name;
            out += '\n';
        }
    }
    for (std::size_t i = 0; i < part.differences.size(); ++i) {
        if (i == kMostDifferences && !verbose) {
            out += fmt::format("  ... and {} registers more; --verbose shows all\n",
                               part.differences.size() - i);
            break;
        }
        render_difference(out, part.differences[i], verbose);
    }
    for (const std::string& line : part.interrupt_differences) out += "  " + line + '\n';
    for (const std::string& line : part.memory_differences) out += "  " + line + '\n';
}

void render_counts(std::string& out, const char* what,
                   const std::map<std::string, std::uint64_t, std::less<>>& counts) {
    if (counts.empty()) return;
    std::vector<std::pair<std::uint64_t, std::string>> sorted;
    for (const auto& [name, count] : counts) sorted.emplace_back(count, name.empty() ? "unnamed" : name);
    std::ranges::sort(sorted, std::greater<>());
    out += fmt::format("{}:", what);
    for (std::size_t i = 0; i < sorted.size(); ++i) {
        if (i == kMostNames) {
            out += fmt::format(" and {} more", sorted.size() - i);
            break;
        }
        out += fmt::format("{}{} {}", i == 0 ? " " : ", ", sorted[i].second, sorted[i].first);
    }
    out += '\n';
}

}  // namespace

std::string render(const Report& report, bool verbose) {
    std::string out;
    const recording::Summary& read = report.recording;
    out += fmt::format("{}", read.format);
    for (const auto& [form, count] : read.forms) out += fmt::format("; {} ({} events)", form, count);
    out += fmt::format(": {} lines, {} events, played onto {}\n", read.lines, read.events, report.onto);
    for (const PartReport& part : report.parts) render_part(out, part, verbose);
    render_counts(out, "no model for", report.others);
    if (verbose) render_counts(out, "other events in the recording", read.other);
    if (read.forms.size() > 1)
        out += "note: lines in several forms: is this the log of more than one run, or version?\n";
    if (read.untimed != 0 && read.untimed < read.events)
        out += fmt::format("note: {} events have no time stamp, others have\n", read.untimed);
    if (read.untimed != 0 && read.untimed >= read.events)
        out +=
            "note: the recording has no time stamps (-msg timestamp=on): timers run when answers show it\n";
    if (read.out_of_order != 0)
        out += fmt::format("note: {} time stamps lie before their predecessor's, the first in line {}\n",
                           read.out_of_order, read.first_out_of_order);
    if (read.unknown != 0)
        out += fmt::format("note: {} lines are no events, the first is line {}: {}\n", read.unknown,
                           read.first_unknown, read.unknown_sample);
    if (!read.trouble.empty()) out += fmt::format("note: the recording ends early: {}\n", read.trouble);
    out += fmt::format("{:.2f} s, {:.0f} events a second\n", report.seconds,
                       report.seconds > 0 ? static_cast<double>(read.events) / report.seconds : 0.0);
    return out;
}

std::string to_json(const Report& report) {
    json devices = json::array();
    for (const PartReport& part : report.parts) {
        json differences = json::array();
        for (const DifferentReads& reads : part.differences)
            differences.push_back({{"register", reads.name},
                                   {"cause", to_string(reads.cause)},
                                   {"reads", reads.count},
                                   {"first_line", reads.line},
                                   {"recorded", reads.recorded},
                                   {"answered", reads.answered}});
        devices.push_back({{"name", part.name},
                           {"place", part.place},
                           {"reads", part.reads},
                           {"equal", part.equal},
                           {"share", part.share()},
                           {"writes", part.writes},
                           {"unexplained", part.unexplained()},
                           {"memory_bytes", part.memory_bytes},
                           {"memory_bytes_equal", part.memory_bytes_equal},
                           {"note", part.note},
                           {"memory_bytes_beyond", part.lost_dma},
                           {"frames", part.frames},
                           {"frames_equal", part.frames_equal},
                           {"interrupts", part.interrupts},
                           {"interrupts_equal", part.interrupts_equal},
                           {"inputs", part.inputs},
                           {"registers_touched", part.registers_touched},
                           {"registers", part.registers_total},
                           {"fields_seen", part.fields_seen},
                           {"fields", part.fields_total},
                           {"differences", differences}});
    }
    const recording::Summary& read = report.recording;
    const json document = {
        {"devices", devices},
        {"onto", report.onto},
        {"recording",
         {{"format", read.format},
          {"forms", read.forms},
          {"lines", read.lines},
          {"events", read.events},
          {"unknown_lines", read.unknown},
          {"other_events", read.other},
          {"out_of_order", read.out_of_order},
          {"without_time", read.untimed},
          {"trouble", read.trouble}}},
        {"no_model", report.others},
        {"events_per_second", report.seconds > 0 ? static_cast<double>(read.events) / report.seconds : 0.0}};
    // What a recording holds may be no UTF-8.
    return document.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

}  // namespace tb::replay
