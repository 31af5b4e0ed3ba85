// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "harness/recording/record.hpp"
#include "harness/trace/trace_file.hpp"

namespace tb::recording {

/// DMA, interrupt lines, and what comes from and goes outside: events that have a device's place for a name.
bool has_place(trace::EventKind kind);

/// In a trace of ours an event has no name beside its text: the place of its device stands behind that, after
/// an @, "net.frame @00:03.0"; and with accesses to configuration space the device's name is the text.
std::string text_with_place(const Record& record);
/// Both from the text; the views point into it.
void split_place(std::string_view text, Record& record);

/// Whether a recording's times are the machine's own: in a log of the recorder's module the first lines do
/// not show it.
bool has_exact_time(const std::string& path);

/// Writes what is left of a recording as a trace of ours, in constant memory, and returns the number of
/// events. The header says what clock its times are of. `keep` chooses; null keeps all. `first` comes before
/// all. Throws trace::FileError.
std::uint64_t write_canonical(Source& source, const std::string& path, const trace::TraceHeader& header,
                              const std::function<bool(const Record&)>& keep = nullptr,
                              std::span<const Record> first = {});

}  // namespace tb::recording
