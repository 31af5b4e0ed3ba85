// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <deque>
#include <functional>
#include <vector>

#include "block/virtio_blk_regs.hpp"
#include "virtio/testing/fake_virtio.hpp"

namespace tb::block::testing {

/// A virtio block device for unit tests: serves requests from a vector when the doorbell rings, or holds them
/// until the test says so, in any order, with any lie.
class FakeVirtioBlk : public virtio::testing::FakeVirtio {
  public:
    /// A request that the device has taken and not finished.
    struct Held {
        std::uint16_t queue = 0;
        virtio::testing::Chain chain;
        std::uint32_t type = 0;
        std::uint64_t sector = 0;
    };

    explicit FakeVirtioBlk(std::uint32_t sectors = 256) : disk(std::size_t{sectors} * 512) {
        features |= virtio_blk::kFeatureSegMax | virtio_blk::kFeatureBlockSize | virtio_blk::kFeatureFlush |
                    virtio_blk::kFeatureTopology | virtio_blk::kFeatureConfigWce |
                    virtio_blk::kFeatureMultiQueue | virtio_blk::kFeatureDiscard |
                    virtio_blk::kFeatureWriteZeroes | virtio::kFeatureIndirectDesc | virtio::kFeatureEventIdx;
        set_config<std::uint64_t>(virtio_blk::config::kCapacity, sectors);
        set_config<std::uint32_t>(virtio_blk::config::kSegMax, 254);
        set_config<std::uint32_t>(virtio_blk::config::kBlockSize, 512);
        set_config<std::uint8_t>(virtio_blk::config::kWriteback, 1);
        set_config<std::uint16_t>(virtio_blk::config::kNumQueues, 4);
        set_config<std::uint32_t>(virtio_blk::config::kMaxDiscardSectors, 64);
        set_config<std::uint32_t>(virtio_blk::config::kMaxDiscardSegments, 1);
        set_config<std::uint32_t>(virtio_blk::config::kMaxWriteZeroesSectors, 64);
        set_config<std::uint32_t>(virtio_blk::config::kMaxWriteZeroesSegments, 1);
        on_notify = [this](std::uint16_t queue) { take(queue); };
        for (std::size_t i = 0; i < disk.size(); ++i) disk[i] = static_cast<std::uint8_t>(i / 512 + i);
    }

    void take(std::uint16_t index) {
        if (!running() || !bus_master() || index >= queues.size() || queues[index].enabled == 0) return;
        while (auto chain = queues[index].ring.take()) {
            Held request{index, *chain};
            const auto& header = chain->pieces.front();
            request.type = peek<std::uint32_t>(header.address);
            request.sector = peek<std::uint64_t>(header.address + 8);
            held.push_back(request);
            requests.push_back(request);
        }
        queues[index].ring.ask_for_next_kick();
        while (!holding && !held.empty()) serve();
    }

    /// Serves the `nth` held request as a device should, and interrupts.
    void serve(std::size_t nth = 0, std::uint8_t with_status = virtio_blk::kStatusOk) {
        const Held request = take_held(nth);
        if (with_status == virtio_blk::kStatusOk) move(request);
        set_status(request, with_status);
        finish(request, request.chain.head, request.chain.writable());
    }
    /// Ends the `nth` held request with a used element of the test's choice, touching nothing else.
    void lie(std::size_t nth, std::uint32_t id, std::uint32_t bytes) { finish(take_held(nth), id, bytes); }

    void set_status(const Held& request, std::uint8_t value) {
        poke(request.chain.pieces.back().address, value);
    }
    /// Moves the data of a request.
    void move(const Held& request) {
        std::uint64_t at = request.sector * 512;
        for (std::size_t i = 1; i + 1 < request.chain.pieces.size(); ++i) {
            const auto& piece = request.chain.pieces[i];
            switch (request.type) {
                case virtio_blk::kTypeIn:
                    std::memcpy(board.machine.at(piece.address), disk.data() + at, piece.bytes);
                    break;
                case virtio_blk::kTypeOut:
                    std::memcpy(disk.data() + at, board.machine.at(piece.address), piece.bytes);
                    break;
                case virtio_blk::kTypeGetId:
                    std::memcpy(board.machine.at(piece.address), "twinbench-disk-00001", piece.bytes);
                    break;
                default: {
                    const auto first = peek<std::uint64_t>(piece.address);
                    const auto count = peek<std::uint32_t>(piece.address + 8);
                    last_range_flags = peek<std::uint32_t>(piece.address + 12);
                    std::memset(disk.data() + first * 512, 0, std::size_t{count} * 512);
                    break;
                }
            }
            at += piece.bytes;
        }
    }

    template <class T>
    T peek(std::uint64_t address) {
        T value;
        std::memcpy(&value, board.machine.at(address), sizeof(T));
        return value;
    }
    void poke(std::uint64_t address, std::uint8_t value) {
        std::memcpy(board.machine.at(address), &value, 1);
    }

    std::vector<std::uint8_t> disk;
    std::deque<Held> held;
    std::vector<Held> requests;  ///< all that were ever taken
    bool holding = false;
    bool silent = false;  ///< finishes without an interrupt
    std::uint32_t last_range_flags = 0;

  private:
    Held take_held(std::size_t nth) {
        const Held request = held.at(nth);
        held.erase(held.begin() + static_cast<std::ptrdiff_t>(nth));
        return request;
    }
    void finish(const Held& request, std::uint32_t id, std::uint32_t bytes) {
        auto& ring = queues[request.queue].ring;
        const std::uint16_t before = ring.used_idx();
        ring.use(id, bytes);
        if (silent) return;
        const bool wanted = (accepted & virtio::kFeatureEventIdx) != 0
                                ? virtio::ring::need_event(ring.used_event(), ring.used_idx(), before)
                                : (ring.avail_flags() & virtio::ring::kAvailNoInterrupt) == 0;
        if (wanted) interrupt_queue(request.queue);
    }
};

}  // namespace tb::block::testing
