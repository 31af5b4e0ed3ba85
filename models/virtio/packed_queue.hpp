// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "models/virtio/chain.hpp"
#include "models/virtio/transport.hpp"

namespace tb::model::virtio {

/// The device's side of a packed virtqueue (VIRTIO 1.2 §2.8), as QEMU 7.2 has it. Every access to the ring is
/// a DMA transfer. What is wrong in a chain is told to the transport: `fail` where QEMU gives the device up,
/// or itself, a finding where it goes on.
class PackedQueue {
  public:
    PackedQueue(Transport& transport, unsigned index, std::uint16_t offered_size)
        : transport_(&transport), index_(index), offered_(offered_size), size_(offered_size) {}

    // The transport's part.

    /// Any size up to 1024 (§2.8.10.1): others are ignored, as in QEMU.
    void set_size(unsigned size);
    /// Where the ring and the event suppression structures are; usable once remap() has found them so.
    void set_rings(std::uint64_t descriptors, std::uint64_t driver, std::uint64_t device);
    void remap();
    void reset();

    // The device's part: see SplitQueue.

    bool empty();
    std::optional<Chain> pop();
    void push(const Chain& chain, std::uint32_t written);
    void push_together(std::span<const Filled> filled);
    void drop(const Chain& chain);
    /// Goes back by one descriptor, however many the chain had: so does QEMU.
    void unpop(const Chain& chain);
    bool has_room_for(std::uint64_t bytes);
    /// Whether the driver wants to be interrupted for what was pushed since it was last asked (§2.8.10).
    bool wants_interrupt();
    void set_notification(bool on);
    bool notification() const { return notification_; }
    /// Descriptors of chains popped and not yet pushed.
    std::uint32_t in_use() const { return in_use_; }

  private:
    struct Descriptor {
        std::uint64_t address = 0;
        std::uint32_t length = 0;
        std::uint16_t id = 0;
        std::uint16_t flags = 0;
    };
    /// A place in the ring, and the wrap counter there (§2.8.1).
    struct Cursor {
        std::uint32_t slot = 0;
        bool wrap = true;
    };
    /// Where a descriptor list is read.
    struct Table {
        std::uint64_t address = 0;
        std::uint32_t entries = 0;
        std::uint32_t at = 0;
        bool indirect = false;
    };

    std::string name() const { return "queue " + std::to_string(index_); }
    void fail(const std::string& message);
    bool mapped() const { return mapped_size_ != 0; }
    void advance(Cursor& cursor, std::uint32_t count) const;
    std::uint16_t load_flags(std::uint64_t table, std::uint32_t at);
    Descriptor load_descriptor(std::uint64_t table, std::uint32_t at);
    /// Where an indirect table is, and its first descriptor in place of the one that names it.
    bool enter_table(Descriptor& descriptor, Table& table);
    /// The next descriptor of a list; false when there is none.
    bool next(Table& table, Descriptor& descriptor);
    bool collect(Table table, Descriptor descriptor, Chain& chain);
    void judge(const Descriptor& descriptor, bool indirect);
    void store_used(const Filled& filled, Cursor at);

    Transport* transport_;
    unsigned index_;
    unsigned offered_;
    unsigned size_;
    unsigned mapped_size_ = 0;  ///< the size that the parts were checked for; 0: not usable
    std::uint64_t descriptors_ = 0;
    std::uint64_t driver_ = 0;  ///< driver event suppression
    std::uint64_t device_ = 0;  ///< device event suppression
    Cursor available_;          ///< what is taken next
    Cursor wanted_;             ///< what a doorbell is asked for with VIRTIO_F_EVENT_IDX
    Cursor used_;
    std::uint32_t signalled_ = 0;  ///< used_.slot when wants_interrupt() was last asked
    bool signalled_valid_ = false;
    bool notification_ = true;
    std::uint32_t in_use_ = 0;
};

}  // namespace tb::model::virtio
