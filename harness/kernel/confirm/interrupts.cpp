// SPDX-License-Identifier: BSD-3-Clause
#include "harness/kernel/confirm/interrupts.hpp"

#include <array>

#include "harness/kernel/confirm/link.hpp"
#include "harness/kernel/core/interrupts.hpp"
#include "harness/kernel/core/ioapic.hpp"
#include "harness/kernel/core/lapic.hpp"
#include "harness/kernel/core/panic.hpp"

namespace tb::kernel {

namespace {

constexpr std::uint64_t kMessages = 64;
constexpr std::uint64_t kFirstLine = 256;
constexpr std::uint64_t kFirstIntx = 512;
constexpr std::uint64_t kIntxBase = 16;  ///< INTx lines are numbered from pin 16 on
constexpr std::uint64_t kInterruptFlag = 1 << 9;

enum class Kind : std::uint8_t { kNone, kMessage, kLine, kIntx };

struct Attached {
    Kind kind;
    std::uint64_t number;
    unsigned pin;
    InterruptHandler handler;
    void* context;
};

constinit std::array<Attached, 256> by_vector{};
constinit std::uint64_t told_messages = 0;
constinit std::uint64_t taken = kNoVector;
constinit unsigned critical_depth = 0;
constinit bool in_handler = false;

std::uint8_t vector_of(std::uint64_t number) {
    // The priority of a vector is its number (Intel SDM vol. 3A §11.8.3.1).
    if (number < kMessages) return static_cast<std::uint8_t>(0xef - number);
    if (number < kFirstIntx) return static_cast<std::uint8_t>(0xaf - (number - kFirstLine));
    return static_cast<std::uint8_t>(0x9f - (number - kFirstIntx - kIntxBase));
}

void on_interrupt(Frame& frame, void*) {
    const Attached attached = by_vector[frame.vector];
    // One at a time: back to where interrupts are off.
    frame.rflags &= ~kInterruptFlag;
    taken = attached.number;
    if (attached.handler != nullptr) attached.handler(attached.context);
    if (attached.kind == Kind::kIntx) ioapic::mask(attached.pin);
    lapic::end_of_interrupt();
}

/// What was under way when its handler was taken away.
void on_stale(Frame& frame, void*) {
    frame.rflags &= ~kInterruptFlag;
    lapic::end_of_interrupt();
}

std::uint8_t attach(const Attached& attached) {
    const std::uint8_t vector = vector_of(attached.number);
    by_vector[vector] = attached;
    set_handler(vector, on_interrupt, nullptr);
    return vector;
}

}  // namespace

std::uint32_t message_data(std::uint64_t number) {
    return 0x4d53'0000U | vector_of(number);
}

void attach_message(std::uint64_t number, InterruptHandler handler, void* context) {
    attach({Kind::kMessage, number, 0, handler, context});
}

void attach_line(std::uint64_t number, unsigned line, bool is_high, InterruptHandler handler, void* context) {
    const std::uint8_t vector = attach({Kind::kLine, number, line, handler, context});
    ioapic::route(line, vector, ioapic::Trigger::kEdge);
    ioapic::unmask(line);
    if (is_high) lapic::send_to_self(vector);
}

void attach_intx(std::uint64_t number, unsigned pin, InterruptHandler handler, void* context) {
    // A level: it stays masked but for the moment in which it is taken, so that one which goes away before is
    // none.
    ioapic::route(pin, attach({Kind::kIntx, number, pin, handler, context}), ioapic::Trigger::kLevel);
}

void detach(std::uint64_t number) {
    const std::uint8_t vector = vector_of(number);
    Attached& attached = by_vector[vector];
    if (attached.kind == Kind::kLine || attached.kind == Kind::kIntx) ioapic::mask(attached.pin);
    attached = {};
    set_handler(vector, on_stale, nullptr);
    if (number < kMessages) told_messages &= ~(std::uint64_t{1} << number);
}

std::uint64_t new_messages() {
    std::uint64_t found = 0;
    for (std::uint64_t number = 0; number < kMessages; ++number) {
        const std::uint8_t vector = vector_of(number);
        if (by_vector[vector].kind == Kind::kMessage && lapic::requested(vector))
            found |= std::uint64_t{1} << number;
    }
    found &= ~told_messages;
    told_messages |= found;
    return found;
}

void take(std::uint64_t number) {
    const Attached& attached = by_vector[vector_of(number)];
    if (attached.kind == Kind::kNone) panic("the harness has an interrupt taken that is not attached");
    if (number < kMessages) told_messages &= ~(std::uint64_t{1} << number);
    if (attached.kind == Kind::kIntx) ioapic::unmask(attached.pin);
    const bool outer = in_handler;
    in_handler = true;
    taken = kNoVector;
    // An interrupt is taken behind the instruction that follows `sti`.
    constexpr unsigned kTries = 1000;
    for (unsigned i = 0; i < kTries && taken == kNoVector; ++i)
        asm volatile("sti; nop; nop; cli" : : : "memory");
    in_handler = outer;
    if (taken != number) say(Said::kUnexpected, {taken, number});
}

void interrupt_point() {
    if (const std::uint64_t messages = new_messages(); messages != 0) say(Said::kMessages, {messages});
    if (critical_depth != 0 || in_handler || !interrupt_waiting()) return;
    in_handler = true;
    for (bool begin = true;; begin = false) {
        const Answer answer = say(Said::kTake, {begin ? 1U : 0U});
        if (answer.words[0] == kNoVector) break;
        take(answer.words[0]);
    }
    in_handler = false;
}

void enter_critical() {
    ++critical_depth;
}

void leave_critical() {
    if (--critical_depth == 0) interrupt_point();
}

}  // namespace tb::kernel
