// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <cstdint>
#include <hal/platform.hpp>
#include <optional>

#include "net/e1000_regs.hpp"
#include "net/net_device.hpp"

namespace tb::e1000 {

/// The transmit ring (8254x SDM §3.3, §3.4). A frame is a context descriptor if it wants an offload, then a
/// descriptor for every 4 KiB of every fragment; only its last one asks for a report. Of the ring's memory
/// nothing but that report is ever read; what is in flight is known from a copy.
///
/// One descriptor is never used, because a full ring would look like an empty one to the device (TDT == TDH).
class TxRing {
  public:
    struct Config {
        unsigned descriptors = 0;      ///< a multiple of 8, up to kMaxRing
        std::uint32_t max_frame = 0;   ///< bytes without FCS
        bool vlan = false;             ///< CTRL.VME is on, so tags can be inserted
        bool delay_interrupt = false;  ///< ask for TIDV and TADV
        bool pad = true;
    };
    /// Bytes of one descriptor at most: well under the 16,288 of §3.3.3, and a page is what system memory
    /// comes in.
    static constexpr std::uint32_t kMaxDescriptorData = 4096;
    static constexpr std::uint32_t kMaxFragments = 16;

    hal::Status allocate(hal::Platform platform, hal::MmioWindow regs, const Config& config);
    /// Gives the memory back. Nothing may be in flight: abort() first.
    void release();
    /// Points the device, which was reset, at the empty ring. Nothing may be in flight.
    void program();
    /// Whether the device still has what program() wrote: one that was reset since has its ring at address 0.
    bool is_programmed() const;

    /// kBusy: no room, take completions first. kInvalidArgument: the frame contradicts itself. kOutOfRange:
    /// longer than the device or the ring takes. kUnsupported: a VLAN tag without Config::vlan. kNoMemory:
    /// could not be mapped.
    hal::Result<net::Token> send(const net::TxFrame& frame);

    /// Moves TDT behind the newest frame, if it is not there: for frames that were sent with `more`.
    void publish();
    /// Completes what the device reported, at most `budget` frames; returns how many.
    unsigned reap(unsigned budget);
    /// Completes everything in flight with `why`. The device must not be able to touch the buffers any more.
    void abort(hal::Error why);
    std::optional<net::TxCompletion> next_completion();

    /// Whether the device has had work for `timeout` without finishing any, or moving its head. Asked on
    /// every poll; reads the device only when the time is up. A head that moves but finishes nothing gets
    /// four such spans.
    enum class Progress : std::uint8_t { kFine, kStalled, kGone };
    Progress progress(hal::Duration timeout);

    unsigned in_flight() const { return frames_; }
    std::uint64_t sent_frames() const { return sent_frames_; }
    std::uint64_t sent_bytes() const { return sent_bytes_; }

  private:
    /// What the driver knows of a descriptor. `count` and what follows are set for the first one of a frame.
    struct Slot {
        hal::DmaMapping mapping;
        std::uint32_t bytes = 0;
        net::Token token;
        std::uint16_t count = 0;
    };
    struct Plan {
        std::uint32_t bytes = 0;
        std::uint32_t padding = 0;
        unsigned data_descriptors = 0;
        bool context = false;
    };
    static constexpr unsigned kMaxExtensions = 4;
    /// IEEE 802.3 Annex 31B: a partner holds the link for 65,535 quanta of 512 bit times at most, 3.4 s at
    /// 10 Mb/s, and may ask again; for three times that the device is believed.
    static constexpr hal::Duration kLongestPause = hal::seconds(10);

    hal::Result<Plan> plan(const net::TxFrame& frame) const;
    hal::Status check_offload(const net::Offload& offload, std::uint32_t bytes) const;
    void put_context(unsigned slot, const net::Offload& offload, std::uint32_t bytes);
    void put(unsigned slot, std::uint64_t first, std::uint64_t second);
    unsigned next(unsigned slot) const { return slot + 1 == config_.descriptors ? 0 : slot + 1; }
    unsigned after(unsigned slot, unsigned count) const {
        const unsigned sum = slot + count;
        return sum >= config_.descriptors ? sum - config_.descriptors : sum;
    }
    void unmap(unsigned slot, unsigned count);
    void complete_oldest(hal::Status status);

    hal::Platform platform_;
    hal::MmioWindow regs_;
    Config config_;
    hal::DmaMemory ring_;  ///< the descriptors, then zeros to pad short frames with
    std::array<Slot, kMaxRing> slots_{};
    unsigned head_ = 0;    ///< first descriptor of the oldest frame in flight
    unsigned tail_ = 0;    ///< behind the newest one
    unsigned told_ = 0;    ///< what TDT holds
    unsigned used_ = 0;    ///< descriptors in flight
    unsigned frames_ = 0;  ///< frames in flight

    std::array<net::TxCompletion, kMaxRing> completions_{};
    unsigned completions_head_ = 0;
    unsigned completions_count_ = 0;

    std::uint32_t next_token_ = 1;
    std::uint64_t sent_frames_ = 0;
    std::uint64_t sent_bytes_ = 0;

    hal::Instant watched_since_;
    bool watching_ = false;
    std::uint32_t watched_head_ = 0;
    unsigned extensions_ = 0;
    bool paused_ = false;  ///< at the last look
    hal::Instant paused_since_;
};

}  // namespace tb::e1000
