// SPDX-License-Identifier: BSD-3-Clause
#include <fmt/format.h>

#include <cstring>
#include <utility>

#include "harness/recording/canonical.hpp"
#include "harness/recording/log_source.hpp"
#include "harness/recording/record.hpp"
#include "harness/recording/simpletrace_source.hpp"
#include "harness/trace/trace_file.hpp"

namespace tb::recording {

namespace {

class TraceSource : public Source {
  public:
    explicit TraceSource(const std::string& path) : reader_(path) {
        summary_.format = kOwnFormat;
        summary_.device = reader_.header().device;
        summary_.exact_time = reader_.header().clock != "wall";
        ++summary_.forms[fmt::format("recorded on {}", reader_.header().machine)];
    }

    bool next(Record& record) override {
        if (ended_) return false;
        std::optional<trace::Event> event;
        try {
            event = reader_.next();
        } catch (const trace::TraceFileError& error) {
            summary_.trouble = error.what();
        }
        ended_ = !event;
        if (!event) return false;
        ++summary_.events;
        summary_.lines = reader_.line();
        record = Record();
        record.event = *event;
        // A recording without stamps has all its events at zero.
        any_time_ = any_time_ || event->time != 0;
        record.timed = summary_.exact_time || any_time_;
        if (!record.timed) ++summary_.untimed;
        record.line = reader_.line();
        split_place(reader_.text(), record);
        record.data = reader_.data();
        return true;
    }

  private:
    trace::TraceReader reader_;
    bool ended_ = false;
    bool any_time_ = false;
};

bool is_simpletrace(std::string_view first) {
    std::uint64_t word = 0;
    if (first.size() < sizeof word) return false;
    std::memcpy(&word, first.data(), sizeof word);
    return word == SimpletraceSource::kFirstWord;
}

}  // namespace

std::unique_ptr<Source> open_recording(const std::string& path) {
    const std::unique_ptr<trace::Input> probe = trace::Input::open(path);
    const std::string_view first = probe->more();
    if (first.empty())
        throw trace::FileError(path, fmt::format("{}: the file is empty{}{}", path,
                                                 probe->trouble().empty() ? "" : ": ", probe->trouble()));
    if (first.starts_with(trace::kFirstLine)) return std::make_unique<TraceSource>(path);
    if (is_simpletrace(first)) return std::make_unique<SimpletraceSource>(trace::Input::open(path));
    return std::make_unique<LogSource>(trace::Input::open(path));
}

std::unique_ptr<Source> recording_over(std::span<const std::byte> bytes) {
    const std::unique_ptr<trace::Input> probe = trace::Input::over(bytes);
    if (is_simpletrace(probe->more())) return std::make_unique<SimpletraceSource>(trace::Input::over(bytes));
    return std::make_unique<LogSource>(trace::Input::over(bytes));
}

}  // namespace tb::recording
