// SPDX-License-Identifier: BSD-3-Clause
#include "models/virtio/chain.hpp"

#include <algorithm>

namespace tb::model::virtio {

namespace {

constexpr std::uint32_t kPage = 4096;

template <class Transfer>
std::size_t walk(std::span<const Segment> segments, std::uint64_t offset, std::size_t size,
                 Transfer&& transfer) {
    std::size_t done = 0;
    for (const Segment& segment : segments) {
        if (done == size) break;
        if (offset >= segment.length) {
            offset -= segment.length;
            continue;
        }
        const auto part =
            static_cast<std::size_t>(std::min<std::uint64_t>(segment.length - offset, size - done));
        transfer(segment.address + offset, done, part);
        offset = 0;
        done += part;
    }
    return done;
}

}  // namespace

std::optional<Segment> DmaMapper::map(std::uint64_t address, std::uint32_t length) {
    if (address < ram_bytes_) {
        const std::uint64_t room = ram_bytes_ - address;
        return Segment{address, static_cast<std::uint32_t>(std::min<std::uint64_t>(length, room)), false};
    }
    if (bounce_taken_) return std::nullopt;
    bounce_taken_ = true;
    return Segment{address, std::min(length, kPage), true};
}

void DmaMapper::unmap(std::span<const Segment> segments) {
    if (std::ranges::any_of(segments, &Segment::bounced)) bounce_taken_ = false;
}

void DmaMapper::unmap(const Chain& chain) {
    unmap(chain.readable);
    unmap(chain.writable);
}

const char* DmaMapper::map_into(Chain& chain, bool writable, std::uint64_t address, std::uint32_t length) {
    if (length == 0) return "a descriptor of zero length";
    std::vector<Segment>& part = writable ? chain.writable : chain.readable;
    for (std::uint32_t left = length; left != 0;) {
        if (chain.readable.size() + chain.writable.size() == kMostDescriptors)
            return "a chain of more than 1024 pieces";
        const std::optional<Segment> segment = map(address, left);
        if (!segment) return "a descriptor names memory that is not there";
        part.push_back(*segment);
        address += segment->length;
        left -= segment->length;
    }
    return nullptr;
}

std::uint64_t total_bytes(std::span<const Segment> segments) {
    std::uint64_t sum = 0;
    for (const Segment& segment : segments) sum += segment.length;
    return sum;
}

std::size_t gather(pci::Requester& memory, std::span<const Segment> segments, std::uint64_t offset,
                   std::span<std::byte> out) {
    return walk(segments, offset, out.size(), [&](std::uint64_t address, std::size_t at, std::size_t size) {
        memory.read(address, out.subspan(at, size));
    });
}

std::size_t scatter(pci::Requester& memory, std::span<const Segment> segments, std::uint64_t offset,
                    std::span<const std::byte> in) {
    return walk(segments, offset, in.size(), [&](std::uint64_t address, std::size_t at, std::size_t size) {
        memory.write(address, in.subspan(at, size));
    });
}

}  // namespace tb::model::virtio
