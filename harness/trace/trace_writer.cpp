// SPDX-License-Identifier: BSD-3-Clause
#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "harness/trace/text_form.hpp"
#include "harness/trace/trace_file.hpp"

namespace tb::trace {

namespace {

bool has_register(EventKind kind) {
    return is_register_read(kind) || is_register_write(kind);
}

bool shows_hex(EventKind kind) {
    return has_register(kind) || kind == EventKind::kMemoryDigest;
}

std::string address_column(const Event& event) {
    if (event.width != 0) return fmt::format("{:#x}/{}", event.address, event.width);
    return event.address == 0 ? "-" : fmt::format("{:#x}", event.address);
}

std::string value_column(const Event& event) {
    if (shows_hex(event.kind)) return fmt::format("{:#x}", event.value);
    return event.value == 0 ? "-" : fmt::format("{}", event.value);
}

void append_header(std::string& out, std::string_view key, std::string_view value) {
    if (value.empty()) return;
    out += fmt::format("# {} ", key);
    const bool plain = value.front() != '"' && value.front() != ' ' &&
                       value.find('\n') == std::string_view::npos &&
                       value.find('\r') == std::string_view::npos;
    if (plain) {
        out += value;
    } else {
        append_quoted(out, value);
    }
    out += '\n';
}

}  // namespace

void append_event_line(std::string& line, const Event& event, std::string_view text,
                       std::span<const std::byte> data, const SymbolTable* symbols) {
    fmt::format_to(std::back_inserter(line), "{:>12} {:<10} {:>14} {:>12}", event.time, to_string(event.kind),
                   address_column(event), value_column(event));
    if (event.repeat != 1) fmt::format_to(std::back_inserter(line), " x{}", event.repeat);
    if (symbols != nullptr) {
        if (const std::string name = symbols->name(event); !name.empty()) {
            std::string words = name;
            if (const std::string fields = symbols->fields(event); !fields.empty()) words += ' ' + fields;
            // A reader skips to the first ')' of the line.
            std::replace(words.begin(), words.end(), '(', '[');
            std::replace(words.begin(), words.end(), ')', ']');
            std::replace(words.begin(), words.end(), '\n', ' ');
            line += " (" + words + ')';
        }
    }
    if (!text.empty()) {
        line += ' ';
        append_quoted(line, text);
    }
    if (!data.empty()) {
        line += " data=";
        append_bytes(line, data);
    }
}

TraceWriter::TraceWriter(const std::string& path, const TraceHeader& header, const SymbolTable* symbols)
    : file_(path), symbols_(symbols) {
    std::string head(kFirstLine);
    head += '\n';
    append_header(head, "scenario", header.scenario);
    append_header(head, "machine", header.machine);
    append_header(head, "qemu", header.qemu);
    if (header.seed) append_header(head, "seed", std::to_string(*header.seed));
    append_header(head, "device", header.device);
    append_header(head, "clock", header.clock);
    if (is_compressed_name(path))
        compressor_ =
            std::make_unique<Compressor>(path, [this](std::string_view bytes) { file_.write(bytes); });
    write(head);
}

void TraceWriter::write(std::string_view text) {
    if (compressor_)
        compressor_->write(text);
    else
        file_.write(text);
}

void TraceWriter::add(const Event& event, std::string_view text, std::span<const std::byte> data) {
    if (data.size() > kMostEventData)
        throw FileError(file_.path(),
                        fmt::format("cannot write '{}': an event with {} bytes of data, more than {}",
                                    file_.path(), data.size(), kMostEventData));
    line_.clear();
    append_event_line(line_, event, text, data, symbols_);
    line_ += '\n';
    write(line_);
    hasher_.add(event, text, data);
    ++events_;
}

std::uint64_t TraceWriter::finish() {
    const std::uint64_t hash = hasher_.digest();
    write(fmt::format("# end {} events hash {:016x}\n", events_, hash));
    if (compressor_) compressor_->finish();
    file_.commit();
    return hash;
}

std::uint64_t write_trace(const std::string& path, const TraceHeader& header, const Trace& trace,
                          const SymbolTable* symbols) {
    TraceWriter writer(path, header, symbols);
    for (const Event& event : trace.events()) writer.add(event, trace.text(event), trace.data(event));
    return writer.finish();
}

}  // namespace tb::trace
