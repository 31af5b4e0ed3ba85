// SPDX-License-Identifier: BSD-3-Clause
//
// The readers of recordings over any bytes: logs, simpletrace and what only looks like one, and the search
// for the devices in them.
//
// Findings: a memory error or undefined behaviour (sanitizers); an event that cannot be; a reader that gives
// out more events than there are bytes; different events from the same bytes.

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <span>

#include "fuzz/entry.hpp"
#include "harness/recording/canonical.hpp"
#include "harness/recording/record.hpp"
#include "harness/replay/cast.hpp"

namespace {

using namespace tb;

void finding(const char* what) {
    fuzz::report(what);
}

void check(const recording::Record& record, std::size_t bytes) {
    const trace::Event& event = record.event;
    const unsigned width = event.width;
    if (width != 0 && width != 1 && width != 2 && width != 4 && width != 8)
        finding("an access of an odd width");
    if ((trace::is_register_read(event.kind) || trace::is_register_write(event.kind)) && width != 0 &&
        width < 8 && event.value >> (8 * width) != 0)
        finding("a value wider than its access");
    if (record.name.size() > bytes || record.text.size() > 16) finding("a name longer than the file");
}

std::uint64_t read_all(std::span<const std::byte> input) {
    const auto source = recording::recording_over(input);
    replay::Cast cast;
    recording::Record record;
    std::uint64_t events = 0;
    std::uint64_t sum = 0;
    std::uint64_t last = 0;
    while (source->next(record)) {
        if (++events > input.size()) finding("more events than bytes");
        check(record, input.size());
        // It does once, where the recorder's own clock begins.
        if (record.timed && !source->summary().exact_time) {
            if (record.event.time < last) finding("time runs backwards");
            last = record.event.time;
        }
        cast.locate(record);
        cast.sender(record.event.address, record.event.value);
        cast.at(record.name);
        sum =
            sum * 31 + record.event.address + record.event.value + recording::text_with_place(record).size();
    }
    const recording::Summary& summary = source->summary();
    if (summary.events != events) finding("the events were miscounted");
    if (summary.other.size() > recording::Summary::kMostNames + 1) finding("names without end");
    for (const auto& part : cast.parts()) sum += part.place().size();
    return sum;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto input = std::as_bytes(std::span(data, size));
    if (read_all(input) != read_all(input)) finding("the same bytes give different events");
    return 0;
}

std::optional<std::uint64_t> tb::fuzz::seam_hash(const std::uint8_t*, std::size_t, bool) {
    return std::nullopt;
}
