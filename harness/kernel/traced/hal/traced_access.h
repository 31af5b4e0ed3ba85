/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdint.h>

/* What the tracing variant of the kernel seam calls; confirm/trace.cpp. Spaces are numbered as the host's
 * hal::AddressSpace. */
#define TB_TRACED_MEMORY 0
#define TB_TRACED_PORTS 1
#define TB_TRACED_CONFIG 2

#ifdef __cplusplus
extern "C" {
#endif

uint64_t tb_traced_read(int space, uint64_t address, unsigned width);
void tb_traced_write(int space, uint64_t address, unsigned width, uint64_t value);

/* Points at which interrupts are taken: at a full barrier, and at the end of the outermost critical section.
 */
void tb_traced_interrupt_point(void);
void tb_traced_enter_critical(void);
void tb_traced_leave_critical(void);

#ifdef __cplusplus
}
#endif
