// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <cstdint>
#include <hal/platform.hpp>

#include "net/net_device.hpp"
#include "virtio/virtqueue.hpp"

namespace tb::net::virtio_net {

/// A receive queue and its buffers (VIRTIO 1.2 §5.1.6.3, §5.1.6.4): one piece of memory, of which each buffer
/// is one descriptor. A frame is in one buffer behind its header or, with VIRTIO_NET_F_MRG_RXBUF, goes on
/// through further ones.
///
/// A header is loaded once, and each buffer begins with a value that no device may leave there: one that was
/// never written, and may hold a part of an older frame, breaks the queue.
class RxRing {
  public:
    struct Config {
        std::uint32_t max_frame = 0;     ///< bytes without FCS, with a VLAN tag
        std::uint32_t buffer_bytes = 0;  ///< of each buffer with the header, a multiple of 64
        std::uint16_t buffers = 0;       ///< no more than the queue has entries
        bool mergeable = false;          ///< VIRTIO_NET_F_MRG_RXBUF was negotiated
        bool checksum = false;           ///< VIRTIO_NET_F_GUEST_CSUM was negotiated
        bool event_idx = false;
        bool packed = false;  ///< VIRTIO_F_RING_PACKED was negotiated
    };
    static constexpr std::uint16_t kMostBuffers = virtio::Virtqueue::kMostEntries;

    /// Allocates queue and buffers; kNoMemory leaves nothing allocated.
    hal::Status create(const hal::Platform& platform, std::uint16_t entries, const Config& config);
    /// Makes all buffers available, once; the device hears of it by publish().
    void fill();
    /// Gives the memory back; frames that nobody took are lost. The device must have been reset before.
    void destroy();
    virtio::Virtqueue& queue() { return queue_; }
    const virtio::Virtqueue& queue() const { return queue_; }
    /// The device broke a rule of the queue or of frames in several buffers.
    bool broken() const { return broken_ || queue_.broken(); }

    /// Looks at what the device has used: at most `budget` frames, good or bad; returns how many.
    unsigned harvest(unsigned budget);
    /// Takes the oldest frame, and gives its buffers back: kBusy when there is none, kOutOfRange (and the
    /// frame is dropped) when it does not fit.
    hal::Result<RxFrame> receive(std::span<std::byte> buffer);
    /// Tells the device of the buffers that it was given back, if it wants to hear of them.
    void publish() { queue_.kick(); }
    /// Frames that wait to be received.
    unsigned ready() const { return ready_; }

    std::uint64_t frames() const { return frames_; }
    std::uint64_t bytes() const { return bytes_; }
    std::uint64_t errors() const { return errors_; }
    std::uint64_t lost() const { return lost_; }
    /// Of all uses of this object: counters go on over create().
    void clear_counters() { frames_ = bytes_ = errors_ = lost_ = 0; }

  private:
    /// What the driver knows of a buffer that has come back.
    struct Slot {
        std::uint32_t bytes = 0;  ///< that the device wrote
        std::uint16_t next = 0;   ///< of the same frame
    };
    struct Frame {
        std::uint32_t bytes = 0;  ///< without headers
        std::uint16_t first = 0;  ///< buffer
        std::uint16_t buffers = 1;
        std::uint16_t csum_start = 0;
        std::uint16_t csum_offset = 0;
        bool needs_checksum = false;
        bool checksum_good = false;
    };

    bool take(const virtio::Used& used);
    bool gather(Frame& frame, bool& whole);
    void copy(const Frame& frame, std::span<std::byte> out) const;
    void give_back(const Frame& frame);
    void arm(std::uint16_t buffer);
    std::uint32_t offset_of(std::uint16_t buffer) const { return buffer * config_.buffer_bytes; }

    hal::Platform platform_;
    Config config_;
    virtio::Virtqueue queue_;
    hal::DmaMemory buffers_;
    std::array<Slot, kMostBuffers> slots_{};
    std::array<Frame, kMostBuffers> waiting_{};  ///< oldest first, from head_ on
    unsigned head_ = 0;
    unsigned ready_ = 0;
    bool broken_ = false;
    std::uint64_t frames_ = 0;
    std::uint64_t bytes_ = 0;
    std::uint64_t errors_ = 0;
    std::uint64_t lost_ = 0;
};

}  // namespace tb::net::virtio_net
