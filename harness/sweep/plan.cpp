// SPDX-License-Identifier: BSD-3-Clause
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <tuple>

#include "harness/sweep/sweep.hpp"
#include "models/core/access.hpp"

namespace tb::sweep {

using faults::Act;
using faults::Fault;
using faults::Occasion;
using faults::Site;
using model::width_mask;
using trace::NamedBits;

namespace {

/// Beyond every deadline that drivers here have.
constexpr std::uint64_t kLate = 20'000'000'000;
constexpr std::uint64_t kALittleLate = 1'000'000;
/// Accesses with the same answer in the same step that are struck.
constexpr unsigned kOfTheSame = 2;

// A driver before a device that misbehaves polls until its deadlines, and resets, and tries again.
constexpr std::uint64_t kCallsBeyond = 3'000'000;
constexpr std::uint64_t kTimeBeyond = 600'000'000'000;
/// Without its interrupts a driver looks every 10 ms, and whoever waits for it hears of that later still.
constexpr std::uint64_t kTimeForAnOccasion = 100'000'000;
/// With more, each of very many operations would run into its deadline, one after the other.
constexpr std::uint64_t kMostForLasting = 20'000;

/// An occasion with what it touches.
struct Seen {
    Occasion occasion;
    std::uint64_t nth;  ///< of its site
    std::string place;
    std::vector<NamedBits> pieces;
    std::uint64_t previous;     ///< the last answer at the same place
    std::uint64_t nth_of_name;  ///< of accesses to what the first piece names
    std::uint64_t data_before;  ///< occasions at kData so far
    std::uint64_t step;
    std::uint64_t length;  ///< the last one that the device has named in a ring
};

std::string without_indices(const std::string& name) {
    return harness::PartName(name).base();
}

bool writes_registers(const nlohmann::json& steps) {
    return std::any_of(steps.begin(), steps.end(), [](const nlohmann::json& step) {
        return step.contains("write") || step.contains("modify") ||
               (step.contains("steps") && writes_registers(step["steps"]));
    });
}

class Planner {
  public:
    Planner(HostileRun& run, harness::MachineBase& machine) : run_(run), machine_(machine) {}

    void see(const Occasion& occasion) {
        if (done_) return;
        const std::uint64_t nth = ++counts_[static_cast<std::size_t>(occasion.site)];
        ++occasions_;
        const std::tuple key{occasion.site, occasion.space, occasion.address, occasion.width};
        std::uint64_t& last = last_.try_emplace(key, occasion.value).first->second;
        const std::uint64_t previous = last;
        last = occasion.value;
        if (occasion.site == Site::kData) data_.push_back({run_.step(), occasion.address});
        const std::uint64_t data_before = data_.size();
        Seen seen{.occasion = occasion,
                  .nth = nth,
                  .place = faults::spec_of(occasion.site).name,
                  .pieces = {},
                  .previous = previous,
                  .nth_of_name = 0,
                  .data_before = data_before,
                  .step = run_.step(),
                  .length = length_};
        name(seen);
        if (!seen.pieces.empty()) seen.nth_of_name = ++by_name_[{occasion.site, seen.pieces.front().name}];
        for (const NamedBits& piece : seen.pieces)
            if (piece.name.ends_with(".len")) length_ = seen.length = piece.of(seen.occasion.value);
        const std::tuple same{run_.step(), occasion.site, occasion.address, occasion.value};
        const bool repeats = occasion.site != Site::kInterrupt && occasion.site != Site::kAllocate &&
                             occasion.site != Site::kAttach && ++same_[same] > kOfTheSame;
        if (repeats) return;
        seen_.push_back(std::move(seen));
    }
    /// What follows is no longer the scenario.
    void finish() { done_ = true; }

    void fill(Plan& plan) const {
        plan.occasions = occasions_;
        for (const Seen& seen : seen_) plan.places.push_back(seen.place);
        std::sort(plan.places.begin(), plan.places.end());
        plan.places.erase(std::unique(plan.places.begin(), plan.places.end()), plan.places.end());
        for (const Seen& seen : seen_) add(plan, seen);
    }

