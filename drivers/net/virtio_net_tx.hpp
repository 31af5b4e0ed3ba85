// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <cstdint>
#include <hal/platform.hpp>
#include <optional>

#include "net/net_device.hpp"
#include "virtio/virtqueue.hpp"

namespace tb::net::virtio_net {

/// A transmit queue (VIRTIO 1.2 §5.1.6.2). A frame is one chain: the header that every frame has, then its
/// fragments as they are. The device is asked for no interrupts: what it has sent is found by reap(), which
/// who is out of room calls too.
class TxRing {
  public:
    struct Config {
        std::uint32_t max_frame = 0;  ///< bytes without FCS, and without a VLAN tag, which may come on top
        bool checksum = false;        ///< VIRTIO_NET_F_CSUM was negotiated, and so for those that follow
        bool tso4 = false;
        bool tso6 = false;
        bool ecn = false;
        bool event_idx = false;
        bool packed = false;  ///< VIRTIO_F_RING_PACKED was negotiated
        bool indirect = false;
    };
    static constexpr std::uint16_t kMostFrames = virtio::Virtqueue::kMostEntries;
    static constexpr std::uint32_t kMaxFragments = 16;
    /// Bytes of one frame before its segmentation: what the length of an IP packet can say.
    static constexpr std::uint32_t kMostSegmented = 65535 + 14;

    /// Allocates queue and headers; kNoMemory leaves nothing allocated.
    hal::Status create(const hal::Platform& platform, std::uint16_t entries, const Config& config);
    /// Gives the memory back. Nothing may be in flight: abort() first.
    void destroy();
    virtio::Virtqueue& queue() { return queue_; }
    const virtio::Virtqueue& queue() const { return queue_; }

    /// kBusy: no room, take completions first. kInvalidArgument: the frame contradicts itself. kOutOfRange:
    /// longer than the device or the queue takes. kUnsupported: an offload that was not negotiated.
    /// kNoMemory: could not be mapped.
    hal::Result<Token> send(const TxFrame& frame);
    /// Sends a RARP request that tells switches where `mac` is now, as a hypervisor does behind a migration.
    /// kBusy: no room, or the last one has not been sent yet. Nobody hears of its completion.
    hal::Status announce(const MacAddress& mac);

    /// Tells the device of what was sent with TxFrame::more.
    void publish() { queue_.kick(); }
    /// Completes what the device has sent, at most `budget` frames; returns how many.
    unsigned reap(unsigned budget);
    /// Completes everything in flight with `why`. The device must not be able to touch the buffers any more.
    void abort(hal::Error why);
    std::optional<TxCompletion> next_completion();

    /// Whether the device has had frames for `timeout` without finishing one. Asked on every poll.
    bool hangs(hal::Duration timeout);

    unsigned in_flight() const { return frames_; }
    std::uint64_t sent_frames() const { return sent_frames_; }
    std::uint64_t sent_bytes() const { return sent_bytes_; }
    /// Of all uses of this object: counters go on over create().
    void clear_counters() { sent_frames_ = sent_bytes_ = 0; }

  private:
    static constexpr std::uint16_t kNone = 0xffff;
    static constexpr std::uint16_t kMostMappings = 512;

    /// A frame in flight.
    struct Slot {
        Token token;
        std::uint32_t bytes = 0;
        std::uint16_t mappings = kNone;  ///< the first of them
        bool used = false;
        bool own = false;  ///< an announcement: nobody waits for it
    };
    struct Mapping {
        hal::DmaMapping dma;
        std::uint16_t next = kNone;
    };
    /// A checked frame.
    struct Plan {
        std::uint32_t bytes = 0;
        std::uint64_t header = 0;       ///< its first eight bytes
        std::uint16_t csum_offset = 0;  ///< the two behind
    };

    hal::Result<Plan> plan(const TxFrame& frame) const;
    hal::Status check_offload(const TxFrame& frame, std::uint32_t bytes) const;
    void write_header(std::uint16_t slot, const Plan& plan);
    hal::Status map(Slot& slot, const TxFrame& frame, std::uint32_t& pieces);
    void unmap(Slot& slot);
    hal::Status add(std::uint16_t slot, std::uint32_t pieces);
    void complete(std::uint16_t slot, hal::Status status);

    hal::Platform platform_;
    Config config_;
    virtio::Virtqueue queue_;
    hal::DmaMemory memory_;  ///< a header for each frame, then the announcement
    std::array<Slot, kMostFrames> slots_{};
    std::array<std::uint16_t, kMostFrames> free_slots_{};
    unsigned free_slot_count_ = 0;
    std::array<Mapping, kMostMappings> mappings_{};
    std::uint16_t free_mapping_ = kNone;
    std::uint16_t fresh_mapping_ = 0;  ///< from here on none was used
    /// The chain under construction: header and fragments.
    std::array<virtio::Segment, kMaxFragments + 1> chain_{};
    unsigned frames_ = 0;
    bool announcing_ = false;

    std::array<TxCompletion, kMostFrames> completions_{};
    unsigned completions_head_ = 0;
    unsigned completions_count_ = 0;

    std::uint32_t next_token_ = 1;
    std::uint64_t sent_frames_ = 0;
    std::uint64_t sent_bytes_ = 0;
    hal::Instant progress_;  ///< when the device last finished one, or had none
};

}  // namespace tb::net::virtio_net
