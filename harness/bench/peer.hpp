// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <thread>
#include <vector>

#include "harness/qemu/fd.hpp"

namespace tb::bench {

/// What the other end saw since the last reset(). Times are of the steady clock, in nanoseconds; 0 when there
/// was nothing to see.
struct PeerCounts {
    std::uint64_t frames = 0;   ///< that came from the guest, but for those that were answered
    std::uint64_t damaged = 0;  ///< of them: of the agreed type, and out of order or with other bytes
    std::int64_t first_ns = 0;  ///< when the first of them was read, with all that had arrived by then
    std::int64_t last_ns = 0;
    std::uint64_t frames_behind_first = 0;  ///< those read after first_ns: what the time was taken for
    std::uint64_t answered = 0;             ///< ARP requests and echo requests
    std::uint64_t flooded = 0;              ///< frames that QEMU has taken of a flood
    std::uint64_t serial_bytes = 0;
    std::uint64_t serial_damaged = 0;  ///< other characters than agreed on
};

/// The other end of the guest's wire (`-netdev socket`: frames behind their length in 32 bits, big endian)
/// and of its second serial port, served by a thread of its own: it takes all that comes, checks what the
/// guest promised to send (kernel/bench/pattern.hpp), answers ARP and echo requests, and floods on demand.
class Peer {
  public:
    Peer(qemu::UniqueFd wire, qemu::UniqueFd serial);
    ~Peer();
    Peer(const Peer&) = delete;
    Peer& operator=(const Peer&) = delete;

    void reset();
    PeerCounts counts();
    /// Sends numbered frames of `bytes` bytes as fast as QEMU takes them, until the next call of either;
    /// 0 stops.
    void flood(std::uint32_t bytes);

  private:
    void run();
    void take_frames();
    void take_frame(const std::uint8_t* frame, std::size_t bytes);
    void answer(const std::vector<std::uint8_t>& frame);
    void confirm();
    void take_serial();
    void send();
    void refill();
    void wake();

    qemu::UniqueFd wire_;
    qemu::UniqueFd serial_;
    qemu::SocketPair alarm_;

    std::mutex mutex_;  ///< of all that follows but the buffers
    PeerCounts counts_;
    std::uint32_t expected_ = 0;   ///< the number of the next frame
    std::uint32_t confirmed_ = 0;  ///< the last one that was confirmed
    std::uint32_t flood_bytes_ = 0;
    std::uint32_t flood_next_ = 0;

    std::vector<std::uint8_t> input_;
    std::size_t filled_ = 0;
    std::vector<std::uint8_t> output_;
    std::size_t written_ = 0;
    std::uint32_t output_frames_ = 0;  ///< of a flood, in output_

    std::atomic<bool> ending_ = false;
    std::thread thread_;
};

}  // namespace tb::bench
