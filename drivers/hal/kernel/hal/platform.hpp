// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <hal/services.h>

#include <hal/concepts.hpp>
#include <hal/dma.hpp>
#include <hal/mmio.hpp>
#include <hal/pci_function.hpp>
#include <hal/processor.hpp>
#include <hal/window.hpp>

namespace tb::hal {

/// The kernel platform: an empty handle; everything goes to the services that the kernel provides.
class Platform {
  public:
    Instant now() const { return {tb_hal_now_ns()}; }
    void delay(Duration span) const { tb_hal_delay_ns(span.ns); }

    void barrier(Barrier kind) const { processor_barrier(kind); }

    Result<MmioWindow> map_memory(std::uint64_t bus_address, std::uint32_t size) const {
        void* base = tb_hal_map_device(bus_address, size);
        if (base == nullptr) return Error::kNoMemory;
        return MmioWindow(static_cast<volatile std::byte*>(base), size);
    }
    Result<PortWindow> map_ports(std::uint64_t port, std::uint32_t size) const {
        if (port > 0xffff || size > 0x10000 - port) return Error::kInvalidArgument;
        return PortWindow(static_cast<std::uint16_t>(port), size);
    }
    PciFunction pci_function(PciAddress address) const { return PciFunction(address); }

    Result<DmaMemory> allocate_dma(std::uint32_t size, std::uint32_t alignment) const {
        std::uint64_t device_address = 0;
        void* base = tb_hal_dma_allocate(size, alignment, &device_address);
        if (base == nullptr) return Error::kNoMemory;
        return DmaMemory(static_cast<std::byte*>(base), device_address, size);
    }
    void free_dma(DmaMemory& memory) const {
        if (memory.valid()) tb_hal_dma_free(memory.base(), memory.size());
        memory = {};
    }

    Result<DmaMapping> map(std::span<std::byte> buffer, Direction direction) const {
        std::uint64_t device_address = 0;
        if (tb_hal_dma_map(buffer.data(), buffer.size(), static_cast<int>(direction), &device_address) == 0)
            return Error::kNoMemory;
        return DmaMapping(device_address, buffer, direction);
    }
    void unmap(DmaMapping& mapping) const {
        if (mapping.valid())
            tb_hal_dma_unmap(mapping.device_address(), mapping.buffer().data(), mapping.buffer().size(),
                             static_cast<int>(mapping.direction()));
        mapping = {};
    }

    Result<Interrupt> attach_intx(PciAddress function, InterruptHandler handler, void* context) const {
        return attached(
            tb_hal_attach_intx(function.bus, function.device, function.function, handler, context));
    }
    Result<Interrupt> attach_irq(std::uint32_t line, InterruptHandler handler, void* context) const {
        return attached(tb_hal_attach_irq(line, handler, context));
    }
    Result<MsiInterrupt> attach_msi(InterruptHandler handler, void* context) const {
        MsiInterrupt msi;
        msi.interrupt.vector = tb_hal_attach_msi(handler, context, &msi.message.address, &msi.message.data);
        if (!msi.interrupt.valid()) return Error::kNoMemory;
        return msi;
    }
    void detach(Interrupt interrupt) const {
        if (interrupt.valid()) tb_hal_detach(interrupt.vector);
    }

    void log(LogLevel level, const char* device, const char* message, std::uint64_t value = 0) const {
        tb_hal_log(static_cast<int>(level), device, message, value);
    }

  private:
    static Result<Interrupt> attached(std::uint32_t vector) {
        if (vector == Interrupt::kNone) return Error::kNoMemory;
        return Interrupt{vector};
    }
};

static_assert(PlatformLike<Platform, MmioWindow, PortWindow, DmaMemory, DmaMapping, PciFunction>);
static_assert(RegisterWindowLike<RegisterWindow>);

}  // namespace tb::hal
