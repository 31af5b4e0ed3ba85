// SPDX-License-Identifier: BSD-3-Clause
#include "harness/scenario/pattern.hpp"

#include <fmt/format.h>

#include <cctype>
#include <charconv>
#include <optional>
#include <string>

#include "harness/scenario/expression.hpp"

namespace tb::scenario {

namespace {

constexpr std::size_t kMostBytes = 16 << 20;
constexpr std::size_t kSectorBytes = 512;

std::optional<unsigned> hex_digit(char c) {
    if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
    if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a' + 10);
    if (c >= 'A' && c <= 'F') return static_cast<unsigned>(c - 'A' + 10);
    return std::nullopt;
}

class Expander {
  public:
    explicit Expander(std::string_view pattern) : pattern_(pattern) {}

    std::vector<std::byte> run() {
        while (true) {
            while (at_ < pattern_.size() && pattern_[at_] == ' ') ++at_;
            if (at_ == pattern_.size()) return std::move(out_);
            std::vector<std::byte> term = one_term();
            std::uint64_t times = 1;
            if (at_ < pattern_.size() && pattern_[at_] == '*') {
                ++at_;
                times = number("after '*'");
            }
            if (at_ < pattern_.size() && pattern_[at_] != ' ') fail("a space must separate terms");
            if (!term.empty() && times > (kMostBytes - out_.size()) / term.size()) fail("more than 16 MiB");
            for (std::uint64_t i = 0; i < times; ++i) out_.insert(out_.end(), term.begin(), term.end());
        }
    }

  private:
    [[noreturn]] void fail(const std::string& what) const {
        throw ValueError(
            fmt::format("the data pattern '{}' is wrong at character {}: {} (terms are hex bytes '5a*4096', "
                        "text \"'hello'\", "
                        "count:N, random:SEED:N, lba:SECTOR:N)",
                        pattern_.substr(0, 60), at_ + 1, what));
    }

    std::vector<std::byte> one_term() {
        if (pattern_[at_] == '\'') return quoted();
        for (const std::string_view name : {"count:", "random:", "lba:"})
            if (pattern_.substr(at_, name.size()) == name) {
                at_ += name.size();
                return generated(name);
            }
        return hex();
    }

    std::vector<std::byte> hex() {
        std::vector<std::byte> bytes;
        while (at_ < pattern_.size() && pattern_[at_] != ' ' && pattern_[at_] != '*') {
            const auto high = hex_digit(pattern_[at_]);
            const auto low = at_ + 1 < pattern_.size() ? hex_digit(pattern_[at_ + 1]) : std::nullopt;
            if (!high || !low) fail("two hex digits make a byte");
            bytes.push_back(static_cast<std::byte>(*high << 4 | *low));
            at_ += 2;
        }
        return bytes;
    }

    std::vector<std::byte> quoted() {
        std::vector<std::byte> bytes;
        for (++at_; at_ < pattern_.size() && pattern_[at_] != '\''; ++at_) {
            char c = pattern_[at_];
            if (c == '\\') {
                if (++at_ == pattern_.size()) break;
                c = pattern_[at_];
                if (c == 'n')
                    c = '\n';
                else if (c == 'r')
                    c = '\r';
                else if (c == 'x') {
                    const auto high = at_ + 1 < pattern_.size() ? hex_digit(pattern_[at_ + 1]) : std::nullopt;
                    const auto low = at_ + 2 < pattern_.size() ? hex_digit(pattern_[at_ + 2]) : std::nullopt;
                    if (!high || !low) fail("\\x needs two hex digits");
                    c = static_cast<char>(*high << 4 | *low);
                    at_ += 2;
                }
            }
            bytes.push_back(static_cast<std::byte>(c));
        }
        if (at_ == pattern_.size()) fail("a quote is not closed");
        ++at_;
        return bytes;
    }

    std::vector<std::byte> generated(std::string_view name) {
        const std::uint64_t first = number("here");
        std::uint64_t second = 0;
        if (name != "count:") {
            if (at_ == pattern_.size() || pattern_[at_] != ':')
                fail("a second number, behind ':', is missing");
            ++at_;
            second = number("behind ':'");
        }
        const std::uint64_t length = name == "count:" ? first
                                     : name == "lba:" ? second * kSectorBytes
                                                      : second;
        if (length > kMostBytes || second > kMostBytes) fail("more than 16 MiB");
        std::vector<std::byte> bytes;
        if (name == "random:") {
            fill_random(first, bytes, length);
            return bytes;
        }
        bytes.reserve(length);
        for (std::uint64_t i = 0; i < length; ++i) {
            const std::uint64_t sector = first + i / kSectorBytes;
            bytes.push_back(name == "count:" ? static_cast<std::byte>(i)
                                             : static_cast<std::byte>(sector >> (8 * (i % 8))));
        }
        return bytes;
    }

    std::uint64_t number(const char* where) {
        std::uint64_t value = 0;
        const char* first = pattern_.data() + at_;
        const auto [end, error] = std::from_chars(first, pattern_.data() + pattern_.size(), value);
        if (error != std::errc()) fail(fmt::format("a number is missing {}", where));
        at_ += static_cast<std::size_t>(end - first);
        return value;
    }

    std::string_view pattern_;
    std::size_t at_ = 0;
    std::vector<std::byte> out_;
};

}  // namespace

void fill_random(std::uint64_t seed, std::vector<std::byte>& out, std::size_t count) {
    // splitmix64, one output per eight bytes.
    std::uint64_t word = 0;
    for (std::size_t i = 0; i < count; ++i) {
        if (i % 8 == 0) {
            seed += 0x9e3779b97f4a7c15;
            word = seed;
            word = (word ^ (word >> 30)) * 0xbf58476d1ce4e5b9;
            word = (word ^ (word >> 27)) * 0x94d049bb133111eb;
            word ^= word >> 31;
        }
        out.push_back(static_cast<std::byte>(word >> (8 * (i % 8))));
    }
}

std::vector<std::byte> expand_pattern(std::string_view pattern) {
    return Expander(pattern).run();
}

}  // namespace tb::scenario
