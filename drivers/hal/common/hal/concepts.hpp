// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <hal/result.hpp>
#include <hal/time.hpp>
#include <hal/types.hpp>
#include <span>

/// The contract of the seam, written down once. Each platform (drivers/hal/host, drivers/hal/kernel, a
/// kernel's own) static_asserts these for its types in hal/platform.hpp, so a port that misses something
/// fails to compile there and not in the middle of a driver.
namespace tb::hal {

/// Device registers. `read<T>(offset)` is exactly one access of that width, in program order with all other
/// accesses to registers. An offset beyond `size()` reads all-ones and writes nowhere: the driver checks
/// sizes when it maps.
template <class W>
concept RegisterWindowLike = requires(W window, const W constant, std::uint32_t offset, std::uint32_t value) {
    { window.template read<std::uint8_t>(offset) } -> std::same_as<std::uint8_t>;
    { window.template read<std::uint16_t>(offset) } -> std::same_as<std::uint16_t>;
    { window.template read<std::uint32_t>(offset) } -> std::same_as<std::uint32_t>;
    window.template write<std::uint32_t>(offset, value);
    { constant.size() } -> std::convertible_to<std::uint32_t>;
    { constant.valid() } -> std::same_as<bool>;
    { constant.slice(offset, offset) } -> std::same_as<W>;
};

/// One little-endian value in memory that a device reads and writes on its own.
template <class C, class T>
concept DmaCellLike = requires(C cell, T value) {
    { cell.load() } -> std::same_as<T>;
    { cell.load_acquire() } -> std::same_as<T>;
    cell.store(value);
    cell.store_release(value);
};

/// Memory shared with a device for as long as it is allocated (rings, descriptors): coherent, zeroed when
/// allocated.
template <class M>
concept DmaMemoryLike = requires(M memory, const M constant, std::uint32_t offset, std::span<std::byte> out,
                                 std::span<const std::byte> in) {
    { constant.device_address() } -> std::same_as<std::uint64_t>;
    { constant.size() } -> std::convertible_to<std::uint32_t>;
    { constant.valid() } -> std::same_as<bool>;
    requires DmaCellLike<decltype(memory.template cell<std::uint16_t>(offset)), std::uint16_t>;
    requires DmaCellLike<decltype(memory.template cell<std::uint64_t>(offset)), std::uint64_t>;
    memory.read(offset, out);
    memory.write(offset, in);
};

/// A payload buffer lent to the device for one transfer (Linux: dma_map_single). Between map and unmap it is
/// the device's: the driver touches it no more, and what the device wrote is in the buffer only after unmap.
template <class M>
concept DmaMappingLike = requires(const M mapping) {
    { mapping.device_address() } -> std::same_as<std::uint64_t>;
    { mapping.size() } -> std::convertible_to<std::uint32_t>;
    { mapping.valid() } -> std::same_as<bool>;
};

template <class F>
concept PciFunctionLike = requires(F function, std::uint16_t offset, std::uint32_t value) {
    { function.address() } -> std::same_as<PciAddress>;
    { function.template read<std::uint8_t>(offset) } -> std::same_as<std::uint8_t>;
    { function.template read<std::uint16_t>(offset) } -> std::same_as<std::uint16_t>;
    { function.template read<std::uint32_t>(offset) } -> std::same_as<std::uint32_t>;
    function.template write<std::uint32_t>(offset, value);
};

/// What a driver asks of the system it runs in. A cheap handle, copied freely.
///
/// Interrupts are taken at points of the seam outside critical sections; a handler runs to its end before the
/// point returns. `detach` guarantees that the handler runs no more once it has returned.
template <class P, class Window, class Ports, class Memory, class Mapping, class Function>
concept PlatformLike =
    RegisterWindowLike<Window> && RegisterWindowLike<Ports> && DmaMemoryLike<Memory> &&
    DmaMappingLike<Mapping> && PciFunctionLike<Function> &&
    requires(P platform, Duration span, PciAddress address, std::uint64_t bus_address, std::uint32_t size,
             Memory memory, Mapping mapping, std::span<std::byte> bytes, InterruptHandler handler,
             void* context, Interrupt interrupt, Barrier barrier) {
        { platform.now() } -> std::same_as<Instant>;
        platform.delay(span);
        platform.barrier(barrier);
        { platform.map_memory(bus_address, size) } -> std::same_as<Result<Window>>;
        { platform.map_ports(bus_address, size) } -> std::same_as<Result<Ports>>;
        { platform.pci_function(address) } -> std::same_as<Function>;
        { platform.allocate_dma(size, size) } -> std::same_as<Result<Memory>>;
        platform.free_dma(memory);
        { platform.map(bytes, Direction::kToDevice) } -> std::same_as<Result<Mapping>>;
        platform.unmap(mapping);
        { platform.attach_intx(address, handler, context) } -> std::same_as<Result<Interrupt>>;
        { platform.attach_irq(size, handler, context) } -> std::same_as<Result<Interrupt>>;
        { platform.attach_msi(handler, context) } -> std::same_as<Result<MsiInterrupt>>;
        platform.detach(interrupt);
        platform.log(LogLevel::kInfo, "device", "message", bus_address);
    };

}  // namespace tb::hal