  private:
    void name(Seen& seen) const {
        harness::Atlas& atlas = run_.faults().atlas();
        const Occasion& at = seen.occasion;
        std::string what;
        if (at.site == Site::kRead || at.site == Site::kWrite) {
            seen.pieces = atlas.registers(at.space, at.address, at.width).pieces;
            what = without_indices(atlas.name(at.space, at.address, at.width));
        } else if (at.site == Site::kLoad || at.site == Site::kData) {
            seen.pieces = atlas.memory(at.address, at.width, machine_.ram());
            for (const NamedBits& piece : seen.pieces)
                if (piece.bits >= 8) {
                    if (!what.empty()) what += '|';
                    what += without_indices(piece.name);
                }
            if (what.empty()) what = "memory";
        }
        if (!what.empty()) seen.place += fmt::format(" {}", what);
    }

    static std::vector<std::string> parts_of(const Seen& seen, std::uint64_t mask) {
        std::vector<std::string> parts;
        for (const NamedBits& piece : seen.pieces)
            if ((piece.mask() & mask) != 0) parts.push_back(without_indices(piece.name));
        return parts;
    }

    static void push(Plan& plan, const Seen& seen, const char* kind, Fault fault, std::uint64_t mask,
                     std::optional<Fault> with = std::nullopt) {
        fault.site = seen.occasion.site;
        if (fault.of.empty()) fault.nth = seen.nth;
        const auto place = std::lower_bound(plan.places.begin(), plan.places.end(), seen.place);
        Pair pair{
            {fault}, kind, static_cast<std::uint32_t>(place - plan.places.begin()), parts_of(seen, mask)};
        if (with) pair.faults.push_back(*with);
        plan.pairs.push_back(std::move(pair));
    }

    void add(Plan& plan, const Seen& seen) const {
        const Site site = seen.occasion.site;
        if (site == Site::kRead || site == Site::kLoad) add_answers(plan, seen);
        if (site == Site::kRead || site == Site::kLoad || site == Site::kWrite) {
            push(plan, seen, "remove", {.act = Act::kRemove}, 0);
            push(plan, seen, "reset", {.act = Act::kReset}, width_mask(seen.occasion.width));
        }
        if (site == Site::kWrite) push(plan, seen, "delay", {.act = Act::kDelay, .by_ns = kLate}, 0);
        if (site == Site::kInterrupt) {
            push(plan, seen, "drop", {.act = Act::kDrop}, 0);
            push(plan, seen, "duplicate", {.act = Act::kDuplicate}, 0);
            push(plan, seen, "delay", {.act = Act::kDelay, .by_ns = kALittleLate}, 0);
            push(plan, seen, "delay", {.act = Act::kDelay, .by_ns = kLate}, 0);
        }
        if (site == Site::kAllocate || site == Site::kAttach)
            push(plan, seen, "fail", {.act = Act::kFail}, 0);
    }

    void add_answers(Plan& plan, const Seen& seen) const {
        const Occasion& at = seen.occasion;
        const std::uint64_t all = width_mask(at.width);
        const auto answer = [&](const char* kind, Act act, std::uint64_t value) {
            if (value != at.value) push(plan, seen, kind, {.act = act, .value = value}, value ^ at.value);
        };
        answer("all-ones", Act::kAllOnes, all);
        answer("zero", Act::kZero, 0);
        // What it was before is known here, and so is a value.
        if (seen.previous != all && seen.previous != 0) answer("previous", Act::kValue, seen.previous);
        const std::uint64_t flipped = bits_to_flip(seen);
        for (unsigned bit = 0; bit < 8 * at.width; ++bit)
            if ((flipped >> bit & 1) != 0)
                push(plan, seen, "flip", {.act = Act::kFlip, .mask = std::uint64_t{1} << bit},
                     std::uint64_t{1} << bit);
        if (occasions_ <= kMostForLasting) add_lasting(plan, seen);
        if (at.site == Site::kLoad) add_unwritten(plan, seen);
    }

    /// From here on, for good: of a register or part that is read by itself.
    static void add_lasting(Plan& plan, const Seen& seen) {
        if (seen.pieces.empty() || seen.pieces.front().bits != 8 * seen.occasion.width) return;
        const std::uint64_t all = width_mask(seen.occasion.width);
        Fault fault{.of = seen.pieces.front().name, .nth = seen.nth_of_name, .times = 0};
        fault.act = Act::kAllOnes;
        push(plan, seen, "ever ones", fault, all);
        fault.act = Act::kZero;
        push(plan, seen, "ever zero", fault, all);
        fault.act = Act::kRestless;
        push(plan, seen, "restless", fault, all);
    }

