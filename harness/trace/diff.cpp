// SPDX-License-Identifier: BSD-3-Clause
#include "harness/trace/diff.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "harness/trace/align.hpp"
#include "harness/trace/fold.hpp"
#include "harness/trace/trace_file.hpp"

namespace tb::trace {

namespace {

constexpr std::size_t kLongestLoop = 4;
constexpr std::size_t kContext = 3;

bool same_place(const Event& a, const Event& b) {
    return a.kind == b.kind && a.address == b.address && a.width == b.width;
}

/// A trace as it is compared: what both see, folded.
struct Side {
    const Trace* trace;
    SymbolTable symbols;
    std::vector<FoldedEvent> events;
    std::vector<bool> waits;  ///< by event: a poll that was answered "not yet"

    const Event& at(std::size_t i) const { return events[i].event; }
    std::string_view text(std::size_t i) const { return trace->text(at(i)); }
    std::span<const std::byte> data(std::size_t i) const { return trace->data(at(i)); }
};

/// A step's events, [begin, end); it begins with the kStep event, but for what comes before the first step.
struct Step {
    std::size_t begin, end;
};

// A read, up to three more, a delay, and the first one again: the driver asks once more, so it was not
// satisfied.
void mark_waits(const std::vector<FoldedEvent>& events, std::vector<bool>& waits) {
    waits.assign(events.size(), false);
    for (std::size_t i = 0; i < events.size(); ++i) {
        std::size_t end = i;
        while (end < events.size() && end - i < kLongestLoop && is_register_read(events[end].event.kind))
            ++end;
        std::size_t again = end;
        while (again < events.size() && events[again].event.kind == EventKind::kDelay) ++again;
        if (end == i || again == end || again == events.size()) continue;
        if (same_place(events[i].event, events[again].event))
            std::fill(waits.begin() + static_cast<std::ptrdiff_t>(i),
                      waits.begin() + static_cast<std::ptrdiff_t>(end), true);
    }
}

Side make_side(const Trace& trace, Visibility common, const CompareContext& context) {
    Side side{.trace = &trace, .symbols = {}, .events = {}, .waits = {}};
    if (context.symbols != nullptr) side.symbols = *context.symbols;
    side.symbols.learn(trace);
    const std::vector<FoldedEvent> all = fold(trace.events(), common.with({EventKind::kDelay}));
    std::vector<bool> waits;
    mark_waits(all, waits);
    const bool keep_delays = context.compare_time && common.sees(EventKind::kDelay);
    for (std::size_t i = 0; i < all.size(); ++i) {
        if (all[i].event.kind == EventKind::kDelay && !keep_delays) continue;
        side.events.push_back(all[i]);
        side.waits.push_back(waits[i]);
    }
    return side;
}

std::vector<Step> split_steps(const Side& side) {
    std::vector<Step> steps{{0, 0}};
    for (std::size_t i = 0; i < side.events.size(); ++i) {
        if (side.at(i).kind == EventKind::kStep) steps.push_back({i, i});
        steps.back().end = i + 1;
    }
    return steps;
}

std::string name_of(const Side& side, std::size_t i) {
    const Event& event = side.at(i);
    std::string name = side.symbols.name(event);
    if (!name.empty() || event.kind != EventKind::kMemoryDigest) return name;
    std::size_t number = 1;
    while (number <= i && side.at(i - number).kind == EventKind::kMemoryDigest) ++number;
    return fmt::format("allocation {} at {:#x}", number, event.address);
}

std::vector<std::string> context_of(const Side& side, std::size_t place, bool marked_event) {
    std::vector<std::string> lines;
    const std::size_t first = place - std::min(place, kContext);
    const std::size_t last = std::min(side.events.size(), place + kContext + (marked_event ? 1 : 0));
    for (std::size_t i = first; i < last; ++i) {
        if (i == place && !marked_event) lines.emplace_back("> (nothing)");
        std::string line = i == place && marked_event ? "> " : "  ";
        // Bytes by the kilobyte help nobody here.
        const std::size_t shown = std::min<std::size_t>(side.data(i).size(), 64);
        append_event_line(line, side.at(i), side.text(i), side.data(i).first(shown), &side.symbols);
        if (shown < side.data(i).size()) line += fmt::format(" ... ({} bytes)", side.data(i).size());
        lines.push_back(std::move(line));
    }
    if (!marked_event && place >= last) lines.emplace_back("> (nothing)");
    return lines;
}

class Comparer {
  public:
    Comparer(const Trace& left, const Trace& right, Visibility common, const AllowedDifferences& allowed,
             const CompareContext& context)
        : left_(make_side(left, common, context)),
          right_(make_side(right, common, context)),
          allowed_(allowed),
          context_(context) {}

