/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stddef.h>
#include <stdint.h>

/*
 * What a kernel provides to the drivers: these symbols, memcpy/memset/memmove/memcmp (which a compiler may
 * call on its own), and nothing else. Each may be called from any context that a driver is called from, with
 * interrupts on or off.
 */
#ifdef __cplusplus
extern "C" {
#endif

/* Nanoseconds of a monotonic clock. */
uint64_t tb_hal_now_ns(void);
/* Returns after at least that long. */
void tb_hal_delay_ns(uint64_t span);

/* PCI configuration space: width is 1, 2 or 4 bytes, the offset is aligned to it; all-ones where there is
 * nothing. */
uint32_t tb_hal_pci_read(uint8_t bus, uint8_t device, uint8_t function, uint16_t offset, uint8_t width);
void tb_hal_pci_write(uint8_t bus, uint8_t device, uint8_t function, uint16_t offset, uint8_t width,
                      uint32_t value);

/* Maps device registers uncached; NULL on failure. */
void* tb_hal_map_device(uint64_t bus_address, uint32_t size);

/* Coherent, physically contiguous, zeroed memory; alignment is a power of two. NULL when there is none. */
void* tb_hal_dma_allocate(uint32_t size, uint32_t alignment, uint64_t* device_address);
void tb_hal_dma_free(void* memory, uint32_t size);
/* Lends a buffer to a device: direction 0 to the device, 1 from it, 2 both. 0 on failure, else 1. */
int tb_hal_dma_map(void* buffer, size_t size, int direction, uint64_t* device_address);
void tb_hal_dma_unmap(uint64_t device_address, void* buffer, size_t size, int direction);

/* Attach a handler; the result is a vector, or UINT32_MAX when there is none left. */
uint32_t tb_hal_attach_intx(uint8_t bus, uint8_t device, uint8_t function, void (*handler)(void*),
                            void* context);
uint32_t tb_hal_attach_irq(uint32_t line, void (*handler)(void*), void* context);
uint32_t tb_hal_attach_msi(void (*handler)(void*), void* context, uint64_t* address, uint32_t* data);
/* After this returned, the handler runs no more. */
void tb_hal_detach(uint32_t vector);

/* level: 0 debug, 1 info, 2 warning, 3 error. */
void tb_hal_log(int level, const char* device, const char* message, uint64_t value);

#ifdef __cplusplus
}
#endif
