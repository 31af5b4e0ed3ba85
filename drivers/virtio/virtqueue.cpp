// SPDX-License-Identifier: BSD-3-Clause
#include "virtio/virtqueue.hpp"

namespace tb::virtio {
namespace {

using hal::Error;

/// The rings are a device's to write and a driver's to read: apart by a cache line.
constexpr std::uint32_t kCacheLine = 64;
constexpr std::uint32_t kPage = 4096;

constexpr std::uint32_t align_up(std::uint32_t value, std::uint32_t alignment) {
    return (value + alignment - 1) & ~(alignment - 1);
}

}  // namespace

hal::Status Virtqueue::create(const hal::Platform& platform, std::uint16_t entries, const Options& options) {
    if (entries == 0 || entries > kMostEntries) return Error::kInvalidArgument;
    if (!options.packed && (entries & (entries - 1)) != 0) return Error::kInvalidArgument;
    if (options.indirect_tables > kMostEntries) return Error::kInvalidArgument;
    destroy();
    platform_ = platform;
    entries_ = entries;
    event_idx_ = options.event_idx;
    packed_ = options.packed;
    avail_ = align_up(entries * ring::kDescBytes, kCacheLine);
    // Behind a multiple of 8 by what is before its elements: so that each of them, 8 bytes, is one aligned
    // load.
    used_ =
        align_up(avail_ + ring::avail_bytes(entries), kCacheLine) + ring::kUsedElementBytes - ring::kEntries;
    if (packed_) used_ = avail_ + kCacheLine;
    const std::uint32_t used_bytes = packed_ ? packed::kEventBytes : ring::used_bytes(entries);
    const hal::Result<hal::DmaMemory> memory =
        platform.allocate_dma(align_up(used_ + used_bytes, kCacheLine), kPage);
    if (!memory) return memory.error();
    memory_ = *memory;
    table_entries_ = 0;
    free_tables_ = 0;
    if (options.indirect_tables != 0 && options.indirect_entries != 0) {
        const hal::Result<hal::DmaMemory> tables = platform.allocate_dma(
            std::uint32_t{options.indirect_tables} * options.indirect_entries * ring::kDescBytes, kPage);
        if (!tables) {
            destroy();
            return tables.error();
        }
        tables_ = *tables;
        table_entries_ = options.indirect_entries;
        free_tables_ = options.indirect_tables;
        for (std::uint16_t i = 0; i < free_tables_; ++i)
            table_stack_[i] = static_cast<std::uint16_t>(free_tables_ - 1 - i);
    }
    avail_idx_ = last_used_ = used_seen_ = added_ = in_flight_ = 0;
    avail_wrap_ = used_wrap_ = true;
    free_head_ = 0;
    free_count_ = entries;
    interrupts_on_ = true;
    broken_ = false;
    for (std::uint16_t i = 0; i < entries; ++i) {
        next_[i] = static_cast<std::uint16_t>(i + 1);
        chains_[i] = {};
    }
    return {};
}

void Virtqueue::destroy() {
    platform_.free_dma(memory_);
    platform_.free_dma(tables_);
    doorbell_ = {};
    entries_ = 0;
    in_flight_ = 0;
    free_count_ = 0;
    added_ = 0;
    broken_ = true;
}

void Virtqueue::write_descriptor(hal::DmaMemory& where, std::uint32_t index, const Segment& segment,
                                 std::uint16_t flags, std::uint16_t next) {
    const std::uint32_t at = index * ring::kDescBytes;
    where.cell<std::uint64_t>(at).store(segment.address);
    where.cell<std::uint64_t>(at + 8).store(std::uint64_t{segment.bytes} | std::uint64_t{flags} << 32 |
                                            std::uint64_t{next} << 48);
}

std::uint16_t Virtqueue::write_direct(std::span<const Segment> readable, std::span<const Segment> writable) {
    const std::uint16_t head = free_head_;
    const std::size_t count = readable.size() + writable.size();
    std::uint16_t at = head;
    for (std::size_t i = 0; i < count; ++i) {
        const bool writes = i >= readable.size();
        const bool last = i + 1 == count;
        const auto flags =
            static_cast<std::uint16_t>((writes ? ring::kDescWrite : 0) | (last ? 0 : ring::kDescNext));
        write_descriptor(memory_, at, writes ? writable[i - readable.size()] : readable[i], flags,
                         last ? std::uint16_t{0} : next_[at]);
        at = next_[at];
    }
    free_head_ = at;
    free_count_ = static_cast<std::uint16_t>(free_count_ - count);
    chains_[head].descriptors = static_cast<std::uint16_t>(count);
    chains_[head].table = kNoTable;
    return head;
}

std::uint16_t Virtqueue::write_indirect(std::span<const Segment> readable,
                                        std::span<const Segment> writable) {
    const std::uint16_t table = table_stack_[--free_tables_];
    const std::uint32_t first = std::uint32_t{table} * table_entries_;
    const std::size_t count = readable.size() + writable.size();
    for (std::size_t i = 0; i < count; ++i) {
        const bool writes = i >= readable.size();
        const bool last = i + 1 == count;
        const auto flags =
            static_cast<std::uint16_t>((writes ? ring::kDescWrite : 0) | (last ? 0 : ring::kDescNext));
        write_descriptor(tables_, first + static_cast<std::uint32_t>(i),
                         writes ? writable[i - readable.size()] : readable[i], flags,
                         last ? std::uint16_t{0} : static_cast<std::uint16_t>(i + 1));
    }
    const std::uint16_t head = free_head_;
    free_head_ = next_[head];
    --free_count_;
    const Segment whole{tables_.device_address() + std::uint64_t{first} * ring::kDescBytes,
                        static_cast<std::uint32_t>(count) * ring::kDescBytes};
    // The write flag of a descriptor that refers to a table says nothing (§2.7.5.3.2).
    write_descriptor(memory_, head, whole, ring::kDescIndirect, 0);
    chains_[head].descriptors = 1;
    chains_[head].table = table;
    return head;
}

hal::Status Virtqueue::add(std::span<const Segment> readable, std::span<const Segment> writable,
                           std::uint16_t cookie) {
    if (broken_) return Error::kProtocol;
    const std::size_t count = readable.size() + writable.size();
    if (count == 0) return Error::kInvalidArgument;
    if (count > entries_) return Error::kOutOfRange;
    std::uint64_t readable_bytes = 0;
    std::uint64_t writable_bytes = 0;
    for (const Segment& segment : readable) {
        if (segment.bytes == 0) return Error::kInvalidArgument;
        readable_bytes += segment.bytes;
    }
    for (const Segment& segment : writable) {
        if (segment.bytes == 0) return Error::kInvalidArgument;
        writable_bytes += segment.bytes;
    }
    if (readable_bytes + writable_bytes > 0xffff'ffff) return Error::kInvalidArgument;

    const bool indirect = count > 1 && count <= table_entries_ && free_tables_ != 0;
    if (free_count_ < (indirect ? 1 : count)) return Error::kBusy;
    if (packed_) {
        const std::uint16_t id = packed_add(readable, writable, indirect);
        chains_[id].writable_bytes = static_cast<std::uint32_t>(writable_bytes);
        chains_[id].cookie = cookie;
        return {};
    }
    const std::uint16_t head =
        indirect ? write_indirect(readable, writable) : write_direct(readable, writable);
    chains_[head].writable_bytes = static_cast<std::uint32_t>(writable_bytes);
    chains_[head].cookie = cookie;

    memory_.cell<std::uint16_t>(avail_ + ring::kEntries + 2u * (avail_idx_ & (entries_ - 1u))).store(head);
    ++avail_idx_;
    ++added_;
    ++in_flight_;
    // §2.7.13.3.1: the index is published after the entry and the descriptors.
    memory_.cell<std::uint16_t>(avail_ + ring::kIdx).store_release(avail_idx_);
    return {};
}

bool Virtqueue::kick() {
    if (added_ == 0 || broken_) return false;
    const std::uint16_t added = added_;
    const auto before = static_cast<std::uint16_t>(avail_idx_ - added_);
    added_ = 0;
    // §2.7.13.4.1: the device must see the index before we look whether it wants to hear of it, or both sides
    // may wait for each other. Only a full barrier orders a store before a load.
    platform_.barrier(hal::Barrier::kFull);
    bool wanted = false;
    if (packed_) {
        wanted = packed_wants_kick(added);
    } else if (event_idx_) {
        const std::uint16_t event = memory_.cell<std::uint16_t>(used_ + ring::avail_event(entries_)).load();
        wanted = ring::need_event(event, avail_idx_, before);
    } else {
        wanted = (memory_.cell<std::uint16_t>(used_ + ring::kFlags).load() & ring::kUsedNoNotify) == 0;
    }
    if (wanted) doorbell_.write<std::uint16_t>(0, index_);
    return wanted;
}

hal::Result<Used> Virtqueue::pop() {
    if (broken_) return Error::kProtocol;
    if (packed_) return packed_pop();
    if (last_used_ == used_seen_) {
        used_seen_ = index_of_device();
        const auto ahead = static_cast<std::uint16_t>(used_seen_ - last_used_);
        if (ahead == 0) return Error::kBusy;
        // Forward by more than was asked for, or backward: neither is believed.
        if (ahead > in_flight_) return break_queue();
    }
    const std::uint64_t element =
        memory_
            .cell<std::uint64_t>(used_ + ring::kEntries +
                                 ring::kUsedElementBytes * (last_used_ & (entries_ - 1u)))
            .load();
    // The whole 32 bits are compared: an id of 0x10003 is not descriptor 3.
    const auto id = static_cast<std::uint32_t>(element);
    const auto bytes = static_cast<std::uint32_t>(element >> 32);
    if (id >= entries_) return break_queue();
    const auto head = static_cast<std::uint16_t>(id);
    const Chain& chain = chains_[head];
    if (chain.descriptors == 0 || bytes > chain.writable_bytes) return break_queue();
    const Used used{chain.cookie, bytes};
    release(head);
    ++last_used_;
    --in_flight_;
    return used;
}

void Virtqueue::release(std::uint16_t head) {
    Chain& chain = chains_[head];
    if (chain.table != kNoTable) table_stack_[free_tables_++] = chain.table;
    std::uint16_t tail = head;
    for (std::uint16_t i = 1; i < chain.descriptors; ++i) tail = next_[tail];
    next_[tail] = free_head_;
    free_head_ = head;
    free_count_ = static_cast<std::uint16_t>(free_count_ + chain.descriptors);
    chain.descriptors = 0;
}

hal::Error Virtqueue::break_queue() {
    broken_ = true;
    return Error::kProtocol;
}

void Virtqueue::disable_interrupts() {
    if (broken_ || !interrupts_on_) return;
    interrupts_on_ = false;
    if (packed_) return packed_ask(false);
    // With event indices the flag stays 0 (§2.7.7.1), and an index that lies behind is not passed before
    // 65536 more buffers were used: then an interrupt comes that nobody needs, which a driver must bear
    // anyway.
    if (event_idx_)
        memory_.cell<std::uint16_t>(avail_ + ring::used_event(entries_))
            .store(static_cast<std::uint16_t>(last_used_ - 1));
    else
        memory_.cell<std::uint16_t>(avail_ + ring::kFlags).store(ring::kAvailNoInterrupt);
}

bool Virtqueue::enable_interrupts() {
    if (broken_) return false;
    if (packed_)
        packed_ask(true);
    else if (event_idx_)
        memory_.cell<std::uint16_t>(avail_ + ring::used_event(entries_)).store(last_used_);
    else if (!interrupts_on_)
        memory_.cell<std::uint16_t>(avail_ + ring::kFlags).store(0);
    interrupts_on_ = true;
    // What the device used before it saw this makes no interrupt: asked for once more, behind the store.
    platform_.barrier(hal::Barrier::kFull);
    return has_used();
}

}  // namespace tb::virtio
