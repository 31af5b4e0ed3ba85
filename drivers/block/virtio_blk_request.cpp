// SPDX-License-Identifier: BSD-3-Clause
// The way of one request through the driver: checked, mapped, queued, finished.
#include "block/virtio_blk.hpp"
#include "block/virtio_blk_layout.hpp"
#include "block/virtio_blk_regs.hpp"

namespace tb::block {

using namespace virtio_blk;
using hal::Error;

namespace {

/// A descriptor chain holds less than 4 GiB (§2.7.5.2); the rest is for header and status.
constexpr std::uint64_t kMostDataBytes = 0xffff'0000;

}  // namespace

hal::Status VirtioBlk::check_range(std::uint64_t sector, std::uint64_t sectors) const {
    const std::uint32_t per_block = info_.logical_block_size / kSectorSize;
    if (sectors == 0 || sector % per_block != 0 || sectors % per_block != 0) return Error::kInvalidArgument;
    // §5.2.6.1: nothing beyond the capacity.
    if (sector > info_.sectors || sectors > info_.sectors - sector) return Error::kOutOfRange;
    return {};
}

hal::Result<VirtioBlk::Plan> VirtioBlk::plan(const Request& request) const {
    if (request.queue >= info_.queues) return Error::kInvalidArgument;
    Plan plan;
    std::uint64_t pieces = 0;
    for (const std::span<std::byte>& segment : request.segments) {
        if (segment.empty()) return Error::kInvalidArgument;
        if (segment.size() > kMostDataBytes - plan.data_bytes) return Error::kOutOfRange;
        plan.data_bytes += segment.size();
        const std::uint64_t most = info_.max_segment_bytes == 0 ? kMostDataBytes : info_.max_segment_bytes;
        pieces += (segment.size() + most - 1) / most;
        if (pieces > info_.max_segments) return Error::kOutOfRange;
    }

    switch (request.operation) {
        case Operation::kRead:
        case Operation::kWrite: {
            plan.device_writes = request.operation == Operation::kRead;
            plan.type = plan.device_writes ? kTypeIn : kTypeOut;
            plan.sector = request.sector;
            if (plan.data_bytes % kSectorSize != 0) return Error::kInvalidArgument;
            if (!plan.device_writes && info_.read_only) return Error::kReadOnly;
            if (hal::Status fits = check_range(request.sector, plan.data_bytes / kSectorSize); !fits)
                return fits.error();
            return plan;
        }
        case Operation::kFlush:
            plan.type = kTypeFlush;
            if (plan.data_bytes != 0) return Error::kInvalidArgument;
            if (!info_.can_flush) return Error::kUnsupported;
            return plan;
        case Operation::kDiscard:
        case Operation::kWriteZeroes: {
            const bool discard = request.operation == Operation::kDiscard;
            plan.type = discard ? kTypeDiscard : kTypeWriteZeroes;
            plan.has_range = true;
            // §5.2.6.1: the bit is for write-zeroes alone.
            plan.unmap = request.unmap;
            if (plan.data_bytes != 0 || (discard && request.unmap)) return Error::kInvalidArgument;
            if (!(discard ? info_.can_discard : info_.can_write_zeroes)) return Error::kUnsupported;
            if (info_.read_only) return Error::kReadOnly;
            if (hal::Status fits = check_range(request.sector, request.sectors); !fits) return fits.error();
            if (request.sectors > (discard ? info_.max_discard_sectors : info_.max_write_zeroes_sectors))
                return Error::kOutOfRange;
            return plan;
        }
        case Operation::kGetId:
            plan.type = kTypeGetId;
            plan.device_writes = true;
            if (plan.data_bytes != kIdBytes) return Error::kInvalidArgument;
            return plan;
    }
    return Error::kInvalidArgument;
}

hal::Result<Token> VirtioBlk::submit(const Request& request) {
    if (state_ != State::kRunning) return failure_;
    const hal::Result<Plan> planned = plan(request);
    if (!planned) return planned.error();
    const std::uint16_t index = free_.first;
    if (index == kNone) return Error::kBusy;
    Slot& slot = slots_[index];
    slot.queue = request.queue;
    slot.data_bytes = planned->device_writes ? static_cast<std::uint32_t>(planned->data_bytes) : 0;

    const hal::Result<std::uint32_t> pieces = map_data(slot, request, planned->device_writes);
    if (!pieces) {
        unmap_data(slot);
        return pieces.error();
    }
    write_header(index, *planned, request);
    if (hal::Status added = add_to_queue(index, *planned, *pieces); !added) {
        unmap_data(slot);
        return added.error();
    }
    // Everything is in place before the doorbell: the completion may be there before the write of it returns.
    free_.remove(slots_, index);
    flying_.append(slots_, index);
    const hal::Instant now = platform_.now();
    slot.deadline = now + options_.request_timeout;
    if (in_flight_++ == 0) next_check_ = now + kCheckInterval;
    ++slot.generation;
    slot.completion.token = {std::uint32_t{slot.generation} << 16 | index};
    const Token token = slot.completion.token;
    if (!request.more) rings_[request.queue].kick();
    return token;
}

hal::Result<std::uint32_t> VirtioBlk::map_data(Slot& slot, const Request& request, bool device_writes) {
    const hal::Direction direction = device_writes ? hal::Direction::kFromDevice : hal::Direction::kToDevice;
    std::uint32_t pieces = 0;
    for (const std::span<std::byte>& segment : request.segments) {
        // One that was given back, or the next that never was used.
        const std::uint16_t taken = free_mapping_ != kNone ? free_mapping_ : fresh_mapping_;
        if (taken == kMostMappings) return Error::kBusy;
        const hal::Result<hal::DmaMapping> mapped = platform_.map(segment, direction);
        if (!mapped) return mapped.error();
        if (free_mapping_ != kNone)
            free_mapping_ = mappings_[taken].next;
        else
            ++fresh_mapping_;
        mappings_[taken] = {*mapped, slot.mappings};
        slot.mappings = taken;

        std::uint64_t address = mapped->device_address();
        std::uint64_t left = segment.size();
        while (left != 0 && pieces < kMostSegments) {
            const std::uint64_t most = info_.max_segment_bytes == 0 ? left : info_.max_segment_bytes;
            const auto bytes = static_cast<std::uint32_t>(left < most ? left : most);
            chain_[++pieces] = {address, bytes};
            address += bytes;
            left -= bytes;
        }
    }
    return pieces;
}

void VirtioBlk::unmap_data(Slot& slot) {
    // Bounded by the pool that the records come from.
    for (unsigned i = 0; i < kMostMappings && slot.mappings != kNone; ++i) {
        const std::uint16_t index = slot.mappings;
        Mapping& mapping = mappings_[index];
        platform_.unmap(mapping.dma);
        slot.mappings = mapping.next;
        mapping.next = free_mapping_;
        free_mapping_ = index;
    }
}

void VirtioBlk::write_header(std::uint16_t slot, const Plan& plan, const Request& request) {
    const std::uint32_t at = std::uint32_t{slot} * layout::kBytes;
    headers_.cell<std::uint32_t>(at + layout::kHeader + header::kType).store(plan.type);
    headers_.cell<std::uint32_t>(at + layout::kHeader + header::kReserved).store(0);
    headers_.cell<std::uint64_t>(at + layout::kHeader + header::kSector).store(plan.sector);
    if (plan.has_range) {
        headers_.cell<std::uint64_t>(at + layout::kRange + range::kSector).store(request.sector);
        headers_.cell<std::uint32_t>(at + layout::kRange + range::kSectors)
            .store(static_cast<std::uint32_t>(request.sectors));
        headers_.cell<std::uint32_t>(at + layout::kRange + range::kFlags)
            .store(plan.unmap ? range::kUnmap : 0);
    }
    headers_.cell<std::uint8_t>(at + layout::kStatus).store(kStatusPoison);
}

hal::Status VirtioBlk::add_to_queue(std::uint16_t slot, const Plan& plan, std::uint32_t pieces) {
    const std::uint64_t base = headers_.device_address() + std::uint64_t{slot} * layout::kBytes;
    std::uint32_t count = pieces;
    chain_[0] = {base + layout::kHeader, header::kBytes};
    if (plan.has_range) chain_[++count] = {base + layout::kRange, range::kBytes};
    chain_[count + 1] = {base + layout::kStatus, 1};
    const std::span<const virtio::Segment> chain(chain_.data(), count + 2);
    const std::size_t readable = plan.device_writes ? 1 : count + 1;
    return rings_[slots_[slot].queue].add(chain.first(readable), chain.subspan(readable), slot);
}

void VirtioBlk::finish(std::uint16_t index, std::uint32_t bytes) {
    const Slot& slot = slots_[index];
    const std::uint8_t status =
        headers_.cell<std::uint8_t>(std::uint32_t{index} * layout::kBytes + layout::kStatus).load();
    switch (status) {
        case kStatusOk:
            // §2.7.8.2: nothing is known of what lies beyond the length, so a read that is short has failed.
            if (bytes < slot.data_bytes)
                complete(index, Error::kProtocol, 0);
            else
                complete(index, {}, slot.data_bytes);
            break;
        case kStatusIoError:
            complete(index, Error::kDeviceError, 0);
            break;
        case kStatusUnsupported:
            complete(index, Error::kUnsupported, 0);
            break;
        default:
            complete(index, Error::kProtocol, 0);
            break;
    }
}

void VirtioBlk::complete(std::uint16_t index, hal::Status status, std::uint32_t bytes) {
    Slot& slot = slots_[index];
    unmap_data(slot);
    flying_.remove(slots_, index);
    --in_flight_;
    slot.completion.status = status;
    slot.completion.bytes = bytes;
    done_.append(slots_, index);
}

void VirtioBlk::finish_all(Error guilty, Error others) {
    if (in_flight_ == 0) return;
    const hal::Instant now = platform_.now();
    for (unsigned i = 0; i < kMostRequests && flying_.first != kNone; ++i) {
        const std::uint16_t index = flying_.first;
        const Slot& slot = slots_[index];
        const bool is_guilty = slot.deadline <= now || rings_[slot.queue].broken();
        complete(index, is_guilty ? guilty : others, 0);
    }
}

std::optional<Completion> VirtioBlk::next_completion() {
    const std::uint16_t index = done_.first;
    if (index == kNone) return std::nullopt;
    done_.remove(slots_, index);
    free_.append(slots_, index);
    return slots_[index].completion;
}

void VirtioBlk::clear_slots() {
    free_ = flying_ = done_ = {};
    in_flight_ = 0;
    for (std::uint16_t i = 0; i < kMostRequests; ++i) {
        slots_[i].mappings = kNone;
        free_.append(slots_, i);
    }
    free_mapping_ = kNone;
    fresh_mapping_ = 0;
}

}  // namespace tb::block
