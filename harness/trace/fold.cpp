// SPDX-License-Identifier: BSD-3-Clause
#include "harness/trace/fold.hpp"

namespace tb::trace {

namespace {

constexpr std::size_t kLongestLoop = 4;

bool same_access(const Event& a, const Event& b) {
    return a.kind == b.kind && a.address == b.address && a.width == b.width && a.value == b.value;
}

}  // namespace

std::vector<FoldedEvent> fold(std::span<const Event> events, Visibility keep) {
    std::vector<FoldedEvent> out;
    // Reads since the last event that is neither a read nor a delay, by position in the result; a delay is
    // only kept when it turns out not to be part of a loop.
    std::vector<std::size_t> reads;
    for (std::size_t position = 0; position < events.size(); ++position) {
        const Event& event = events[position];
        if (!keep.sees(event.kind)) continue;
        out.push_back({event, position});
        if (event.kind == EventKind::kDelay) continue;
        if (!is_register_read(event.kind)) {
            reads.clear();
            continue;
        }
        reads.push_back(out.size() - 1);
        for (std::size_t loop = 1; loop <= kLongestLoop && 2 * loop <= reads.size(); ++loop) {
            bool same = true;
            for (std::size_t i = 0; i < loop && same; ++i)
                same = same_access(out[reads[reads.size() - 1 - i]].event,
                                   out[reads[reads.size() - 1 - i - loop]].event);
            if (!same) continue;
            // Drop the later group and the delays before it; the earlier one counts it.
            const std::size_t first_kept = reads.size() - 2 * loop;
            for (std::size_t i = 0; i < loop; ++i) ++out[reads[first_kept + i]].event.repeat;
            out.resize(reads[first_kept + loop - 1] + 1);
            reads.resize(first_kept + loop);
            break;
        }
    }
    return out;
}

}  // namespace tb::trace
