// SPDX-License-Identifier: BSD-3-Clause
// The packed ring (VIRTIO 1.2 §2.8): one ring of descriptors that the driver makes available and the device
// overwrites with used ones. Which is which, the flags AVAIL and USED say, compared with a wrap counter that
// changes with each lap.
#include "virtio/virtqueue.hpp"

namespace tb::virtio {

using hal::Error;

void Virtqueue::packed_advance(std::uint16_t& slot, bool& wrap, std::uint16_t count) const {
    slot = static_cast<std::uint16_t>(slot + count);
    if (slot < entries_) return;
    slot = static_cast<std::uint16_t>(slot - entries_);
    wrap = !wrap;
}

void Virtqueue::packed_write_descriptor(hal::DmaMemory& where, std::uint32_t index, const Segment& segment,
                                        std::uint16_t id, std::uint16_t flags, bool publish) {
    const std::uint32_t at = index * ring::kDescBytes;
    where.cell<std::uint64_t>(at).store(segment.address);
    // Length, ID and flags are one store: none of them is seen without the others.
    const std::uint64_t rest =
        std::uint64_t{segment.bytes} | std::uint64_t{id} << 32 | std::uint64_t{flags} << 48;
    hal::DmaCell<std::uint64_t> cell = where.cell<std::uint64_t>(at + packed::kLen);
    if (publish)
        cell.store_release(rest);
    else
        cell.store(rest);
}

/// In a table no descriptor has a flag but WRITE, and the order in the table is that of the list (§2.8.19).
Segment Virtqueue::packed_write_table(std::span<const Segment> readable, std::span<const Segment> writable,
                                      std::uint16_t table) {
    const std::uint32_t first = std::uint32_t{table} * table_entries_;
    const std::size_t count = readable.size() + writable.size();
    for (std::size_t i = 0; i < count; ++i) {
        const bool writes = i >= readable.size();
        packed_write_descriptor(tables_, first + static_cast<std::uint32_t>(i),
                                writes ? writable[i - readable.size()] : readable[i], 0,
                                writes ? ring::kDescWrite : std::uint16_t{0}, false);
    }
    return {tables_.device_address() + std::uint64_t{first} * ring::kDescBytes,
            static_cast<std::uint32_t>(count) * ring::kDescBytes};
}

std::uint16_t Virtqueue::packed_add(std::span<const Segment> readable, std::span<const Segment> writable,
                                    bool indirect) {
    // There are as many IDs as descriptors, so that one is free where a descriptor is.
    const std::uint16_t id = free_head_;
    free_head_ = next_[id];
    Chain& chain = chains_[id];
    chain.table = indirect ? table_stack_[--free_tables_] : kNoTable;

    const std::uint16_t first = avail_idx_;
    const bool first_wrap = avail_wrap_;
    const auto flags_of = [](bool wrap, unsigned others) {
        return static_cast<std::uint16_t>(others | (wrap ? packed::kDescAvail : packed::kDescUsed));
    };
    Segment head{};
    unsigned head_flags = 0;
    std::size_t count = 1;
    if (indirect) {
        head = packed_write_table(readable, writable, chain.table);
        head_flags = ring::kDescIndirect;
    } else {
        count = readable.size() + writable.size();
        head = readable.empty() ? writable[0] : readable[0];
        head_flags = (readable.empty() ? ring::kDescWrite : 0U) | (count > 1 ? ring::kDescNext : 0U);
    }
    std::uint16_t slot = first;
    bool wrap = first_wrap;
    for (std::size_t i = 1; i < count; ++i) {
        packed_advance(slot, wrap, 1);
        const bool writes = i >= readable.size();
        const unsigned others =
            (writes ? ring::kDescWrite : 0U) | (i + 1 == count ? 0U : unsigned{ring::kDescNext});
        packed_write_descriptor(memory_, slot, writes ? writable[i - readable.size()] : readable[i], id,
                                flags_of(wrap, others), false);
    }
    // §2.8.17, §2.8.21.1: the first one last, behind all others: with it the device may begin.
    packed_write_descriptor(memory_, first, head, id, flags_of(first_wrap, head_flags), true);

    chain.descriptors = static_cast<std::uint16_t>(count);
    packed_advance(avail_idx_, avail_wrap_, chain.descriptors);
    free_count_ = static_cast<std::uint16_t>(free_count_ - count);
    added_ = static_cast<std::uint16_t>(added_ + count);
    ++in_flight_;
    return id;
}

bool Virtqueue::packed_wants_kick(std::uint16_t added) {
    // Both halves in one load: an offset that belongs to other flags would mean nothing.
    const auto event = memory_.cell<std::uint32_t>(used_).load();
    const auto desc = static_cast<std::uint16_t>(event);
    const auto flags = static_cast<std::uint16_t>(event >> 16 & packed::kEventFlagsMask);
    if (flags == packed::kEventDisable) return false;
    // What the flags may not say (§2.8.10) is taken for "notify": one too many does no harm.
    if (flags != packed::kEventForDesc || !event_idx_) return true;
    return packed::need_event(desc, entries_, avail_idx_, avail_wrap_, added);
}

bool Virtqueue::packed_has_used() const {
    const std::uint32_t at = last_used_ * ring::kDescBytes + packed::kFlags;
    return packed::is_used(memory_.cell<std::uint16_t>(at).load_acquire(), used_wrap_);
}

hal::Result<Used> Virtqueue::packed_pop() {
    const std::uint32_t at = last_used_ * ring::kDescBytes;
    const auto flags = memory_.cell<std::uint16_t>(at + packed::kFlags).load_acquire();
    if (!packed::is_used(flags, used_wrap_)) {
        // Where something is in flight the slot holds what the driver put there, until it is used.
        if (in_flight_ != 0 && !packed::is_available(flags, used_wrap_)) return break_queue();
        return Error::kBusy;
    }
    if (in_flight_ == 0) return break_queue();
    const auto id = memory_.cell<std::uint16_t>(at + packed::kId).load();
    auto bytes = memory_.cell<std::uint32_t>(at + packed::kLen).load();
    if (id >= entries_) return break_queue();
    const Chain& chain = chains_[id];
    if (chain.descriptors == 0) return break_queue();
    // Without WRITE the length is reserved (§2.8.4), yet there are devices, QEMU's among them, that never set
    // the flag and do write the length. So it is ignored only where the device had nothing to write to.
    if (chain.writable_bytes == 0 && (flags & ring::kDescWrite) == 0) bytes = 0;
    if (bytes > chain.writable_bytes) return break_queue();
    const Used used{chain.cookie, bytes};
    const std::uint16_t descriptors = chain.descriptors;
    if (chain.table != kNoTable) table_stack_[free_tables_++] = chain.table;
    chains_[id].descriptors = 0;
    next_[id] = free_head_;
    free_head_ = id;
    free_count_ = static_cast<std::uint16_t>(free_count_ + descriptors);
    // The device skips as many slots as the buffer had (§2.8.6), whichever buffer it is.
    packed_advance(last_used_, used_wrap_, descriptors);
    --in_flight_;
    return used;
}

void Virtqueue::packed_ask(bool interrupts) {
    // In one store: the device never sees the flags of one request with the offset of another.
    std::uint32_t event = packed::kEventDisable;
    if (interrupts) event = event_idx_ ? packed::kEventForDesc : packed::kEventEnable;
    const std::uint32_t desc = last_used_ | (used_wrap_ ? packed::kEventWrap : 0U);
    memory_.cell<std::uint32_t>(avail_).store(event << 16 | (event_idx_ ? desc : 0U));
}

}  // namespace tb::virtio
