// SPDX-License-Identifier: BSD-3-Clause
// The way of one request through the driver: checked, mapped, finished.
#include "block/ahci.hpp"
#include "block/ahci_port.hpp"

namespace tb::ahci {

using block::Completion;
using block::Operation;
using block::Request;
using block::Token;
using hal::Error;

namespace {

/// What one command can move: 65536 sectors of the largest size that parse_identify() lets through.
constexpr std::uint64_t kMostDataBytes = std::uint64_t{ata::kMostSectors48} * 64 * 1024;

}  // namespace

hal::Status Port::check_range(std::uint64_t sector, std::uint64_t sectors) const {
    const std::uint32_t per_logical = info_.logical_block_size / block::kSectorSize;
    if (sectors == 0 || sector % per_logical != 0 || sectors % per_logical != 0)
        return Error::kInvalidArgument;
    if (sector > info_.sectors || sectors > info_.sectors - sector) return Error::kOutOfRange;
    return {};
}

void Port::address(ata::Registers& registers, std::uint64_t lba, std::uint32_t count, bool queued) const {
    registers.lba = lba;
    registers.device = ata::kDeviceLba;
    // The largest number of sectors is spelled 0 (ATA8-ACS).
    if (queued) {
        registers.features = static_cast<std::uint16_t>(count);
        return;
    }
    registers.count = static_cast<std::uint16_t>(count);
    if (identity_.lba48) return;
    registers.count &= 0xff;
    registers.device = static_cast<std::uint8_t>(registers.device | (lba >> 24 & 0xf));
    registers.lba &= 0xff'ffff;
}

hal::Result<Port::Command> Port::plan(const Request& request) const {
    if (request.queue != 0) return Error::kInvalidArgument;
    std::uint64_t bytes = 0;
    std::uint64_t pieces = 0;
    for (const std::span<std::byte>& segment : request.segments) {
        // §4.2.3.3: a PRD holds an even number of bytes.
        if (segment.empty() || segment.size() % 2 != 0) return Error::kInvalidArgument;
        if (segment.size() > kMostDataBytes - bytes) return Error::kOutOfRange;
        bytes += segment.size();
        pieces += (segment.size() + table::kMostBytesOfPrd - 1) / table::kMostBytesOfPrd;
        if (pieces > kMostPrds) return Error::kOutOfRange;
    }

    Command command;
    switch (request.operation) {
        case Operation::kRead:
        case Operation::kWrite: {
            if (bytes % block::kSectorSize != 0) return Error::kInvalidArgument;
            if (hal::Status fits = check_range(request.sector, bytes / block::kSectorSize); !fits)
                return fits.error();
            const std::uint64_t count = bytes / info_.logical_block_size;
            if (count > (identity_.lba48 ? ata::kMostSectors48 : ata::kMostSectors28))
                return Error::kOutOfRange;
            const bool write = request.operation == Operation::kWrite;
            const bool pio = options_.transfer == Transfer::kPio;
            const bool fua = write && options_.force_unit_access;
            command.kind = write ? Kind::kWrite : Kind::kRead;
            command.bytes = static_cast<std::uint32_t>(bytes);
            command.queued = queued_;
            command.pio = pio;
            using namespace ata::command;
            if (queued_)
                command.registers.command = write ? kWriteFpdmaQueued : kReadFpdmaQueued;
            else if (fua)
                command.registers.command = kWriteDmaFuaExt;
            else if (identity_.lba48)
                command.registers.command =
                    pio ? (write ? kWriteSectorsExt : kReadSectorsExt) : (write ? kWriteDmaExt : kReadDmaExt);
            else
                command.registers.command =
                    pio ? (write ? kWriteSectors : kReadSectors) : (write ? kWriteDma : kReadDma);
            const std::uint32_t per_logical = info_.logical_block_size / block::kSectorSize;
            address(command.registers, request.sector / per_logical, static_cast<std::uint32_t>(count),
                    queued_);
            if (queued_ && fua)
                command.registers.device =
                    static_cast<std::uint8_t>(command.registers.device | ata::kDeviceFua);
            return command;
        }
        case Operation::kFlush:
            if (bytes != 0) return Error::kInvalidArgument;
            if (!info_.can_flush) return Error::kUnsupported;
            command.registers.command =
                identity_.flush_ext ? ata::command::kFlushCacheExt : ata::command::kFlushCache;
            command.registers.device = ata::kDeviceLba;
            return command;
        case Operation::kDiscard:
            if (bytes != 0 || request.unmap) return Error::kInvalidArgument;
            if (!info_.can_discard) return Error::kUnsupported;
            if (hal::Status fits = check_range(request.sector, request.sectors); !fits) return fits.error();
            if (request.sectors > info_.max_discard_sectors) return Error::kOutOfRange;
            command.registers.command = ata::command::kDataSetManagement;
            command.registers.features = ata::kTrim;
            command.registers.count = 1;
            command.registers.device = ata::kDeviceLba;
            command.kind = Kind::kTrim;
            command.bytes = ata::kBlockBytes;
            return command;
        case Operation::kWriteZeroes:
            return Error::kUnsupported;
        case Operation::kGetId:
            if (bytes != identity_.serial.size() || request.segments.size() != 1)
                return Error::kInvalidArgument;
            return command;
    }
    return Error::kInvalidArgument;
}

hal::Result<Token> Port::submit(const Request& request) {
    if (state_ != State::kRunning) return failure_;
    const hal::Result<Command> planned = plan(request);
    if (!planned) return planned.error();
    const std::uint16_t index = free_.first;
    if (index == kNone) return Error::kBusy;
    Record& record = records_[index];
    record.command = *planned;
    record.alone = false;
    const bool is_id = request.operation == Operation::kGetId;
    if (!is_id && !request.segments.empty()) {
        if (hal::Status mapped = map_data(record, request, planned->kind); !mapped) {
            unmap_data(record);
            return mapped.error();
        }
    }
    const std::uint32_t per_logical = info_.logical_block_size / block::kSectorSize;
    record.trim_lba = request.sector / per_logical;
    record.trim_sectors = request.sectors / per_logical;
    ++record.generation;
    const Token token{record.generation << 8 | index};
    record.completion = {};
    record.completion.token = token;
    free_.remove(records_, index);
    ++in_flight_;
    if (is_id) {
        // It was asked for when the disk was found, and does not change.
        for (std::size_t i = 0; i < identity_.serial.size(); ++i)
            request.segments[0][i] = identity_.serial[i];
        record.command.bytes = static_cast<std::uint32_t>(identity_.serial.size());
        flying_.append(records_, index);
        complete(index, {});
        return token;
    }
    waiting_.append(records_, index);
    issue_waiting();
    if (!request.more) ring();
    return token;
}

hal::Status Port::map_data(Record& record, const Request& request, Kind kind) {
    const bool wide = (hba_->cap_ & cap::k64BitAddressing) != 0;
    const hal::Direction direction =
        kind == Kind::kRead ? hal::Direction::kFromDevice : hal::Direction::kToDevice;
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
        mappings_[taken] = {*mapped, kNone};
        if (record.mappings == kNone)
            record.mappings = taken;
        else
            mappings_[record.last_mapping].next = taken;
        record.last_mapping = taken;
        // §4.2.3.3: word aligned; and within reach.
        if (mapped->device_address() % 2 != 0) return Error::kInvalidArgument;
        if (!wide && (mapped->device_address() + segment.size() - 1) >> 32 != 0) return Error::kNoMemory;
    }
    return {};
}

