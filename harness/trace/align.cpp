// SPDX-License-Identifier: BSD-3-Clause
#include "harness/trace/align.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>

namespace tb::trace {

namespace {

using Equal = std::function<bool(std::size_t, std::size_t)>;
using Position = std::pair<std::size_t, std::size_t>;

// Edits that are looked for at once; the memory is its square.
constexpr std::int64_t kMostEdits = 256;

// One stretch of Myers' greedy algorithm from (0, 0): the furthest x on every diagonal, kept for every number
// of edits, until the end is reached or the edits run out. Fills `matches` with the pairs that are equal and
// returns where it stopped.
class Stretch {
  public:
    Stretch(std::size_t left_size, std::size_t right_size, const Equal& equal)
        : n_(static_cast<std::int64_t>(left_size)),
          m_(static_cast<std::int64_t>(right_size)),
          equal_(equal) {}

    Position run(std::vector<Position>& matches) {
        const std::int64_t most = std::min(kMostEdits, n_ + m_);
        std::int64_t edits = 0;
        std::int64_t end_diagonal = 0;
        for (; edits <= most; ++edits) {
            if (advance(edits, end_diagonal)) break;
        }
        edits = std::min(edits, most);
        const std::int64_t x = at(edits, end_diagonal);
        const Position end{static_cast<std::size_t>(x), static_cast<std::size_t>(x - end_diagonal)};
        walk_back(edits, end_diagonal, matches);
        return end;
    }

  private:
    // Row d holds diagonals -d..d.
    std::int64_t at(std::int64_t edits, std::int64_t diagonal) const {
        return rows_[static_cast<std::size_t>(edits)][static_cast<std::size_t>(diagonal + edits)];
    }
    std::int64_t reach(std::int64_t edits, std::int64_t k) const {
        return k < -edits || k > edits ? kNowhere : at(edits, k);
    }
    static constexpr std::int64_t kNowhere = -1;

    struct Origin {
        std::int64_t x;         ///< where the stay on the diagonal begins
        std::int64_t diagonal;  ///< from which it was entered
    };
    // The edit that leads furthest on diagonal k: from k + 1 one down, or from k - 1 one to the right.
    std::optional<Origin> origin(std::int64_t edits, std::int64_t k) const {
        if (edits == 0) return Origin{0, 0};
        const std::int64_t down = reach(edits - 1, k + 1);
        const std::int64_t right = reach(edits - 1, k - 1);
        const bool can_go_down = down != kNowhere && down - k <= m_;
        const bool can_go_right = right != kNowhere && right + 1 <= n_;
        if (can_go_down && (!can_go_right || right < down)) return Origin{down, k + 1};
        if (can_go_right) return Origin{right + 1, k - 1};
        return std::nullopt;
    }

    // True when the end is reached; otherwise `best` is the diagonal that came furthest.
    bool advance(std::int64_t edits, std::int64_t& best) {
        rows_.emplace_back(static_cast<std::size_t>(2 * edits + 1), kNowhere);
        std::int64_t furthest = -1;
        for (std::int64_t k = -edits; k <= edits; k += 2) {
            const std::optional<Origin> from = origin(edits, k);
            if (!from) continue;
            std::int64_t x = from->x;
            std::int64_t y = x - k;
            while (x < n_ && y < m_ && equal_(static_cast<std::size_t>(x), static_cast<std::size_t>(y)))
                ++x, ++y;
            rows_.back()[static_cast<std::size_t>(k + edits)] = x;
            if (x + y > furthest) {
                furthest = x + y;
                best = k;
            }
            if (x == n_ && y == m_) return true;
        }
        return false;
    }

    void walk_back(std::int64_t edits, std::int64_t k, std::vector<Position>& matches) const {
        const std::size_t first = matches.size();
        for (; edits >= 0; --edits) {
            const std::optional<Origin> from = origin(edits, k);
            if (!from) break;
            for (std::int64_t x = at(edits, k); x > from->x; --x)
                matches.emplace_back(static_cast<std::size_t>(x - 1), static_cast<std::size_t>(x - 1 - k));
            k = from->diagonal;
        }
        std::reverse(matches.begin() + static_cast<std::ptrdiff_t>(first), matches.end());
    }

    std::int64_t n_;
    std::int64_t m_;
    const Equal& equal_;
    std::vector<std::vector<std::int64_t>> rows_;
};

}  // namespace

std::vector<Gap> align(std::size_t left_size, std::size_t right_size, const Equal& equal) {
    std::vector<Gap> gaps;
    std::size_t left = 0;
    std::size_t right = 0;
    const auto add_gap = [&](std::size_t left_to, std::size_t right_to) {
        if (left == left_to && right == right_to) return;
        if (!gaps.empty() && gaps.back().left_end == left && gaps.back().right_end == right) {
            gaps.back().left_end = left_to;
            gaps.back().right_end = right_to;
        } else {
            gaps.push_back({left, left_to, right, right_to});
        }
    };
    while (left < left_size && right < right_size) {
        // Equal beginnings, nearly always everything, need no search.
        if (equal(left, right)) {
            ++left, ++right;
            continue;
        }
        const std::size_t left_start = left;
        const std::size_t right_start = right;
        const Equal shifted = [&](std::size_t x, std::size_t y) {
            return equal(left_start + x, right_start + y);
        };
        std::vector<Position> matches;
        Stretch stretch(left_size - left, right_size - right, shifted);
        const Position end = stretch.run(matches);
        for (const auto& [x, y] : matches) {
            add_gap(left_start + x, right_start + y);
            left = left_start + x + 1;
            right = right_start + y + 1;
        }
        add_gap(left_start + end.first, right_start + end.second);
        left = left_start + end.first;
        right = right_start + end.second;
    }
    add_gap(left_size, right_size);
    return gaps;
}

}  // namespace tb::trace
