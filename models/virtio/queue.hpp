// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <span>

#include "models/virtio/packed_queue.hpp"
#include "models/virtio/split_queue.hpp"
#include "models/virtio/virtio_regs.hpp"

namespace tb::model::virtio {

/// The device's side of a virtqueue: split or packed, as was negotiated.
class Queue {
  public:
    static constexpr unsigned kMaxSize = kMostDescriptors;

    Queue(Transport& transport, unsigned index, std::uint16_t offered_size)
        : transport_(&transport),
          split_(transport, index, offered_size),
          packed_(transport, index, offered_size) {}

    unsigned index() const { return split_.index(); }

    // The transport's part. Both kinds hear of size and place: which of them it is, features say that may yet
    // change.

    unsigned size() const { return split_.size(); }
    void set_size(unsigned size) {
        split_.set_size(size);
        packed_.set_size(size);
    }
    void set_rings(std::uint64_t descriptors, std::uint64_t driver, std::uint64_t device) {
        split_.set_rings(descriptors, driver, device);
        packed_.set_rings(descriptors, driver, device);
        remap();
    }
    void remap() { packed() ? packed_.remap() : split_.remap(); }
    bool has_rings() const { return split_.has_rings(); }
    void reset() {
        split_.reset();
        packed_.reset();
    }

    // The device's part: see SplitQueue.

    bool empty() { return packed() ? packed_.empty() : split_.empty(); }
    std::optional<Chain> pop() { return packed() ? packed_.pop() : split_.pop(); }
    void push(const Chain& chain, std::uint32_t written) {
        packed() ? packed_.push(chain, written) : split_.push(chain, written);
    }
    void push_together(std::span<const Filled> filled) {
        packed() ? packed_.push_together(filled) : split_.push_together(filled);
    }
    void drop(const Chain& chain) { packed() ? packed_.drop(chain) : split_.drop(chain); }
    void unpop(const Chain& chain) { packed() ? packed_.unpop(chain) : split_.unpop(chain); }
    bool has_room_for(std::uint64_t bytes) {
        return packed() ? packed_.has_room_for(bytes) : split_.has_room_for(bytes);
    }
    bool wants_interrupt() { return packed() ? packed_.wants_interrupt() : split_.wants_interrupt(); }
    void set_notification(bool on) { packed() ? packed_.set_notification(on) : split_.set_notification(on); }
    bool notification() const { return packed() ? packed_.notification() : split_.notification(); }
    /// Chains popped and not yet pushed; of a packed queue their descriptors.
    std::uint32_t in_use() const { return packed() ? packed_.in_use() : split_.in_use(); }

  private:
    bool packed() const { return transport_->negotiated(kFeatureRingPacked); }

    Transport* transport_;
    SplitQueue split_;
    PackedQueue packed_;
};

}  // namespace tb::model::virtio
