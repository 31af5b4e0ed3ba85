// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <hal/traced_access.h>

#include <hal/types.hpp>

/// The kernel seam's processor for confirmation: interrupts are off but for the points that the host's seam
/// has too, so that both take them at the same places.
namespace tb::hal {

class Platform;

inline void processor_barrier(Barrier kind) {
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (kind == Barrier::kFull) tb_traced_interrupt_point();
}

class CriticalSection {
  public:
    explicit CriticalSection(const Platform&) { tb_traced_enter_critical(); }
    ~CriticalSection() { tb_traced_leave_critical(); }
    CriticalSection(const CriticalSection&) = delete;
    CriticalSection& operator=(const CriticalSection&) = delete;
};

}  // namespace tb::hal
