// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <hal/result.hpp>
#include <hal/types.hpp>
#include <optional>
#include <span>

namespace tb::hal {

/// Where an access goes. A configuration access has the address that config_address() gives.
enum class AddressSpace : std::uint8_t { kMemory, kPort, kPciConfig };

/// How a driver's access to DMA memory is ordered against its others.
enum class MemoryOrder : std::uint8_t { kRelaxed, kAcquire, kRelease };

/// Everything that a driver can touch on the host: what the seam's handles dispatch to. Implemented by the
/// machines (model, qtest, replay, bytes) and by the layers that wrap one (recorder, faults, rules).
///
/// Widths are in bytes: 1, 2, 4 or 8. Values are zero-extended. Nothing here throws for what a driver did: an
/// access that nobody answers reads all-ones. A machine whose far side is gone (QEMU died) throws, because
/// then the run is over and its result is nobody's fault in the driver.
class Machine {
  public:
    Machine() = default;
    Machine(const Machine&) = delete;
    Machine& operator=(const Machine&) = delete;
    virtual ~Machine() = default;

    virtual std::uint64_t read(AddressSpace space, std::uint64_t address, unsigned width) = 0;
    virtual void write(AddressSpace space, std::uint64_t address, unsigned width, std::uint64_t value) = 0;

    /// The driver's own accesses to shared memory. `address` is a device address inside what was allocated.
    virtual std::uint64_t dma_load(std::uint64_t address, unsigned width, MemoryOrder order) = 0;
    virtual void dma_store(std::uint64_t address, unsigned width, std::uint64_t value, MemoryOrder order) = 0;
    virtual void dma_read(std::uint64_t address, std::span<std::byte> out) = 0;
    virtual void dma_write(std::uint64_t address, std::span<const std::byte> in) = 0;
    virtual void barrier(Barrier kind) = 0;

    /// Zeroed memory; `alignment` is a power of two. kNoMemory when the pool is exhausted.
    virtual Result<std::uint64_t> dma_allocate(std::uint64_t size, std::uint64_t alignment) = 0;
    virtual void dma_free(std::uint64_t address, std::uint64_t size) = 0;
    /// Lends `buffer` to the device. The device sees a copy, so a missing unmap shows as data that never
    /// arrives.
    virtual Result<std::uint64_t> dma_map(std::span<std::byte> buffer, Direction direction) = 0;
    virtual void dma_unmap(std::uint64_t address, std::span<std::byte> buffer, Direction direction) = 0;

    /// Virtual time in nanoseconds since the machine's power-on.
    virtual std::uint64_t now_ns() = 0;
    virtual void delay_ns(std::uint64_t span) = 0;

    /// Interrupts: a vector is a small number that the machine hands out, the same for the same sequence of
    /// calls on every machine, so that traces compare.
    virtual Result<std::uint32_t> attach_intx(PciAddress function) = 0;
    virtual Result<std::uint32_t> attach_irq(std::uint32_t line) = 0;
    virtual Result<MsiInterrupt> attach_msi() = 0;
    virtual void detach(std::uint32_t vector) = 0;
    /// Whether an attached vector may be waiting. Asked after every access; must be cheap and may err towards
    /// true.
    virtual bool interrupt_pending() const = 0;
    /// Takes the next waiting vector, lowest first, each at most once a round; `begin` starts a round. A
    /// level that is still asserted waits again in the next round.
    virtual std::optional<std::uint32_t> take_interrupt(bool begin) = 0;

    virtual void log(LogLevel level, const char* device, const char* message, std::uint64_t value) = 0;
};

}  // namespace tb::hal
