// SPDX-License-Identifier: BSD-3-Clause
#include "harness/trace/allowed.hpp"

#include <charconv>

namespace tb::trace {

namespace {

std::optional<QemuVersion> version_at(std::string_view text) {
    std::array<unsigned, 3> parts{};
    std::size_t count = 0;
    const char* at = text.data();
    const char* const end = at + text.size();
    while (count < parts.size()) {
        const auto [stop, error] = std::from_chars(at, end, parts[count]);
        if (error != std::errc()) break;
        ++count;
        at = stop;
        if (at == end || *at != '.') break;
        ++at;
    }
    if (count < 2) return std::nullopt;
    return QemuVersion{parts[0], parts[1], parts[2]};
}

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

}  // namespace

std::optional<QemuVersion> QemuVersion::parse(std::string_view text) {
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (!is_digit(text[i]) || (i != 0 && is_digit(text[i - 1]))) continue;
        if (const auto version = version_at(text.substr(i))) return version;
    }
    return std::nullopt;
}

std::string_view to_string(DifferenceKind kind) {
    switch (kind) {
        case DifferenceKind::kValue:
            return "differs";
        case DifferenceKind::kMissingLeft:
            return "only right";
        case DifferenceKind::kMissingRight:
            return "only left";
    }
    return "";
}

bool matches_pattern(std::string_view pattern, std::string_view text) {
    std::size_t p = 0;
    std::size_t t = 0;
    std::size_t star = std::string_view::npos;  // the last `*`, and how much of the text it has taken
    std::size_t taken = 0;
    while (t < text.size()) {
        if (p < pattern.size() && pattern[p] == '*') {
            star = p++;
            taken = t;
        } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == text[t])) {
            ++p;
            ++t;
        } else if (star != std::string_view::npos) {
            p = star + 1;
            t = ++taken;
        } else {
            return false;
        }
    }
    while (p < pattern.size() && pattern[p] == '*') ++p;
    return p == pattern.size();
}

const AllowedRow* AllowedDifferences::find(const DifferenceFacts& facts) const {
    if (!facts.qemu) return nullptr;
    for (const AllowedRow& row : rows_) {
        if (row.difference != facts.difference) continue;
        if (*facts.qemu < row.from || *facts.qemu > row.to) continue;
        if (facts.difference == DifferenceKind::kValue) {
            if (!facts.same_place) continue;
            if (!facts.only_value && row.mask != ~std::uint64_t{0}) continue;
            if ((facts.differing_bits & ~row.mask) != 0) continue;
        }
        if (!matches_pattern(row.device, facts.device)) continue;
        if (!matches_pattern(row.event, to_string(facts.event))) continue;
        if (!matches_pattern(row.name, facts.name)) continue;
        return &row;
    }
    return nullptr;
}

const AllowedDifferences& AllowedDifferences::standard() {
    // A row enters when a run has shown the difference and QEMU's source has explained it; none has yet.
    static const AllowedDifferences table(std::vector<AllowedRow>{});
    return table;
}

}  // namespace tb::trace