    Comparison run() {
        const std::vector<Step> left_steps = split_steps(left_);
        const std::vector<Step> right_steps = split_steps(right_);
        pair_step(left_steps[0], right_steps[0]);
        const auto same_step = [&](std::size_t l, std::size_t r) {
            return equal(left_steps[l + 1].begin, right_steps[r + 1].begin);
        };
        std::size_t l = 0;
        std::size_t r = 0;
        const auto pair_up_to = [&](std::size_t left_end, std::size_t right_end) {
            for (; l < left_end && r < right_end; ++l, ++r) pair_step(left_steps[l + 1], right_steps[r + 1]);
            for (; l < left_end; ++l) missing_step(left_steps[l + 1], DifferenceKind::kMissingRight);
            for (; r < right_end; ++r) missing_step(right_steps[r + 1], DifferenceKind::kMissingLeft);
        };
        for (const Gap& gap : align(left_steps.size() - 1, right_steps.size() - 1, same_step)) {
            pair_up_to(gap.left_begin, gap.right_begin);
            pair_up_to(gap.left_end, gap.right_end);
        }
        pair_up_to(left_steps.size() - 1, right_steps.size() - 1);
        return std::move(result_);
    }

  private:
    /// How alike two events must be to be held against each other; tried in this order.
    enum class Likeness { kEqual, kSamePlace, kSameKind };

    bool equal(std::size_t l, std::size_t r) const {
        const Event& a = left_.at(l);
        const Event& b = right_.at(r);
        return same_place(a, b) && a.value == b.value && (!context_.compare_time || a.time == b.time) &&
               left_.text(l) == right_.text(r) && std::ranges::equal(left_.data(l), right_.data(r));
    }
    bool alike(Likeness likeness, std::size_t l, std::size_t r) const {
        const Event& a = left_.at(l);
        const Event& b = right_.at(r);
        switch (likeness) {
            case Likeness::kEqual:
                return equal(l, r);
            // A poll that only one side needed is not the answer that the other side got.
            case Likeness::kSamePlace:
                return same_place(a, b) && left_.waits[l] == right_.waits[r];
            // Two registers are two events, not one that went elsewhere.
            case Likeness::kSameKind:
                return a.kind == b.kind && !is_register_read(a.kind) && !is_register_write(a.kind);
        }
        return false;
    }

    void enter_step(const Side& side, const Step& step) {
        step_.reset();
        step_text_.clear();
        if (step.begin == step.end || side.at(step.begin).kind != EventKind::kStep) return;
        step_ = side.at(step.begin).value;
        step_text_ = side.text(step.begin);
    }

    void pair_step(const Step& left, const Step& right) {
        enter_step(left_, left);
        compare_range(left.begin, left.end, right.begin, right.end, Likeness::kEqual);
    }

    void missing_step(const Step& step, DifferenceKind kind) {
        const bool on_left = kind == DifferenceKind::kMissingRight;
        enter_step(on_left ? left_ : right_, step);
        report(kind, on_left ? step.begin : left_.events.size(), on_left ? right_.events.size() : step.begin,
               step.end - step.begin - 1);
    }

    void compare_range(std::size_t l, std::size_t l_end, std::size_t r, std::size_t r_end,
                       Likeness likeness) {
        const std::size_t l_begin = l;
        const std::size_t r_begin = r;
        const auto gaps = align(l_end - l, r_end - r, [&](std::size_t a, std::size_t b) {
            return alike(likeness, l_begin + a, r_begin + b);
        });
        const auto matched_up_to = [&](std::size_t end) {
            for (; l < end; ++l, ++r) {
                ++result_.compared[static_cast<std::size_t>(left_.at(l).kind)];
                if (likeness != Likeness::kEqual) report(DifferenceKind::kValue, l, r, 0);
            }
        };
        for (const Gap& gap : gaps) {
            matched_up_to(l_begin + gap.left_begin);
            const std::size_t l_next = l_begin + gap.left_end;
            const std::size_t r_next = r_begin + gap.right_end;
            if (likeness == Likeness::kSameKind) {
                only_one_side(l, l_next, r, r_next);
            } else {
                compare_range(l, l_next, r, r_next,
                              likeness == Likeness::kEqual ? Likeness::kSamePlace : Likeness::kSameKind);
            }
            l = l_next;
            r = r_next;
        }
        matched_up_to(l_end);
    }

