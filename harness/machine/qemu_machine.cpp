// SPDX-License-Identifier: BSD-3-Clause
#include "harness/machine/qemu_machine.hpp"

#include <algorithm>
#include <chrono>
#include <thread>

namespace tb::harness {

namespace {

// The PC's interval timer (pins 0 and 2 of the I/O APIC) and its clock (8) tick on their own; no device under
// test has these lines.
constexpr bool is_board_timer(unsigned line) {
    return line == 0 || line == 2 || line == 8;
}

std::span<std::byte> bytes_of(std::span<std::uint8_t> ram) {
    return {reinterpret_cast<std::byte*>(ram.data()), ram.size()};
}

}  // namespace

QemuMachine::QemuMachine(qemu::Vm& vm) : MachineBase(bytes_of(vm.ram())), vm_(vm) {}

void QemuMachine::start_clock() {
    // A step of the clock tells where it stands: scenarios count from zero.
    if (vm_.virtual_time()) clock_start_ = static_cast<std::uint64_t>(vm_.clock_step(0));
    now_ = 0;
}

void QemuMachine::settle() {
    vm_.settle();
    input_waited_ = vm_.has_waiting_input();
    take_edges();
    take_messages();
}

void QemuMachine::settle_after_read() {
    if (input_waited_) return settle();
    take_edges();
    take_messages();
}

void QemuMachine::delay_ns(std::uint64_t span) {
    if (span == 0) return;
    if (!vm_.virtual_time()) {
        wait_in_real_time(span);
        return settle();
    }
    // Within one step QEMU runs its timers but does not look at its sockets. What waits there for one timer
    // must be taken in before the next, so time goes in slices while something waits.
    constexpr std::uint64_t kSlice = 1'000'000;
    while (span > 0) {
        const std::uint64_t step = vm_.has_waiting_input() ? std::min(span, kSlice) : span;
        now_ = static_cast<std::uint64_t>(vm_.clock_step(static_cast<std::int64_t>(step))) - clock_start_;
        span -= step;
        settle();
    }
}

void QemuMachine::wait_in_real_time(std::uint64_t span) {
    // QEMU's virtual clock runs with the host's here: there is nothing to wait for but time itself.
    const auto end = std::chrono::steady_clock::now() + std::chrono::nanoseconds(span);
    while (std::chrono::steady_clock::now() < end) {
        vm_.settle();
        std::this_thread::sleep_until(
            std::min(end, std::chrono::steady_clock::now() + std::chrono::milliseconds(1)));
    }
    now_ += span;
}

void QemuMachine::take_edges() {
    for (const qemu::IrqEdge& edge : vm_.qtest().take_irq_edges())
        if (!is_board_timer(edge.pin)) line_changed(line_of_pin(edge.pin), edge.raised);
}

}  // namespace tb::harness
