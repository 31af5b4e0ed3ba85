// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <optional>
#include <vector>

#include "virtio/testing/device_ring.hpp"

namespace tb::virtio::testing {

/// A buffer as the device found it in a packed ring.
struct PackedChain {
    std::uint16_t id = 0;
    std::uint16_t descriptors = 0;  ///< of the ring
    std::vector<Piece> pieces{};
    bool indirect = false;

    std::uint32_t writable() const {
        std::uint32_t bytes = 0;
        for (const Piece& piece : pieces) bytes += piece.device_writes() ? piece.bytes : 0;
        return bytes;
    }
};

/// The device's side of a packed ring, for tests: it works on what is in memory and on nothing that the
/// driver knows.
class PackedDeviceRing {
  public:
    PackedDeviceRing() = default;
    PackedDeviceRing(hal::testing::MockMachine& machine, std::uint64_t descriptors, std::uint64_t driver,
                     std::uint64_t device, std::uint16_t size)
        : machine_(&machine), descriptors_(descriptors), driver_(driver), device_(device), entries_(size) {}

    /// The next buffer that the driver made available, walked as a device does.
    std::optional<PackedChain> take() {
        if (!packed::is_available(flags_at(next_), next_wrap_)) return std::nullopt;
        PackedChain chain;
        const std::uint64_t head = at(next_);
        if ((flags_at(next_) & ring::kDescIndirect) != 0) {
            chain.indirect = true;
            chain.descriptors = 1;
            chain.id = peek<std::uint16_t>(head + packed::kId);
            const auto table = peek<std::uint64_t>(head);
            const std::uint32_t count = peek<std::uint32_t>(head + packed::kLen) / ring::kDescBytes;
            for (std::uint32_t i = 0; i < count; ++i)
                chain.pieces.push_back(piece_at(table + std::uint64_t{i} * ring::kDescBytes));
            advance(next_, next_wrap_, 1);
            return chain;
        }
        for (std::uint16_t i = 0; i < entries_; ++i) {
            const std::uint64_t descriptor = at(next_);
            chain.pieces.push_back(piece_at(descriptor));
            // That of the last one counts (§2.8.6).
            chain.id = peek<std::uint16_t>(descriptor + packed::kId);
            ++chain.descriptors;
            advance(next_, next_wrap_, 1);
            if ((chain.pieces.back().flags & ring::kDescNext) == 0) break;
        }
        return chain;
    }

    void use(const PackedChain& chain) { use(chain, chain.writable()); }
    void use(const PackedChain& chain, std::uint32_t bytes) {
        write_used(chain.id, bytes, used_flags());
        advance(used_, used_wrap_, chain.descriptors);
    }
    /// Writes the next used descriptor, and stays where it is.
    void write_used(std::uint16_t id, std::uint32_t bytes, std::uint16_t flags) {
        poke<std::uint32_t>(at(used_) + packed::kLen, bytes);
        poke<std::uint16_t>(at(used_) + packed::kId, id);
        poke<std::uint16_t>(at(used_) + packed::kFlags, flags);
    }
    std::uint16_t used_flags() const {
        return used_wrap_ ? packed::kDescAvail | packed::kDescUsed : std::uint16_t{0};
    }

    void suppress(std::uint16_t flags, std::uint16_t desc = 0) {
        poke<std::uint16_t>(device_ + packed::kEventDesc, desc);
        poke<std::uint16_t>(device_ + packed::kEventFlags, flags);
    }
    /// With event indices: to be told of the next buffer.
    void ask_for_next_kick() {
        suppress(packed::kEventForDesc,
                 static_cast<std::uint16_t>(next_ | (next_wrap_ ? packed::kEventWrap : 0)));
    }
    std::uint16_t driver_desc() const { return peek<std::uint16_t>(driver_ + packed::kEventDesc); }
    std::uint16_t driver_flags() const { return peek<std::uint16_t>(driver_ + packed::kEventFlags); }

    std::uint16_t used_slot() const { return used_; }
    std::uint64_t at(std::uint16_t slot) const {
        return descriptors_ + std::uint64_t{slot} * ring::kDescBytes;
    }
    std::uint16_t flags_at(std::uint16_t slot) const {
        return peek<std::uint16_t>(at(slot) + packed::kFlags);
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
    Piece piece_at(std::uint64_t descriptor) const {
        return {peek<std::uint64_t>(descriptor), peek<std::uint32_t>(descriptor + packed::kLen),
                peek<std::uint16_t>(descriptor + packed::kFlags)};
    }
    void advance(std::uint16_t& slot, bool& wrap, std::uint16_t count) const {
        slot = static_cast<std::uint16_t>(slot + count);
        if (slot < entries_) return;
        slot = static_cast<std::uint16_t>(slot - entries_);
        wrap = !wrap;
    }

    hal::testing::MockMachine* machine_ = nullptr;
    std::uint64_t descriptors_ = 0;
    std::uint64_t driver_ = 0;
    std::uint64_t device_ = 0;
    std::uint16_t next_ = 0;
    std::uint16_t used_ = 0;
    std::uint16_t entries_ = 0;
    bool next_wrap_ = true;
    bool used_wrap_ = true;
};

}  // namespace tb::virtio::testing
