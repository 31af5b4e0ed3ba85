// SPDX-License-Identifier: BSD-3-Clause
/// What drivers ask of a kernel (hal/services.h), plainly: the example for a kernel of one's own.
#include <hal/services.h>

#include <array>
#include <cstddef>
#include <cstdint>

#include "harness/kernel/core/clock.hpp"
#include "harness/kernel/core/console.hpp"
#include "harness/kernel/core/cpu.hpp"
#include "harness/kernel/core/interrupts.hpp"
#include "harness/kernel/core/ioapic.hpp"
#include "harness/kernel/core/lapic.hpp"
#include "harness/kernel/core/memory.hpp"
#include "harness/kernel/core/paging.hpp"
#include "harness/kernel/core/pci_config.hpp"

using namespace tb::kernel;

namespace {

constexpr std::uint8_t kFirstVector = 0x30;
constexpr std::uint8_t kLastVector = 0xef;
constexpr unsigned kNoPinOfItsOwn = ~0U;

/// One handler; several may share the vector of a level-triggered pin.
struct Attachment {
    void (*handler)(void*);
    void* context;
    unsigned pin;
    std::uint8_t vector;
};

constinit std::array<Attachment, 128> attachments{};

void on_vector(Frame& frame, void*) {
    for (const Attachment& attachment : attachments)
        if (attachment.handler != nullptr && attachment.vector == frame.vector)
            attachment.handler(attachment.context);
    lapic::end_of_interrupt();
}

/// Removed while it was on its way.
void on_stale(Frame&, void*) {
    lapic::end_of_interrupt();
}

bool in_use(std::uint8_t vector) {
    for (const Attachment& attachment : attachments)
        if (attachment.handler != nullptr && attachment.vector == vector) return true;
    return false;
}

/// The vector of a pin that is attached already, or a free one; 0 when there is none.
std::uint8_t vector_for(unsigned pin) {
    for (const Attachment& attachment : attachments)
        if (attachment.handler != nullptr && pin != kNoPinOfItsOwn && attachment.pin == pin)
            return attachment.vector;
    for (unsigned vector = kFirstVector; vector <= kLastVector; ++vector)
        if (!in_use(static_cast<std::uint8_t>(vector))) return static_cast<std::uint8_t>(vector);
    return 0;
}

/// The place of the new attachment in the table, which is what the driver gets; UINT32_MAX when there is none
/// left.
std::uint32_t attach(unsigned pin, void (*handler)(void*), void* context, std::uint8_t& vector,
                     bool& is_first) {
    const InterruptsOff quiet;
    vector = vector_for(pin);
    if (vector == 0) return UINT32_MAX;
    is_first = !in_use(vector);
    for (std::uint32_t i = 0; i < attachments.size(); ++i) {
        if (attachments[i].handler != nullptr) continue;
        attachments[i] = {handler, context, pin, vector};
        set_handler(vector, on_vector, nullptr);
        return i;
    }
    return UINT32_MAX;
}

std::uint32_t attach_pin(unsigned pin, ioapic::Trigger trigger, void (*handler)(void*), void* context) {
    std::uint8_t vector = 0;
    bool is_first = false;
    const std::uint32_t place = attach(pin, handler, context, vector, is_first);
    if (place == UINT32_MAX || !is_first) return place;
    ioapic::route(pin, vector, trigger);
    ioapic::unmask(pin);
    return place;
}

}  // namespace

uint64_t tb_hal_now_ns() {
    return now_ns();
}
void tb_hal_delay_ns(uint64_t span) {
    delay_ns(span);
}

uint32_t tb_hal_pci_read(uint8_t bus, uint8_t device, uint8_t function, uint16_t offset, uint8_t width) {
    const InterruptsOff quiet;  // address and data port are two accesses
    return pci_read({bus, device, function}, offset, width);
}
void tb_hal_pci_write(uint8_t bus, uint8_t device, uint8_t function, uint16_t offset, uint8_t width,
                      uint32_t value) {
    const InterruptsOff quiet;
    pci_write({bus, device, function}, offset, width, value);
}

void* tb_hal_map_device(uint64_t bus_address, uint32_t size) {
    return map_device(bus_address, size);
}

void* tb_hal_dma_allocate(uint32_t size, uint32_t alignment, uint64_t* device_address) {
    const InterruptsOff quiet;
    void* memory = allocate_pages(size, alignment);
    *device_address = reinterpret_cast<uint64_t>(memory);
    return memory;
}
void tb_hal_dma_free(void* memory, uint32_t size) {
    const InterruptsOff quiet;
    free_pages(memory, size);
}

// Memory is mapped one to one and devices snoop: to lend a buffer is to name it.
int tb_hal_dma_map(void* buffer, size_t, int, uint64_t* device_address) {
    *device_address = reinterpret_cast<uint64_t>(buffer);
    return 1;
}
void tb_hal_dma_unmap(uint64_t, void*, size_t, int) {}

uint32_t tb_hal_attach_intx(uint8_t bus, uint8_t device, uint8_t function, void (*handler)(void*),
                            void* context) {
    return attach_pin(intx_pin({bus, device, function}), ioapic::Trigger::kLevel, handler, context);
}
uint32_t tb_hal_attach_irq(uint32_t line, void (*handler)(void*), void* context) {
    return attach_pin(line, ioapic::Trigger::kEdge, handler, context);
}
uint32_t tb_hal_attach_msi(void (*handler)(void*), void* context, uint64_t* address, uint32_t* data) {
    constexpr uint64_t kLocalApic = 0xfee0'0000;  // physical destination 0 (Intel SDM vol. 3A §11.11.1)
    std::uint8_t vector = 0;
    bool is_first = false;
    const std::uint32_t place = attach(kNoPinOfItsOwn, handler, context, vector, is_first);
    *address = kLocalApic;
    *data = vector;
    return place;
}
void tb_hal_detach(uint32_t place) {
    const InterruptsOff quiet;  // one processor: no handler is under way
    if (place >= attachments.size()) return;
    const Attachment old = attachments[place];
    attachments[place] = {};
    if (in_use(old.vector)) return;
    if (old.pin != kNoPinOfItsOwn) ioapic::mask(old.pin);
    set_handler(old.vector, on_stale, nullptr);
}

void tb_hal_log(int level, const char* device, const char* message, uint64_t value) {
    constexpr const char* kLevels[] = {"debug", "info", "warning", "error"};
    print(kLevels[level & 3], ": ", device, ": ", message, " (", Hex{value}, ")\n");
}
