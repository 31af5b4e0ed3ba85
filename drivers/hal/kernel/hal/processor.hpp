// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <hal/types.hpp>

/// What the seam asks of the processor itself.
namespace tb::hal {

class Platform;

/// x86_64 reorders only a load before an earlier store, and devices snoop: the first two bind the compiler
/// alone.
inline void processor_barrier(Barrier kind) {
    switch (kind) {
        case Barrier::kRead:
            __atomic_thread_fence(__ATOMIC_ACQUIRE);
            break;
        case Barrier::kWrite:
            __atomic_thread_fence(__ATOMIC_RELEASE);
            break;
        case Barrier::kFull:
            __atomic_thread_fence(__ATOMIC_SEQ_CST);
            break;
    }
}

/// Interrupts are off on this processor while one of these lives; nests by restoring what was before.
class CriticalSection {
  public:
    explicit CriticalSection(const Platform&) {
        asm volatile("pushfq; popq %0; cli" : "=r"(flags_) : : "memory");
    }
    ~CriticalSection() {
        constexpr std::uint64_t kInterruptFlag = 1 << 9;
        if ((flags_ & kInterruptFlag) != 0) asm volatile("sti" : : : "memory");
    }
    CriticalSection(const CriticalSection&) = delete;
    CriticalSection& operator=(const CriticalSection&) = delete;

  private:
    std::uint64_t flags_;
};

}  // namespace tb::hal
