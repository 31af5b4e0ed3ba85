// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "models/block/virtio_blk.hpp"

// Private to the virtio block device: what is in flight.
namespace tb::model::block {

struct VirtioBlk::Request {
    enum class Kind : std::uint8_t { kRead, kWrite, kFlush, kDiscard, kWriteZeroes };

    virtio::Queue* queue = nullptr;
    virtio::Chain chain{};
    RequestHeader header{};
    RangeHeader range{};
    Kind kind = Kind::kRead;
    std::uint64_t readable_bytes = 0;  ///< without the header
    std::uint64_t writable_bytes = 0;  ///< with the status byte

    /// What a read or a write moves.
    std::uint64_t data_bytes() const { return kind == Kind::kWrite ? readable_bytes : writable_bytes - 1; }
    std::size_t pieces() const {
        return kind == Kind::kWrite ? chain.readable.size() : chain.writable.size();
    }
};

/// One operation of the disk: a request, or several that were merged because they touch.
struct VirtioBlk::Job {
    std::vector<RequestPtr> requests{};
    std::uint64_t due = 0;     ///< virtual time, ns
    std::uint64_t number = 0;  ///< while held: what release() calls it
    bool held = false;

    /// What its requests move; 0 also for operations that move nothing.
    std::uint64_t data_bytes() const {
        std::uint64_t bytes = 0;
        for (const RequestPtr& request : requests) bytes += request->data_bytes();
        return bytes;
    }
    bool is_flush() const { return requests.front()->kind == Request::Kind::kFlush; }
    /// A read or write of nothing never gets to the disk: QEMU answers it before all that do.
    bool needs_disk() const {
        const Request::Kind kind = requests.front()->kind;
        return (kind != Request::Kind::kRead && kind != Request::Kind::kWrite) || data_bytes() != 0;
    }
};

/// Reads, or writes, that came with one doorbell.
struct VirtioBlk::Batch {
    std::vector<RequestPtr> requests{};  ///< by sector, then by arrival
    bool write = false;
};

}  // namespace tb::model::block
