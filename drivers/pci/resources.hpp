// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "pci/pci.hpp"

namespace tb::pci {

/// Gives BARs their addresses where no firmware has: memory and ports are handed out upwards, each piece
/// aligned to its size, and never taken back. The same sequence of calls gives the same addresses everywhere.
class ResourceAllocator {
  public:
    /// Windows that PCs have free, and QEMU's q35, pc and microvm: memory above any RAM below 3 GiB, ports
    /// above those of ISA.
    static constexpr std::uint32_t kMemoryBase = 0xc000'0000;
    static constexpr std::uint32_t kMemoryEnd = 0xe000'0000;
    static constexpr std::uint32_t kPortBase = 0xc000;
    static constexpr std::uint32_t kPortEnd = 0x1'0000;

    constexpr ResourceAllocator() = default;
    /// Windows from base to end, end excluded.
    constexpr ResourceAllocator(std::uint32_t memory_base, std::uint32_t memory_end, std::uint32_t port_base,
                                std::uint32_t port_end)
        : memory_{memory_base, memory_end}, ports_{port_base, port_end} {}

    /// Assigns every BAR of a function, whatever stood there; a 64-bit one below 4 GiB. Decoding is off while
    /// it is moved and afterwards as before. kNoMemory when a window is exhausted, kProtocol when a BAR makes
    /// no sense or does not hold its address; BARs assigned so far stay.
    hal::Status assign(const Function& function);

  private:
    struct Window {
        std::uint64_t next;
        std::uint64_t end;
    };
    static std::uint64_t take(Window& window, std::uint64_t size, std::uint64_t alignment);

    Window memory_{kMemoryBase, kMemoryEnd};
    Window ports_{kPortBase, kPortEnd};
};

}  // namespace tb::pci
