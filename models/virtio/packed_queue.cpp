// SPDX-License-Identifier: BSD-3-Clause
#include "models/virtio/packed_queue.hpp"

#include "models/virtio/virtio_regs.hpp"

namespace tb::model::virtio {

namespace {

// Descriptor flags (VIRTIO 1.2 §2.8.13).
constexpr std::uint16_t kNext = 1;
constexpr std::uint16_t kWrite = 2;
constexpr std::uint16_t kIndirect = 4;
constexpr std::uint16_t kAvail = 1U << 7;
constexpr std::uint16_t kUsed = 1U << 15;

// struct pvirtq_desc.
constexpr std::uint64_t kDescriptorBytes = 16;
constexpr std::uint64_t kLengthAt = 8;
constexpr std::uint64_t kIdAt = 12;
constexpr std::uint64_t kFlagsAt = 14;

// struct pvirtq_event_suppress (§2.8.14).
constexpr std::uint64_t kSuppressionBytes = 4;
constexpr std::uint64_t kEventFlagsAt = 2;
constexpr std::uint16_t kEventEnable = 0;
constexpr std::uint16_t kEventDisable = 1;
constexpr std::uint16_t kEventDescriptor = 2;
constexpr std::uint16_t kEventWrap = 1U << 15;

bool is_available(std::uint16_t flags, bool wrap) {
    const bool available = (flags & kAvail) != 0;
    const bool used = (flags & kUsed) != 0;
    return available != used && available == wrap;
}

}  // namespace

void PackedQueue::fail(const std::string& message) {
    transport_->fail(name(), message);
}

void PackedQueue::set_size(unsigned size) {
    if (size == 0 || size > kMostDescriptors || size_ == 0) return;
    size_ = size;
}

void PackedQueue::set_rings(std::uint64_t descriptors, std::uint64_t driver, std::uint64_t device) {
    descriptors_ = descriptors;
    driver_ = driver;
    device_ = device;
    mapped_size_ = 0;
}

void PackedQueue::remap() {
    mapped_size_ = 0;
    if (descriptors_ == 0) return;
    const DmaMapper& mapper = transport_->mapper();
    if (mapper.straddles(descriptors_, size_ * kDescriptorBytes))
        return fail("the descriptor ring reaches beyond the end of memory");
    if (mapper.straddles(device_, kSuppressionBytes))
        return fail("the device event suppression reaches beyond the end of memory");
    if (mapper.straddles(driver_, kSuppressionBytes))
        return fail("the driver event suppression reaches beyond the end of memory");
    mapped_size_ = size_;
}

void PackedQueue::reset() {
    *this = PackedQueue(*transport_, index_, static_cast<std::uint16_t>(offered_));
}

void PackedQueue::advance(Cursor& cursor, std::uint32_t count) const {
    cursor.slot += count;
    if (cursor.slot < size_) return;
    cursor.slot -= size_;
    cursor.wrap = !cursor.wrap;
}

std::uint16_t PackedQueue::load_flags(std::uint64_t table, std::uint32_t at) {
    return transport_->memory().load<std::uint16_t>(table + at * kDescriptorBytes + kFlagsAt);
}

PackedQueue::Descriptor PackedQueue::load_descriptor(std::uint64_t table, std::uint32_t at) {
    Descriptor descriptor;
    // The flags first: what stands beside them is good only once they say so (§2.8.2).
    descriptor.flags = load_flags(table, at);
    const std::uint64_t address = table + at * kDescriptorBytes;
    pci::Requester& memory = transport_->memory();
    descriptor.address = memory.load<std::uint64_t>(address);
    descriptor.id = memory.load<std::uint16_t>(address + kIdAt);
    descriptor.length = memory.load<std::uint32_t>(address + kLengthAt);
    return descriptor;
}

bool PackedQueue::empty() {
    // QEMU looks at the ring even when the device is broken, and its block device, to which a ring that it
    // cannot go on from looks never empty, then looks for ever. Here it comes to rest.
    if (transport_->halted() || !mapped()) return true;
    return !is_available(load_flags(descriptors_, available_.slot), available_.wrap);
}

bool PackedQueue::enter_table(Descriptor& descriptor, Table& table) {
    if (!transport_->negotiated(kFeatureIndirectDesc))
        transport_->report_finding(name(), "an indirect descriptor without the feature (VIRTIO 1.2 §2.8.19)");
    if ((descriptor.flags & kNext) != 0)
        transport_->report_finding(name(), "INDIRECT and NEXT in one descriptor (VIRTIO 1.2 §2.8.19)");
    // QEMU 7.2 looks for a remainder only; a table of 0 bytes is its end.
    if (descriptor.length == 0 || descriptor.length % kDescriptorBytes != 0) {
        fail("an indirect table of " + std::to_string(descriptor.length) + " bytes");
        return false;
    }
    if (transport_->mapper().straddles(descriptor.address, descriptor.length)) {
        fail("an indirect table reaches beyond the end of memory");
        return false;
    }
    table = {descriptor.address, static_cast<std::uint32_t>(descriptor.length / kDescriptorBytes), 0, true};
    descriptor = load_descriptor(table.address, 0);
    return true;
}

bool PackedQueue::next(Table& table, Descriptor& descriptor) {
    // A table is as long as it is; NEXT says something in the ring only.
    if (!table.indirect && (descriptor.flags & kNext) == 0) return false;
    if (++table.at == table.entries) {
        if (table.indirect) return false;
        table.at = 0;
    }
    descriptor = load_descriptor(table.address, table.at);
    return true;
}

void PackedQueue::judge(const Descriptor& descriptor, bool indirect) {
    if (indirect && (descriptor.flags & (kNext | kIndirect)) != 0)
        transport_->report_finding(name(),
                                   "a flag other than WRITE in an indirect table (VIRTIO 1.2 §2.8.19)");
    if (!indirect && (descriptor.flags & kIndirect) != 0)
        transport_->report_finding(name(), "INDIRECT in a list of descriptors (VIRTIO 1.2 §2.8.19)");
}

std::optional<Chain> PackedQueue::pop() {
    if (empty()) return std::nullopt;
    if (in_use_ >= size_) {
        fail("more descriptors are available than the queue has");
        return std::nullopt;
    }
    if (mapped_size_ < size_) {
        fail("the ring is not mapped for this queue size");
        return std::nullopt;
    }
    Descriptor head = load_descriptor(descriptors_, available_.slot);
    Chain chain;
    Table table{descriptors_, size_, available_.slot, false};
    if ((head.flags & kIndirect) != 0) {
        chain.head = head.id;
        if (!enter_table(head, table)) return std::nullopt;
    }
    if (!collect(table, head, chain)) {
        transport_->mapper().unmap(chain);
        return std::nullopt;
    }
    in_use_ += chain.descriptors;
    advance(available_, chain.descriptors);
    wanted_ = available_;
    return chain;
}

bool PackedQueue::collect(Table table, Descriptor descriptor, Chain& chain) {
    std::uint32_t count = 0;
    do {
        judge(descriptor, table.indirect);
        const bool writable = (descriptor.flags & kWrite) != 0;
        if (!writable && !chain.writable.empty()) {
            fail("a device-readable descriptor after a device-writable one");
            return false;
        }
        const char* wrong =
            transport_->mapper().map_into(chain, writable, descriptor.address, descriptor.length);
        if (wrong != nullptr) {
            fail(wrong);
            return false;
        }
        if (++count > table.entries) {
            fail("the descriptors form a loop");
            return false;
        }
        // That of the last one counts (§2.8.6).
        if (!table.indirect) chain.head = descriptor.id;
    } while (next(table, descriptor));
    chain.descriptors = table.indirect ? std::uint16_t{1} : static_cast<std::uint16_t>(count);
    return true;
}

void PackedQueue::store_used(const Filled& filled, Cursor at) {
    pci::Requester& memory = transport_->memory();
    const std::uint64_t address = descriptors_ + at.slot * kDescriptorBytes;
    memory.store<std::uint16_t>(address + kIdAt, filled.chain.head);
    memory.store<std::uint32_t>(address + kLengthAt, filled.written);
    // The flags last: with them the rest is the driver's. QEMU never sets WRITE, which says that something
    // was written (§2.8.4).
    memory.store<std::uint16_t>(address + kFlagsAt,
                                at.wrap ? std::uint16_t{kAvail | kUsed} : std::uint16_t{0});
}

void PackedQueue::push(const Chain& chain, std::uint32_t written) {
    const Filled one{chain, written};
    push_together({&one, 1});
}

void PackedQueue::push_together(std::span<const Filled> filled) {
    std::uint32_t descriptors = 0;
    for (const Filled& one : filled) {
        transport_->mapper().unmap(one.chain);
        descriptors += one.chain.descriptors;
    }
    in_use_ -= descriptors;
    if (filled.empty() || transport_->halted() || descriptors_ == 0) return;
    if (mapped()) {
        Cursor at = used_;
        for (std::size_t i = 0; i + 1 < filled.size(); ++i) {
            advance(at, filled[i].chain.descriptors);
            store_used(filled[i + 1], at);
        }
        // The first one last: the driver sees none of them before all.
        store_used(filled[0], used_);
    }
    const bool wrap = used_.wrap;
    advance(used_, descriptors);
    // What was asked for in the lap before cannot be compared with.
    if (used_.wrap != wrap) signalled_valid_ = false;
}

void PackedQueue::drop(const Chain& chain) {
    in_use_ -= chain.descriptors;
    transport_->mapper().unmap(chain);
}

void PackedQueue::unpop(const Chain& chain) {
    if (available_.slot == 0) {
        available_.slot = size_;
        available_.wrap = !available_.wrap;
    }
    --available_.slot;
    drop(chain);
}

bool PackedQueue::has_room_for(std::uint64_t bytes) {
    if (transport_->halted() || !mapped()) return false;
    Cursor at = available_;
    std::uint64_t room = 0;
    // QEMU counts the descriptors of all lists together, which ends a ring that is nothing but one.
    for (std::uint32_t total = 0;;) {
        Descriptor descriptor = load_descriptor(descriptors_, at.slot);
        if (!is_available(descriptor.flags, at.wrap)) break;
        Table table{descriptors_, size_, at.slot, false};
        if ((descriptor.flags & kIndirect) != 0 && !enter_table(descriptor, table)) return false;
        std::uint32_t count = table.indirect ? 0 : total;
        const std::uint32_t before = count;
        do {
            if (++count > table.entries) {
                fail("the descriptors form a loop");
                return false;
            }
            if ((descriptor.flags & kWrite) != 0) room += descriptor.length;
            if (room >= bytes) return true;
        } while (next(table, descriptor));
        const std::uint32_t descriptors = table.indirect ? 1 : count - before;
        total += descriptors;
        advance(at, descriptors);
    }
    wanted_ = at;
    return room >= bytes;
}

bool PackedQueue::wants_interrupt() {
    if (!mapped()) return false;
    pci::Requester& memory = transport_->memory();
    const auto flags = memory.load<std::uint16_t>(driver_ + kEventFlagsAt);
    const auto event = memory.load<std::uint16_t>(driver_);
    const auto before = static_cast<std::uint16_t>(signalled_);
    const auto now = static_cast<std::uint16_t>(used_.slot);
    const bool first = !signalled_valid_;
    signalled_ = used_.slot;
    signalled_valid_ = true;
    if (flags == kEventDisable) return false;
    if (flags == kEventEnable) return true;
    // Whatever else they say; and whether or not VIRTIO_F_EVENT_IDX was negotiated.
    auto slot = static_cast<std::uint16_t>(event & ~kEventWrap);
    if (((event & kEventWrap) != 0) != used_.wrap) slot = static_cast<std::uint16_t>(slot - size_);
    return first || static_cast<std::uint16_t>(now - slot - 1) < static_cast<std::uint16_t>(now - before);
}

void PackedQueue::set_notification(bool on) {
    notification_ = on;
    if (!mapped()) return;
    pci::Requester& memory = transport_->memory();
    std::uint16_t flags = kEventDisable;
    if (on && transport_->negotiated(kFeatureEventIdx)) {
        // The place before the flags that make it one.
        memory.store<std::uint16_t>(
            device_, static_cast<std::uint16_t>(wanted_.slot | (wanted_.wrap ? kEventWrap : 0U)));
        flags = kEventDescriptor;
    } else if (on) {
        flags = kEventEnable;
    }
    memory.store<std::uint16_t>(device_ + kEventFlagsAt, flags);
}

}  // namespace tb::model::virtio
