// SPDX-License-Identifier: BSD-3-Clause
// Packed rings: VIRTIO 1.2 §2.8.
#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "harness/rules/virtio_book.hpp"
#include "virtio/virtio_regs.hpp"

namespace tb::rules {

using namespace virtio;

namespace {

constexpr unsigned kIndirectDesc = 28;
constexpr unsigned kEventIdx = 29;
constexpr unsigned kRingPacked = 34;

/// Whether [address, address + width) has all of `bytes` at `base`.
constexpr bool covers(std::uint64_t address, unsigned width, std::uint64_t base, unsigned bytes) {
    return address <= base && base + bytes <= address + width;
}
constexpr std::uint16_t half(std::uint64_t value, std::uint64_t from, std::uint64_t at) {
    return static_cast<std::uint16_t>(value >> (8 * (at - from)));
}

}  // namespace

bool VirtioBook::packed() const {
    return negotiated(kRingPacked);
}

std::uint64_t VirtioBook::driver_bytes(const Queue& queue) const {
    return packed() ? packed::kEventBytes : ring::avail_bytes(queue.size);
}

std::uint64_t VirtioBook::device_bytes(const Queue& queue) const {
    return packed() ? packed::kEventBytes : ring::used_bytes(queue.size);
}

void VirtioBook::advance(const Queue& queue, Cursor& cursor, std::uint32_t count) {
    cursor.slot += count;
    if (cursor.slot < queue.size) return;
    cursor.slot -= queue.size;
    cursor.wrap = !cursor.wrap;
}

VirtioBook::PackedDescriptor VirtioBook::packed_descriptor(const Queue& queue, std::uint32_t slot,
                                                           const Pending& pending) const {
    PackedDescriptor d{};
    static_assert(sizeof d == ring::kDescBytes);
    const auto memory = court().memory();
    const std::uint64_t at = queue.desc + std::uint64_t{slot} * ring::kDescBytes;
    if (at > memory.size() || memory.size() - at < sizeof d) return d;
    std::array<std::byte, sizeof d> bytes{};
    std::memcpy(bytes.data(), memory.data() + at, bytes.size());
    for (unsigned i = 0; i < pending.width; ++i)
        if (pending.address + i - at < bytes.size())
            bytes[pending.address + i - at] = static_cast<std::byte>(pending.value >> (8 * i));
    std::memcpy(&d, bytes.data(), sizeof d);
    return d;
}

// What the driver stores.

void VirtioBook::packed_store(Queue& queue, const Pending& store, hal::MemoryOrder order) {
    const std::uint64_t bytes = std::uint64_t{queue.size} * ring::kDescBytes;
    if (overlaps(store.address, store.width, queue.used, packed::kEventBytes))
        return breaks(
            "virtio.used.written",
            fmt::format("the driver stores to its device event suppression at {:#x}", store.address));
    if (overlaps(store.address, store.width, queue.avail, packed::kEventBytes))
        return packed_suppress(queue, store);
    if (is_live(queue)) {
        for (const auto& [id, chain] : queue.exposed)
            if (chain.table_bytes != 0 &&
                overlaps(store.address, store.width, chain.table, chain.table_bytes))
                return breaks("virtio.queue.altered",
                              fmt::format("{:#x} is stored to, where the exposed buffer {} is described",
                                          store.address, id));
    }
    if (!overlaps(store.address, store.width, queue.desc, bytes)) {
        queue.unordered = true;
        return;
    }
    const auto slot = static_cast<std::uint32_t>((store.address - queue.desc) / ring::kDescBytes);
    // The device's are those from the next to be used on, as many as are lent.
    if (is_live(queue) && (slot + queue.size - queue.next_used.slot) % queue.size < queue.lent)
        return breaks("virtio.queue.altered",
                      fmt::format("descriptor {} is stored to, which is the device's", slot));
    const std::uint64_t flags =
        queue.desc + std::uint64_t{queue.next_avail.slot} * ring::kDescBytes + packed::kFlags;
    const bool head = covers(store.address, store.width, flags, 2) &&
                      packed::is_available(half(store.value, store.address, flags), queue.next_avail.wrap);
    if (!head) {
        queue.unordered = true;
        return;
    }
    if (queue.unordered && order != hal::MemoryOrder::kRelease)
        breaks("virtio.packed.unordered",
               "a descriptor is made available without a barrier behind what it describes");
    queue.unordered = false;
    queue.idx_unfenced = queue.idx_unordered = true;
    queue.looked = false;
    // Lists behind this one may be complete, and waited for it.
    while (packed_expose(queue, store)) {
    }
}

void VirtioBook::packed_suppress(Queue& queue, const Pending& store) {
    const std::uint64_t at = queue.avail + packed::kEventFlags;
    if (!covers(store.address, store.width, at, 2)) return;
    const std::uint16_t flags = half(store.value, store.address, at);
    if (flags > packed::kEventForDesc || (flags == packed::kEventForDesc && !negotiated(kEventIdx)))
        breaks("virtio.packed.event-flags",
               fmt::format("the driver event suppression's flags are set to {:#x}", flags));
    ask(queue, flags != packed::kEventDisable);
}

/// Takes note of the next list if it is available; whether it was, and the next one may be.
bool VirtioBook::packed_expose(Queue& queue, const Pending& pending) {
    const Cursor first = queue.next_avail;
    if (!packed::is_available(packed_descriptor(queue, first.slot, pending).flags, first.wrap)) return false;
    Chain chain;
    std::uint16_t id = 0;
    const bool well_formed = packed_walk(queue, pending, chain, id);
    const auto count = static_cast<std::uint16_t>(chain.descriptors.size());
    if (queue.lent + count > queue.size) {
        breaks("virtio.packed.overrun",
               fmt::format("a list of {} descriptors is made available, and {} are free", count,
                           queue.size - queue.lent));
        return false;
    }
    advance(queue, queue.next_avail, count);
    queue.lent = static_cast<std::uint16_t>(queue.lent + count);
    queue.avail_idx = static_cast<std::uint16_t>(queue.avail_idx + count);
    if (well_formed && chain.sound) request(queue.number, chain.pieces);
    if (queue.exposed.contains(id))
        breaks("virtio.chain.reused", fmt::format("buffer ID {} is given again while the device has it", id));
    queue.exposed[id] = std::move(chain);
    return well_formed;
}

bool VirtioBook::packed_walk(const Queue& queue, const Pending& pending, Chain& chain, std::uint16_t& id) {
    Cursor at = queue.next_avail;
    for (std::uint32_t count = 0; count < queue.size; ++count) {
        const PackedDescriptor d = packed_descriptor(queue, at.slot, pending);
        chain.descriptors.push_back(static_cast<std::uint16_t>(at.slot));
        id = d.id;
        if (queue.lent + chain.descriptors.size() > queue.size) return false;
        if (!packed::is_available(d.flags, at.wrap)) {
            breaks("virtio.packed.head-first",
                   fmt::format("a list is made available before its descriptor {}", at.slot));
            return false;
        }
        if ((d.flags & ring::kDescIndirect) != 0) {
            if (!negotiated(kIndirectDesc))
                breaks("virtio.indirect.not-negotiated", "an indirect table without VIRTIO_F_INDIRECT_DESC");
            if ((d.flags & ring::kDescNext) != 0 || count != 0) {
                breaks("virtio.indirect.with-next", "INDIRECT and NEXT are set together");
                return false;
            }
            chain.table = d.address;
            chain.table_bytes = d.bytes;
            return packed_table(chain);
        }
        add_piece(chain, {d.address, d.bytes, (d.flags & ring::kDescWrite) != 0});
        if ((d.flags & ring::kDescNext) == 0) return true;
        advance(queue, at, 1);
    }
    breaks("virtio.chain.longer-than-queue", fmt::format("a list has more than {} descriptors", queue.size));
    return false;
}

bool VirtioBook::packed_table(Chain& chain) {
    const std::uint32_t entries = chain.table_bytes / ring::kDescBytes;
    if (!is_table(chain)) return false;
    const auto memory = court().memory();
    for (std::uint32_t i = 0; i < entries; ++i) {
        PackedDescriptor d{};
        std::memcpy(&d, memory.data() + chain.table + std::uint64_t{i} * sizeof d, sizeof d);
        if ((d.flags & ~ring::kDescWrite) != 0)
            breaks("virtio.packed.table-flags",
                   fmt::format("entry {} of an indirect table has the flags {:#x}", i, d.flags));
        add_piece(chain, {d.address, d.bytes, (d.flags & ring::kDescWrite) != 0});
    }
    return true;
}

// What it loads.

void VirtioBook::packed_load(Queue& queue, std::uint64_t address, unsigned width, std::uint64_t value,
                             hal::MemoryOrder order) {
    if (covers(address, width, queue.used + packed::kEventFlags, 2)) {
        const unsigned flags =
            half(value, address, queue.used + packed::kEventFlags) & packed::kEventFlagsMask;
        const auto desc = address == queue.used ? static_cast<std::uint16_t>(value)
                                                : static_cast<std::uint16_t>(memory_at(queue.used, 2));
        const auto since = static_cast<std::uint16_t>(queue.avail_idx - queue.told_idx);
        const auto next = static_cast<std::uint16_t>(queue.next_avail.slot);
        const bool named = flags == packed::kEventForDesc && negotiated(kEventIdx);
        return look(queue,
                    flags != packed::kEventDisable &&
                        (!named || packed::need_event(desc, queue.size, next, queue.next_avail.wrap, since)));
    }
    const std::uint64_t slot = queue.desc + std::uint64_t{queue.next_used.slot} * ring::kDescBytes;
    const bool has_flags = covers(address, width, slot + packed::kFlags, 2);
    const bool has_id = covers(address, width, slot + packed::kId, 2);
    const bool has_len = overlaps(address, width, slot + packed::kLen, 4);
    if (has_flags) {
        queue.used_flagged =
            packed::is_used(half(value, address, slot + packed::kFlags), queue.next_used.wrap);
        queue.used_unfenced = order != hal::MemoryOrder::kAcquire && !has_id;
        queue.asked = false;
    }
    if (!has_id && !has_len) return;
    if (!queue.used_flagged) {
        // The length may be read behind the ID, with which the place has moved on: over a whole lap even.
        if (!has_flags && has_id)
            breaks("virtio.used.ahead", "a descriptor is read that was not seen to be used");
        return;
    }
    if (queue.used_unfenced)
        breaks("virtio.used.unordered", "a used descriptor is read without a barrier behind its flags");
    if (!has_id) return;
    if (queue.lent == 0)
        return breaks("virtio.used.beyond",
                      "a used descriptor is read though all that was made available has come back");
    packed_take(queue, half(value, address, slot + packed::kId));
}

void VirtioBook::packed_take(Queue& queue, std::uint16_t id) {
    const auto found = queue.exposed.find(id);
    if (found == queue.exposed.end()) return;
    const auto count = static_cast<std::uint16_t>(found->second.descriptors.size());
    queue.exposed.erase(found);
    queue.lent = static_cast<std::uint16_t>(queue.lent - std::min(queue.lent, count));
    advance(queue, queue.next_used, count);
    queue.used_flagged = false;
}

}  // namespace tb::rules
