// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <hal/platform.hpp>

namespace tb::pci {

/// Configuration space registers of a type 0 header (PCI 3.0 §6.1).
inline constexpr std::uint16_t kVendorId = 0x00;
inline constexpr std::uint16_t kDeviceId = 0x02;
inline constexpr std::uint16_t kCommand = 0x04;
inline constexpr std::uint16_t kStatus = 0x06;
inline constexpr std::uint16_t kRevisionId = 0x08;
inline constexpr std::uint16_t kClassCode = 0x09;  ///< 3 bytes: interface, subclass, base class
inline constexpr std::uint16_t kHeaderType = 0x0e;
inline constexpr std::uint16_t kBar0 = 0x10;
inline constexpr std::uint16_t kSubsystemVendorId = 0x2c;
inline constexpr std::uint16_t kSubsystemId = 0x2e;
inline constexpr std::uint16_t kCapabilitiesPointer = 0x34;
inline constexpr std::uint16_t kInterruptLine = 0x3c;
inline constexpr std::uint16_t kInterruptPin = 0x3d;

/// Command register (PCI 3.0 §6.2.2).
inline constexpr std::uint16_t kCommandIo = 1 << 0;
inline constexpr std::uint16_t kCommandMemory = 1 << 1;
inline constexpr std::uint16_t kCommandBusMaster = 1 << 2;
inline constexpr std::uint16_t kCommandInterruptDisable = 1 << 10;

inline constexpr std::uint16_t kStatusCapabilities = 1 << 4;

/// Capability identifiers (PCI 3.0 appendix H).
inline constexpr std::uint8_t kCapMsi = 0x05;
inline constexpr std::uint8_t kCapVendor = 0x09;
inline constexpr std::uint8_t kCapMsix = 0x11;

inline constexpr unsigned kBars = 6;

/// A base address register, decoded (PCI 3.0 §6.2.5.1).
struct Bar {
    enum class Kind : std::uint8_t { kNone, kMemory32, kMemory64, kIo };
    Kind kind = Kind::kNone;
    bool prefetchable = false;
    std::uint64_t address = 0;  ///< 0: not assigned
    std::uint64_t size = 0;     ///< bytes, a power of two; 0 until sized
};

/// What identifies a function, read once.
struct Identity {
    std::uint16_t vendor = 0xffff;
    std::uint16_t device = 0xffff;
    std::uint16_t subsystem_vendor = 0;
    std::uint16_t subsystem = 0;
    std::uint32_t class_code = 0;  ///< base class << 16 | subclass << 8 | interface
    std::uint8_t revision = 0;
    std::uint8_t header_type = 0;
};

/// One function of a PCI device, as a driver uses it: its BARs, capabilities and command register.
class Function {
  public:
    Function() = default;
    Function(hal::Platform platform, hal::PciFunction config) : platform_(platform), config_(config) {}

    /// Reads the identity; kAbsent when nothing answers.
    hal::Result<Identity> identify() const;

    /// Sizes and reads BAR `index` with decoding off and restores what was there (PCI 3.0 §6.2.5.1,
    /// implementation note). kInvalidArgument for the upper half of a 64-bit BAR or index > 5; kAbsent for a
    /// BAR that is not implemented. kProtocol for what no BAR may say (a reserved type, a size that is no
    /// power of two, an end beyond the address space); kDeviceGone when the function has stopped answering.
    hal::Result<Bar> bar(unsigned index) const;
    /// Maps an assigned BAR as memory or ports. kAbsent when it is not implemented or unassigned,
    /// kUnsupported when it is of the other kind. Decoding is not turned on: that is set_command(). Of a
    /// memory BAR the first `most` bytes are mapped, or all of it when it is smaller; the window says how
    /// many.
    hal::Result<hal::MmioWindow> map_memory_bar(unsigned index, std::uint32_t most = 0xffff'f000) const;
    hal::Result<hal::PortWindow> map_io_bar(unsigned index) const;

    /// Finds the first capability `id` behind position `after` (0: from the start). The walk is bounded: a
    /// list that cycles, leaves 0x40..0xfc or is longer than 48 entries ends as kProtocol (PCI 3.0 §6.7);
    /// kAbsent at its end, kInvalidArgument when `after` is not on it.
    hal::Result<std::uint16_t> find_capability(std::uint8_t id, std::uint16_t after = 0) const;

    /// Sets and clears bits of the command register in one read-modify-write.
    void set_command(std::uint16_t set, std::uint16_t clear = 0) const;

    const hal::PciFunction& config() const { return config_; }
    const hal::Platform& platform() const { return platform_; }

  private:
    hal::Platform platform_;
    hal::PciFunction config_;
};

/// A capability in the list of a function.
struct Capability {
    std::uint16_t position = 0;
    std::uint8_t id = 0;
};

/// Walks the capabilities of a function in their order. The walk ends in any case: a list that cycles or
/// leaves 0x40..0xfc ends as kProtocol (PCI 3.0 §6.7).
class CapabilityWalk {
  public:
    explicit CapabilityWalk(const hal::PciFunction& config) : config_(config) {}

    /// The next one; kAbsent behind the last, kDeviceGone when the function has stopped answering.
    hal::Result<Capability> next();

  private:
    hal::PciFunction config_;
    std::uint64_t visited_ = 0;  ///< a bit for each dword of the 256 bytes
    std::uint16_t position_ = 0;
    bool started_ = false;
};

}  // namespace tb::pci
