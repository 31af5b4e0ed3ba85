// SPDX-License-Identifier: BSD-3-Clause
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <tuple>

#include "harness/sweep/sweep.hpp"

namespace tb::sweep {

using faults::Act;
using faults::Fault;
using faults::Occasion;
using faults::Site;
using trace::NamedBits;

namespace {

/// Beyond every deadline that drivers here have.
constexpr std::uint64_t kLate = 20'000'000'000;
constexpr std::uint64_t kALittleLate = 1'000'000;
/// Accesses with the same answer in the same step that are struck.
constexpr unsigned kOfTheSame = 2;

// A driver before a device that misbehaves polls until its deadlines, and resets, and tries again.
constexpr std::uint64_t kCallsBeyond = 20'000'000;
constexpr std::uint64_t kTimeBeyond = 600'000'000'000;
/// Without its interrupts a driver looks every 10 ms.
constexpr std::uint64_t kTimeForAnOccasion = 20'000'000;

constexpr std::uint64_t ones(unsigned width) {
    return width >= 8 ? ~std::uint64_t{0} : (std::uint64_t{1} << (8 * width)) - 1;
}

/// An occasion with what it touches.
struct Seen {
    Occasion occasion;
    std::uint64_t nth;  ///< of its site
    std::string place;
    std::vector<NamedBits> pieces;
    std::uint64_t previous;  ///< the last answer at the same place
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
        const std::tuple same{run_.step(), occasion.site, occasion.address, occasion.value};
        const bool repeats = occasion.site != Site::kInterrupt && occasion.site != Site::kAllocate &&
                             occasion.site != Site::kAttach && ++same_[same] > kOfTheSame;
        if (repeats) return;
        Seen seen{occasion, nth, faults::spec_of(occasion.site).name, {}, previous};
        name(seen);
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
        const harness::Atlas& atlas = run_.faults().atlas();
        const Occasion& at = seen.occasion;
        std::string what;
        if (at.site == Site::kRead || at.site == Site::kWrite) {
            seen.pieces = atlas.registers(at.space, at.address, at.width);
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
            if ((ones(8) >> (64 - std::min(piece.bits, 64U)) << piece.lsb & mask) != 0)
                parts.push_back(without_indices(piece.name));
        return parts;
    }

    static void push(Plan& plan, const Seen& seen, Fault fault, std::uint64_t mask) {
        fault.site = seen.occasion.site;
        fault.nth = seen.nth;
        const auto place = std::lower_bound(plan.places.begin(), plan.places.end(), seen.place);
        plan.pairs.push_back(
            {fault, static_cast<std::uint32_t>(place - plan.places.begin()), parts_of(seen, mask)});
    }

    static void add(Plan& plan, const Seen& seen) {
        const Occasion& at = seen.occasion;
        const bool answers = at.site == Site::kRead || at.site == Site::kLoad;
        if (answers) {
            const std::uint64_t all = ones(at.width);
            const auto answer = [&](Act act, std::uint64_t value) {
                if (value != at.value) push(plan, seen, {.act = act, .value = value}, value ^ at.value);
            };
            answer(Act::kAllOnes, all);
            answer(Act::kZero, 0);
            // What it was before is known here, and so is a value.
            if (seen.previous != all && seen.previous != 0) answer(Act::kValue, seen.previous);
            const std::uint64_t flipped = bits_to_flip(seen);
            for (unsigned bit = 0; bit < 8 * at.width; ++bit)
                if ((flipped >> bit & 1) != 0)
                    push(plan, seen, {.act = Act::kFlip, .mask = std::uint64_t{1} << bit},
                         std::uint64_t{1} << bit);
        }
        if (answers || at.site == Site::kWrite) {
            push(plan, seen, {.act = Act::kRemove}, 0);
            push(plan, seen, {.act = Act::kReset}, ones(at.width));
        }
        if (at.site == Site::kWrite) push(plan, seen, {.act = Act::kDelay, .by_ns = kLate}, 0);
        if (at.site == Site::kInterrupt) {
            push(plan, seen, {.act = Act::kDrop}, 0);
            push(plan, seen, {.act = Act::kDuplicate}, 0);
            push(plan, seen, {.act = Act::kDelay, .by_ns = kALittleLate}, 0);
            push(plan, seen, {.act = Act::kDelay, .by_ns = kLate}, 0);
        }
        if (at.site == Site::kAllocate || at.site == Site::kAttach) push(plan, seen, {.act = Act::kFail}, 0);
    }

    /// The fields of registers that have some, and whatever else has a name.
    static std::uint64_t bits_to_flip(const Seen& seen) {
        std::uint64_t fields = 0;
        std::uint64_t named = 0;
        for (const NamedBits& piece : seen.pieces) {
            const std::uint64_t mask = ones(8) >> (64 - std::min(piece.bits, 64U)) << piece.lsb;
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
        return named != 0 ? named : ones(seen.occasion.width);
    }

    HostileRun& run_;
    harness::MachineBase& machine_;
    bool done_ = false;
    std::array<std::uint64_t, faults::kSites> counts_{};
    std::uint64_t occasions_ = 0;
    std::map<std::tuple<Site, hal::AddressSpace, std::uint64_t, unsigned>, std::uint64_t> last_;
    std::map<std::tuple<std::uint64_t, Site, std::uint64_t, std::uint64_t>, unsigned> same_;
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
    const HostileResult golden = run.go(std::nullopt, {});
    if (!golden.failure.empty()) plan.objection = "without a fault: " + golden.failure;
    if (golden.deviated) plan.objection = "without a fault a step of it does not hold";
    plan.lives = golden.lives;
    planner.fill(plan);
    plan.budget = {kCallsBeyond, golden.virtual_ns + kTimeBeyond + plan.occasions * kTimeForAnOccasion};
    return plan;
}

}  // namespace tb::sweep
