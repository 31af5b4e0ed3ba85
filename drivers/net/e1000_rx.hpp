// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <cstdint>
#include <hal/platform.hpp>
#include <span>

#include "net/e1000_regs.hpp"
#include "net/net_device.hpp"

namespace tb::e1000 {

/// The receive ring (8254x SDM §3.2). Every descriptor has its own part of one area of DMA memory; frames are
/// copied out of it. A frame may take several descriptors, the last of which has EOP.
///
/// The descriptors go round through three states: the device's, then harvested (what it wrote was read once,
/// judged, and kept in a copy), then given back in order. Only the device's are looked at, so a report on any
/// other is not seen. One descriptor is never given: a full ring would look like an empty one to the device
/// (RDT == RDH).
class RxRing {
  public:
    struct Config {
        unsigned descriptors = 0;        ///< a multiple of 8, up to kMaxRing
        std::uint32_t buffer_bytes = 0;  ///< of one descriptor; a size that RCTL can say
        std::uint32_t max_frame =
            0;                     ///< bytes without FCS and VLAN tag; the ring holds at least one such frame
        bool fcs_included = true;  ///< RCTL.SECRC is off: the last four bytes of a frame are its FCS
    };

    hal::Status allocate(hal::Platform platform, hal::MmioWindow regs, const Config& config);
    void release();
    /// Points the device, which was reset and does not receive, at the ring, all descriptors but one being
    /// its own. Frames that were not taken are lost and counted as missed. The device may receive from then
    /// on.
    void program();
    /// Whether the device still has what program() wrote: one that was reset since has its ring at address 0.
    bool is_programmed() const;

    /// Looks at what the device wrote: at most `budget` frames and one round of the ring. Returns how many
    /// frames were found, good or bad.
    unsigned harvest(unsigned budget);
    /// As NetDevice::receive.
    hal::Result<net::RxFrame> receive(std::span<std::byte> buffer);

    std::uint64_t frames() const { return frames_; }
    std::uint64_t bytes() const { return bytes_; }
    /// Frames that were dropped: marked bad by the device, or with lengths and ends that cannot be.
    std::uint64_t errors() const { return errors_; }
    std::uint64_t lost() const { return lost_; }

  private:
    /// What the device said about a descriptor, read once.
    struct Slot {
        std::uint16_t length = 0;
        std::uint16_t special = 0;
        std::uint8_t status = 0;
        std::uint8_t errors = 0;
        bool dropped = false;
    };

    void judge();
    void drop_chain();
    void give_back_dropped();
    void give_back();
    void publish();
    void arm(unsigned slot);
    bool is_bad(const Slot& last, std::uint32_t bytes) const;
    unsigned next(unsigned slot) const { return slot + 1 == config_.descriptors ? 0 : slot + 1; }
    std::uint32_t fcs_bytes() const { return config_.fcs_included ? kFcsBytes : 0; }
    /// Bytes of the longest frame in the ring.
    std::uint32_t limit() const { return config_.max_frame + kVlanTagBytes + fcs_bytes(); }
    unsigned longest_chain() const { return (limit() + config_.buffer_bytes - 1) / config_.buffer_bytes; }

    hal::Platform platform_;
    hal::MmioWindow regs_;
    Config config_;
    hal::DmaMemory ring_;
    hal::DmaMemory buffers_;
    std::array<Slot, kMaxRing> slots_{};
    unsigned head_ = 0;       ///< oldest descriptor that was harvested
    unsigned frontier_ = 0;   ///< next descriptor that the device will report
    unsigned harvested_ = 0;  ///< from head_ to frontier_
    unsigned owned_ = 0;      ///< the device's, from frontier_ to what RDT holds
    unsigned returned_ = 0;   ///< armed again, but the device has not been told

    unsigned ready_ = 0;             ///< good frames from head_ on
    unsigned chain_start_ = 0;       ///< first descriptor of the frame that is coming in
    unsigned chain_ = 0;             ///< its descriptors so far
    std::uint32_t chain_bytes_ = 0;  ///< its bytes so far
    bool discarding_ = false;        ///< it was given up; what comes before the next EOP belongs to it

    std::uint64_t frames_ = 0;
    std::uint64_t bytes_ = 0;
    std::uint64_t errors_ = 0;
    std::uint64_t lost_ = 0;
};

}  // namespace tb::e1000
