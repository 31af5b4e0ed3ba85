// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "harness/qemu/block_backend.hpp"
#include "harness/qemu/event_loop.hpp"
#include "harness/qemu/fd.hpp"

namespace tb::qemu {

enum class BlockOperation : std::uint8_t { kRead, kWrite, kFlush, kDiscard, kWriteZeroes };

struct BlockRequest {
    BlockOperation operation;
    std::uint64_t offset;  ///< bytes, as BlockBackend sees it
    std::uint32_t length;  ///< bytes
    bool operator==(const BlockRequest&) const = default;
};

/// Serves a BlockBackend to QEMU's nbd driver, over one end of a socket pair
/// (NBD protocol, doc/proto.md of the NBD project: fixed newstyle, simple replies).
///
/// Why NBD and not an image file: with a file, completions come from QEMU's worker threads in any order. Here
/// every request passes through this object on the harness's own thread. It is executed and answered in
/// Vm::settle(), one at a time, in order of arrival or as a plan says; it can fail on demand, and can be held
/// in flight.
///
/// QEMU never resizes an nbd node. The export is therefore a window of kWindow bytes, QEMU lays a raw node
/// with an offset over it, such that the disk ends where the window ends, and a change of capacity moves the
/// offset (Vm::resize_disk).
class NbdServer : public Service {
  public:
    static constexpr std::uint64_t kWindow = std::uint64_t{1} << 40;

    /// `min_block`: the granularity that QEMU may use, 1 or 512. QEMU does a read-modify-write for
    /// requests that are not aligned to it.
    NbdServer(UniqueFd socket, BlockBackend& backend, std::uint32_t min_block = 512);

    /// While on, requests that arrive are held: neither executed nor answered. Turning it off releases all of
    /// them, in order of arrival.
    void hold(bool on);
    /// The requests that are held, in order of arrival.
    std::vector<BlockRequest> held() const;
    /// Lets one held request go; it is executed and answered in the next settle(), after those released
    /// before. `index` into held(). Throws std::out_of_range.
    void release_one(std::size_t index);
    void release_all();
    /// Lets a held request go with an error (an errno value), without executing it. Throws std::out_of_range.
    void fail_one(std::size_t index, int error);
    /// Held requests that had to be released, oldest first, because QEMU slept inside a command until they
    /// were answered: a device reset drains the disk.
    unsigned forced_releases() const { return forced_releases_; }

    /// Whether a request was answered, since the last call, while others stay held. QEMU's nbd client may
    /// then keep that answer to itself: the coroutine that waits for the next one holds the lock that the
    /// answered one needs to end (block/nbd.c of 7.2, receive_mutex). A further answer, even to a request of
    /// no consequence, passes the lock on.
    bool take_stuck() { return std::exchange(stuck_, false); }

    /// All requests since the last call, in order of arrival. QEMU itself reads sector 0 at start
    /// (it looks for a partition table to guess a geometry); Vm takes that one away.
    std::vector<BlockRequest> take_requests();

    /// Where the disk begins in the window, given its size.
    static std::uint64_t window_offset(std::uint64_t disk_size) { return kWindow - disk_size; }
    /// The disk begins there from now on; for Vm::resize_disk.
    void set_disk_size(std::uint64_t size) { disk_size_ = size; }

    int fd() const override { return socket_.get(); }
    void pump() override;
    bool wants_write() const override { return output_at_ < output_.size(); }
    std::uint64_t traffic() const override { return traffic_; }
    bool step() override;
    bool on_stall() override;

  private:
    enum class Phase { kClientFlags, kOptions, kTransmission, kClosed };
    struct Pending {
        BlockRequest request;
        std::uint16_t flags;
        std::uint64_t cookie;
        std::vector<std::uint8_t> data;
        int forced_error;  ///< not 0: answer this, and execute nothing
    };

    bool consume();
    bool consume_client_flags();
    bool consume_option();
    bool consume_request();
    void execute(const Pending& pending);
    void reply(std::uint64_t cookie, int error, std::span<const std::uint8_t> data);
    void send_export(std::uint32_t option);
    void send_option_reply(std::uint32_t option, std::uint32_t type, std::span<const std::uint8_t> data = {});
    std::uint16_t transmission_flags() const;
    void release(std::size_t index, int forced_error);
    void receive();
    void flush_output();
    void close();

    UniqueFd socket_;
    BlockBackend& backend_;
    std::uint32_t min_block_;
    std::uint64_t disk_size_;
    Phase phase_ = Phase::kClientFlags;
    bool no_zeroes_ = false;
    std::vector<std::uint8_t> input_;
    std::vector<std::uint8_t> output_;
    std::size_t output_at_ = 0;
    bool holding_ = false;
    std::deque<Pending> held_;
    std::deque<Pending> queue_;
    std::vector<BlockRequest> log_;
    std::uint64_t traffic_ = 0;
    unsigned forced_releases_ = 0;
    bool stuck_ = false;
};

}  // namespace tb::qemu
