// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace tb::scenario {

/// What is wrong with an expression, a pattern or a duration, in words for the author of a scenario.
class ValueError : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

/// Looks a name up: a parameter, a loop variable, a value saved with "as", a buffer's address.
using Lookup = std::function<std::optional<std::uint64_t>(const std::string& name)>;

/// Integer arithmetic on 64 bits: decimal and 0x numbers, names, ( ), unary - and ~, * / %, + -, << >>, &, ^,
/// | with C's precedence. Throws ValueError.
std::uint64_t evaluate(std::string_view expression, const Lookup& lookup);

/// "10ns", "5us", "1.5ms", "2s" in nanoseconds. Throws ValueError.
std::uint64_t parse_duration(std::string_view text);

}  // namespace tb::scenario
