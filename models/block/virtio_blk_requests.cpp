// SPDX-License-Identifier: BSD-3-Clause
// The virtio block device: taking requests from the ring, and answering those that need no disk (VIRTIO 1.2
// §5.2.6).
#include <algorithm>
#include <utility>

#include "models/block/virtio_blk.hpp"
#include "models/block/virtio_blk_job.hpp"

namespace tb::model::block {

namespace {

constexpr std::uint64_t kMostSectors =
    0x3f'ffff;  // QEMU's limit of one operation: what an int of bytes can say
constexpr std::size_t kMostMerged = 32;
constexpr std::uint32_t kScsiErrors = 255;

}  // namespace

void VirtioBlk::queue_notified(unsigned index) {
    virtio::Queue& queue = transport().queue(index);
    const bool suppress = queue.notification();
    Batch batch;
    do {
        // While it works through the queue the device needs no further doorbell.
        if (suppress) queue.set_notification(false);
        take_all(queue, batch);
        if (suppress) queue.set_notification(true);
    } while (!queue.empty());
    submit_batch(batch);
}

void VirtioBlk::take_all(virtio::Queue& queue, Batch& batch) {
    while (std::optional<virtio::Chain> chain = queue.pop()) {
        auto request = std::make_unique<Request>();
        request->queue = &queue;
        request->chain = std::move(*chain);
        if (!handle(std::move(request), batch)) return;
    }
}

bool VirtioBlk::fail(Request& request, const char* why) {
    request.queue->drop(request.chain);
    transport().fail("request", why);
    return false;
}

bool VirtioBlk::handle(RequestPtr request, Batch& batch) {
    Request& r = *request;
    const virtio::Chain& chain = r.chain;
    if (chain.readable.empty() || chain.writable.empty())
        return fail(r, "a request without a header or without room for the status byte");
    const auto header = std::as_writable_bytes(std::span(&r.header, 1));
    if (gather(transport().memory(), chain.readable, 0, header) != header.size())
        return fail(r, "a request header shorter than 16 bytes");
    r.readable_bytes = virtio::total_bytes(chain.readable) - header.size();
    r.writable_bytes = virtio::total_bytes(chain.writable);

    const std::uint32_t type = r.header.type & ~kRequestBarrier;
    switch (type & ~kRequestOut) {
        case kRequestIn:
            handle_data(std::move(request), (type & kRequestOut) != 0, batch);
            return true;
        case kRequestFlush:
            if (!transport().negotiated(kFeatureFlush))
                finding("FLUSH without the feature (VIRTIO 1.2 §5.2.6.1)");
            r.kind = Request::Kind::kFlush;
            // What was written before is on its way before the flush is.
            if (batch.write) submit_batch(batch);
            submit_one(std::move(request));
            return true;
        case kRequestScsi:
            handle_scsi(r);
            return true;
        case kRequestGetId:
            handle_get_id(r);
            return true;
        case kRequestDiscard & ~kRequestOut:
        case kRequestWriteZeroes & ~kRequestOut:
            return handle_range(std::move(request));
        default:
            finding("unknown type " + std::to_string(r.header.type));
            finish(r, kStatusUnsupported);
            return true;
    }
}

bool VirtioBlk::range_fits(std::uint64_t sector, std::uint64_t bytes) const {
    const std::uint64_t count = bytes / kSectorBytes;
    const std::uint64_t total = disk_.sectors();
    const std::uint32_t block = properties_.logical_block_size;
    return count <= kMostSectors && sector % (block / kSectorBytes) == 0 && bytes % block == 0 &&
           sector <= total && count <= total - sector;
}

void VirtioBlk::handle_data(RequestPtr request, bool write, Batch& batch) {
    request->kind = write ? Request::Kind::kWrite : Request::Kind::kRead;
    if (!range_fits(request->header.sector, request->data_bytes())) {
        finding("sector " + std::to_string(request->header.sector) + ", " +
                std::to_string(request->data_bytes()) +
                " bytes: beyond the end, or not whole blocks (VIRTIO 1.2 §5.2.6.1)");
        return finish(*request, kStatusIoError);
    }
    if (write && !writable()) finding("OUT to a read-only device (VIRTIO 1.2 §5.2.6.1)");
    const bool full = batch.requests.size() == kMostMerged;
    if (full || write != batch.write || !properties_.request_merging) submit_batch(batch);
    batch.write = write;
    const auto sector_of = [](const RequestPtr& other) { return other->header.sector; };
    const auto at = std::ranges::upper_bound(batch.requests, request->header.sector, {}, sector_of);
    batch.requests.insert(at, std::move(request));
}

bool VirtioBlk::handle_range(RequestPtr request) {
    Request& r = *request;
    const bool zeroes = (r.header.type & ~kRequestBarrier) == kRequestWriteZeroes;
    const auto answer = [&](std::uint8_t status, const char* why) {
        finding(std::string(zeroes ? "WRITE_ZEROES: " : "DISCARD: ") + why);
        finish(r, status);
        return true;
    };
    // One segment a request is what the configuration space says.
    if ((r.header.type & kRequestOut) == 0 || r.readable_bytes > sizeof r.range)
        return answer(kStatusUnsupported, "more than one segment, or not marked as a write");
    const auto range = std::as_writable_bytes(std::span(&r.range, 1));
    if (gather(transport().memory(), r.chain.readable, sizeof r.header, range) != range.size())
        return fail(r, "a discard or write-zeroes segment shorter than 16 bytes");
    const std::uint32_t most =
        zeroes ? properties_.max_write_zeroes_sectors : properties_.max_discard_sectors;
    if (r.range.count > most || !range_fits(r.range.sector, std::uint64_t{r.range.count} * kSectorBytes))
        return answer(kStatusIoError, "more than the device allows, beyond the end, or not whole blocks");
    if ((r.range.flags & ~kFlagUnmap) != 0 || (!zeroes && r.range.flags != 0))
        return answer(kStatusUnsupported, "flags that it does not have (VIRTIO 1.2 §5.2.6.2)");
    if (!transport().negotiated(zeroes ? kFeatureWriteZeroes : kFeatureDiscard))
        finding("DISCARD or WRITE_ZEROES without the feature (VIRTIO 1.2 §5.2.6.1)");
    r.kind = zeroes ? Request::Kind::kWriteZeroes : Request::Kind::kDiscard;
    submit_one(std::move(request));
    return true;
}

void VirtioBlk::handle_scsi(Request& request) {
    // Never offered to a driver of VIRTIO 1.x. What QEMU looks at all the same: the segments of the old
    // layout.
    finding("SCSI command passthrough, which is not offered");
    const std::vector<virtio::Segment>& writable = request.chain.writable;
    if (request.chain.readable.size() < 2 || writable.size() < 3) return finish(request, kStatusIoError);
    const std::span<const virtio::Segment> errors(&writable[writable.size() - 2], 1);
    scatter(transport().memory(), errors, 0, std::as_bytes(std::span(&kScsiErrors, 1)));
    finish(request, kStatusUnsupported);
}

void VirtioBlk::handle_get_id(Request& request) {
    // The terminating zero is there if there is room for it.
    const auto size = static_cast<std::size_t>(
        std::min<std::uint64_t>({properties_.serial.size() + 1, request.writable_bytes - 1, kIdBytes}));
    const auto serial = std::as_bytes(std::span(properties_.serial.c_str(), size));
    scatter(transport().memory(), request.chain.writable, 0, serial);
    finish(request, kStatusOk);
}

}  // namespace tb::model::block
