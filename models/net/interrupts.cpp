// SPDX-License-Identifier: BSD-3-Clause
#include "models/net/interrupts.hpp"

#include <algorithm>
#include <utility>

namespace tb::model::net {

namespace {

constexpr std::uint32_t kUnitNs = 256;
constexpr std::uint32_t kUnitsPerMicro = 4;  // RADV and TADV count 1.024 us
#ifdef TWINBENCH_PLANT_LATE_INTERRUPT
// For the test that it is found: twice as long between two.
constexpr std::uint32_t kLeastUnits = 1000;
#else
constexpr std::uint32_t kLeastUnits = 500;  // 7813 interrupts a second at most
#endif
constexpr std::uint32_t kTransmitCauses = cause::kTxqe | cause::kTxdw;

}  // namespace

Interrupts::Interrupts(MacRegisters& regs, Deadlines& deadlines, bool mitigation,
                       std::function<void(bool)> line)
    : regs_(regs),
      deadlines_(deadlines),
      window_(deadlines.add([this] { set(MacRegisters::get(regs_.icr)); })),
      mitigation_(mitigation),
      line_(std::move(line)) {
    regs_.icr.on_read([this](std::uint64_t stored) {
        set(0);
        return stored;
    });
    regs_.icr.on_write([this](std::uint64_t old, std::uint64_t written) {
        set(static_cast<std::uint32_t>(old & ~written));
    });
    regs_.ics.on_write(
        [this](std::uint64_t, std::uint64_t written) { raise(static_cast<std::uint32_t>(written)); });
    regs_.ims.on_write([this](std::uint64_t old, std::uint64_t written) {
        regs_.ims.set(old | written);
        raise(0);
    });
    regs_.imc.on_write([this](std::uint64_t, std::uint64_t written) {
        regs_.ims.modify(0, written);
        raise(0);
    });
    if (mitigation_) return;
    // QEMU's device without mitigation lacks these registers altogether.
    for (MacRegisters::Register* reg : {&regs_.itr, &regs_.rdtr, &regs_.radv, &regs_.tadv})
        reg->on_write([reg](std::uint64_t, std::uint64_t) { reg->set(0); });
}

void Interrupts::set(std::uint32_t causes) {
    regs_.icr.set(causes);
    // Unlike the datasheet's, this ICS can be read, and mirrors ICR without clearing it.
    regs_.ics.set(causes);
    const std::uint32_t pending = MacRegisters::get(regs_.ims) & causes;
    if (!level_ && pending != 0) {
        if (deadlines_.pending(window_)) return;
        if (mitigation_) open_window(pending);
    }
    level_ = pending != 0;
    line_(level_);
}

void Interrupts::open_window(std::uint32_t pending) {
    std::uint32_t units = 0;
    const auto consider = [&units](std::uint32_t delay) {
        if (delay != 0 && (units == 0 || delay < units)) units = delay;
    };
    if (transmit_delay_ && (pending & kTransmitCauses) != 0)
        consider(MacRegisters::get(regs_.tadv) * kUnitsPerMicro);
    if (regs_.rdtr.value() != 0 && (pending & cause::kRxt0) != 0)
        consider(MacRegisters::get(regs_.radv) * kUnitsPerMicro);
    consider(MacRegisters::get(regs_.itr));
    deadlines_.set(window_, deadlines_.now() + std::uint64_t{std::max(units, kLeastUnits)} * kUnitNs);
    transmit_delay_ = false;
}

void Interrupts::reset() {
    transmit_delay_ = false;
    level_ = false;
}

}  // namespace tb::model::net
