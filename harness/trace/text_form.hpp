// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

/// The tokens of the text form of a trace (see trace_file.hpp), both ways. `take_*` functions consume what
/// they parse from the front of `rest` and give nothing, with `rest` unchanged, when it does not begin with
/// one.
namespace tb::trace {

/// A JSON string; bytes above 0x7f stay as they are, so that any text survives.
void append_quoted(std::string& out, std::string_view text);
std::optional<std::string> take_quoted(std::string_view& rest);

/// "525400,00*48": hexadecimal, with runs of 8 or more equal bytes counted.
void append_bytes(std::string& out, std::span<const std::byte> data);
/// The whole of `text`; at most `most` bytes.
bool parse_bytes(std::string_view text, std::uint64_t most, std::vector<std::byte>& out);

/// Decimal, 0x hexadecimal, or `-` for 0; the whole of `text`.
std::optional<std::uint64_t> parse_number(std::string_view text);
std::optional<std::uint64_t> parse_hash(std::string_view text);

/// Up to the next blank.
std::string_view take_word(std::string_view& rest);
void skip_blanks(std::string_view& rest);

}  // namespace tb::trace
