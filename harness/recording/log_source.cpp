// SPDX-License-Identifier: BSD-3-Clause
#include "harness/recording/log_source.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "harness/trace/text_form.hpp"
#include "models/core/access.hpp"

namespace tb::recording {

namespace {

using trace::EventKind;

/// Ports end here; RAM is below what QEMU's regions answer for in memory.
constexpr std::uint64_t kPorts = 0x10000;
constexpr std::size_t kMostData = trace::Scanner::kLongestLine;

constexpr std::uint64_t kNsPerUs = 1000;

struct DataEvent {
    std::string_view event;
    EventKind kind;
    std::string_view text;
};
/// What the recorder's module adds to the log (see record/module/recorder.c).
constexpr DataEvent kDataEvents[] = {
    {"twinbench_dma_read", EventKind::kDmaRead, ""},
    {"twinbench_dma_write", EventKind::kDmaWrite, ""},
    {"twinbench_used", EventKind::kDmaWrite, kUsedIndex},
    {"twinbench_irq", EventKind::kIrqRaised, ""},
    {"twinbench_disk", EventKind::kHostInput, kDisk},
    {"twinbench_frame_in", EventKind::kHostInput, kFrame},
    {"twinbench_frame_out", EventKind::kHostOutput, kFrame},
};

std::string_view form_of(const LogLine& line, const RegionAccess* access, const ConfigAccess* config) {
    const bool old = (access != nullptr && !access->named) || (config != nullptr && !config->has_bus);
    if (old) return "QEMU 5.2";
    if (line.stamp == LogLine::Stamp::kIso) return "QEMU 11, with time stamps";
    return line.stamp == LogLine::Stamp::kSeconds ? "QEMU 7.2 or 10, with time stamps"
                                                  : "QEMU 7.2 or later, without time stamps";
}

/// Not a write to the registers of a processor's own controller, which lie in the first page from 0x20 on.
bool is_message(const RegionAccess& access) {
    const std::uint64_t offset = access.address - kMessageBase;
    return offset < kMessageBytes && (access.cpu < 0 || offset >= 0x1000 || offset < 0x10) &&
           access.size == 4 && (access.value & 0xff) >= 0x10;
}

bool is_host_bridge_access_of(const trace::Event& access, const trace::Event& config) {
    return access.value == config.value && ((access.address ^ config.address) & 3) == 0 && access.width <= 4;
}

}  // namespace

void fill_region_record(Record& record, bool write, std::uint64_t address, std::uint64_t value,
                        std::uint8_t size, std::string_view name) {
    const bool port = address < kPorts;
    record.event.kind = port ? (write ? EventKind::kPortWrite : EventKind::kPortRead)
                             : (write ? EventKind::kMemoryWrite : EventKind::kMemoryRead);
    record.event.address = address;
    // QEMU writes the value as the bus had it, which may have more bits than the access.
    record.event.value = value & model::width_mask(size);
    record.event.width = size;
    record.name = name;
}

void fill_config_record(Record& record, bool write, std::uint64_t address, std::uint32_t value,
                        std::string_view name) {
    record.event.kind = write ? EventKind::kConfigWrite : EventKind::kConfigRead;
    record.event.address = address;
    record.event.value = value;
    record.name = name;
}

void Summary::count_other(std::string_view name) {
    const auto found = other.find(name);
    if (found != other.end())
        ++found->second;
    else
        ++other[other.size() < kMostNames ? std::string(name) : "..."];
}

void Summary::count_unknown(std::uint64_t line, std::string_view text) {
    constexpr std::size_t kSample = 60;
    if (unknown++ != 0) return;
    first_unknown = line;
    std::string sample(text.substr(0, kSample));
    // Noise may be in no encoding at all.
    for (char& c : sample)
        if (static_cast<unsigned char>(c) >= 0x7f) c = '?';
    trace::append_quoted(unknown_sample, sample);
}

std::uint64_t Clock::at(std::uint64_t ns, std::uint64_t line, Summary& summary) {
    if (!first_) first_ = ns;
    const std::uint64_t time = ns < *first_ ? 0 : begun_ + (ns - *first_);
    if (ns >= *first_ && time >= last_) return last_ = time;
    if (summary.out_of_order++ == 0) summary.first_out_of_order = line;
    const std::uint64_t latest = *first_ + (last_ - begun_);
    if (latest - ns >= kNewRun) {
        first_ = ns;
        begun_ = last_;
    }
    return last_;
}

void Assembler::Held::keep(const Record& from) {
    record = from;
    name = from.name;
    text = from.text;
    data.assign(from.data.begin(), from.data.end());
}

void Assembler::Held::give(Record& to) const {
    to = record;
    to.name = name;
    to.text = text;
    to.data = data;
}

void Assembler::add(const Record& record) {
    const EventKind kind = record.event.kind;
    Record added = record;
    if (kind == EventKind::kConfigWrite && added.event.width == 0 && has_last_ &&
        trace::is_register_write(last_access_.kind) && is_host_bridge_access_of(last_access_, added.event))
        added.event.width = last_access_.width;
    if (count_ == 1 && held_[0].record.event.kind == EventKind::kConfigRead &&
        trace::is_register_read(kind) && is_host_bridge_access_of(added.event, held_[0].record.event))
        held_[0].record.event.width = added.event.width;
    has_last_ = trace::is_register_access(kind) && !trace::is_config_access(kind);
    last_access_ = added.event;
    held_[count_++].keep(added);
}

bool Assembler::take(Record& record, bool at_end) {
    if (count_ == 0) return false;
    const trace::Event& first = held_[0].record.event;
    const bool waits =
        (first.kind == EventKind::kConfigRead && first.width == 0) ||
        (holds_writes_ && (trace::is_register_write(first.kind) || first.kind == EventKind::kMessage));
    if (count_ == 1 && waits && !at_end) return false;
    std::swap(given_, held_[0]);
    std::swap(held_[0], held_[1]);
    --count_;
    given_.give(record);
    return true;
}

void Assembler::set_time(std::uint64_t time) {
    if (count_ == 0) return;
    held_[count_ - 1].record.timed = true;
    held_[count_ - 1].record.event.time = time;
}

LogSource::LogSource(std::unique_ptr<trace::Input> input) : scanner_(std::move(input)) {
    summary_.format = "log of QEMU";
}

bool AssembledSource::next(Record& record) {
    while (!assembler_.take(record, ended_)) {
        if (ended_) return false;
        Record read_record;
        if (read(read_record))
            assembler_.add(read_record);
        else
            ended_ = true;
    }
    ++summary_.events;
    return true;
}

bool LogSource::read(Record& record) {
    std::string_view text;
    while (scanner_.line(text)) {
        ++summary_.lines;
        if (!scanner_.complete()) {
            // A number that lost its last digits would still be one.
            summary_.trouble =
                fmt::format("line {}: {}", summary_.lines,
                            scanner_.trouble().empty() ? "the file is cut short in the middle of this line"
                                                       : scanner_.trouble());
            return false;
        }
        if (!text.empty() && text.back() == '\r') text.remove_suffix(1);
        const auto line = scanner_.too_long() ? std::nullopt : parse_log_line(text);
        record = Record();
        record.line = summary_.lines;
        const Taken taken = line ? take(*line, record) : Taken::kUnknown;
        if (taken == Taken::kEvent) return true;
        if (taken == Taken::kUnknown) summary_.count_unknown(summary_.lines, text);
    }
    if (!scanner_.trouble().empty())
        summary_.trouble = fmt::format("after line {}: {}", summary_.lines, scanner_.trouble());
    return false;
}

LogSource::Taken LogSource::take(const LogLine& line, Record& record) {
    constexpr std::string_view kRegion = "memory_region_ops_";
    if (line.event == "memory_region_ops_read" || line.event == "memory_region_ops_write")
        return take_region_access(line, line.event.substr(kRegion.size()) == "write", record);
    if (line.event == "pci_cfg_read" || line.event == "pci_cfg_write")
        return take_config_access(line, line.event == "pci_cfg_write", record);
    if (line.event.starts_with("twinbench_")) return take_from_module(line, record);
    summary_.count_other(line.event);
    return Taken::kNothing;
}

LogSource::Taken LogSource::take_region_access(const LogLine& line, bool write, Record& record) {
    const auto access = parse_region_access(line.arguments);
    if (!access) return Taken::kUnknown;
    count_form(form_of(line, &*access, nullptr));
    fill_region_record(record, write, access->address, access->value, access->size, access->name);
    if (write && is_message(*access)) {
        record.event.kind = EventKind::kMessage;
        record.event.width = 0;
    }
    stamp(line, record);
    return Taken::kEvent;
}

LogSource::Taken LogSource::take_config_access(const LogLine& line, bool write, Record& record) {
    const auto access = parse_config_access(line.arguments);
    if (!access) return Taken::kUnknown;
    count_form(form_of(line, nullptr, &*access));
    fill_config_record(record, write, access->address, access->value, access->device);
    stamp(line, record);
    return Taken::kEvent;
}

LogSource::Taken LogSource::take_from_module(const LogLine& line, Record& record) {
    if (line.event == "twinbench_recorder" && !summary_.exact_time) {
        clock_.count_from_zero();
        virtual_time_ = 0;
        assembler_.hold_writes();
        summary_.format = "log of QEMU with the recorder's module";
        summary_.exact_time = true;
        return Taken::kNothing;
    }
    if (line.event == "twinbench_time" || line.event == "twinbench_at") {
        const auto ns = trace::parse_number(line.arguments);
        if (!ns) return Taken::kUnknown;
        virtual_time_ = clock_.at(*ns, summary_.lines, summary_);
        if (line.event == "twinbench_at") assembler_.set_time(*virtual_time_);
        return Taken::kNothing;
    }
    const auto known = std::ranges::find(kDataEvents, line.event, &DataEvent::event);
    if (known == std::end(kDataEvents)) {
        summary_.count_other(line.event);
        return Taken::kNothing;
    }
    std::string_view rest = line.arguments;
    record.name = trace::take_word(rest);
    trace::skip_blanks(rest);
    const auto number = trace::parse_number(trace::take_word(rest));
    trace::skip_blanks(rest);
    if (!number || !trace::parse_bytes(rest, kMostData, data_)) return Taken::kUnknown;
    record.event.kind = known->kind;
    record.text = known->text;
    if (known->kind == EventKind::kIrqRaised) {
        if (data_.empty() || data_[0] == std::byte{0}) record.event.kind = EventKind::kIrqLowered;
        record.event.value = *number;
    } else {
        (known->text == kDisk ? record.event.value : record.event.address) = *number;
        record.data = data_;
    }
    stamp(line, record);
    return Taken::kEvent;
}

void LogSource::stamp(const LogLine& line, Record& record) {
    if (virtual_time_) {
        record.timed = true;
        record.event.time = *virtual_time_;
    } else if (line.stamp != LogLine::Stamp::kNone) {
        record.timed = true;
        record.event.time = clock_.at(line.microseconds * kNsPerUs, record.line, summary_);
    } else {
        ++summary_.untimed;
    }
}

void LogSource::count_form(std::string_view form) {
    // One after another they are the same.
    if (form_ == nullptr || last_form_ != form) {
        form_ = &summary_.forms[std::string(form)];
        last_form_ = form;
    }
    ++*form_;
}

}  // namespace tb::recording
