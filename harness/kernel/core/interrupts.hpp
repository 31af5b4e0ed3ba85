// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

namespace tb::kernel {

/// What an interrupt finds on its stack, as isr.S lays it out. A handler may change it: it is what the
/// processor goes back to.
struct Frame {
    std::uint64_t r15, r14, r13, r12, r11, r10, r9, r8, rbp, rdi, rsi, rdx, rcx, rbx, rax;
    std::uint64_t vector;
    std::uint64_t error_code;  ///< 0 where the processor gives none
    std::uint64_t rip, cs, rflags, rsp, ss;
};

/// Vectors: 0 to 31 are the processor's own, and end in a panic. The rest belongs to whoever sets a handler.
using VectorHandler = void (*)(Frame& frame, void* context);

inline constexpr std::uint8_t kSpuriousVector = 0xff;

/// The descriptor tables, with a stack of its own for faults that may be the stack's. Interrupts stay off.
void initialise_interrupts();
/// A null handler takes the handler away. An interrupt without a handler is a panic: "stray interrupt".
void set_handler(std::uint8_t vector, VectorHandler handler, void* context);

/// How many interrupts went to a handler since the start.
std::uint64_t interrupts_taken();

}  // namespace tb::kernel
