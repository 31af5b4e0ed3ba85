// SPDX-License-Identifier: BSD-3-Clause
#include "harness/scenario/expression.hpp"

#include <fmt/format.h>

#include <array>
#include <cctype>
#include <charconv>

namespace tb::scenario {

namespace {

class Parser {
  public:
    Parser(std::string_view text, const Lookup& lookup) : text_(text), lookup_(lookup) {}

    std::uint64_t whole() {
        const std::uint64_t value = binary(0);
        skip_space();
        if (at_ != text_.size()) fail(fmt::format("'{}' is not expected here", text_.substr(at_)));
        return value;
    }

  private:
    [[noreturn]] void fail(const std::string& what) const {
        throw ValueError(fmt::format("in the expression '{}': {}", text_, what));
    }

    void skip_space() {
        while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_])) != 0) ++at_;
    }
    bool accept(std::string_view token) {
        skip_space();
        if (text_.substr(at_, token.size()) != token) return false;
        at_ += token.size();
        return true;
    }

    std::uint64_t binary(std::size_t level) {
        static constexpr std::array<std::array<std::string_view, 3>, 6> kLevels = {{
            {"|"},
            {"^"},
            {"&"},
            {"<<", ">>"},
            {"+", "-"},
            {"*", "/", "%"},
        }};
        if (level == kLevels.size()) return unary();
        std::uint64_t left = binary(level + 1);
        while (true) {
            std::string_view taken;
            for (const std::string_view token : kLevels[level])
                if (!token.empty() && accept(token)) {
                    taken = token;
                    break;
                }
            if (taken.empty()) return left;
            left = apply(taken, left, binary(level + 1));
        }
    }

    std::uint64_t apply(std::string_view op, std::uint64_t left, std::uint64_t right) const {
        if (op == "|") return left | right;
        if (op == "^") return left ^ right;
        if (op == "&") return left & right;
        if (op == "<<") return right > 63 ? 0 : left << right;
        if (op == ">>") return right > 63 ? 0 : left >> right;
        if (op == "+") return left + right;
        if (op == "-") return left - right;
        if (op == "*") return left * right;
        if (right == 0) fail("division by zero");
        return op == "/" ? left / right : left % right;
    }

    std::uint64_t unary() {
        if (depth_ == 100) fail("it is nested too deeply");
        ++depth_;
        const std::uint64_t value = operand();
        --depth_;
        return value;
    }

    std::uint64_t operand() {
        if (accept("-")) return std::uint64_t{0} - unary();
        if (accept("~")) return ~unary();
        if (accept("(")) {
            const std::uint64_t value = binary(0);
            if (!accept(")")) fail("a ')' is missing");
            return value;
        }
        skip_space();
        if (at_ == text_.size()) fail("a number or a name is missing at the end");
        const char c = text_[at_];
        if (std::isdigit(static_cast<unsigned char>(c)) != 0) return number();
        if (std::isalpha(static_cast<unsigned char>(c)) != 0 || c == '_') return name();
        fail(fmt::format("'{}' is not expected here", c));
    }

    std::uint64_t number() {
        const bool hex = text_.substr(at_, 2) == "0x" || text_.substr(at_, 2) == "0X";
        const char* first = text_.data() + at_ + (hex ? 2 : 0);
        std::uint64_t value = 0;
        const auto [end, error] = std::from_chars(first, text_.data() + text_.size(), value, hex ? 16 : 10);
        if (error == std::errc::result_out_of_range) fail("a number does not fit 64 bits");
        if (error != std::errc() || end == first) fail("a number is malformed");
        at_ = static_cast<std::size_t>(end - text_.data());
        if (at_ < text_.size() && (std::isalnum(static_cast<unsigned char>(text_[at_])) != 0))
            fail(fmt::format("'{}' is not part of a number", text_[at_]));
        return value;
    }

    std::uint64_t name() {
        const std::size_t start = at_;
        while (at_ < text_.size() && (std::isalnum(static_cast<unsigned char>(text_[at_])) != 0 ||
                                      text_[at_] == '_' || text_[at_] == '.'))
            ++at_;
        const std::string word(text_.substr(start, at_ - start));
        if (const auto value = lookup_ ? lookup_(word) : std::nullopt) return *value;
        fail(fmt::format(
            "'{}' has no value here: it must be a parameter, a loop variable, a value saved with \"as\", "
            "or a buffer that is declared before",
            word));
    }

    std::string_view text_;
    const Lookup& lookup_;
    std::size_t at_ = 0;
    unsigned depth_ = 0;
};

}  // namespace

std::uint64_t evaluate(std::string_view expression, const Lookup& lookup) {
    if (!expression.empty() && expression.front() == '=') expression.remove_prefix(1);
    return Parser(expression, lookup).whole();
}

std::uint64_t parse_duration(std::string_view text) {
    struct Unit {
        std::string_view name;
        std::uint64_t ns;
    };
    static constexpr std::array<Unit, 4> kUnits = {
        {{"ns", 1}, {"us", 1'000}, {"ms", 1'000'000}, {"s", 1'000'000'000}}};
    static constexpr std::uint64_t kMost = std::uint64_t{1} << 63;
    // Kept in integers: 1.5ms is 15 tenths, and the same on every machine.
    std::uint64_t digits = 0;
    std::uint64_t scale = 1;
    std::size_t at = 0;
    bool any = false;
    bool fraction = false;
    for (; at < text.size() &&
           (std::isdigit(static_cast<unsigned char>(text[at])) != 0 || (text[at] == '.' && !fraction));
         ++at) {
        if (text[at] == '.') {
            fraction = true;
            continue;
        }
        any = true;
        digits = digits * 10 + static_cast<std::uint64_t>(text[at] - '0');
        if (fraction) scale *= 10;
        if (digits > 1'000'000'000'000 || scale > 1'000'000'000) break;
    }
    for (const Unit& unit : kUnits)
        if (any && text.substr(at) == unit.name && digits <= kMost / unit.ns) return digits * unit.ns / scale;
    throw ValueError(fmt::format(
        "'{}' is not a duration: write a number and a unit, such as \"10us\", \"1.5ms\", \"2s\"", text));
}

}  // namespace tb::scenario
