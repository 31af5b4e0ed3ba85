// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <span>

#include "models/net/interrupts.hpp"
#include "models/net/mac_registers.hpp"
#include "models/pci/requester.hpp"

namespace tb::model::net {

/// The receive side: filters, and the ring from RDH to RDT.
class Receiver {
  public:
    Receiver(MacRegisters& regs, pci::Requester& dma, Interrupts& interrupts)
        : regs_(regs), dma_(dma), interrupts_(interrupts) {}

    /// Takes a frame: into the ring, or nowhere when it is filtered out, too long, or finds no room (RXO).
    void receive(std::span<const std::byte> frame);

    /// Link and receiver are on.
    bool enabled() const;
    /// The ring has a descriptor to give. False until RCTL was written once: only then are buffers of a known
    /// size.
    bool has_room() const { return room_for(1); }

    /// After a write to RCTL.
    void configure();
    void reset();

  private:
    /// The descriptor's second half, after the buffer's address (8254x SDM §3.2.3).
    struct Descriptor {
        std::uint64_t address = 0;
        std::uint16_t length = 0;
        std::uint16_t checksum = 0;
        std::uint8_t status = 0;
        std::uint8_t errors = 0;
        std::uint16_t special = 0;
    };
    static_assert(sizeof(Descriptor) == kDescriptorBytes);

    bool room_for(std::size_t bytes) const;
    bool too_long(std::size_t bytes) const;
    bool passes(std::span<const std::byte> frame);
    bool matches_address(std::span<const std::byte> frame);
    bool is_tagged(std::span<const std::byte> frame) const;
    bool store(std::span<const std::byte> frame, std::size_t total, std::uint8_t extra_status,
               std::uint16_t tag);
    void overrun();
    void account(std::size_t bytes, std::size_t total);

    MacRegisters& regs_;
    pci::Requester& dma_;
    Interrupts& interrupts_;
    std::uint32_t buffer_bytes_ = 0;
    unsigned threshold_shift_ = 1;
};

}  // namespace tb::model::net
