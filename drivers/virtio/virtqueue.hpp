// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <cstdint>
#include <hal/platform.hpp>
#include <span>

#include "virtio/virtio_regs.hpp"

namespace tb::virtio {

/// A piece of memory as the device sees it.
struct Segment {
    std::uint64_t address = 0;
    std::uint32_t bytes = 0;
};

/// A buffer that the device has finished with.
struct Used {
    std::uint16_t cookie = 0;  ///< what was given to add()
    std::uint32_t bytes = 0;   ///< how many the device wrote; never more than were writable
};

/// A virtqueue, driver's side, without heap: split (VIRTIO 1.2 §2.7) or packed (§2.8), as its options say.
///
/// What the driver must remember it keeps for itself: descriptors, the available ring and the indirect tables
/// are only ever written, so a device that scribbles on them harms nobody but itself. Of what a device
/// writes, the used ring or used descriptors, each field is read once and checked. A device that breaks the
/// rules breaks the queue: every later call answers kProtocol until the device is reset and the queue created
/// anew.
///
/// One context at a time calls it; interrupt handlers do not.
class Virtqueue {
  public:
    /// Entries that fit into the object. A device that offers more gets this many.
    static constexpr std::uint16_t kMostEntries = 256;

    struct Options {
        bool event_idx = false;             ///< VIRTIO_F_EVENT_IDX was negotiated
        std::uint16_t indirect_tables = 0;  ///< 0: VIRTIO_F_INDIRECT_DESC was not negotiated or is not wanted
        std::uint16_t indirect_entries = 0;  ///< descriptors in each table
        bool packed = false;                 ///< VIRTIO_F_RING_PACKED was negotiated
    };

    /// Allocates the rings, empty. `entries` is at most kMostEntries and, of a split queue, a power of two,
    /// else kInvalidArgument; kNoMemory leaves nothing allocated.
    hal::Status create(const hal::Platform& platform, std::uint16_t entries, const Options& options);
    /// Frees the rings. The device must have been reset or cut off from the bus before.
    void destroy();

    std::uint16_t entries() const { return entries_; }
    std::uint64_t descriptor_area() const { return memory_.device_address(); }
    std::uint64_t driver_area() const { return memory_.device_address() + avail_; }
    std::uint64_t device_area() const { return memory_.device_address() + used_; }

    /// Where kick() writes `index` to: 16 bits at the start of `doorbell` (§4.1.5.2).
    void set_doorbell(const hal::RegisterWindow& doorbell, std::uint16_t index) {
        doorbell_ = doorbell;
        index_ = index;
    }

    /// Makes a buffer available: first what the device reads, then what it writes (§2.7.4.2). It sees the
    /// buffer at once, but is told of it by kick(). kBusy: no descriptors left. kInvalidArgument: no segment,
    /// an empty one, or 4 GiB and more in all. kOutOfRange: more segments than the queue has entries
    /// (§2.7.5.3.1, §2.8.17).
    hal::Status add(std::span<const Segment> readable, std::span<const Segment> writable,
                    std::uint16_t cookie);

    /// Notifies the device of what was added since the last kick, if it wants to know; returns whether it
    /// was.
    bool kick();

    /// Takes the next used buffer. kBusy: there is none. kProtocol: the device broke the rules, now or
    /// before.
    hal::Result<Used> pop();

    /// Whether pop() would have something.
    bool has_used() const {
        return !broken_ && (packed_ ? packed_has_used() : index_of_device() != last_used_);
    }

    /// Asks the device for no interrupts. A hint: one may still arrive (§2.7.7, §2.8.10).
    void disable_interrupts();
    /// Asks for an interrupt when the next buffer is used; true when one was used meanwhile, for which none
    /// may come.
    [[nodiscard]] bool enable_interrupts();

    /// Buffers that were added and not popped.
    std::uint16_t in_flight() const { return in_flight_; }
    std::uint16_t free_descriptors() const { return free_count_; }
    bool broken() const { return broken_; }

  private:
    static constexpr std::uint16_t kNoTable = 0xffff;

    /// What stands behind a head descriptor; in a packed queue, behind a buffer ID.
    struct Chain {
        std::uint32_t writable_bytes = 0;
        std::uint16_t descriptors = 0;  ///< 0: not in flight
        std::uint16_t cookie = 0;
        std::uint16_t table = kNoTable;
    };

    std::uint16_t index_of_device() const {
        return memory_.cell<std::uint16_t>(used_ + ring::kIdx).load_acquire();
    }
    void write_descriptor(hal::DmaMemory& where, std::uint32_t index, const Segment& segment,
                          std::uint16_t flags, std::uint16_t next);
    std::uint16_t write_direct(std::span<const Segment> readable, std::span<const Segment> writable);
    std::uint16_t write_indirect(std::span<const Segment> readable, std::span<const Segment> writable);
    void release(std::uint16_t head);
    hal::Error break_queue();

    // The packed ring (virtqueue_packed.cpp).
    bool packed_has_used() const;
    std::uint16_t packed_add(std::span<const Segment> readable, std::span<const Segment> writable,
                             bool indirect);
    Segment packed_write_table(std::span<const Segment> readable, std::span<const Segment> writable,
                               std::uint16_t table);
    void packed_write_descriptor(hal::DmaMemory& where, std::uint32_t index, const Segment& segment,
                                 std::uint16_t id, std::uint16_t flags, bool publish);
    bool packed_wants_kick(std::uint16_t added);
    hal::Result<Used> packed_pop();
    void packed_ask(bool interrupts);
    void packed_advance(std::uint16_t& slot, bool& wrap, std::uint16_t count) const;

    hal::Platform platform_;
    hal::DmaMemory memory_;  ///< descriptor table, available ring, used ring
    hal::DmaMemory tables_;  ///< indirect tables, one behind another
    hal::RegisterWindow doorbell_;
    std::uint32_t avail_ = 0;  ///< offsets in memory_: the available ring, or the driver event suppression
    std::uint32_t used_ = 0;   ///< the used ring, or the device event suppression
    std::uint16_t index_ = 0;
    std::uint16_t entries_ = 0;
    std::uint16_t table_entries_ = 0;
    std::uint16_t avail_idx_ = 0;  ///< the next entry of the available ring, modulo 65536; packed: next slot
    std::uint16_t last_used_ = 0;  ///< the next entry of the used ring to take; packed: slot
    std::uint16_t used_seen_ = 0;  ///< the device's index as it was last read
    std::uint16_t added_ = 0;      ///< since the last kick; packed: descriptors
    std::uint16_t in_flight_ = 0;
    std::uint16_t free_head_ = 0;
    std::uint16_t free_count_ = 0;
    std::uint16_t free_tables_ = 0;
    bool event_idx_ = false;
    bool packed_ = false;
    bool avail_wrap_ = true;  ///< the driver's ring wrap counter (§2.8.1)
    bool used_wrap_ = true;   ///< the device's, as the driver expects it of the next used descriptor
    bool interrupts_on_ = true;
    bool broken_ = true;  ///< until it is created
    std::array<std::uint16_t, kMostEntries>
        next_{};  ///< the private copy of the links: chains and the free list (packed: of buffer IDs)
    std::array<Chain, kMostEntries> chains_{};
    std::array<std::uint16_t, kMostEntries> table_stack_{};
};

}  // namespace tb::virtio
