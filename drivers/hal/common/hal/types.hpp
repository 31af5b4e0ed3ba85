// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>

/// Small types that both platforms of the seam share.
namespace tb::hal {

template <class T>
concept RegisterWord = std::same_as<T, std::uint8_t> || std::same_as<T, std::uint16_t> ||
                       std::same_as<T, std::uint32_t> || std::same_as<T, std::uint64_t>;

/// Bus, device and function of a PCI function (PCI 3.0 §3.2.2.3.2).
struct PciAddress {
    std::uint8_t bus = 0;
    std::uint8_t device = 0;    ///< 0..31
    std::uint8_t function = 0;  ///< 0..7
    constexpr bool operator==(const PciAddress&) const = default;
};

/// A place in configuration space as one number, that of the enhanced mechanism (PCI Express 3.0 §7.2.2): bus
/// << 20 | device << 15 | function << 12 | offset.
constexpr std::uint64_t config_address(PciAddress function, std::uint32_t offset) {
    return std::uint64_t{function.bus} << 20 | std::uint64_t{function.device} << 15 |
           std::uint64_t{function.function} << 12 | offset;
}
/// The function in which such a place lies.
constexpr PciAddress config_function(std::uint64_t address) {
    return {static_cast<std::uint8_t>(address >> 20), static_cast<std::uint8_t>(address >> 15 & 31),
            static_cast<std::uint8_t>(address >> 12 & 7)};
}

/// What the device does with a mapped buffer, as seen from the driver (Linux: DMA_TO_DEVICE, ...).
enum class Direction : std::uint8_t { kToDevice, kFromDevice, kBidirectional };

/// What orders what. Names follow the kernel's: `kWrite` orders stores to DMA memory before later stores and
/// register writes; `kRead` orders loads; `kFull` orders everything, which alone covers store-then-load (the
/// check of an event index after publishing one).
enum class Barrier : std::uint8_t { kRead, kWrite, kFull };

enum class LogLevel : std::uint8_t { kDebug, kInfo, kWarning, kError };

/// An interrupt handler only acknowledges and marks work. `context` is what was given when it was attached.
using InterruptHandler = void (*)(void* context);

/// What a device must write, and where, to raise a message-signalled interrupt (PCI 3.0 §6.8).
struct MsiMessage {
    std::uint64_t address = 0;
    std::uint32_t data = 0;
};

/// An attached interrupt; the value means something to the platform only.
struct Interrupt {
    static constexpr std::uint32_t kNone = ~std::uint32_t{0};
    std::uint32_t vector = kNone;
    constexpr bool valid() const { return vector != kNone; }
};

struct MsiInterrupt {
    Interrupt interrupt;
    MsiMessage message;
};

}  // namespace tb::hal
