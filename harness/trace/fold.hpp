// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "harness/trace/event.hpp"

namespace tb::trace {

struct FoldedEvent {
    Event event;           ///< the first of its run, with the run's count
    std::size_t position;  ///< where it stood before folding
};

/// The events that `keep` sees, with polling loops folded: runs of equal reads with nothing but delays
/// between them, and runs of equal groups of up to four reads, become one with a count; the delays inside a
/// run go away. What `keep` does not see does not interrupt a run either.
std::vector<FoldedEvent> fold(std::span<const Event> events, Visibility keep = Visibility::all());

}  // namespace tb::trace
