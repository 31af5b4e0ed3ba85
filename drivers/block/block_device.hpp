// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <hal/result.hpp>
#include <optional>
#include <span>

namespace tb::block {

/// The unit of `sector` and `sectors` in this class, whatever the medium's own block size is (VIRTIO 1.2
/// §5.2.4).
inline constexpr std::uint32_t kSectorSize = 512;

/// What a medium is and can do, validated once by the driver.
struct Info {
    std::uint64_t sectors = 0;                ///< capacity in units of 512 bytes
    std::uint32_t logical_block_size = 512;   ///< bytes; requests are whole multiples of it
    std::uint32_t physical_block_size = 512;  ///< bytes
    std::uint32_t alignment_offset = 0;       ///< logical blocks to the first aligned one
    std::uint32_t minimum_io_blocks = 0;      ///< suggested, in logical blocks; 0 when not told
    std::uint32_t optimal_io_blocks = 0;      ///< suggested, in logical blocks; 0 when not told
    std::uint32_t max_segments = 1;           ///< data segments a request may have
    std::uint32_t max_segment_bytes = 0;      ///< 0 means no limit
    std::uint32_t max_discard_sectors = 0;
    std::uint32_t max_write_zeroes_sectors = 0;
    std::uint32_t queues = 1;
    bool read_only = false;
    bool can_flush = false;
    bool can_discard = false;
    bool can_write_zeroes = false;
    bool write_cache = false;  ///< the device has a volatile cache that is on
};

enum class Operation : std::uint8_t { kRead, kWrite, kFlush, kDiscard, kWriteZeroes, kGetId };

/// One request. Buffers stay the caller's, and untouched by the caller, until the completion was taken.
struct Request {
    Operation operation = Operation::kRead;
    std::uint64_t sector = 0;   ///< first sector, 512-byte units; ignored by kFlush and kGetId
    std::uint64_t sectors = 0;  ///< for kDiscard and kWriteZeroes; data operations take it from the segments
    std::span<const std::span<std::byte>> segments{};  ///< data; for kGetId one buffer of 20 bytes
    bool unmap = false;                                ///< kWriteZeroes may deallocate
    std::uint16_t queue = 0;                           ///< below Info::queues
    bool more = false;  ///< others follow at once: the device may be told with the last of them, or by poll()
};

/// Names a request in flight. Never reused while it is.
struct Token {
    std::uint32_t value = 0;
    constexpr bool operator==(const Token&) const = default;
};

struct Completion {
    Token token;
    hal::Status status;
    std::uint32_t bytes = 0;  ///< data bytes that arrived (reads); at most what was asked for
};

/// The device class of disks. `submit` and `next_completion` never wait; the synchronous form is in
/// block/sync.hpp.
class BlockDevice {
  public:
    virtual const Info& info() const = 0;
    /// kBusy: the queue is full, poll and take completions first. kInvalidArgument, kOutOfRange, kReadOnly
    /// and kUnsupported are answered without touching the device.
    virtual hal::Result<Token> submit(const Request& request) = 0;
    /// Tells the device of requests that it was not told of yet (Request::more), then looks for finished
    /// ones, at most `budget`, and for requests past their deadline; returns how many finished.
    virtual unsigned poll(unsigned budget) = 0;
    virtual std::optional<Completion> next_completion() = 0;
    /// Turns the device's volatile write cache on or off; kUnsupported where it cannot be chosen.
    virtual hal::Status set_write_cache(bool on) = 0;
    /// Resets the device and starts it again as it was: for a caller who will not wait for the driver's own
    /// deadline. Everything in flight ends with kReset, and its completions wait to be taken.
    virtual hal::Status recover() = 0;

  protected:
    ~BlockDevice() = default;  // owned by value, never through the class
};

}  // namespace tb::block
