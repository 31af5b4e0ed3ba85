// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "models/pci/requester.hpp"

namespace tb::model::virtio {

/// The most descriptors that QEMU gives a queue, and the most pieces that it takes in a chain.
inline constexpr unsigned kMostDescriptors = 1024;

/// A piece of memory that a descriptor names.
struct Segment {
    std::uint64_t address = 0;
    std::uint32_t length = 0;
    bool bounced = false;  ///< not RAM: stands for QEMU's bounce buffer
};

/// A descriptor chain that the driver made available: the device-readable part, then the device-writable part
/// (VIRTIO 1.2 §2.7.4.2).
struct Chain {
    std::uint16_t head = 0;         ///< the first descriptor; of a packed queue the buffer ID
    std::uint16_t descriptors = 1;  ///< of a packed ring that it takes up
    std::vector<Segment> readable{};
    std::vector<Segment> writable{};
};

/// A chain that was used: `written` bytes of its writable part hold data (§2.7.8).
struct Filled {
    Chain chain;
    std::uint32_t written = 0;
};

/// Which addresses a device can use as buffers. QEMU maps them when it takes a chain: RAM directly; of
/// everything else one piece of at most a page at a time, through the only bounce buffer there is.
class DmaMapper {
  public:
    explicit DmaMapper(std::uint64_t ram_bytes) : ram_bytes_(ram_bytes) {}

    /// Whether [address, address + length) begins in RAM and leaves it: what cannot be mapped as a ring or a
    /// table.
    bool straddles(std::uint64_t address, std::uint64_t length) const {
        return address < ram_bytes_ && length > ram_bytes_ - address;
    }
    /// Maps the beginning of the range; nothing when it cannot be.
    std::optional<Segment> map(std::uint64_t address, std::uint32_t length);
    /// Maps a whole piece into the part of a chain that it belongs to. What is wrong with it; null when
    /// nothing is.
    const char* map_into(Chain& chain, bool writable, std::uint64_t address, std::uint32_t length);
    void unmap(std::span<const Segment> segments);
    void unmap(const Chain& chain);
    void reset() { bounce_taken_ = false; }

  private:
    std::uint64_t ram_bytes_;
    bool bounce_taken_ = false;
};

std::uint64_t total_bytes(std::span<const Segment> segments);
/// Gathers bytes [offset, offset + out.size()) of the segments; returns how many there were.
std::size_t gather(pci::Requester& memory, std::span<const Segment> segments, std::uint64_t offset,
                   std::span<std::byte> out);
/// Scatters `in` over the segments from byte `offset` on; returns how many bytes found room.
std::size_t scatter(pci::Requester& memory, std::span<const Segment> segments, std::uint64_t offset,
                    std::span<const std::byte> in);

}  // namespace tb::model::virtio
