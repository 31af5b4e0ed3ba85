// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <functional>
#include <vector>

namespace tb::trace {

/// A stretch in which two sequences do not agree: [left_begin, left_end) against [right_begin, right_end).
/// Between two gaps all elements are equal, one by one.
struct Gap {
    std::size_t left_begin, left_end;
    std::size_t right_begin, right_end;
    bool operator==(const Gap&) const = default;
};

/// The gaps of a shortest edit script (Myers 1986), in order. Where the sequences differ in more than a few
/// hundred places at a stretch the script is only nearly the shortest: time and memory stay bounded.
std::vector<Gap> align(std::size_t left_size, std::size_t right_size,
                       const std::function<bool(std::size_t left, std::size_t right)>& equal);

}  // namespace tb::trace
