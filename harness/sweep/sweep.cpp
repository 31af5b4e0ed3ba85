// SPDX-License-Identifier: BSD-3-Clause
#include "harness/sweep/sweep.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "harness/trace/allowed.hpp"

namespace tb::sweep {

namespace {

constexpr Lie kLies[] = {
    {"*serial", "*", "RBR", "whatever is read there is a character"},
    {"*serial", "*", "LSR.DR", "a character may be there at any time"},
    {"*serial", "*", "LSR.BI", "a break may begin at any time"},
    {"*serial", "reset", "*",
     "a UART has no bit that tells of a reset: loopback, format and FIFOs are gone unseen"},
    {"virtio-blk*", "*", "queue.writable.last", "the status of a request is what the device says that it is"},
    {"virtio-net*", "*", "queue.used.ring.len", "a frame may have any length that its buffers can hold"},
    {"virtio-net*", "*", "queue.desc.len", "a frame may have any length that its buffers can hold"},
    {"ich9-ahci", "zero", "PxSACT",
     "a bit that is gone says that its command has ended; of several that end together the FISes overwrite "
     "each other, and nothing else tells which"},
    {"ich9-ahci", "restless", "PxSACT",
     "the same, where such answers come by twice: they are those of commands that end one by one"},
    {"e1000", "*", "rx.length", "a frame may have any length that its buffers can hold"},
    {"e1000", "*", "rx.EOP", "a frame ends where the device says that it ends"},
};

bool is_lie(const scenario::Scenario& scenario, const Pair& pair) {
    const std::string_view device = scenario.device->name();
    const char* act = faults::spec_of(pair.faults.front().act).name;
    return std::any_of(std::begin(kLies), std::end(kLies), [&](const Lie& lie) {
        return trace::matches_pattern(lie.device, device) && trace::matches_pattern(lie.act, act) &&
               std::any_of(pair.parts.begin(), pair.parts.end(),
                           [&](const std::string& part) { return trace::matches_pattern(lie.part, part); });
    });
}

/// An answer that no honest device can give, and no driver may believe. A used element's id is the head of a
/// chain (VIRTIO 1.2 §2.7.8), and no queue has more than 2^15.
bool is_impossible(const Pair& pair) {
    const faults::Fault& fault = pair.faults.front();
    const bool is_id =
        std::find(pair.parts.begin(), pair.parts.end(), "queue.used.ring.id") != pair.parts.end();
    return is_id && fault.act == faults::Act::kFlip && (fault.mask & 0xffff'0000) != 0;
}

}  // namespace

std::string describe(const Pair& pair) {
    std::string text;
    for (const faults::Fault& fault : pair.faults) {
        if (!text.empty()) text += "; ";
        text += faults::describe(fault);
    }
    return text;
}

std::span<const Lie> lies() {
    return kLies;
}

SweepResult run_pair(const scenario::Scenario& scenario, const MakeRig& make_rig, Plan& plan,
                     const Pair& pair) {
    const auto rig = make_rig();
    trace::Trace trace;
    HostileRun run(scenario, *rig, trace, plan.truth, false);
    const HostileResult result = run.go(pair.faults, plan.budget);
    SweepResult verdict;
    if (result.wrong_data && is_lie(scenario, pair)) {
        verdict.verdict = Verdict::kBelieved;
        return verdict;
    }
    verdict.why = result.failure;
    if (verdict.why.empty() && plan.lives && !result.lives)
        verdict.why = "the driver does not work again when the device does: " + result.why_not;
    if (verdict.why.empty() && !result.deviated && !result.complained && is_impossible(pair))
        verdict.why = "the driver believed what no device can mean";
    if (verdict.why.empty() && result.struck == 0)
        verdict.why = "the fault never struck: the run is not repeatable";
    if (!verdict.why.empty())
        verdict.verdict = Verdict::kFailed;
    else
        verdict.verdict = result.deviated ? Verdict::kError : Verdict::kUnharmed;
    return verdict;
}

}  // namespace tb::sweep
