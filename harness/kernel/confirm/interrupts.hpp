// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

/// Interrupts in confirmation: real ones, but let in one at a time, where the harness's book of what waits
/// says so. The numbers of vectors are the harness's; each has a vector of the processor, such that the
/// lowest number goes first.
namespace tb::kernel {

using InterruptHandler = void (*)(void* context);

/// A null handler is one that only counts: the harness's own.
void attach_message(std::uint64_t number, InterruptHandler handler, void* context);
/// `is_high`: the line has had its edge.
void attach_line(std::uint64_t number, unsigned line, bool is_high, InterruptHandler handler, void* context);
void attach_intx(std::uint64_t number, unsigned pin, InterruptHandler handler, void* context);
void detach(std::uint64_t number);

/// What a message must carry to become vector `number`.
std::uint32_t message_data(std::uint64_t number);

/// Messages that wait at the processor and were not returned before: bit n, vector n.
std::uint64_t new_messages();
/// Lets the processor take this one, and runs its handler.
void take(std::uint64_t number);

/// Tells the harness of new messages, and takes what waits, unless a handler or a critical section is under
/// way.
void interrupt_point();
void enter_critical();
void leave_critical();

}  // namespace tb::kernel