void Port::unmap_data(Record& record) {
    // Bounded by the pool that the mappings come from.
    for (unsigned i = 0; i < kMostMappings && record.mappings != kNone; ++i) {
        const std::uint16_t index = record.mappings;
        Mapping& mapping = mappings_[index];
        platform_.unmap(mapping.dma);
        record.mappings = mapping.next;
        mapping.next = free_mapping_;
        free_mapping_ = index;
    }
    record.mappings = record.last_mapping = kNone;
}

/// Of a record in flying_: it ends.
void Port::complete(std::uint16_t index, hal::Status status) {
    Record& record = records_[index];
    unmap_data(record);
    flying_.remove(records_, index);
    --in_flight_;
    record.completion.status = status;
    const bool brings = record.command.kind == Kind::kRead || record.command.registers.command == 0;
    record.completion.bytes = status && brings ? record.command.bytes : 0;
    done_.append(records_, index);
}

void Port::finish_all(Error guilty, Error others) {
    if (in_flight_ == 0) return;
    const hal::Instant now = platform_.now();
    for (unsigned i = 0; i < kMostRequests && flying_.first != kNone; ++i) {
        const std::uint16_t index = flying_.first;
        complete(index, records_[index].deadline <= now ? guilty : others);
    }
    for (unsigned i = 0; i < kMostRequests && waiting_.first != kNone; ++i) {
        const std::uint16_t index = waiting_.first;
        waiting_.remove(records_, index);
        flying_.append(records_, index);
        complete(index, others);
    }
    busy_ = to_ring_ = 0;
    alone_ = false;
}

std::optional<Completion> Port::next_completion() {
    const std::uint16_t index = done_.first;
    if (index == kNone) return std::nullopt;
    done_.remove(records_, index);
    free_.append(records_, index);
    return records_[index].completion;
}

void Port::clear_records() {
    free_ = waiting_ = flying_ = done_ = {};
    in_flight_ = 0;
    busy_ = to_ring_ = 0;
    alone_ = false;
    for (std::uint16_t i = 0; i < kMostRequests; ++i) {
        records_[i].mappings = records_[i].last_mapping = kNone;
        free_.append(records_, i);
    }
    free_mapping_ = kNone;
    fresh_mapping_ = 0;
}

}  // namespace tb::ahci
