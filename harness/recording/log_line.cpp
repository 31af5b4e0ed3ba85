// SPDX-License-Identifier: BSD-3-Clause
#include "harness/recording/log_line.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <limits>
#include <memory>

namespace tb::recording {

namespace {

constexpr std::uint64_t kMicroseconds = 1'000'000;

/// Takes a number from the front: all digits of `base` there are.
std::optional<std::uint64_t> take_number(std::string_view& rest, int base = 10) {
    std::uint64_t value = 0;
    const char* const begin = std::to_address(rest.begin());
    const auto [stop, error] = std::from_chars(begin, begin + rest.size(), value, base);
    if (error != std::errc()) return std::nullopt;
    rest.remove_prefix(static_cast<std::size_t>(stop - begin));
    return value;
}

bool take(std::string_view& rest, std::string_view what) {
    if (!rest.starts_with(what)) return false;
    rest.remove_prefix(what.size());
    return true;
}

std::optional<std::uint64_t> take_hex(std::string_view& rest) {
    if (!take(rest, "0x")) return std::nullopt;
    return take_number(rest, 16);
}

/// "5121@1795796757.385936:"
bool take_seconds(std::string_view& rest, LogLine& line) {
    std::string_view left = rest;
    if (!take_number(left) || !take(left, "@")) return false;
    const auto seconds = take_number(left);
    if (!seconds || *seconds > std::numeric_limits<std::uint64_t>::max() / kMicroseconds - 1 ||
        !take(left, "."))
        return false;
    const std::size_t digits = left.size();
    const auto micros = take_number(left);
    if (!micros || digits - left.size() != 6 || !take(left, ":")) return false;
    line.stamp = LogLine::Stamp::kSeconds;
    line.microseconds = *seconds * kMicroseconds + *micros;
    rest = left;
    return true;
}

/// "2026-11-22T07:42:12.301107Z "
bool take_iso(std::string_view& rest, LogLine& line) {
    constexpr std::string_view kShape = "0000-00-00T00:00:00.000000Z ";
    if (rest.size() < kShape.size()) return false;
    for (std::size_t i = 0; i < kShape.size(); ++i) {
        const bool digit = rest[i] >= '0' && rest[i] <= '9';
        if (kShape[i] == '0' ? !digit : rest[i] != kShape[i]) return false;
    }
    const auto number = [&](std::size_t at, std::size_t count) {
        std::string_view digits = rest.substr(at, count);
        return static_cast<unsigned>(*take_number(digits));
    };
    using namespace std::chrono;
    const year_month_day date{year(static_cast<int>(number(0, 4))), month(number(5, 2)), day(number(8, 2))};
    if (!date.ok() || date.year() < year(1970)) return false;
    const auto days = static_cast<std::uint64_t>(sys_days(date).time_since_epoch().count());
    const std::uint64_t seconds =
        days * 86400 + number(11, 2) * 3600ULL + number(14, 2) * 60ULL + number(17, 2);
    line.stamp = LogLine::Stamp::kIso;
    line.microseconds = seconds * kMicroseconds + number(20, 6);
    rest.remove_prefix(kShape.size());
    return true;
}

bool is_event_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || (c >= 'A' && c <= 'Z');
}

}  // namespace

std::optional<LogLine> parse_log_line(std::string_view text) {
    LogLine line;
    if (!text.empty() && text.front() >= '0' && text.front() <= '9' && !take_seconds(text, line) &&
        !take_iso(text, line))
        return std::nullopt;
    const auto end = std::find_if_not(text.begin(), text.end(), is_event_letter);
    const auto length = static_cast<std::size_t>(end - text.begin());
    line.event = text.substr(0, length);
    // Every event of QEMU's has a name of several words; a line of prose has none.
    if (line.event.find('_') == std::string_view::npos || !(line.event[0] >= 'a' && line.event[0] <= 'z'))
        return std::nullopt;
    line.arguments = text.substr(length);
    if (!line.arguments.empty() && !take(line.arguments, " ")) return std::nullopt;
    return line;
}

std::optional<RegionAccess> parse_region_access(std::string_view rest) {
    RegionAccess access;
    if (!take(rest, "cpu ")) return std::nullopt;
    const bool negative = take(rest, "-");
    const auto cpu = take_number(rest);
    if (!cpu || *cpu > 0xffff || !take(rest, " mr ")) return std::nullopt;
    access.cpu = negative ? -static_cast<int>(*cpu) : static_cast<int>(*cpu);
    if (!take_hex(rest) && !take(rest, "(nil)")) return std::nullopt;
    if (!take(rest, " addr ")) return std::nullopt;
    const auto address = take_hex(rest);
    if (!address || !take(rest, " value ")) return std::nullopt;
    const auto value = take_hex(rest);
    if (!value || !take(rest, " size ")) return std::nullopt;
    const auto size = take_number(rest);
    if (!size || (*size != 1 && *size != 2 && *size != 4 && *size != 8)) return std::nullopt;
    access.address = *address;
    access.value = *value;
    access.size = static_cast<std::uint8_t>(*size);
    if (rest.empty()) return access;
    if (!take(rest, " name '") || rest.empty() || rest.back() != '\'') return std::nullopt;
    access.named = true;
    access.name = rest.substr(0, rest.size() - 1);
    return access;
}

std::optional<ConfigAccess> parse_config_access(std::string_view rest) {
    ConfigAccess access;
    // The device's name comes first, and nothing forbids it blanks.
    const std::size_t at = rest.rfind(" @0x");
    if (at == std::string_view::npos) return std::nullopt;
    std::string_view values = rest.substr(at + 2);
    std::string_view before = rest.substr(0, at);
    const std::size_t blank = before.rfind(' ');
    if (blank == std::string_view::npos) return std::nullopt;
    access.device = before.substr(0, blank);
    std::string_view place = before.substr(blank + 1);

    std::array<std::uint64_t, 3> numbers{};  // bus, device, function
    if (place.find('.') != std::string_view::npos) {
        const auto bus = take_number(place, 16);
        if (!bus || !take(place, ":")) return std::nullopt;
        const auto slot = take_number(place, 16);
        if (!slot || !take(place, ".")) return std::nullopt;
        const auto function = take_number(place, 16);
        if (!function) return std::nullopt;
        numbers = {*bus, *slot, *function};
        access.has_bus = true;
    } else {
        const auto slot = take_number(place);
        if (!slot || !take(place, ":")) return std::nullopt;
        const auto function = take_number(place);
        if (!function) return std::nullopt;
        numbers = {0, *slot, *function};
    }
    const auto offset = take_hex(values);
    if (!offset || (!take(values, " -> ") && !take(values, " <- "))) return std::nullopt;
    const auto value = take_hex(values);
    if (!place.empty() || !values.empty() || !value || *value > 0xffff'ffff || *offset > 0xfff ||
        numbers[0] > 0xff || numbers[1] > 31 || numbers[2] > 7)
        return std::nullopt;
    access.address = numbers[0] << 20 | numbers[1] << 15 | numbers[2] << 12 | *offset;
    access.value = static_cast<std::uint32_t>(*value);
    return access;
}

}  // namespace tb::recording
