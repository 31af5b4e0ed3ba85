// SPDX-License-Identifier: BSD-3-Clause
/// What the drivers ask of a kernel, for confirmation: time and DMA memory are the harness's, so that they
/// are the same on all machines; the rest is this kernel's own.
#include <hal/services.h>
#include <hal/traced_access.h>

#include <hal/types.hpp>

#include "harness/kernel/confirm/interrupts.hpp"
#include "harness/kernel/confirm/link.hpp"
#include "harness/kernel/core/paging.hpp"
#include "harness/kernel/core/pci_config.hpp"

using namespace tb::kernel;

namespace {

std::uint64_t address_of(const void* pointer) {
    return reinterpret_cast<std::uint64_t>(pointer);
}

std::uint32_t vector_of(const Answer& answer) {
    return answer.words[0] == kNoVector ? UINT32_MAX : static_cast<std::uint32_t>(answer.words[0]);
}

}  // namespace

uint64_t tb_hal_now_ns() {
    return virtual_now();
}

void tb_hal_delay_ns(uint64_t span) {
    say(Said::kDelay, {span});
    interrupt_point();
}

uint32_t tb_hal_pci_read(uint8_t bus, uint8_t device, uint8_t function, uint16_t offset, uint8_t width) {
    return static_cast<uint32_t>(
        tb_traced_read(TB_TRACED_CONFIG, tb::hal::config_address({bus, device, function}, offset), width));
}

void tb_hal_pci_write(uint8_t bus, uint8_t device, uint8_t function, uint16_t offset, uint8_t width,
                      uint32_t value) {
    tb_traced_write(TB_TRACED_CONFIG, tb::hal::config_address({bus, device, function}, offset), width, value);
}

void* tb_hal_map_device(uint64_t bus_address, uint32_t size) {
    return map_device(bus_address, size);
}

void* tb_hal_dma_allocate(uint32_t size, uint32_t alignment, uint64_t* device_address) {
    *device_address = say(Said::kAllocate, {size, alignment}).words[0];
    return reinterpret_cast<void*>(*device_address);
}

void tb_hal_dma_free(void* memory, uint32_t size) {
    say(Said::kFree, {address_of(memory), size});
}

int tb_hal_dma_map(void* buffer, size_t size, int direction, uint64_t* device_address) {
    *device_address =
        say(Said::kMap, {address_of(buffer), size, static_cast<std::uint64_t>(direction)}).words[0];
    return *device_address != 0 ? 1 : 0;
}

void tb_hal_dma_unmap(uint64_t device_address, void* buffer, size_t size, int direction) {
    say(Said::kUnmap, {device_address, address_of(buffer), size, static_cast<std::uint64_t>(direction)});
}

uint32_t tb_hal_attach_intx(uint8_t bus, uint8_t device, uint8_t function, void (*handler)(void*),
                            void* context) {
    const std::uint64_t where = tb::hal::config_address({bus, device, function}, 0);
    const std::uint32_t vector = vector_of(say(Said::kAttachIntx, {where}));
    if (vector != UINT32_MAX) attach_intx(vector, intx_pin({bus, device, function}), handler, context);
    return vector;
}

uint32_t tb_hal_attach_irq(uint32_t line, void (*handler)(void*), void* context) {
    const Answer answer = say(Said::kAttachLine, {line});
    const std::uint32_t vector = vector_of(answer);
    if (vector != UINT32_MAX) attach_line(vector, line, answer.words[1] != 0, handler, context);
    return vector;
}

uint32_t tb_hal_attach_msi(void (*handler)(void*), void* context, uint64_t* address, uint32_t* data) {
    const std::uint32_t vector = vector_of(say(Said::kAttachMsi));
    if (vector == UINT32_MAX) return vector;
    attach_message(vector, handler, context);
    *address = apic_message_address(vector);
    *data = message_data(vector);
    return vector;
}

void tb_hal_detach(uint32_t vector) {
    detach(vector);
    say(Said::kDetach, {vector});
}

void tb_hal_log(int level, const char* device, const char* message, uint64_t value) {
    say(Said::kLog, {static_cast<std::uint64_t>(level), address_of(device), address_of(message), value});
}
