// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <span>
#include <vector>

namespace tb::model::net {

/// Frames on their way from the wire to a device, as QEMU's network layer handles them with a stream socket
/// for a wire
/// (`-netdev socket`). What a device loses, and when, depends on it:
///
/// - A frame that arrives when the device is not ready is queued, and the socket is not read any more.
/// - The device flushes the queue when it believes that it may have become ready. Then every queued frame is
/// delivered,
///   ready or not, so that all but those that find a descriptor are lost; unless the device gives the first
///   one back.
/// - After that, when QEMU's main loop is back from all that is to be done at the moment, the socket is read
///   again, all that is there in one piece, up to the size of QEMU's buffer. The first frame of it that finds
///   the device not ready makes all behind it queued, too.
class Incoming {
  public:
    struct Device {
        std::function<bool()> cable_in;
        std::function<bool()> ready;
        /// False: gives the frame back. True: took it, or lost it.
        std::function<bool(std::span<const std::byte>)> take;
    };

    explicit Incoming(Device device) : device_(std::move(device)) {}

    void arrive(std::span<const std::byte> frame) {
        socket_.emplace_back(frame.begin(), frame.end());
        read_socket();
    }
    /// To be called by the device, and then read_socket() when it is done with what it is at.
    void flush() {
        refused_ = false;
        drain();
    }
    void read_socket() {
        while (reading_ && !socket_.empty()) {
            std::size_t budget = kReadBytes;
            while (!socket_.empty()) {
                const std::size_t rest = kLengthPrefix + socket_.front().size() - read_of_first_;
                if (rest > budget) {
                    read_of_first_ += budget;
                    break;
                }
                budget -= rest;
                read_of_first_ = 0;
                const Frame frame = std::move(socket_.front());
                socket_.pop_front();
                offer(frame);
            }
        }
    }
    void clear() {
        socket_.clear();
        queued_.clear();
        read_of_first_ = 0;
        reading_ = true;
        refused_ = false;
    }
    /// Frames that wait.
    std::size_t size() const { return socket_.size() + queued_.size(); }

  private:
    using Frame = std::vector<std::byte>;
    static constexpr std::size_t kReadBytes = 4096 + 65536;
    static constexpr std::size_t kLengthPrefix = 4;

    void offer(const Frame& frame) {
        if (!device_.cable_in()) return;
        if (!refused_ && device_.ready() && device_.take(frame)) {
            drain();
            return;
        }
        queued_.push_back(frame);
        reading_ = false;
    }
    void drain() {
        while (!queued_.empty()) {
            if (device_.cable_in() && !device_.take(queued_.front())) {
                refused_ = true;
                return;
            }
            queued_.pop_front();
            reading_ = true;
        }
    }

    Device device_;
    std::deque<Frame> socket_;
    std::deque<Frame> queued_;
    std::size_t read_of_first_ = 0;
    bool reading_ = true;
    bool refused_ = false;
};

}  // namespace tb::model::net
