// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "models/virtio/chain.hpp"
#include "models/virtio/transport.hpp"

namespace tb::model::virtio {

/// The device's side of a split virtqueue (VIRTIO 1.2 §2.7). Every access to the rings is a DMA transfer.
/// What is wrong in a chain is told to the transport: `fail` where QEMU gives the device up, a finding where
/// it goes on.
class SplitQueue {
  public:
    SplitQueue(Transport& transport, unsigned index, std::uint16_t offered_size)
        : transport_(&transport), index_(index), offered_(offered_size), size_(offered_size) {}

    unsigned index() const { return index_; }

    // The transport's part.

    unsigned size() const { return size_; }
    /// Sizes of 0 or above 1024 are ignored, as in QEMU, which accepts others than powers of two.
    void set_size(unsigned size);
    /// Where the rings are; usable once remap() has found them so.
    void set_rings(std::uint64_t descriptors, std::uint64_t driver, std::uint64_t device);
    /// Checks the ring addresses anew, as QEMU does when the features that the layout depends on change.
    void remap();
    bool has_rings() const { return descriptors_ != 0; }
    void reset();

    // The device's part.

    bool empty();
    /// The next available chain; none when there is none, or when it was malformed (the device then failed).
    std::optional<Chain> pop();
    /// Returns a chain: `written` bytes of its writable part hold data (§2.7.8).
    void push(const Chain& chain, std::uint32_t written);
    /// Returns several chains at once: the driver sees none of them before all (§5.1.6.4.1).
    void push_together(std::span<const Filled> filled);
    /// Lets go of a chain without returning it to the driver.
    void drop(const Chain& chain);
    /// As if the chain that was popped last never had been.
    void unpop(const Chain& chain);
    /// Whether the available chains have `bytes` in their writable parts together.
    bool has_room_for(std::uint64_t bytes);
    /// Whether the driver wants to be interrupted for what was pushed since it was last asked (§2.7.7).
    bool wants_interrupt();
    /// Asks the driver for doorbells, or for none, in the ring (§2.7.10).
    void set_notification(bool on);
    bool notification() const { return notification_; }
    /// Chains popped and not yet pushed.
    std::uint32_t in_use() const { return in_use_; }

  private:
    struct Descriptor {
        std::uint64_t address = 0;
        std::uint32_t length = 0;
        std::uint16_t flags = 0;
        std::uint16_t next = 0;
    };
    static_assert(sizeof(Descriptor) == 16);

    std::string name() const { return "queue " + std::to_string(index_); }
    void fail(const std::string& message);
    std::uint16_t load_driver(std::uint64_t offset);
    std::uint16_t available_index();
    Descriptor load_descriptor(std::uint64_t table, unsigned at);
    bool map_descriptor(const Descriptor& descriptor, Chain& chain);
    std::optional<std::uint64_t> writable_bytes(std::uint16_t head);
    /// Follows a chain from its first descriptor on; each is fetched once, so that it cannot change under the
    /// checks.
    bool collect(std::uint64_t table, Descriptor descriptor, unsigned entries, bool indirect, Chain& chain);
    bool mapped() const { return mapped_size_ != 0; }

    Transport* transport_;
    unsigned index_;
    unsigned offered_;
    unsigned size_;
    unsigned mapped_size_ = 0;  ///< the size that the rings were checked for; 0: not usable
    std::uint64_t descriptors_ = 0;
    std::uint64_t driver_ = 0;  ///< the available ring
    std::uint64_t device_ = 0;  ///< the used ring
    std::uint16_t next_available_ = 0;
    std::uint16_t seen_available_ = 0;
    std::uint16_t used_index_ = 0;
    std::uint16_t signalled_ = 0;  ///< used_index_ when wants_interrupt() was last asked
    bool signalled_valid_ = false;
    bool notification_ = true;
    std::uint32_t in_use_ = 0;
};

}  // namespace tb::model::virtio
