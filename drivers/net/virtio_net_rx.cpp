// SPDX-License-Identifier: BSD-3-Clause
#include "net/virtio_net_rx.hpp"

#include "net/virtio_net_checksum.hpp"
#include "net/virtio_net_regs.hpp"

namespace tb::net::virtio_net {
namespace {

using hal::Error;

constexpr std::uint32_t kAlignment = 64;
/// What a buffer begins with when the device gets it: bytes by chance, that no header has (§5.1.6.4.1: there
/// is no such gso_type), and no other data but by one in 2^64. What a device has not written is seen to be
/// so.
constexpr std::uint64_t kPoison = 0x9d1c'f0a3'b7e2'ff5b;
/// No csum_offset inside a frame, no number of buffers.
constexpr std::uint32_t kPoisonBehind = 0x0000'ffff;

}  // namespace

hal::Status RxRing::create(const hal::Platform& platform, std::uint16_t entries, const Config& config) {
    platform_ = platform;
    config_ = config;
    virtio::Virtqueue::Options options;
    options.event_idx = config.event_idx;
    options.packed = config.packed;
    if (hal::Status made = queue_.create(platform, entries, options); !made) return made;
    const hal::Result<hal::DmaMemory> buffers =
        platform_.allocate_dma(config.buffers * config.buffer_bytes, kAlignment);
    if (!buffers) {
        queue_.destroy();
        return buffers.error();
    }
    buffers_ = *buffers;
    head_ = 0;
    ready_ = 0;
    broken_ = false;
    return {};
}

void RxRing::fill() {
    for (std::uint16_t i = 0; i < config_.buffers; ++i) arm(i);
}

void RxRing::destroy() {
    lost_ += ready_;
    ready_ = 0;
    queue_.destroy();
    platform_.free_dma(buffers_);
}

void RxRing::arm(std::uint16_t buffer) {
    const std::uint32_t at = offset_of(buffer);
    buffers_.cell<std::uint64_t>(at).store(kPoison);
    buffers_.cell<std::uint32_t>(at + header::kCsumOffset).store(kPoisonBehind);
    const virtio::Segment whole{buffers_.device_address() + at, config_.buffer_bytes};
    // There is room: no more buffers than entries. A queue that is broken takes nothing, and is made anew.
    (void)queue_.add({}, {&whole, 1}, buffer);
}

unsigned RxRing::harvest(unsigned budget) {
    unsigned found = 0;
    while (found < budget && !broken_) {
        const hal::Result<virtio::Used> used = queue_.pop();
        if (!used || !take(*used)) break;
        ++found;
    }
    publish();
    return found;
}

/// False when the device broke a rule that leaves nothing to go on from.
bool RxRing::take(const virtio::Used& used) {
    Frame frame;
    frame.first = used.cookie;
    slots_[used.cookie].bytes = used.bytes;
    const std::uint32_t at = offset_of(used.cookie);
    const std::uint64_t first = buffers_.cell<std::uint64_t>(at).load();
    if (first == kPoison) {
        // The device says that it has used a buffer which it has not touched.
        broken_ = true;
        return false;
    }
    const auto flags = static_cast<std::uint8_t>(first >> 8 * header::kFlags);
    const auto gso_type = static_cast<std::uint8_t>(first >> 8 * header::kGsoType);
    // §5.1.6.4.2: flags mean something to who has negotiated them, and csum_start with NEEDS_CSUM only.
    frame.needs_checksum = config_.checksum && (flags & header::kFlagNeedsCsum) != 0;
    frame.checksum_good = config_.checksum && (flags & header::kFlagDataValid) != 0;
    if (config_.mergeable || frame.needs_checksum) {
        const auto behind = buffers_.cell<std::uint32_t>(at + header::kCsumOffset).load();
        frame.csum_start = static_cast<std::uint16_t>(first >> 8 * header::kCsumStart);
        frame.csum_offset = static_cast<std::uint16_t>(behind);
        if (config_.mergeable) frame.buffers = static_cast<std::uint16_t>(behind >> 16);
    }
    bool whole = used.bytes >= header::kBytes;
    frame.bytes = whole ? used.bytes - header::kBytes : 0;
    if (!gather(frame, whole)) {
        broken_ = true;
        return false;
    }
    // None of the features that let a device hand over what was not cut into segments is negotiated.
    if (!whole || gso_type != header::kGsoNone || frame.bytes < kEthernetHeaderBytes ||
        frame.bytes > config_.max_frame) {
        ++errors_;
        give_back(frame);
        return true;
    }
    waiting_[(head_ + ready_) % kMostBuffers] = frame;
    ++ready_;
    ++frames_;
    bytes_ += frame.bytes;
    return true;
}

/// Takes the other buffers of a frame, which are used together with the first (§5.1.6.4.1). `whole`: whether
/// all but the last are full.
bool RxRing::gather(Frame& frame, bool& whole) {
    if (frame.buffers == 0 || frame.buffers > config_.buffers) return false;
    std::uint16_t last = frame.first;
    for (unsigned i = 1; i < frame.buffers; ++i) {
        const hal::Result<virtio::Used> used = queue_.pop();
        if (!used) return false;
        if (used->bytes >= sizeof kPoison &&
            buffers_.cell<std::uint64_t>(offset_of(used->cookie)).load() == kPoison)
            return false;
        if (slots_[last].bytes != config_.buffer_bytes) whole = false;
        slots_[last].next = used->cookie;
        last = used->cookie;
        slots_[last].bytes = used->bytes;
        // Neither can overflow: 256 buffers of 64 KiB.
        frame.bytes += used->bytes;
        if (used->bytes == 0) whole = false;
    }
    return true;
}

void RxRing::give_back(const Frame& frame) {
    std::uint16_t buffer = frame.first;
    for (unsigned i = 0; i < frame.buffers; ++i) {
        const std::uint16_t next = slots_[buffer].next;
        arm(buffer);
        buffer = next;
    }
}

void RxRing::copy(const Frame& frame, std::span<std::byte> out) const {
    std::uint16_t buffer = frame.first;
    std::uint32_t done = 0;
    for (unsigned i = 0; i < frame.buffers; ++i) {
        const std::uint32_t skip = i == 0 ? header::kBytes : 0;
        const std::uint32_t bytes = slots_[buffer].bytes - skip;
        buffers_.read(offset_of(buffer) + skip, out.subspan(done, bytes));
        done += bytes;
        buffer = slots_[buffer].next;
    }
}

hal::Result<RxFrame> RxRing::receive(std::span<std::byte> buffer) {
    hal::Result<RxFrame> answer = Error::kBusy;
    for (unsigned left = ready_; left > 0 && !answer; --left) {
        const Frame frame = waiting_[head_];
        head_ = (head_ + 1) % kMostBuffers;
        --ready_;
        const bool fits = frame.bytes <= buffer.size();
        if (fits) copy(frame, buffer.first(frame.bytes));
        give_back(frame);
        if (!fits) {
            answer = Error::kOutOfRange;
            break;
        }
        RxFrame received;
        received.bytes = frame.bytes;
        if (frame.needs_checksum &&
            !complete_checksum(buffer.first(frame.bytes), frame.csum_start, frame.csum_offset)) {
            --frames_;
            bytes_ -= frame.bytes;
            ++errors_;
            continue;
        }
        received.l4_checksum_good = frame.needs_checksum || frame.checksum_good;
        received.l4_checksum_checked = received.l4_checksum_good;
        answer = received;
    }
    publish();
    return answer;
}

}  // namespace tb::net::virtio_net
