// SPDX-License-Identifier: BSD-3-Clause
#include "harness/recording/simpletrace_source.hpp"

#include <fmt/format.h>

#include <array>
#include <cstring>
#include <optional>
#include <utility>

namespace tb::recording {

namespace {

constexpr std::uint64_t kVersion = 4;
constexpr std::uint64_t kMappingRecord = 0;
constexpr std::uint64_t kEventRecord = 1;
constexpr std::uint64_t kDropped = ~std::uint64_t{0} - 1;
constexpr std::uint32_t kEventHeader = 24;  // id, time, length, pid
/// QEMU's own buffer is 64 KiB: nothing longer can have been written.
constexpr std::uint32_t kLongest = 1 << 16;
constexpr std::size_t kMostEvents = 1 << 16;

/// The arguments of an event, front to back: numbers of 8 bytes, strings with their length before them.
class Arguments {
  public:
    explicit Arguments(std::span<const std::byte> rest) : rest_(rest) {}

    std::optional<std::uint64_t> number() {
        std::uint64_t value = 0;
        if (rest_.size() < sizeof value) return std::nullopt;
        std::memcpy(&value, rest_.data(), sizeof value);
        rest_ = rest_.subspan(sizeof value);
        return value;
    }
    template <std::size_t kCount>
    std::optional<std::array<std::uint64_t, kCount>> numbers() {
        std::array<std::uint64_t, kCount> all{};
        if (rest_.size() < sizeof all) return std::nullopt;
        std::memcpy(all.data(), rest_.data(), sizeof all);
        rest_ = rest_.subspan(sizeof all);
        return all;
    }
    std::optional<std::string_view> text() {
        std::uint32_t length = 0;
        if (rest_.size() < sizeof length) return std::nullopt;
        std::memcpy(&length, rest_.data(), sizeof length);
        if (length > rest_.size() - sizeof length) return std::nullopt;
        const std::string_view text(reinterpret_cast<const char*>(rest_.data()) + sizeof length, length);
        rest_ = rest_.subspan(sizeof length + length);
        return text;
    }
    std::size_t left() const { return rest_.size(); }

