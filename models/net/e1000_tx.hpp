// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <functional>
#include <span>
#include <string>

#include "models/net/interrupts.hpp"
#include "models/net/mac_registers.hpp"
#include "models/pci/requester.hpp"

namespace tb::model::net {

using ReportFunction = std::function<void(std::string subject, std::string message)>;

/// The transmit side: walks the ring from TDH to TDT while the access that rang is under way, gathers frames
/// from legacy and data descriptors, segments, inserts checksums and VLAN tags, and writes descriptors back.
///
/// Where a driver's descriptors make no sense, this does what QEMU's device does with them, to the byte.
class Transmitter {
  public:
    using Sink = std::function<void(std::span<const std::byte>)>;

    Transmitter(MacRegisters& regs, pci::Requester& dma, Interrupts& interrupts, Sink send,
                ReportFunction report);

    /// After a write to TDT or TCTL.
    void run();
    void reset();

  private:
    struct Descriptor {
        std::uint64_t address = 0;
        std::uint32_t lower = 0;
        std::uint32_t upper = 0;
    };
    static_assert(sizeof(Descriptor) == kDescriptorBytes);

    /// What a context descriptor sets up (8254x SDM §3.3.6).
    struct Context {
        std::uint8_t ip_start = 0;
        std::uint8_t ip_offset = 0;
        std::uint16_t ip_end = 0;
        std::uint8_t tcp_start = 0;
        std::uint8_t tcp_offset = 0;
        std::uint16_t tcp_end = 0;
        std::uint32_t payload = 0;
        std::uint8_t header = 0;
        std::uint16_t segment = 0;
        bool ipv4 = false;
        bool tcp = false;
    };

    void process(const Descriptor& descriptor);
    void load_context(const Descriptor& descriptor);
    void gather(std::uint64_t address, std::uint32_t length);
    void gather_segments(std::uint64_t address, std::uint32_t length);
    void finish_segment();
    void fix_headers(const Context& context);
    void insert_checksum(std::uint32_t offset, std::uint32_t start, std::uint32_t end);
    void send(std::span<const std::byte> frame);
    bool write_back(std::uint64_t at, Descriptor& descriptor);
    void check_ring();

    std::byte* data() { return buffer_.data() + kTagBytes; }
    std::uint32_t load16(std::uint32_t at) const;
    void store16(std::uint32_t at, std::uint32_t value);

    static constexpr std::size_t kTagBytes = 4;
    static constexpr std::size_t kFrameBytes = 0x10000;

    MacRegisters& regs_;
    pci::Requester& dma_;
    Interrupts& interrupts_;
    Sink sink_;
    ReportFunction report_;

    /// A frame under construction, with room in front for a VLAN tag to move the addresses forward into.
    std::array<std::byte, kTagBytes + kFrameBytes> buffer_{};
    std::array<std::byte, 256> header_{};  ///< of the frame being segmented
    std::array<std::byte, kTagBytes> tag_{};
    /// Bytes in the frame. Sixteen bits, as in QEMU: 65536 gathered bytes are an empty frame.
    std::uint16_t size_ = 0;
    std::uint16_t segments_ = 0;
    std::uint8_t options_ = 0;
    bool tagged_ = false;
    bool segmenting_ = false;
    Context context_;
    Context segment_context_;
    /// Segments left in this run; what a hostile ring may ask for is finite, but not short.
    std::uint32_t budget_ = 0;
};

}  // namespace tb::model::net
