// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

namespace tb::model::pci {

/// Configuration registers (PCI 3.0 §6.1, type 0 header).
namespace config {
inline constexpr unsigned kVendorId = 0x00;
inline constexpr unsigned kDeviceId = 0x02;
inline constexpr unsigned kCommand = 0x04;
inline constexpr unsigned kStatus = 0x06;
inline constexpr unsigned kRevision = 0x08;
inline constexpr unsigned kClass = 0x09;
inline constexpr unsigned kCacheLineSize = 0x0c;
inline constexpr unsigned kLatencyTimer = 0x0d;
inline constexpr unsigned kHeaderType = 0x0e;
inline constexpr unsigned kBar0 = 0x10;
inline constexpr unsigned kSubsystemVendor = 0x2c;
inline constexpr unsigned kSubsystem = 0x2e;
inline constexpr unsigned kRomBar = 0x30;
inline constexpr unsigned kCapabilities = 0x34;
inline constexpr unsigned kInterruptLine = 0x3c;
inline constexpr unsigned kInterruptPin = 0x3d;
inline constexpr unsigned kHeaderEnd = 0x40;

inline constexpr std::uint16_t kCommandIo = 1 << 0;
inline constexpr std::uint16_t kCommandMemory = 1 << 1;
inline constexpr std::uint16_t kCommandBusMaster = 1 << 2;
inline constexpr std::uint16_t kCommandIntxDisable = 1 << 10;
inline constexpr std::uint16_t kStatusInterrupt = 1 << 3;
inline constexpr std::uint16_t kStatusCapabilities = 1 << 4;
}  // namespace config

/// What identifies a function.
struct Identity {
    std::uint16_t vendor = 0xffff;
    std::uint16_t device = 0xffff;
    std::uint8_t revision = 0;
    std::uint32_t class_code = 0;  ///< base class << 16 | subclass << 8 | interface
    std::uint16_t subsystem_vendor = 0;
    std::uint16_t subsystem = 0;
    std::uint8_t interrupt_pin = 0;  ///< 1 = INTA, 0 = none
    std::uint8_t header_type = 0;    ///< bit 7: multifunction
};

/// 256 bytes of configuration space as storage with a policy a bit: writable, write-1-to-clear, or fixed.
/// Which is all that most of it needs; what has behaviour (BARs, the command register, capabilities) is told
/// by its owner after a write.
class ConfigSpace {
  public:
    static constexpr unsigned kSize = 256;

    explicit ConfigSpace(const Identity& identity);

    /// Any width up to 4 at any offset; beyond the end reads zero.
    std::uint32_t read(unsigned offset, unsigned width) const;
    void write(unsigned offset, unsigned width, std::uint32_t value);

    /// Direct access for the owner, past the policy.
    std::uint32_t get(unsigned offset, unsigned width) const { return read(offset, width); }
    void set(unsigned offset, unsigned width, std::uint32_t value);
    void set_writable(unsigned offset, unsigned width, std::uint32_t mask);
    void set_w1c(unsigned offset, unsigned width, std::uint32_t mask);

    /// Appends a capability of `length` bytes at `offset` to the head of the chain, as its devices do (the
    /// last added is found first), and writes its identifier. `offset` 0 takes the next free dword.
    unsigned add_capability(std::uint8_t id, unsigned length, unsigned offset = 0);

    /// Clears what a bus reset clears: every writable bit of the header's command, status, interrupt line,
    /// cache line and latency registers. BARs and capabilities are their owners' to reset.
    void reset_header();

  private:
    std::array<std::uint8_t, kSize> bytes_{};
    std::array<std::uint8_t, kSize> writable_{};
    std::array<std::uint8_t, kSize> w1c_{};
    unsigned next_capability_ = config::kHeaderEnd;
};

}  // namespace tb::model::pci
