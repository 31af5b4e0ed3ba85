// SPDX-License-Identifier: BSD-3-Clause
#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "harness/trace/text_form.hpp"
#include "harness/trace/trace_file.hpp"

namespace tb::trace {

namespace {

using Reason = TraceFileError::Reason;

// Longer than any event with kMostEventData bytes; what is longer is not a trace, and need not be held to say
// so.
constexpr std::size_t kLongestLine = 2 * kMostEventData + (1 << 20);

std::string quoted_excerpt(std::string_view text) {
    constexpr std::size_t kMost = 60;
    std::string out;
    append_quoted(out, text.substr(0, kMost));
    if (text.size() > kMost) out += " ...";
    return out;
}

std::optional<EventKind> kind_by_name(std::string_view name) {
    for (unsigned i = 0; i < kEventKinds; ++i)
        if (to_string(static_cast<EventKind>(i)) == name) return static_cast<EventKind>(i);
    return std::nullopt;
}

// "(NAME[3] FIELD=1)": for people; the events' own fields are what counts.
bool skip_name(std::string_view& rest) {
    const std::size_t end = rest.find(')');
    if (!rest.starts_with('(') || end == std::string_view::npos) return false;
    rest.remove_prefix(end + 1);
    return true;
}

}  // namespace

TraceFileError::TraceFileError(Reason reason, const std::string& path, std::uint64_t line,
                               const std::string& problem, std::uint64_t events_read)
    : FileError(path, line == 0 ? problem : fmt::format("{}:{}: {}", path, line, problem)),
      reason_(reason),
      line_(line),
      events_read_(events_read) {}

void TraceReader::fail(Reason reason, const std::string& problem) const {
    throw TraceFileError(reason, path_, std::max<std::uint64_t>(line_number_, 1), problem, events_);
}

void TraceReader::expected(std::string_view what, std::string_view found) const {
    fail(Reason::kBadLine,
         fmt::format("expected {}, found {}", what,
                     found.empty() ? std::string("the end of the line") : quoted_excerpt(found)));
}

TraceReader::TraceReader(const std::string& path) : path_(path) {
    try {
        in_ = std::make_unique<Scanner>(Input::open(path), kLongestLine);
    } catch (const FileError& error) {
        throw TraceFileError(Reason::kCannotRead, path, 0, error.what(), 0);
    }
    if (!read_line())
        fail(Reason::kNotATrace, fmt::format("expected \"{}\", found an empty file", kFirstLine));
    if (line_ != kFirstLine)
        fail(Reason::kNotATrace, fmt::format("expected \"{}\", found {}", kFirstLine, quoted_excerpt(line_)));
    while (read_line()) {
        if (!line_.starts_with("# ") || line_.starts_with("# end ")) {
            pending_ = true;
            return;
        }
        read_header_line(line_.substr(2));
    }
}

bool TraceReader::read_line() {
    const bool found = in_->line(line_);
    if (!in_->trouble().empty()) {
        ++line_number_;
        fail(Reason::kCutShort,
             fmt::format("the file ends here, after {} events: {}", events_, in_->trouble()));
    }
    if (!found) return false;
    ++line_number_;
    if (in_->too_long())
        fail(Reason::kBadLine, fmt::format("the line is longer than {} bytes", kLongestLine));
    // A number that lost its last digits would still parse: only a complete trailer may stand without its
    // line end.
    const bool trailer =
        line_.starts_with("# end ") && line_.size() > 16 && parse_hash(line_.substr(line_.size() - 16));
    if (in_->complete() || trailer) return true;
    fail(line_number_ == 1 ? Reason::kNotATrace : Reason::kCutShort,
         line_number_ == 1
             ? fmt::format("expected \"{}\", found {}", kFirstLine, quoted_excerpt(line_))
             : fmt::format("the file is cut short in the middle of this line, after {} events", events_));
}

void TraceReader::read_header_line(std::string_view rest) {
    const std::string_view key = take_word(rest);
    if (rest.starts_with(' ')) rest.remove_prefix(1);
    std::string value(rest);
    if (rest.starts_with('"')) {
        const std::optional<std::string> unquoted = take_quoted(rest);
        if (!unquoted || !rest.empty()) expected("a value or a string in quotes", value);
        value = *unquoted;
    }
    if (key == "scenario") {
        header_.scenario = value;
    } else if (key == "machine") {
        header_.machine = value;
    } else if (key == "qemu") {
        header_.qemu = value;
    } else if (key == "device") {
        header_.device = value;
    } else if (key == "clock") {
        header_.clock = value;
    } else if (key == "seed") {
        header_.seed = parse_number(value);
        if (!header_.seed) expected("a number after \"# seed\"", value);
    } else {
        expected("scenario, machine, qemu, seed, device, clock or end", key);
    }
}

void TraceReader::read_trailer(std::string_view rest) {
    rest.remove_prefix(std::string_view("# end ").size());
    const auto count = parse_number(take_word(rest));
    constexpr std::string_view kMiddle = " events hash ";
    const bool shaped = count && rest.starts_with(kMiddle);
    const auto hash = shaped ? parse_hash(rest.substr(kMiddle.size())) : std::nullopt;
    if (!hash) expected("\"# end N events hash 0123456789abcdef\"", line_);
    if (*count != events_)
        fail(Reason::kWrongHash,
             fmt::format("expected {} events as this line says, found {}", *count, events_));
    if (*hash != hasher_.digest())
        fail(Reason::kWrongHash, fmt::format("expected events with the hash {:016x} as this line says, found "
                                             "{:016x}: the file was changed",
                                             *hash, hasher_.digest()));
    finished_ = true;
    if (read_line()) expected("nothing after the line \"# end\"", line_);
}

std::optional<Event> TraceReader::next() {
    if (finished_) return std::nullopt;
    if (!pending_ && !read_line()) {
        ++line_number_;
        fail(Reason::kCutShort,
             fmt::format(
                 "expected an event or \"# end\", found the end of the file: it is cut short after {} events",
                 events_));
    }
    pending_ = false;
    if (line_.starts_with("# end ")) {
        read_trailer(line_);
        return std::nullopt;
    }
    const Event event = parse_event();
    hasher_.add(event, text_, data_);
    ++events_;
    return event;
}

Event TraceReader::parse_event() {
    text_.clear();
    data_.clear();
    std::string_view rest = line_;
    const auto word = [&rest] {
        skip_blanks(rest);
        return take_word(rest);
    };
    const auto number = [this](std::string_view what, std::string_view found, std::uint64_t most) {
        const std::optional<std::uint64_t> value = parse_number(found);
        if (!value || *value > most) expected(what, found);
        return *value;
    };
    constexpr std::uint64_t kAny = std::numeric_limits<std::uint64_t>::max();

    Event event;
    event.time = number("a time in nanoseconds", word(), kAny);
    const std::string_view kind_name = word();
    const std::optional<EventKind> kind = kind_by_name(kind_name);
    if (!kind) expected("a kind of event, such as mem-read", kind_name);
    event.kind = *kind;

    const std::string_view place = word();
    const std::size_t slash = place.find('/');
    event.address = number("an address", place.substr(0, slash), kAny);
    if (slash != std::string_view::npos) {
        const std::string_view width = place.substr(slash + 1);
        event.width = static_cast<std::uint8_t>(number("a width of 1, 2, 4 or 8 bytes", width, 8));
        if (event.width != 1 && event.width != 2 && event.width != 4 && event.width != 8)
            expected("a width of 1, 2, 4 or 8 bytes", width);
    }
    event.value = number("a value", word(), kAny);

    skip_blanks(rest);
    if (rest.starts_with('x')) {
        const std::string_view repeat = take_word(rest);
        event.repeat = static_cast<std::uint32_t>(
            number("a count, such as x3", repeat.substr(1), std::numeric_limits<std::uint32_t>::max()));
        skip_blanks(rest);
    }
    if (rest.starts_with('(') && !skip_name(rest)) expected("a name in ( )", rest);
    skip_blanks(rest);
    if (rest.starts_with('"')) {
        const std::string_view found = rest;
        std::optional<std::string> text = take_quoted(rest);
        if (!text) expected("a text in quotes", found);
        text_ = std::move(*text);
        skip_blanks(rest);
    }
    if (rest.starts_with("data=")) {
        const std::string_view bytes = take_word(rest).substr(5);
        if (!parse_bytes(bytes, kMostEventData, data_))
            expected("bytes in hexadecimal, such as 5254,00*48", bytes);
        event.data_size = static_cast<std::uint32_t>(data_.size());
    }
    skip_blanks(rest);
    if (!rest.empty()) expected("xCOUNT, (name), \"text\" or data=, in this order", rest);
    return event;
}

LoadedTrace read_trace(const std::string& path) {
    LoadedTrace loaded;
    try {
        TraceReader reader(path);
        loaded.header = reader.header();
        while (const std::optional<Event> event = reader.next())
            loaded.trace.add(*event, reader.text(), reader.data());
    } catch (TraceFileError& error) {
        error.set_partial(std::make_shared<const LoadedTrace>(std::move(loaded)));
        throw;
    }
    return loaded;
}

}  // namespace tb::trace
