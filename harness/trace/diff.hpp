// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "harness/trace/allowed.hpp"
#include "harness/trace/symbols.hpp"
#include "harness/trace/trace.hpp"

namespace tb::trace {

/// What a comparison is told besides the traces.
struct CompareContext {
    std::string device = {};               ///< as rows of allowed differences name it: "e1000"
    std::optional<QemuVersion> qemu = {};  ///< of the right side; nothing when neither side is QEMU
    const SymbolTable* symbols = nullptr;  ///< may be null; BARs are learnt from each trace anew
    /// Times and delays are compared too: for two runs of one machine.
    bool compare_time = false;
};

/// One event of a difference, with what a reader needs and without the trace.
struct DifferenceSide {
    Event event;
    std::size_t position = 0;  ///< in the trace, from 0
    std::string text;
    std::vector<std::byte> data;
    std::string name;  ///< see SymbolTable::name; an allocation for memory
};

struct FieldDifference {
    std::string name;
    std::uint64_t left;
    std::uint64_t right;
    bool operator==(const FieldDifference&) const = default;
};

struct Difference {
    DifferenceKind kind = DifferenceKind::kValue;
    std::optional<DifferenceSide> left = {};   ///< nothing for kMissingLeft
    std::optional<DifferenceSide> right = {};  ///< nothing for kMissingRight
    std::optional<std::uint64_t> step = {};    ///< index of the scenario step; nothing before the first
    std::string step_text = {};
    std::vector<FieldDifference> fields = {};  ///< the register's fields that differ
    /// A whole step is missing: this many events besides the one that begins it.
    std::size_t more_in_step = 0;
    std::string allowed_by = {};  ///< id of the row of allowed differences, or empty
    /// Up to three events before and after, as lines of a trace file; `> ` marks the event, or the place
    /// where it lacks.
    std::vector<std::string> left_context = {}, right_context = {};

    /// The left side, or the right one where the left one lacks.
    // NOLINTNEXTLINE(bugprone-unchecked-optional-access): a difference has at least one side
    const DifferenceSide& either() const { return left ? *left : *right; }
};

/// A kind of event that occurs but that only one side, or neither, claims to see.
struct UncomparedKind {
    EventKind kind;
    std::uint64_t left_events, right_events;
    bool operator==(const UncomparedKind&) const = default;
};

struct Comparison {
    std::vector<Difference> unexplained;
    std::vector<Difference> allowed;
    /// The lists above hold the first kMostKept; these count all.
    std::uint64_t unexplained_count = 0;
    std::uint64_t allowed_count = 0;
    /// Pairs of events that were held against each other, after folding, by kind.
    std::array<std::uint64_t, kEventKinds> compared{};
    /// Reads of polling loops that only one side needed, because its device was slower.
    std::uint64_t extra_polls = 0;
    std::vector<UncomparedKind> uncompared;

    static constexpr std::size_t kMostKept = 1000;
    static constexpr std::size_t kMostContexts = 100;

    bool equal() const { return unexplained_count == 0; }
    std::uint64_t compared_events() const;
};

/// Holds two runs of one scenario against each other: what both sides see, in order, step by step, with
/// polling loops folded. Compared are kind, address, width, value, text and data; not the time (see
/// CompareContext), nor how often a loop polled: neither the folded repetitions nor reads that were answered
/// with "not yet", recognised as reads that a delay and another read of the same register follow in the same
/// step.
///
/// After a difference the sides are aligned again, so that an event too many is one difference; nothing is
/// aligned across the beginning of a step.
Comparison compare(const Trace& left, Visibility left_sees, const Trace& right, Visibility right_sees,
                   const AllowedDifferences& allowed, const CompareContext& context);

struct RenderOptions {
    std::string scenario = {};
    std::string left_name = "model";
    std::string right_name = "QEMU";
    std::size_t most_differences = 20;
    bool show_allowed = false;
};

/// For people: scenario, step, event, register, both values, fields, and the events around from both sides.
std::string render(const Comparison& comparison, const RenderOptions& options);

}  // namespace tb::trace