    void only_one_side(std::size_t l, std::size_t l_end, std::size_t r, std::size_t r_end) {
        for (std::size_t i = l; i < l_end; ++i) {
            if (left_.waits[i]) {
                ++result_.extra_polls;
            } else {
                report(DifferenceKind::kMissingRight, i, r, 0);
            }
        }
        for (std::size_t i = r; i < r_end; ++i) {
            if (right_.waits[i]) {
                ++result_.extra_polls;
            } else {
                report(DifferenceKind::kMissingLeft, l_end, i, 0);
            }
        }
    }

    static DifferenceSide describe(const Side& side, std::size_t i) {
        const std::span<const std::byte> data = side.data(i);
        return {.event = side.at(i),
                .position = side.events[i].position,
                .text = std::string(side.text(i)),
                .data = {data.begin(), data.end()},
                .name = name_of(side, i)};
    }

    // `l` and `r` are events, or the place where one lacks.
    void report(DifferenceKind kind, std::size_t l, std::size_t r, std::size_t more_in_step) {
        Difference difference{
            .kind = kind, .step = step_, .step_text = step_text_, .more_in_step = more_in_step};
        const bool has_left = kind != DifferenceKind::kMissingLeft;
        const bool has_right = kind != DifferenceKind::kMissingRight;
        if (has_left) difference.left = describe(left_, l);
        if (has_right) difference.right = describe(right_, r);
        add_fields(difference);
        const AllowedRow* const row = allowed_.find(facts_of(difference));
        if (row != nullptr) difference.allowed_by = row->id;
        ++(row != nullptr ? result_.allowed_count : result_.unexplained_count);
        auto& list = row != nullptr ? result_.allowed : result_.unexplained;
        if (list.size() >= Comparison::kMostKept) return;
        if (list.size() < Comparison::kMostContexts) {
            difference.left_context = context_of(left_, l, has_left);
            difference.right_context = context_of(right_, r, has_right);
        }
        list.push_back(std::move(difference));
    }

    void add_fields(Difference& difference) const {
        if (!difference.left || !difference.right) return;
        const std::vector<FieldValue> left = left_.symbols.field_values(difference.left->event);
        const std::vector<FieldValue> right = right_.symbols.field_values(difference.right->event);
        if (left.size() != right.size()) return;
        for (std::size_t i = 0; i < left.size(); ++i)
            if (left[i].value != right[i].value)
                difference.fields.push_back({left[i].name, left[i].value, right[i].value});
    }

    DifferenceFacts facts_of(const Difference& difference) const {
        DifferenceFacts facts{.device = context_.device,
                              .event = difference.either().event.kind,
                              .name = difference.either().name,
                              .difference = difference.kind,
                              .qemu = context_.qemu};
        if (difference.left && difference.right) {
            const DifferenceSide& left = *difference.left;
            const DifferenceSide& right = *difference.right;
            facts.differing_bits = left.event.value ^ right.event.value;
            facts.same_place = same_place(left.event, right.event);
            facts.only_value = facts.same_place && left.text == right.text && left.data == right.data &&
                               (!context_.compare_time || left.event.time == right.event.time);
        }
        return facts;
    }

    Side left_;
    Side right_;
    const AllowedDifferences& allowed_;
    const CompareContext& context_;
    Comparison result_;
    std::optional<std::uint64_t> step_;
    std::string step_text_;
};

std::array<std::uint64_t, kEventKinds> count_kinds(const Trace& trace) {
    std::array<std::uint64_t, kEventKinds> counts{};
    for (const Event& event : trace.events()) ++counts[static_cast<std::size_t>(event.kind)];
    return counts;
}

}  // namespace

std::uint64_t Comparison::compared_events() const {
    return std::accumulate(compared.begin(), compared.end(), std::uint64_t{0});
}

Comparison compare(const Trace& left, Visibility left_sees, const Trace& right, Visibility right_sees,
                   const AllowedDifferences& allowed, const CompareContext& context) {
    const Visibility common = left_sees.both(right_sees);
    Comparison result = Comparer(left, right, common, allowed, context).run();
    const auto left_counts = count_kinds(left);
    const auto right_counts = count_kinds(right);
    for (unsigned i = 0; i < kEventKinds; ++i) {
        const auto kind = static_cast<EventKind>(i);
        if (!common.sees(kind) && left_counts[i] + right_counts[i] != 0)
            result.uncompared.push_back({kind, left_counts[i], right_counts[i]});
    }
    return result;
}

}  // namespace tb::trace