    void add_unwritten(Plan& plan, const Seen& seen) const {
        push(plan, seen, "unwritten", {.act = Act::kUnwritten}, width_mask(seen.occasion.width));
        // What follows is of the same operation.
        if (seen.data_before >= data_.size() || data_[seen.data_before].step != seen.step) return;
        Fault with{.act = Act::kZero, .site = Site::kData, .nth = seen.data_before + 1};
        // A driver that sees through it may go on to other data, which are as the device wrote them.
        with.address = data_[seen.data_before].address;
        for (const NamedBits& piece : seen.pieces) {
            // Neither the data nor the status that stands for them: the device has done nothing.
            if (piece.name.ends_with(".writable.last") && seen.length > 1)
                push(plan, seen, "unwritten", {.act = Act::kUnwritten}, 0, with);
            const std::uint64_t length = piece.of(seen.occasion.value);
            if (!piece.name.ends_with(".len") || length < 2) continue;
            with.act = Act::kTruncate;
            push(plan, seen, "short",
                 {.act = Act::kAdd, .of = piece.name, .nth = seen.nth_of_name, .value = ~(length / 2) + 1},
                 piece.mask(), with);
        }
    }

    /// The fields of registers that have some, and whatever else has a name.
    static std::uint64_t bits_to_flip(const Seen& seen) {
        std::uint64_t fields = 0;
        std::uint64_t named = 0;
        for (const NamedBits& piece : seen.pieces) {
            const std::uint64_t mask = piece.mask();
            named |= mask;
            if (seen.occasion.site == Site::kLoad) continue;
            // A register's own name comes before those of its fields, which begin with it.
            const bool is_field =
                std::any_of(seen.pieces.begin(), seen.pieces.end(), [&](const NamedBits& other) {
                    return piece.name.size() > other.name.size() && piece.name.starts_with(other.name) &&
                           piece.name[other.name.size()] == '.';
                });
            if (is_field) fields |= mask;
        }
        if (fields != 0) return fields;
        return named != 0 ? named : width_mask(seen.occasion.width);
    }

    HostileRun& run_;
    harness::MachineBase& machine_;
    bool done_ = false;
    std::uint64_t length_ = 0;
    std::array<std::uint64_t, faults::kSites> counts_{};
    std::uint64_t occasions_ = 0;
    std::map<std::tuple<Site, hal::AddressSpace, std::uint64_t, unsigned>, std::uint64_t> last_;
    std::map<std::pair<Site, std::string>, std::uint64_t> by_name_;
    std::map<std::tuple<std::uint64_t, Site, std::uint64_t, std::uint64_t>, unsigned> same_;
    struct Data {
        std::uint64_t step;
        std::uint64_t address;
    };
    std::vector<Data> data_;  ///< each occasion at kData
    std::vector<Seen> seen_;
};

}  // namespace

Plan make_plan(const scenario::Scenario& scenario, const MakeRig& make_rig) {
    Plan plan;
    if (scenario.driver == nullptr) {
        plan.objection = "it has no driver";
        return plan;
    }
    if (scenario.has_faults) {
        plan.objection = "it arms faults itself";
        return plan;
    }
    if (writes_registers(scenario.steps)) plan.truth.distrust_lines();
    const auto rig = make_rig();
    trace::Trace trace;
    HostileRun run(scenario, *rig, trace, plan.truth, true);
    Planner planner(run, rig->machine());
    run.faults().on_occasion([&](const Occasion& occasion) { planner.see(occasion); });
    run.at_conclusion([&] { planner.finish(); });
    const HostileResult golden = run.go({}, {});
    plan.fails = !golden.failure.empty() || golden.deviated;
    if (!golden.failure.empty()) plan.objection = "without a fault: " + golden.failure;
    if (golden.deviated) plan.objection = "without a fault a step of it does not hold";
    plan.lives = golden.lives;
    planner.fill(plan);
    plan.budget = {kCallsBeyond, golden.virtual_ns + kTimeBeyond + plan.occasions * kTimeForAnOccasion};
    return plan;
}

}  // namespace tb::sweep
