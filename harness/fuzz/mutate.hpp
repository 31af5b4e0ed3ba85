// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "harness/fuzz/language.hpp"
#include "harness/fuzz/record.hpp"
#include "harness/fuzz/sights.hpp"

namespace tb::fuzz {

/// A program that differs from this one in a record or two: some put in, doubled, moved, cut out; a field
/// nudged by one, another place or act, a value at an edge. Faults are mostly where something was seen, if
/// anything was. The same for the same seed.
std::vector<Record> mutate(std::span<const Record> program, const Language& language, const Views& views,
                           std::uint64_t seed);

/// The beginning of one program, then all faults healed, then the end of another.
std::vector<Record> cross(std::span<const Record> first, std::span<const Record> second, std::uint64_t seed);

}  // namespace tb::fuzz
