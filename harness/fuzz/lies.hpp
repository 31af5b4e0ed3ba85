// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <vector>

#include "harness/fuzz/language.hpp"
#include "harness/fuzz/record.hpp"
#include "harness/fuzz/sights.hpp"

namespace tb::fuzz {

/// Programs of one fault each: every act, with the plainest of its numbers (single bits, numbers at edges),
/// at every place where the driver looks, at its start and at work, before some operations. What a single lie
/// can do is known when they have run; chance is for the rest. Memory first, then registers; else in an order
/// of the seed's.
struct Lies {
    std::vector<std::vector<Record>> programs;
    std::size_t first = 0;  ///< so many of them are to run before all that chance makes
};
Lies plain_lies(const Language& language, const Views& views, std::uint64_t seed);

}  // namespace tb::fuzz
