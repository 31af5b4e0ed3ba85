// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace tb::scenario {

/// The bytes that a data pattern stands for. A pattern is a list of terms, separated by spaces:
///
///     5a*4096           bytes in hex, repeated
///     0011 22ff         bytes in hex
///     'hello'           characters (\n, \r, \\, \' and \xNN inside)
///     count:256         00 01 02 ... ff 00 ...
///     random:7:512      512 bytes drawn from seed 7
///     lba:64:8          8 sectors of 512 bytes from sector 64 on, as a disk with "fill": "lba" holds them:
///     each sector is
///                       its own number as 64-bit little-endian values, 64 times
///
/// At most 16 MiB. Throws ValueError.
std::vector<std::byte> expand_pattern(std::string_view pattern);

/// Fills `out` with bytes drawn from `seed`; the same on every machine.
void fill_random(std::uint64_t seed, std::vector<std::byte>& out, std::size_t count);

}  // namespace tb::scenario
