// SPDX-License-Identifier: BSD-3-Clause
// Rings and chains: VIRTIO 1.2 §2.6, §2.7.
#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "harness/rules/virtio_book.hpp"
#include "virtio/virtio_regs.hpp"

namespace tb::rules {

using namespace virtio;

namespace {

constexpr unsigned kEventIdx = 29;
constexpr unsigned kIndirectDesc = 28;

constexpr bool inside(std::uint64_t address, std::uint64_t base, std::uint64_t bytes) {
    return address >= base && address - base < bytes;
}

struct Descriptor {
    std::uint64_t address;
    std::uint32_t bytes;
    std::uint16_t flags;
    std::uint16_t next;
};
static_assert(sizeof(Descriptor) == ring::kDescBytes);

std::optional<Descriptor> descriptor_at(std::span<const std::byte> memory, std::uint64_t address) {
    if (address > memory.size() || memory.size() - address < sizeof(Descriptor)) return std::nullopt;
    Descriptor d{};
    std::memcpy(&d, memory.data() + address, sizeof d);
    return d;
}

}  // namespace

std::uint64_t VirtioBook::memory_at(std::uint64_t address, unsigned width) const {
    const auto memory = court().memory();
    std::uint64_t value = 0;
    if (address > memory.size() || memory.size() - address < width) return 0;
    std::memcpy(&value, memory.data() + address, width);
    return value;
}

void VirtioBook::barrier(hal::Barrier kind) {
    for (auto& [number, queue] : queues_) {
        if (kind != hal::Barrier::kRead) queue.unordered = queue.idx_unordered = false;
        if (kind == hal::Barrier::kFull) queue.idx_unfenced = false;
        if (kind != hal::Barrier::kWrite) queue.used_unfenced = false;
    }
}

void VirtioBook::enable(Queue& queue) {
    queue.number = selected_;
    queue.enabled = true;
    if (queue.size == 0) queue.size = queue.offered_size;
    if (queue.desc == 0 || queue.avail == 0 || queue.used == 0)
        return breaks("virtio.queue.enabled-early", "a queue is enabled that lacks an address");
    if (queue.desc % ring::kDescAlignment != 0 ||
        queue.avail % (packed() ? packed::kEventAlignment : ring::kAvailAlignment) != 0 ||
        queue.used % ring::kUsedAlignment != 0)
        breaks("virtio.queue.alignment", fmt::format("the parts of a queue are at {:#x}, {:#x} and {:#x}",
                                                     queue.desc, queue.avail, queue.used));
    if (!court().owns(queue.desc, std::uint64_t{queue.size} * ring::kDescBytes) ||
        !court().owns(queue.avail, driver_bytes(queue)) || !court().owns(queue.used, device_bytes(queue)))
        breaks("virtio.queue.not-owned", "a part of a queue is not in the driver's memory");
    if (packed()) return;
    if (memory_at(queue.used + ring::kFlags, 2) != 0)
        breaks("virtio.used.flags", "the flags of the used ring are not 0 at first");
    queue.avail_idx = queue.told_idx = static_cast<std::uint16_t>(memory_at(queue.avail + ring::kIdx, 2));
    queue.used_heard = queue.used_taken = static_cast<std::uint16_t>(memory_at(queue.used + ring::kIdx, 2));
}

// What the driver stores.

void VirtioBook::store(std::uint64_t address, unsigned width, std::uint64_t value, hal::MemoryOrder order) {
    for (auto& [number, queue] : queues_) {
        if (!queue.enabled) continue;
        if (packed()) {
            packed_store(queue, {address, width, value}, order);
            continue;
        }
        check_altered(queue, address, width);
        store_in(queue, address, width, value, order);
    }
}

void VirtioBook::store_in(Queue& queue, std::uint64_t address, unsigned width, std::uint64_t value,
                          hal::MemoryOrder order) {
    const std::uint64_t idx = queue.avail + ring::kIdx;
    if (overlaps(address, width, queue.used, ring::used_bytes(queue.size)))
        return breaks("virtio.used.written",
                      fmt::format("the driver stores to its used ring at {:#x}", address));
    if (!overlaps(address, width, queue.avail, ring::avail_bytes(queue.size))) {
        queue.unordered = true;
        return;
    }
    if (overlaps(address, width, queue.avail + ring::kFlags, 2)) {
        const auto flags = static_cast<std::uint16_t>(value >> (8 * (queue.avail + ring::kFlags - address)));
        if (flags > 1 || (flags != 0 && negotiated(kEventIdx)))
            breaks("virtio.avail.flags",
                   fmt::format("the flags of the available ring are set to {:#x}", flags));
        ask(queue, (flags & ring::kAvailNoInterrupt) == 0);
    }
    const std::uint64_t event = queue.avail + ring::used_event(queue.size);
    if (negotiated(kEventIdx) && overlaps(address, width, event, 2)) {
        const auto from = static_cast<std::uint16_t>(value >> (8 * (event - address)));
        // One that lies behind what was taken asks for silence.
        ask(queue, static_cast<std::uint16_t>(from - queue.used_taken) < 0x8000);
    }
    if (address <= idx && idx + 2 <= address + width)
        return store_index(queue, static_cast<std::uint16_t>(value >> (8 * (idx - address))), order);
    queue.unordered = true;
}

void VirtioBook::check_altered(const Queue& queue, std::uint64_t address, unsigned width) {
    if (!is_live(queue)) return;
    for (const auto& [head, chain] : queue.exposed) {
        const auto hit = [&](std::uint64_t base, std::uint64_t bytes) {
            return overlaps(address, width, base, bytes);
        };
        const bool entry_unread = static_cast<std::uint16_t>(chain.position - queue.consumed) < queue.size;
        const bool altered =
            (entry_unread && hit(entry_of(queue, chain.position), 2)) ||
            (chain.table_bytes != 0 && hit(chain.table, chain.table_bytes)) ||
            std::any_of(chain.descriptors.begin(), chain.descriptors.end(), [&](std::uint16_t i) {
                return hit(queue.desc + std::uint64_t{i} * ring::kDescBytes, ring::kDescBytes);
            });
        if (altered)
            return breaks(
                "virtio.queue.altered",
                fmt::format("{:#x} is stored to, where the exposed chain {} is described", address, head));
    }
}

void VirtioBook::store_index(Queue& queue, std::uint16_t value, hal::MemoryOrder order) {
    if (queue.unordered && order != hal::MemoryOrder::kRelease)
        breaks("virtio.avail.unordered",
               "the available index is stored without a barrier behind the entries");
    queue.unordered = false;
    queue.idx_unfenced = queue.idx_unordered = true;
    queue.looked = false;
    const auto ahead = static_cast<std::uint16_t>(value - queue.avail_idx);
    if (ahead > queue.size)
        return breaks("virtio.avail.backwards",
                      fmt::format("the available index goes from {} to {}", queue.avail_idx, value));
    for (; queue.avail_idx != value; ++queue.avail_idx, ++queue.lent) expose(queue, queue.avail_idx);
}

void VirtioBook::take_back(Queue& queue, std::uint16_t head) {
    const auto found = queue.exposed.find(head);
    if (found == queue.exposed.end()) return;
    const auto behind = static_cast<std::uint16_t>(found->second.position + 1);
    if (static_cast<std::uint16_t>(behind - queue.consumed) <= queue.size) queue.consumed = behind;
    queue.exposed.erase(found);
}

std::uint64_t VirtioBook::entry_of(const Queue& queue, std::uint16_t position) {
    return queue.avail + ring::kEntries + 2 * std::uint64_t{position % queue.size};
}

void VirtioBook::expose(Queue& queue, std::uint16_t position) {
    const auto head = static_cast<std::uint16_t>(memory_at(entry_of(queue, position), 2));
    Chain chain;
    chain.position = position;
    if (walk(queue, head, chain)) {
        for (const auto& [other, exposed] : queue.exposed)
            for (const std::uint16_t i : chain.descriptors)
                if (std::find(exposed.descriptors.begin(), exposed.descriptors.end(), i) !=
                    exposed.descriptors.end())
                    breaks("virtio.chain.reused",
                           fmt::format("descriptor {} is made available again while the device has it", i));
        if (chain.sound) request(queue.number, chain.pieces);
    }
    queue.exposed[head] = std::move(chain);
}

bool VirtioBook::walk(const Queue& queue, std::uint16_t head, Chain& chain) {
    std::uint16_t at = head;
    for (std::uint32_t count = 0; count <= queue.size; ++count) {
        if (at >= queue.size) {
            breaks("virtio.chain.out-of-table",
                   fmt::format("descriptor {} of a queue of {}", at, queue.size));
            return false;
        }
        const auto d = descriptor_at(court().memory(), queue.desc + std::uint64_t{at} * ring::kDescBytes);
        if (!d) return false;
        chain.descriptors.push_back(at);
        if ((d->flags & ring::kDescIndirect) != 0) {
            if (!negotiated(kIndirectDesc))
                breaks("virtio.indirect.not-negotiated", "INDIRECT is used without the feature");
            if ((d->flags & ring::kDescNext) != 0)
                breaks("virtio.indirect.with-next", fmt::format("descriptor {} has INDIRECT and NEXT", at));
            chain.table = d->address;
            chain.table_bytes = d->bytes;
            return walk_table(queue, chain);
        }
        add_piece(chain, {d->address, d->bytes, (d->flags & ring::kDescWrite) != 0});
        if ((d->flags & ring::kDescNext) == 0) return true;
        at = d->next;
    }
    breaks("virtio.chain.loop",
           fmt::format("the chain {} has more links than the queue has descriptors", head));
    return false;
}

bool VirtioBook::is_table(const Chain& chain) {
    if (chain.table_bytes == 0 || chain.table_bytes % ring::kDescBytes != 0) {
        breaks("virtio.indirect.bytes", fmt::format("an indirect table has {} bytes", chain.table_bytes));
        return false;
    }
    if (!court().lent_for(chain.table, chain.table_bytes, false)) {
        breaks("dma.exposed-outside",
               fmt::format("an indirect table at {:#x} is not the driver's", chain.table));
        return false;
    }
    return true;
}

bool VirtioBook::walk_table(const Queue& queue, Chain& chain) {
    const std::uint32_t entries = chain.table_bytes / ring::kDescBytes;
    if (!is_table(chain)) return false;
    std::uint32_t at = 0;
    for (std::uint32_t count = 0; count < entries; ++count) {
        if (count >= queue.size) {
            breaks("virtio.chain.longer-than-queue",
                   fmt::format("an indirect chain has more than {} descriptors", queue.size));
            return false;
        }
        const auto d = descriptor_at(court().memory(), chain.table + std::uint64_t{at} * ring::kDescBytes);
        if (!d) return false;
        if ((d->flags & ring::kDescIndirect) != 0) {
            breaks("virtio.indirect.nested", "an indirect table refers to another");
            return false;
        }
        add_piece(chain, {d->address, d->bytes, (d->flags & ring::kDescWrite) != 0});
        if ((d->flags & ring::kDescNext) == 0) return true;
        if (d->next >= entries) {
            breaks("virtio.chain.out-of-table",
                   fmt::format("entry {} of an indirect table of {}", d->next, entries));
            return false;
        }
        at = d->next;
    }
    breaks("virtio.chain.loop", "an indirect chain has more links than its table has entries");
    return false;
}

void VirtioBook::add_piece(Chain& chain, const Piece& piece) {
    if (!piece.device_writes && !chain.pieces.empty() && chain.pieces.back().device_writes) {
        chain.sound = false;
        breaks("virtio.chain.order", "a piece that the device reads comes behind one that it writes");
    }
    std::uint64_t bytes = piece.bytes;
    for (const Piece& before : chain.pieces) bytes += before.bytes;
    if (bytes > std::uint64_t{1} << 32) {
        chain.sound = false;
        breaks("virtio.chain.bytes", fmt::format("a chain has {} bytes", bytes));
    }
    if (!court().lent_for(piece.address, piece.bytes, piece.device_writes)) {
        chain.sound = false;
        breaks("dma.exposed-outside", fmt::format("{} bytes at {:#x} are not the driver's to give for that",
                                                  piece.bytes, piece.address));
    }
    chain.pieces.push_back(piece);
}

void VirtioBook::releases(std::uint64_t address, std::uint64_t bytes) {
    for (const auto& [number, queue] : queues_) {
        if (!is_live(queue)) continue;
        const auto hit = [&](std::uint64_t base, std::uint64_t length) {
            return length != 0 && overlaps(address, bytes, base, length);
        };
        const bool exposed = std::any_of(queue.exposed.begin(), queue.exposed.end(), [&](const auto& entry) {
            const Chain& chain = entry.second;
            return hit(chain.table, chain.table_bytes) ||
                   std::any_of(chain.pieces.begin(), chain.pieces.end(),
                               [&](const Piece& piece) { return hit(piece.address, piece.bytes); });
        });
        if (exposed || hit(queue.desc, std::uint64_t{queue.size} * ring::kDescBytes) ||
            hit(queue.avail, driver_bytes(queue)) || hit(queue.used, device_bytes(queue)))
            return breaks(
                "virtio.queue.removed-live",
                fmt::format("memory at {:#x} is given back that queue {} still uses", address, number));
    }
}

void VirtioBook::touches(std::uint64_t address, std::uint64_t bytes, bool store) {
    for (const auto& [number, queue] : queues_) {
        if (!is_live(queue)) continue;
        for (const auto& [head, chain] : queue.exposed)
            for (const Piece& piece : chain.pieces)
                if ((store || piece.device_writes) && overlaps(address, bytes, piece.address, piece.bytes))
                    return breaks("dma.device-owned",
                                  fmt::format("{:#x} is {} while the device has chain {} of queue {}",
                                              address, store ? "stored to" : "loaded", head, number));
    }
}

std::vector<std::byte> VirtioBook::readable(const std::vector<Piece>& pieces, std::uint64_t offset,
                                            std::uint64_t most) const {
    std::vector<std::byte> bytes;
    const auto memory = court().memory();
    for (const Piece& piece : pieces) {
        if (piece.device_writes || bytes.size() == most) break;
        if (offset >= piece.bytes) {
            offset -= piece.bytes;
            continue;
        }
        const std::uint64_t count = std::min<std::uint64_t>(piece.bytes - offset, most - bytes.size());
        const auto part = memory.subspan(piece.address + offset, count);
        bytes.insert(bytes.end(), part.begin(), part.end());
        offset = 0;
    }
    return bytes;
}

// What it loads.

void VirtioBook::load(std::uint64_t address, unsigned width, std::uint64_t value, hal::MemoryOrder order) {
    for (auto& [number, queue] : queues_)
        if (queue.enabled && packed())
            packed_load(queue, address, width, value, order);
        else if (queue.enabled && inside(address, queue.used, ring::used_bytes(queue.size)))
            return load_from(queue, address, width, value, order);
}

void VirtioBook::load_from(Queue& queue, std::uint64_t address, unsigned width, std::uint64_t value,
                           hal::MemoryOrder order) {
    const std::uint64_t offset = address - queue.used;
    const bool event_idx = negotiated(kEventIdx);
    if (offset == ring::kFlags) {
        if (event_idx)
            breaks("virtio.suppression.flags-read",
                   "the flags of the used ring are read with VIRTIO_F_EVENT_IDX");
        else
            look(queue, (value & ring::kUsedNoNotify) == 0);
        return;
    }
    if (offset == ring::avail_event(queue.size)) {
        if (!event_idx)
            breaks("virtio.suppression.event-read", "avail_event is read without VIRTIO_F_EVENT_IDX");
        else
            look(queue, ring::need_event(static_cast<std::uint16_t>(value), queue.avail_idx, queue.told_idx));
        return;
    }
    if (offset == ring::kIdx) {
        queue.used_heard = static_cast<std::uint16_t>(value);
        queue.used_unfenced = order != hal::MemoryOrder::kAcquire;
        queue.asked = false;
        return;
    }
    if (offset < ring::kEntries) return;
    if (queue.used_unfenced)
        breaks("virtio.used.unordered", "an element is read without a barrier behind the device's index");
    if ((offset - ring::kEntries) % ring::kUsedElementBytes != 0) return;
    // One that was read before is another rule's.
    if ((offset - ring::kEntries) / ring::kUsedElementBytes == queue.used_taken % queue.size) {
        if (queue.used_taken == queue.used_heard)
            breaks("virtio.used.ahead", "an element is read that the device's index does not cover");
        else if (queue.lent == 0)
            breaks("virtio.used.beyond",
                   "an element is read though all that was made available has come back");
        else {
            --queue.lent;
            ++queue.used_taken;
        }
    }
    if (width >= 4) take_back(queue, static_cast<std::uint16_t>(value & 0xffff));
}

Fetch VirtioBook::fetch(std::uint64_t address, unsigned width, std::uint64_t /*value*/) {
    for (const auto& [number, queue] : queues_) {
        if (!queue.enabled) continue;
        if (packed()) {
            if (overlaps(address, width, queue.used, packed::kEventBytes)) return Fetch::kPolled;
            if (!inside(address, queue.desc, std::uint64_t{queue.size} * ring::kDescBytes)) continue;
            const std::uint64_t at = (address - queue.desc) % ring::kDescBytes;
            if (at + width > packed::kFlags) return Fetch::kPolled;
            return at >= packed::kLen ? Fetch::kTaken : Fetch::kNothing;
        }
        if (inside(address, queue.used, ring::used_bytes(queue.size))) {
            const std::uint64_t offset = address - queue.used;
            const bool element = offset >= ring::kEntries && offset < ring::avail_event(queue.size);
            return element ? Fetch::kTaken : Fetch::kPolled;
        }
    }
    return Fetch::kNothing;
}

}  // namespace tb::rules
