// SPDX-License-Identifier: BSD-3-Clause
#include "models/net/e1000_rx.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

namespace tb::model::net {

namespace {

constexpr std::size_t kLeastFrame = 60;  // without FCS
constexpr std::size_t kFcsBytes = 4;
constexpr std::size_t kTagAt = 12;
constexpr std::size_t kTagBytes = 4;
// What passes without and with RCTL.LPE. QEMU compares them with the length without FCS, so 1522 is four too
// many.
constexpr std::size_t kLongestVlanFrame = 1522;
constexpr std::size_t kLongestFrame = 16384;

std::uint32_t big16(std::span<const std::byte> frame, std::size_t at) {
    return std::to_integer<std::uint32_t>(frame[at]) << 8 | std::to_integer<std::uint32_t>(frame[at + 1]);
}

bool bit_of_table(const MacRegisters::Register* table, std::uint32_t index) {
    return (MacRegisters::get(table[index >> 5]) >> (index & 31) & 1) != 0;
}

}  // namespace

void Receiver::reset() {
    buffer_bytes_ = 0;
    threshold_shift_ = 1;
}

void Receiver::configure() {
    const std::uint32_t control = MacRegisters::get(regs_.rctl);
    const unsigned code = control >> rctl::kBufferSizeShift & 3;
    constexpr std::array<std::uint32_t, 4> kPlain = {2048, 1024, 512, 256};
    constexpr std::array<std::uint32_t, 4> kExtended = {2048, 16384, 8192, 4096};
    buffer_bytes_ = ((control & rctl::kSizeExtension) != 0 ? kExtended : kPlain)[code];
    threshold_shift_ = (control >> rctl::kThresholdShift & 3) + 1;
}

bool Receiver::enabled() const {
    return MacRegisters::has(regs_.status, status::kLinkUp) && MacRegisters::has(regs_.rctl, rctl::kEnable);
}

bool Receiver::room_for(std::size_t bytes) const {
    const std::uint32_t head = MacRegisters::get(regs_.rdh);
    const std::uint32_t tail = MacRegisters::get(regs_.rdt);
    if (head == tail) return false;
    if (bytes <= buffer_bytes_) return true;
    // Modulo 2^32, as in QEMU: heads and tails beyond the ring give odd numbers.
    std::uint32_t free = tail - head;
    if (head > tail) free += MacRegisters::get(regs_.rdlen) / kDescriptorBytes;
    const std::uint32_t free_bytes = free * buffer_bytes_;
    return bytes <= free_bytes;
}

bool Receiver::too_long(std::size_t bytes) const {
    const std::uint32_t control = MacRegisters::get(regs_.rctl);
    if ((control & rctl::kStoreBad) != 0) return false;
    return bytes > ((control & rctl::kLongPackets) != 0 ? kLongestFrame : kLongestVlanFrame);
}

bool Receiver::is_tagged(std::span<const std::byte> frame) const {
    return big16(frame, kTagAt) == (MacRegisters::get(regs_.vet) & 0xffff);
}

bool Receiver::passes(std::span<const std::byte> frame) {
    const std::uint32_t control = MacRegisters::get(regs_.rctl);
    if ((control & rctl::kVlanFilter) != 0 && is_tagged(frame) &&
        !bit_of_table(regs_.vfta, big16(frame, kTagAt + 2) & 0xfff))
        return false;
    const bool multicast = (frame[0] & std::byte{1}) != std::byte{0};
    const bool broadcast =
        std::all_of(frame.begin(), frame.begin() + 6, [](std::byte b) { return b == std::byte{0xff}; });
    if (!multicast && (control & rctl::kUnicastPromiscuous) != 0) return true;
    // What let a frame in is what counts it: a broadcast that multicast promiscuous mode took is a multicast.
    if (multicast && (control & rctl::kMulticastPromiscuous) != 0) {
        MacRegisters::count(regs_.mprc);
        return true;
    }
    if (broadcast && (control & rctl::kBroadcast) != 0) {
        MacRegisters::count(regs_.bprc);
        return true;
    }
    return matches_address(frame);
}

bool Receiver::matches_address(std::span<const std::byte> frame) {
    for (unsigned i = 0; i < kReceiveAddresses; ++i) {
        const MacRegisters::Register* pair = regs_.ra + std::size_t{2} * i;
        const std::array<std::uint32_t, 2> words = {MacRegisters::get(pair[0]), MacRegisters::get(pair[1])};
        if ((words[1] & rah::kValid) == 0) continue;
        if (std::memcmp(words.data(), frame.data(), 6) == 0) return true;
    }
    constexpr std::array<unsigned, 4> kShifts = {4, 3, 2, 0};
    const unsigned shift = kShifts[MacRegisters::get(regs_.rctl) >> rctl::kMulticastOffsetShift & 3];
    const std::uint32_t last =
        std::to_integer<std::uint32_t>(frame[5]) << 8 | std::to_integer<std::uint32_t>(frame[4]);
    if (!bit_of_table(regs_.mta, last >> shift & 0xfff)) return false;
    MacRegisters::count(regs_.mprc);
    return true;
}

void Receiver::receive(std::span<const std::byte> frame) {
    if (!enabled()) return;
    std::array<std::byte, kLeastFrame> padded{};
    if (frame.size() < kLeastFrame) {
        std::copy(frame.begin(), frame.end(), padded.begin());
        frame = padded;
    }
    if (too_long(frame.size())) {
        MacRegisters::count(regs_.roc);
        return;
    }
    if (!passes(frame)) return;

    std::vector<std::byte> stripped;
    std::uint8_t extra_status = 0;
    std::uint16_t tag = 0;
    if (MacRegisters::has(regs_.ctrl, ctrl::kVlanMode) && is_tagged(frame)) {
        tag = static_cast<std::uint16_t>(big16(frame, kTagAt + 2));
        extra_status = rxd::kVlan;
        stripped.assign(frame.begin(), frame.end());
        stripped.erase(stripped.begin() + kTagAt, stripped.begin() + kTagAt + kTagBytes);
        frame = stripped;
    }
    // The FCS is counted, not written: four bytes of the buffer stay as they were.
    const std::size_t total = frame.size() + (MacRegisters::has(regs_.rctl, rctl::kStripCrc) ? 0 : kFcsBytes);
    if (!room_for(total) || !store(frame, total, extra_status, tag)) {
        overrun();
        return;
    }
    account(frame.size(), total);
}

bool Receiver::store(std::span<const std::byte> frame, std::size_t total, std::uint8_t extra_status,
                     std::uint16_t tag) {
    const std::uint32_t started_at = MacRegisters::get(regs_.rdh);
    const std::uint32_t ring_bytes = MacRegisters::get(regs_.rdlen);
    const std::uint64_t base = MacRegisters::ring_base(regs_.rdbal, regs_.rdbah);
    std::size_t done = 0;
    do {
        std::uint32_t head = MacRegisters::get(regs_.rdh);
        const std::uint64_t at = base + std::uint64_t{kDescriptorBytes} * head;
        Descriptor descriptor;
        dma_.read(at, std::as_writable_bytes(std::span(&descriptor, 1)));
        descriptor.special = tag;
        descriptor.status = static_cast<std::uint8_t>(descriptor.status & ~rxd::kDone);
        // A descriptor without a buffer is passed over, and marked done like the others.
        if (descriptor.address != 0) {
            const std::size_t piece = std::min<std::size_t>(total - done, buffer_bytes_);
            if (done < frame.size())
                dma_.write(descriptor.address, frame.subspan(done, std::min(frame.size() - done, piece)));
            done += piece;
            descriptor.length = static_cast<std::uint16_t>(piece);
            if (done >= total)
                descriptor.status |= rxd::kEop | rxd::kIgnoreChecksum;
            else
                descriptor.status = static_cast<std::uint8_t>(descriptor.status & ~rxd::kEop);
        }
        // The body first, then the status byte alone: who polls DD never sees it with an old length.
        dma_.write(at, std::as_bytes(std::span(&descriptor, 1)));
        descriptor.status |= static_cast<std::uint8_t>(extra_status | rxd::kDone);
        dma_.store(at + offsetof(Descriptor, status), descriptor.status);
        if (++head * kDescriptorBytes >= ring_bytes) head = 0;
        regs_.rdh.set(head);
        if (head == started_at || started_at >= ring_bytes / kDescriptorBytes) return false;
    } while (done < total);
    return true;
}

void Receiver::overrun() {
    MacRegisters::count(regs_.rnbc);
    MacRegisters::count(regs_.mpc);
    interrupts_.raise(cause::kRxo);
}

void Receiver::account(std::size_t bytes, std::size_t total) {
    MacRegisters::count_size(&regs_.prc64, total);
    MacRegisters::count(regs_.tpr);
    MacRegisters::count(regs_.gprc);
    MacRegisters::add(regs_.torl, regs_.torh, bytes + kFcsBytes);
    MacRegisters::add(regs_.gorcl, regs_.gorch, bytes + kFcsBytes);

    const std::uint32_t head = MacRegisters::get(regs_.rdh);
    const std::uint32_t ring_bytes = MacRegisters::get(regs_.rdlen);
    std::uint32_t tail = MacRegisters::get(regs_.rdt);
    if (tail < head) tail += ring_bytes / kDescriptorBytes;
    const std::uint64_t free_bytes = std::uint64_t{tail - head} * kDescriptorBytes;
    interrupts_.raise(free_bytes <= ring_bytes >> threshold_shift_ ? cause::kRxt0 | cause::kRxdmt0
                                                                   : cause::kRxt0);
}

}  // namespace tb::model::net
