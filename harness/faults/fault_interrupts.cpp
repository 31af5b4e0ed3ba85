// SPDX-License-Identifier: BSD-3-Clause
// Interrupts that are lost, late, doubled and invented, and vectors that are refused.
#include <algorithm>
#include <utility>

#include "harness/faults/fault_layer.hpp"

namespace tb::faults {

hal::Result<std::uint32_t> FaultLayer::attach_intx(hal::PciAddress function) {
    if (refuses(Site::kAttach)) return hal::Error::kNoMemory;
    const hal::Result<std::uint32_t> vector = machine_.attach_intx(function);
    if (vector) vectors_.push_back(*vector);
    return vector;
}

hal::Result<std::uint32_t> FaultLayer::attach_irq(std::uint32_t line) {
    if (refuses(Site::kAttach)) return hal::Error::kNoMemory;
    const hal::Result<std::uint32_t> vector = machine_.attach_irq(line);
    if (vector) vectors_.push_back(*vector);
    return vector;
}

hal::Result<hal::MsiInterrupt> FaultLayer::attach_msi() {
    if (refuses(Site::kAttach)) return hal::Error::kNoMemory;
    const hal::Result<hal::MsiInterrupt> msi = machine_.attach_msi();
    if (msi) vectors_.push_back(msi->interrupt.vector);
    return msi;
}

void FaultLayer::detach(std::uint32_t vector) {
    std::erase(vectors_, vector);
    std::erase(lost_, vector);
    std::erase_if(pending_, [&](const Pending& p) { return p.vector == vector; });
    machine_.detach(vector);
}

void FaultLayer::invent() {
    for (const std::uint32_t vector : vectors_) pending_.push_back({vector, 0});
}

bool FaultLayer::interrupt_pending() const {
    if (removed_) return false;
    if (!view_.frozen() && machine_.interrupt_pending()) return true;
    return std::any_of(pending_.begin(), pending_.end(),
                       [now = machine_.now_ns()](const Pending& p) { return p.due_ns <= now; });
}

void FaultLayer::find_lost() {
    std::erase_if(lost_, [&](std::uint32_t vector) { return !machine_.asserted(vector); });
}

std::optional<std::uint32_t> FaultLayer::take_interrupt(bool begin) {
    if (removed_) return std::nullopt;
    // What is pending here comes before the machine's round.
    if (begin) round_begins_ = true;
    const auto due = std::find_if(pending_.begin(), pending_.end(),
                                  [now = machine_.now_ns()](const Pending& p) { return p.due_ns <= now; });
    if (due != pending_.end()) {
        const std::uint32_t vector = due->vector;
        pending_.erase(due);
        std::erase(lost_, vector);
        return vector;
    }
    if (view_.frozen()) return std::nullopt;
    while (const auto vector = machine_.take_interrupt(std::exchange(round_begins_, false))) {
        if (std::find(lost_.begin(), lost_.end(), *vector) != lost_.end()) continue;
        bool arrives = true;
        for (Armed& armed : armed_) {
            if (aside_ != 0 || armed.fault.site != Site::kInterrupt || !strikes_now(armed, true)) continue;
            tell(armed, {Site::kInterrupt, hal::AddressSpace::kMemory, *vector, 0, 0});
            switch (armed.fault.act) {
                case Act::kDrop:
                    arrives = false;
                    if (machine_.asserted(*vector)) lost_.push_back(*vector);
                    break;
                case Act::kDelay:
                    arrives = false;
                    pending_.push_back({*vector, machine_.now_ns() + armed.fault.by_ns});
                    if (machine_.asserted(*vector)) lost_.push_back(*vector);
                    break;
                case Act::kDuplicate:
                    pending_.push_back({*vector, 0});
                    break;
                default:
                    break;
            }
        }
        happened({Site::kInterrupt, hal::AddressSpace::kMemory, *vector, 0, 0});
        if (arrives) return vector;
    }
    return std::nullopt;
}

}  // namespace tb::faults