  private:
    std::span<const std::byte> rest_;
};

/// cpu, region, address, value, size, and from QEMU 6 on the name.
bool region_access(Arguments arguments, bool write, Record& record, Summary& summary) {
    const auto numbers = arguments.numbers<5>();
    if (!numbers) return false;
    const auto [cpu, region, address, value, size] = *numbers;
    if (size != 1 && size != 2 && size != 4 && size != 8) return false;
    std::string_view name;
    if (arguments.left() != 0) {
        const auto text = arguments.text();
        if (!text || arguments.left() != 0) return false;
        name = *text;
    }
    ++summary.forms[name.empty() ? "QEMU 5.2" : "QEMU 6 or later"];
    fill_region_record(record, write, address, value, static_cast<std::uint8_t>(size), name);
    return true;
}

/// The device's name, the bus (from QEMU 6 on), device, function, offset, value.
bool config_access(Arguments arguments, bool write, Record& record, Summary& summary) {
    const auto name = arguments.text();
    if (!name) return false;
    const bool has_bus = arguments.left() == 5 * sizeof(std::uint64_t);
    if (!has_bus && arguments.left() != 4 * sizeof(std::uint64_t)) return false;
    const std::uint64_t bus = has_bus ? arguments.number().value_or(0) : 0;
    const auto numbers = arguments.numbers<4>();
    if (!numbers) return false;
    const auto [device, function, offset, value] = *numbers;
    if (bus > 0xff || device > 31 || function > 7 || offset > 0xfff || value > 0xffff'ffff) return false;
    ++summary.forms[has_bus ? "QEMU 6 or later" : "QEMU 5.2"];
    fill_config_record(record, write, bus << 20 | device << 15 | function << 12 | offset,
                       static_cast<std::uint32_t>(value), *name);
    return true;
}

}  // namespace

SimpletraceSource::SimpletraceSource(std::unique_ptr<trace::Input> input) : scanner_(std::move(input)) {
    summary_.format = "simpletrace of QEMU";
    std::uint64_t header[3] = {};
    if (!fill(std::as_writable_bytes(std::span(header)))) {
        end_with("the header is cut short");
    } else if (header[0] != kFirstWord || header[1] != kMagic) {
        end_with("the header is not that of a simpletrace file");
    } else if (header[2] != kVersion) {
        end_with(fmt::format("the file has format {}; format {} is what QEMU 2.12 and later write", header[2],
                             kVersion));
    }
}

void SimpletraceSource::end_with(const std::string& reason) {
    ended_ = true;
    summary_.trouble = fmt::format("byte {}: {}", scanner_.position(),
                                   scanner_.trouble().empty() ? reason : scanner_.trouble());
}

bool SimpletraceSource::fill(std::span<std::byte> out) {
    return scanner_.bytes({reinterpret_cast<char*>(out.data()), out.size()}) == out.size();
}

bool SimpletraceSource::read(Record& record) {
    while (!ended_) {
        std::uint64_t type = 0;
        const std::size_t got = scanner_.bytes({reinterpret_cast<char*>(&type), sizeof type});
        if (got == 0 && scanner_.trouble().empty()) return false;
        ++summary_.lines;
        if (got != sizeof type) {
            end_with("the file is cut short in the middle of a record");
        } else if (type == kMappingRecord) {
            if (!read_mapping()) end_with("the name of an event is cut short, or too long");
        } else if (type == kEventRecord) {
            bool usable = false;
            if (!read_event(record, usable)) return false;
            if (usable) return true;
        } else {
            end_with(fmt::format("a record of type {:#x}; there are 0 and 1", type));
        }
    }
    return false;
}

bool SimpletraceSource::read_mapping() {
    std::uint64_t id = 0;
    std::uint32_t length = 0;
    if (!fill(std::as_writable_bytes(std::span(&id, 1))) ||
        !fill(std::as_writable_bytes(std::span(&length, 1))) || length > kLongest ||
        events_.size() > kMostEvents)
        return false;
    std::string name(length, '\0');
    if (scanner_.bytes(name) != length) return false;
    events_[id] = std::move(name);
    return true;
}

bool SimpletraceSource::read_event(Record& record, bool& usable) {
    std::uint64_t id = 0;
    std::uint64_t time = 0;
    std::uint32_t length = 0;
    std::uint32_t pid = 0;
    if (!fill(std::as_writable_bytes(std::span(&id, 1))) ||
        !fill(std::as_writable_bytes(std::span(&time, 1))) ||
        !fill(std::as_writable_bytes(std::span(&length, 1))) ||
        !fill(std::as_writable_bytes(std::span(&pid, 1)))) {
        end_with("the file is cut short in the middle of an event");
        return false;
    }
    if (length < kEventHeader || length > kLongest) {
        end_with(fmt::format("an event of {} bytes; there are none below {} or above {}", length,
                             kEventHeader, kLongest));
        return false;
    }
    body_.resize(length - kEventHeader);
    if (!fill(body_)) {
        end_with("the file is cut short in the middle of an event");
        return false;
    }
    if (id == kDropped) {
        const std::uint64_t count = Arguments(body_).number().value_or(0);
        summary_.count_other(fmt::format("dropped by QEMU, {} events", count));
        return true;
    }
    const auto found = events_.find(id);
    if (found == events_.end()) {
        summary_.count_unknown(summary_.lines, fmt::format("event {} without a name", id));
        return true;
    }
    const std::string& name = found->second;
    const bool write = name.ends_with("_write");
    record = Record();
    record.line = summary_.lines;
    if (name == "memory_region_ops_read" || name == "memory_region_ops_write") {
        usable = region_access(Arguments(body_), write, record, summary_);
    } else if (name == "pci_cfg_read" || name == "pci_cfg_write") {
        usable = config_access(Arguments(body_), write, record, summary_);
    } else {
        summary_.count_other(name);
        return true;
    }
    if (!usable) {
        summary_.count_unknown(summary_.lines, name);
        return true;
    }
    record.timed = true;
    record.event.time = clock_.at(time, summary_.lines, summary_);
    return true;
}

}  // namespace tb::recording
