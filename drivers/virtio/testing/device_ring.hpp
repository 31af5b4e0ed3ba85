// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstring>
#include <hal_testing/mock_machine.hpp>
#include <optional>
#include <vector>

#include "virtio/virtio_regs.hpp"

/// The device's side of a split ring, for tests: it works on what is in memory and on nothing that the driver
/// knows.
namespace tb::virtio::testing {

struct Piece {
    std::uint64_t address = 0;
    std::uint32_t bytes = 0;
    std::uint16_t flags = 0;

    bool device_writes() const { return (flags & ring::kDescWrite) != 0; }
};

/// A buffer as the device found it in the available ring.
struct Chain {
    std::uint16_t head = 0;
    std::vector<Piece> pieces;
    bool indirect = false;

    std::uint32_t writable() const {
        std::uint32_t bytes = 0;
        for (const Piece& piece : pieces) bytes += piece.device_writes() ? piece.bytes : 0;
        return bytes;
    }
};

class DeviceRing {
  public:
    DeviceRing() = default;
    DeviceRing(hal::testing::MockMachine& machine, std::uint64_t descriptors, std::uint64_t driver,
               std::uint64_t device, std::uint16_t size)
        : machine_(&machine), descriptors_(descriptors), driver_(driver), device_(device), entries_(size) {}

    /// The next buffer that the driver made available, walked as a device does.
    std::optional<Chain> take() {
        if (avail_taken_ == avail_idx()) return std::nullopt;
        Chain chain;
        chain.head =
            peek<std::uint16_t>(driver_ + ring::kEntries + std::uint64_t{2} * (avail_taken_++ % entries_));
        std::uint64_t table = descriptors_;
        std::uint32_t limit = entries_;
        std::uint16_t at = chain.head;
        for (std::uint32_t i = 0; i < limit; ++i) {
            const std::uint64_t descriptor = table + std::uint64_t{at} * ring::kDescBytes;
            Piece piece{peek<std::uint64_t>(descriptor), peek<std::uint32_t>(descriptor + 8),
                        peek<std::uint16_t>(descriptor + 12)};
            if ((piece.flags & ring::kDescIndirect) != 0) {
                chain.indirect = true;
                table = piece.address;
                limit = piece.bytes / ring::kDescBytes;
                at = 0;
                i = ~std::uint32_t{0};
                continue;
            }
            chain.pieces.push_back(piece);
            if ((piece.flags & ring::kDescNext) == 0) break;
            at = peek<std::uint16_t>(descriptor + 14);
        }
        return chain;
    }

    void use(std::uint32_t id, std::uint32_t bytes) {
        write_element(used_, id, bytes);
        set_used_idx(static_cast<std::uint16_t>(used_ + 1));
    }
    void use(const Chain& chain) { use(chain.head, chain.writable()); }
    void write_element(std::uint16_t index, std::uint32_t id, std::uint32_t bytes) {
        const std::uint64_t element = device_ + ring::kEntries + std::uint64_t{8} * (index % entries_);
        poke<std::uint32_t>(element, id);
        poke<std::uint32_t>(element + 4, bytes);
    }
    void set_used_idx(std::uint16_t index) {
        used_ = index;
        poke<std::uint16_t>(device_ + ring::kIdx, index);
    }
    void set_no_notify(bool on) { poke<std::uint16_t>(device_ + ring::kFlags, on ? ring::kUsedNoNotify : 0); }
    void set_avail_event(std::uint16_t index) { poke(device_ + ring::avail_event(entries_), index); }

    /// With event indices: to be told of the next buffer.
    void ask_for_next_kick() { set_avail_event(avail_taken_); }

    std::uint16_t avail_idx() const { return peek<std::uint16_t>(driver_ + ring::kIdx); }
    std::uint16_t avail_flags() const { return peek<std::uint16_t>(driver_ + ring::kFlags); }
    std::uint16_t used_event() const { return peek<std::uint16_t>(driver_ + ring::used_event(entries_)); }
    std::uint16_t used_idx() const { return used_; }

    /// Overwrites all that the driver wrote and a device has no business in.
    void scribble_on_descriptors(int byte) {
        std::memset(machine_->at(descriptors_), byte, std::size_t{entries_} * 16);
    }

    template <class T>
    T peek(std::uint64_t address) const {
        T value;
        std::memcpy(&value, machine_->at(address), sizeof(T));
        return value;
    }
    template <class T>
    void poke(std::uint64_t address, T value) {
        std::memcpy(machine_->at(address), &value, sizeof(T));
    }

  private:
    hal::testing::MockMachine* machine_ = nullptr;
    std::uint64_t descriptors_ = 0;
    std::uint64_t driver_ = 0;
    std::uint64_t device_ = 0;
    std::uint16_t avail_taken_ = 0;
    std::uint16_t used_ = 0;
    std::uint16_t entries_ = 0;
};

}  // namespace tb::virtio::testing
