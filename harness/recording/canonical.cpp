// SPDX-License-Identifier: BSD-3-Clause
#include "harness/recording/canonical.hpp"

#include <fmt/format.h>

#include <utility>

namespace tb::recording {

using trace::EventKind;

bool has_place(EventKind kind) {
    switch (kind) {
        case EventKind::kDmaRead:
        case EventKind::kDmaWrite:
        case EventKind::kIrqRaised:
        case EventKind::kIrqLowered:
        case EventKind::kHostInput:
        case EventKind::kHostOutput:
            return true;
        default:
            return false;
    }
}

std::string text_with_place(const Record& record) {
    // Of all accesses those to configuration space need a name most: they come before the identity is read.
    if (trace::is_config_access(record.event.kind)) return std::string(record.name);
    if (!has_place(record.event.kind) || record.name.empty()) return std::string(record.text);
    return fmt::format("{}{}@{}", record.text, record.text.empty() ? "" : " ", record.name);
}

void split_place(std::string_view text, Record& record) {
    record.text = text;
    if (trace::is_config_access(record.event.kind)) record.name = std::exchange(record.text, {});
    if (!has_place(record.event.kind)) return;
    const std::size_t at = text.rfind('@');
    if (at == std::string_view::npos || (at != 0 && text[at - 1] != ' ')) return;
    record.name = text.substr(at + 1);
    record.text = text.substr(0, at == 0 ? 0 : at - 1);
}

bool has_exact_time(const std::string& path) {
    constexpr unsigned kLooked = 4096;
    const auto source = open_recording(path);
    Record record;
    for (unsigned i = 0; i < kLooked && !source->summary().exact_time && source->next(record); ++i) continue;
    return source->summary().exact_time;
}

std::uint64_t write_canonical(Source& source, const std::string& path, const trace::TraceHeader& header,
                              const std::function<bool(const Record&)>& keep, std::span<const Record> first) {
    trace::TraceWriter writer(path, header);
    std::uint64_t events = first.size();
    for (const Record& added : first) writer.add(added.event, text_with_place(added), added.data);
    Record record;
    while (source.next(record)) {
        if (keep && !keep(record)) continue;
        writer.add(record.event, text_with_place(record), record.data);
        ++events;
    }
    writer.finish();
    return events;
}

}  // namespace tb::recording
