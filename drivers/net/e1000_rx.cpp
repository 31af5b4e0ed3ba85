// SPDX-License-Identifier: BSD-3-Clause
#include "net/e1000_rx.hpp"

namespace tb::e1000 {

hal::Status RxRing::allocate(hal::Platform platform, hal::MmioWindow regs, const Config& config) {
    platform_ = platform;
    regs_ = regs;
    config_ = config;
    const hal::Result<hal::DmaMemory> ring =
        platform_.allocate_dma(config.descriptors * kDescriptorBytes, 128);
    if (!ring) return ring.error();
    ring_ = *ring;
    const hal::Result<hal::DmaMemory> buffers =
        platform_.allocate_dma(config.descriptors * config.buffer_bytes, 2048);
    if (!buffers) {
        platform_.free_dma(ring_);
        return buffers.error();
    }
    buffers_ = *buffers;
    ready_ = 0;
    frames_ = 0;
    bytes_ = 0;
    errors_ = 0;
    lost_ = 0;
    return {};
}

void RxRing::release() {
    platform_.free_dma(ring_);
    platform_.free_dma(buffers_);
    ready_ = 0;
}

void RxRing::program() {
    lost_ += ready_;
    ready_ = 0;
    head_ = 0;
    frontier_ = 0;
    harvested_ = 0;
    returned_ = 0;
    chain_ = 0;
    chain_bytes_ = 0;
    discarding_ = false;
    owned_ = config_.descriptors - 1;
    for (unsigned slot = 0; slot < config_.descriptors; ++slot) arm(slot);
    const std::uint64_t base = ring_.device_address();
    regs_.write(reg::kRDBAL, static_cast<std::uint32_t>(base));
    regs_.write(reg::kRDBAH, static_cast<std::uint32_t>(base >> 32));
    regs_.write<std::uint32_t>(reg::kRDLEN, config_.descriptors * kDescriptorBytes);
    regs_.write<std::uint32_t>(reg::kRDH, 0);
    platform_.barrier(hal::Barrier::kWrite);
    regs_.write<std::uint32_t>(reg::kRDT, config_.descriptors - 1);
}

bool RxRing::is_programmed() const {
    const std::uint64_t base = ring_.device_address();
    return regs_.read<std::uint32_t>(reg::kRDBAL) == static_cast<std::uint32_t>(base) &&
           regs_.read<std::uint32_t>(reg::kRDBAH) == static_cast<std::uint32_t>(base >> 32) &&
           regs_.read<std::uint32_t>(reg::kRDLEN) == config_.descriptors * kDescriptorBytes;
}

void RxRing::arm(unsigned slot) {
    ring_.cell<std::uint64_t>(slot * kDescriptorBytes)
        .store(buffers_.device_address() + std::uint64_t{slot} * config_.buffer_bytes);
    ring_.cell<std::uint64_t>(slot * kDescriptorBytes + 8).store(0);
}

unsigned RxRing::harvest(unsigned budget) {
    unsigned found = 0;
    for (unsigned looked = 0; looked < config_.descriptors && found < budget && owned_ > 0; ++looked) {
        // One load, so that length, status and errors are those of one moment (§3.2.3 puts them into one
        // quadword).
        const std::uint64_t report =
            ring_.cell<std::uint64_t>(frontier_ * kDescriptorBytes + 8).load_acquire();
        Slot& slot = slots_[frontier_];
        slot.length = static_cast<std::uint16_t>(report);
        slot.status = static_cast<std::uint8_t>(report >> 32);
        slot.errors = static_cast<std::uint8_t>(report >> 40);
        slot.special = static_cast<std::uint16_t>(report >> 48);
        slot.dropped = false;
        if ((slot.status & rxd::kDD) == 0) break;
        if (chain_ == 0) chain_start_ = frontier_;
        ++chain_;
        ++harvested_;
        --owned_;
        if ((slot.status & rxd::kEOP) != 0) ++found;
        judge();
        frontier_ = next(frontier_);
        give_back_dropped();
    }
    publish();
    return found;
}

/// Decides about the descriptor at the frontier, the last of the chain so far.
void RxRing::judge() {
    const Slot& slot = slots_[frontier_];
    const bool last = (slot.status & rxd::kEOP) != 0;
    chain_bytes_ += slot.length;
    if (discarding_) {
        drop_chain();
        discarding_ = !last;
        return;
    }
    const bool impossible = slot.length == 0 || slot.length > config_.buffer_bytes || chain_bytes_ > limit();
    if (last) {
        if (impossible || is_bad(slot, chain_bytes_)) {
            ++errors_;
            drop_chain();
            return;
        }
        ++ready_;
        ++frames_;
        bytes_ += chain_bytes_ - fcs_bytes();
        chain_ = 0;
        chain_bytes_ = 0;
    } else if (impossible || chain_ >= longest_chain()) {
        // Longer than any frame can be: the end is missing, or never comes.
        ++errors_;
        drop_chain();
        discarding_ = true;
    }
}

bool RxRing::is_bad(const Slot& last, std::uint32_t bytes) const {
    return (last.errors & rxd::kErrorFrame) != 0 || bytes <= fcs_bytes() ||
           bytes - fcs_bytes() < kEthernetHeaderBytes;
}

void RxRing::drop_chain() {
    unsigned slot = chain_start_;
    for (; chain_ > 0; --chain_) {
        slots_[slot].dropped = true;
        slot = next(slot);
    }
    chain_bytes_ = 0;
}

void RxRing::give_back_dropped() {
    while (harvested_ > 0 && slots_[head_].dropped) give_back();
}

/// Arms the oldest harvested descriptor for the device, which learns of it with publish().
void RxRing::give_back() {
    arm(head_);
    head_ = next(head_);
    --harvested_;
    ++returned_;
}

/// Moves RDT up to one short of the oldest descriptor that is still in use here. The write is expensive, and
/// a device in software receives nothing meanwhile: so only once a quarter of the ring is back, or when all
/// frames were taken and the device has not enough for the next.
void RxRing::publish() {
    const bool starved = ready_ == 0 && owned_ < longest_chain();
    if (returned_ == 0 || (returned_ < config_.descriptors / 4 && !starved)) return;
    owned_ += returned_;
    returned_ = 0;
    platform_.barrier(hal::Barrier::kWrite);
    regs_.write<std::uint32_t>(reg::kRDT, head_ == 0 ? config_.descriptors - 1 : head_ - 1);
}

hal::Result<net::RxFrame> RxRing::receive(std::span<std::byte> buffer) {
    if (ready_ == 0) return hal::Error::kBusy;
    std::uint32_t bytes = 0;
    unsigned count = 0;
    unsigned slot = head_;
    bool last = false;
    while (!last && count < harvested_) {
        bytes += slots_[slot].length;
        last = (slots_[slot].status & rxd::kEOP) != 0;
        ++count;
        slot = next(slot);
    }
    bytes -= fcs_bytes();

    const bool fits = bytes <= buffer.size();
    std::uint32_t copied = 0;
    for (slot = head_; fits && copied < bytes; slot = next(slot)) {
        const std::uint32_t rest = bytes - copied;
        const std::uint32_t part = slots_[slot].length < rest ? slots_[slot].length : rest;
        buffers_.read(slot * config_.buffer_bytes, buffer.subspan(copied, part));
        copied += part;
    }

    const Slot& end = slots_[(head_ + count - 1) % config_.descriptors];
    net::RxFrame frame{.bytes = bytes};
    if ((end.status & rxd::kIXSM) == 0) {
        frame.ip_checksum_checked = (end.status & rxd::kIPCS) != 0;
        frame.ip_checksum_good = frame.ip_checksum_checked && (end.errors & rxd::kErrorIp) == 0;
        frame.l4_checksum_checked = (end.status & rxd::kTCPCS) != 0;
        frame.l4_checksum_good = frame.l4_checksum_checked && (end.errors & rxd::kErrorTcp) == 0;
    }
    frame.has_vlan = (end.status & rxd::kVP) != 0;
    if (frame.has_vlan) frame.vlan_tag = end.special;

    for (; count > 0; --count) give_back();
    --ready_;
    give_back_dropped();
    publish();
    if (!fits) return hal::Error::kOutOfRange;
    return frame;
}

}  // namespace tb::e1000
