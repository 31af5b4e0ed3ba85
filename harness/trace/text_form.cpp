// SPDX-License-Identifier: BSD-3-Clause
#include "harness/trace/text_form.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <iterator>
#include <memory>
#include <utility>

namespace tb::trace {

namespace {

constexpr std::size_t kShortestRun = 8;
constexpr std::string_view kHexDigits = "0123456789abcdef";
constexpr std::array<std::pair<char, char>, 7> kEscapes = {{
    {'"', '"'},
    {'\\', '\\'},
    {'\n', 'n'},
    {'\t', 't'},
    {'\r', 'r'},
    {'\b', 'b'},
    {'\f', 'f'},
}};

int hex_value(char digit) {
    const std::size_t at = kHexDigits.find(digit);
    return at == std::string_view::npos ? -1 : static_cast<int>(at);
}

template <class Number>
bool parse_all(std::string_view text, Number& number, int base) {
    const char* const begin = std::to_address(text.begin());
    const char* const end = begin + text.size();
    const auto [stop, error] = std::from_chars(begin, end, number, base);
    return error == std::errc() && stop == end && !text.empty();
}

// After the backslash. Only what append_quoted writes: controls as \u00XX.
std::optional<char> take_escape(std::string_view& rest) {
    if (rest.empty()) return std::nullopt;
    const char code = rest.front();
    rest.remove_prefix(1);
    for (const auto& [plain, letter] : kEscapes)
        if (letter == code) return plain;
    unsigned value = 0;
    if (code != 'u' || rest.size() < 4 || !parse_all(rest.substr(0, 4), value, 16) || value > 0x7f)
        return std::nullopt;
    rest.remove_prefix(4);
    return static_cast<char>(value);
}

// "00*48" or "525400"
bool parse_part(std::string_view part, std::uint64_t most, std::vector<std::byte>& out) {
    const std::size_t star = part.find('*');
    const std::string_view digits = part.substr(0, star);
    if (digits.empty() || digits.size() % 2 != 0 || out.size() + digits.size() / 2 > most) return false;
    for (std::size_t i = 0; i < digits.size(); i += 2) {
        const int high = hex_value(digits[i]);
        const int low = hex_value(digits[i + 1]);
        if (high < 0 || low < 0) return false;
        out.push_back(static_cast<std::byte>(high << 4 | low));
    }
    if (star == std::string_view::npos) return true;
    std::uint64_t count = 0;
    if (digits.size() != 2 || !parse_all(part.substr(star + 1), count, 10)) return false;
    if (count == 0 || count > most || out.size() - 1 + count > most) return false;
    out.insert(out.end(), count - 1, out.back());
    return true;
}

}  // namespace

void append_quoted(std::string& out, std::string_view text) {
    out += '"';
    for (const char c : text) {
        const auto escape =
            std::find_if(kEscapes.begin(), kEscapes.end(), [c](auto& e) { return e.first == c; });
        if (escape != kEscapes.end()) {
            out += '\\';
            out += escape->second;
        } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
            fmt::format_to(std::back_inserter(out), "\\u{:04x}", static_cast<unsigned char>(c));
        } else {
            out += c;
        }
    }
    out += '"';
}

std::optional<std::string> take_quoted(std::string_view& rest) {
    std::string_view left = rest;
    if (!left.starts_with('"')) return std::nullopt;
    left.remove_prefix(1);
    std::string text;
    while (!left.empty()) {
        const char c = left.front();
        left.remove_prefix(1);
        if (c == '"') {
            rest = left;
            return text;
        }
        if (c != '\\') {
            text += c;
            continue;
        }
        const std::optional<char> plain = take_escape(left);
        if (!plain) return std::nullopt;
        text += *plain;
    }
    return std::nullopt;
}

void append_bytes(std::string& out, std::span<const std::byte> data) {
    bool plain = false;  // the last part is digits that more digits may follow
    for (std::size_t i = 0; i < data.size();) {
        std::size_t run = 1;
        while (i + run < data.size() && data[i + run] == data[i]) ++run;
        const bool counted = run >= kShortestRun;
        if (i != 0 && (counted || !plain)) out += ',';
        const auto value = std::to_integer<unsigned>(data[i]);
        const std::size_t written = counted ? 1 : run;
        for (std::size_t n = 0; n < written; ++n) {
            out += kHexDigits[value >> 4];
            out += kHexDigits[value & 15];
        }
        if (counted) fmt::format_to(std::back_inserter(out), "*{}", run);
        plain = !counted;
        i += run;
    }
}

bool parse_bytes(std::string_view text, std::uint64_t most, std::vector<std::byte>& out) {
    out.clear();
    while (true) {
        const std::size_t comma = text.find(',');
        if (!parse_part(text.substr(0, comma), most, out)) return false;
        if (comma == std::string_view::npos) return true;
        text.remove_prefix(comma + 1);
    }
}

std::optional<std::uint64_t> parse_number(std::string_view text) {
    if (text == "-") return 0;
    std::uint64_t number = 0;
    const bool hex = text.starts_with("0x");
    if (!parse_all(hex ? text.substr(2) : text, number, hex ? 16 : 10)) return std::nullopt;
    return number;
}

std::optional<std::uint64_t> parse_hash(std::string_view text) {
    std::uint64_t hash = 0;
    if (text.size() != 16 || !parse_all(text, hash, 16)) return std::nullopt;
    return hash;
}

std::string_view take_word(std::string_view& rest) {
    const std::string_view word = rest.substr(0, rest.find(' '));
    rest.remove_prefix(word.size());
    return word;
}

void skip_blanks(std::string_view& rest) {
    const std::size_t first = rest.find_first_not_of(' ');
    rest.remove_prefix(first == std::string_view::npos ? rest.size() : first);
}

}  // namespace tb::trace
