// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <hal/concepts.hpp>
#include <hal/dma.hpp>
#include <hal/host.hpp>
#include <hal/mmio.hpp>
#include <hal/pci_function.hpp>
#include <hal/window.hpp>

namespace tb::hal {

/// The host platform: a handle on the Host that runs the driver.
class Platform {
  public:
    /// A handle on nothing, to be assigned before use: drivers keep one as a member before they are probed.
    Platform() = default;
    explicit Platform(Host& host) : host_(&host) {}

    Instant now() const { return {host_->machine().now_ns()}; }
    void delay(Duration span) const { host_->delay(span.ns); }
    void barrier(Barrier kind) const { host_->barrier(kind); }

    Result<MmioWindow> map_memory(std::uint64_t bus_address, std::uint32_t size) const {
        return MmioWindow(*host_, bus_address, size);
    }
    Result<PortWindow> map_ports(std::uint64_t port, std::uint32_t size) const {
        return PortWindow(*host_, port, size);
    }
    PciFunction pci_function(PciAddress address) const { return {*host_, address}; }

    Result<DmaMemory> allocate_dma(std::uint32_t size, std::uint32_t alignment) const {
        const Result<std::uint64_t> address = host_->machine().dma_allocate(size, alignment);
        if (!address) return address.error();
        return DmaMemory(host_->machine(), *address, size);
    }
    void free_dma(DmaMemory& memory) const {
        if (memory.valid()) host_->machine().dma_free(memory.device_address(), memory.size());
        memory = {};
    }

    Result<DmaMapping> map(std::span<std::byte> buffer, Direction direction) const {
        const Result<std::uint64_t> address = host_->machine().dma_map(buffer, direction);
        if (!address) return address.error();
        return DmaMapping(*address, buffer, direction);
    }
    void unmap(DmaMapping& mapping) const {
        if (mapping.valid())
            host_->machine().dma_unmap(mapping.device_address(), mapping.buffer(), mapping.direction());
        mapping = {};
    }

    Result<Interrupt> attach_intx(PciAddress function, InterruptHandler handler, void* context) const {
        return host_->attach(host_->machine().attach_intx(function), handler, context);
    }
    /// An ISA interrupt line, 0 to 15.
    Result<Interrupt> attach_irq(std::uint32_t line, InterruptHandler handler, void* context) const {
        return host_->attach(host_->machine().attach_irq(line), handler, context);
    }
    Result<MsiInterrupt> attach_msi(InterruptHandler handler, void* context) const {
        return host_->attach_msi(handler, context);
    }
    void detach(Interrupt interrupt) const { host_->detach(interrupt); }

    void log(LogLevel level, const char* device, const char* message, std::uint64_t value = 0) const {
        host_->machine().log(level, device, message, value);
    }

    Host& host() const { return *host_; }

  private:
    Host* host_ = nullptr;
};

/// No interrupt is taken while one of these lives. Nests.
class CriticalSection {
  public:
    explicit CriticalSection(const Platform& platform) : host_(platform.host()) { host_.enter_critical(); }
    ~CriticalSection() { host_.leave_critical(); }
    CriticalSection(const CriticalSection&) = delete;
    CriticalSection& operator=(const CriticalSection&) = delete;

  private:
    Host& host_;
};

static_assert(PlatformLike<Platform, MmioWindow, PortWindow, DmaMemory, DmaMapping, PciFunction>);
static_assert(RegisterWindowLike<RegisterWindow>);

}  // namespace tb::hal
