// SPDX-License-Identifier: BSD-3-Clause
#include "net/e1000_tx.hpp"

namespace tb::e1000 {

namespace {

constexpr std::uint32_t kTcpHeader = 20;
constexpr std::uint32_t kUdpHeader = 8;
constexpr std::uint32_t kTcpChecksum = 16;
constexpr std::uint32_t kUdpChecksum = 6;
constexpr std::uint32_t kIpv4Header = 20;
constexpr std::uint32_t kIpv6Header = 40;
constexpr std::uint32_t kIpv4Checksum = 10;

}  // namespace

hal::Status TxRing::allocate(hal::Platform platform, hal::MmioWindow regs, const Config& config) {
    platform_ = platform;
    regs_ = regs;
    config_ = config;
    const hal::Result<hal::DmaMemory> memory =
        platform_.allocate_dma(config.descriptors * kDescriptorBytes + kMinFrameBytes, 128);
    if (!memory) return memory.error();
    ring_ = *memory;
    sent_frames_ = 0;
    sent_bytes_ = 0;
    return {};
}

void TxRing::release() {
    platform_.free_dma(ring_);
}

void TxRing::program() {
    head_ = 0;
    tail_ = 0;
    told_ = 0;
    used_ = 0;
    watching_ = false;
    // A device that kept its old head must not find old work behind the new tail.
    for (unsigned i = 0; i < config_.descriptors; ++i) put(i, 0, 0);
    const std::uint64_t base = ring_.device_address();
    regs_.write(reg::kTDBAL, static_cast<std::uint32_t>(base));
    regs_.write(reg::kTDBAH, static_cast<std::uint32_t>(base >> 32));
    regs_.write<std::uint32_t>(reg::kTDLEN, config_.descriptors * kDescriptorBytes);
    regs_.write<std::uint32_t>(reg::kTDH, 0);
    regs_.write<std::uint32_t>(reg::kTDT, 0);
}

bool TxRing::is_programmed() const {
    const std::uint64_t base = ring_.device_address();
    return regs_.read<std::uint32_t>(reg::kTDBAL) == static_cast<std::uint32_t>(base) &&
           regs_.read<std::uint32_t>(reg::kTDBAH) == static_cast<std::uint32_t>(base >> 32) &&
           regs_.read<std::uint32_t>(reg::kTDLEN) == config_.descriptors * kDescriptorBytes;
}

void TxRing::put(unsigned slot, std::uint64_t first, std::uint64_t second) {
    ring_.cell<std::uint64_t>(slot * kDescriptorBytes).store(first);
    ring_.cell<std::uint64_t>(slot * kDescriptorBytes + 8).store(second);
}

hal::Status TxRing::check_offload(const net::Offload& o, std::uint32_t bytes) const {
    if (o.insert_vlan && !config_.vlan) return hal::Error::kUnsupported;
    const bool l4 = o.l4_checksum || o.mss != 0;
    if (!o.ip_checksum && !l4) return {};
    const std::uint32_t ip_header = o.ipv6 ? kIpv6Header : kIpv4Header;
    const std::uint32_t l4_header = o.tcp ? kTcpHeader : kUdpHeader;
    if (o.ip_checksum && o.ipv6) return hal::Error::kInvalidArgument;
    if (o.ip_offset < kEthernetHeaderBytes || o.l4_offset < o.ip_offset + ip_header || o.l4_offset > bytes)
        return hal::Error::kInvalidArgument;
    // The offset of the checksum field has 8 bits (§3.3.6).
    if (l4 && (o.l4_offset + l4_header > bytes || o.l4_offset + (o.tcp ? kTcpChecksum : kUdpChecksum) > 0xff))
        return hal::Error::kInvalidArgument;
    if (o.mss == 0) return {};
    if (o.header_bytes < o.l4_offset + l4_header || o.header_bytes >= bytes)
        return hal::Error::kInvalidArgument;
    if (o.header_bytes + std::uint32_t{o.mss} > config_.max_frame) return hal::Error::kInvalidArgument;
    return {};
}

hal::Result<TxRing::Plan> TxRing::plan(const net::TxFrame& frame) const {
    const net::Offload& o = frame.offload;
    if (frame.fragments.size() > kMaxFragments) return hal::Error::kInvalidArgument;
    const std::uint32_t most = o.mss != 0 ? o.header_bytes + txd::kMaxPayload : config_.max_frame;
    Plan plan;
    for (const std::span<std::byte>& fragment : frame.fragments) {
        if (fragment.size() > most - plan.bytes) return hal::Error::kOutOfRange;
        const auto size = static_cast<std::uint32_t>(fragment.size());
        plan.bytes += size;
        plan.data_descriptors += (size + kMaxDescriptorData - 1) / kMaxDescriptorData;
    }
    if (plan.bytes < kEthernetHeaderBytes) return hal::Error::kInvalidArgument;
    if (const hal::Status valid = check_offload(o, plan.bytes); !valid) return valid.error();
    plan.context = o.ip_checksum || o.l4_checksum || o.mss != 0;
    // The device may corrupt what it pads itself (82540 family specification update), so zeros come from
    // here.
    if (config_.pad && plan.bytes < kMinFrameBytes) {
        plan.padding = kMinFrameBytes - plan.bytes;
        ++plan.data_descriptors;
    }
    if (plan.data_descriptors + (plan.context ? 1 : 0) >= config_.descriptors) return hal::Error::kOutOfRange;
    return plan;
}

// §3.3.6. A checksum runs to the end of the packet when its end is 0; the IP header's ends before layer 4
// begins.
void TxRing::put_context(unsigned slot, const net::Offload& o, std::uint32_t bytes) {
    const std::uint64_t tucso = o.l4_offset + (o.tcp ? kTcpChecksum : kUdpChecksum);
    const std::uint64_t first = std::uint64_t{o.ip_offset} | std::uint64_t{o.ip_offset + kIpv4Checksum} << 8 |
                                std::uint64_t{o.l4_offset - 1U} << 16 | std::uint64_t{o.l4_offset} << 32 |
                                (tucso & 0xff) << 40;
    std::uint64_t command = txd::kDEXT;
    if (o.tcp) command |= txd::kContextTcp;
    if (!o.ipv6) command |= txd::kContextIpv4;
    std::uint64_t second = 0;
    if (o.mss != 0) {
        command |= txd::kTSE;
        second = (bytes - o.header_bytes) | std::uint64_t{o.header_bytes} << txd::kOptionsShift |
                 std::uint64_t{o.mss} << txd::kSpecialShift;
    }
    put(slot, first, second | command << txd::kCommandShift);
}

hal::Result<net::Token> TxRing::send(const net::TxFrame& frame) {
    const hal::Result<Plan> planned = plan(frame);
    if (!planned) return planned.error();
    const unsigned count = planned->data_descriptors + (planned->context ? 1 : 0);
    // Every frame in flight has a place for its completion, so that none is ever lost.
    if (count >= config_.descriptors - used_ || frames_ + completions_count_ >= kMaxRing)
        return hal::Error::kBusy;

    const net::Offload& o = frame.offload;
    std::uint64_t command = txd::kIFCS;
    std::uint64_t constant = 0;
    if (o.insert_vlan) {
        command |= txd::kVLE;
        constant |= std::uint64_t{o.vlan_tag} << txd::kSpecialShift;
    }
    unsigned slot = tail_;
    if (planned->context) {
        put_context(slot, o, planned->bytes);
        slot = next(slot);
        command |= txd::kDEXT;
        constant |= txd::kTypeData << txd::kTypeShift;
        if (o.mss != 0) command |= txd::kTSE;
        if (o.ip_checksum || (o.mss != 0 && !o.ipv6)) constant |= txd::kPoptsIXSM << txd::kOptionsShift;
        if (o.l4_checksum || o.mss != 0) constant |= txd::kPoptsTXSM << txd::kOptionsShift;
    }
    const std::uint64_t last = txd::kEOP | txd::kRS | (config_.delay_interrupt ? txd::kIDE : 0);

    unsigned left = planned->data_descriptors;
    const auto put_data = [&](std::uint64_t address, std::uint32_t bytes) {
        const std::uint64_t bits = --left == 0 ? command | last : command;
        put(slot, address, bytes | bits << txd::kCommandShift | constant);
        slot = next(slot);
    };
    for (const std::span<std::byte>& fragment : frame.fragments) {
        if (fragment.empty()) continue;
        const hal::Result<hal::DmaMapping> mapping = platform_.map(fragment, hal::Direction::kToDevice);
        if (!mapping) {
            unmap(tail_, count);
            return mapping.error();
        }
        slots_[slot].mapping = *mapping;
        std::uint64_t address = mapping->device_address();
        for (auto rest = static_cast<std::uint32_t>(fragment.size()); rest > 0;) {
            const std::uint32_t bytes = rest < kMaxDescriptorData ? rest : kMaxDescriptorData;
            put_data(address, bytes);
            address += bytes;
            rest -= bytes;
        }
    }
    if (planned->padding != 0)
        put_data(ring_.device_address() + std::uint64_t{config_.descriptors} * kDescriptorBytes,
                 planned->padding);

    Slot& first = slots_[tail_];
    first.count = static_cast<std::uint16_t>(count);
    first.bytes = planned->bytes;
    first.token = {next_token_++};
    used_ += count;
    ++frames_;
    tail_ = slot;
    if (!frame.more) publish();
    return first.token;
}

void TxRing::publish() {
    if (told_ == tail_) return;
    told_ = tail_;
    // §3.4: the descriptors are in memory before the device hears of them.
    platform_.barrier(hal::Barrier::kWrite);
    regs_.write<std::uint32_t>(reg::kTDT, tail_);
}

unsigned TxRing::reap(unsigned budget) {
    unsigned done = 0;
    while (done < budget && frames_ > 0) {
        const unsigned last = after(head_, slots_[head_].count - 1U);
        const std::uint8_t report =
            ring_.cell<std::uint8_t>(last * kDescriptorBytes + txd::kStatusOffset).load_acquire();
        if ((report & txd::kDD) == 0) break;
        if ((report & (txd::kEC | txd::kLC)) != 0) {
            complete_oldest(hal::Error::kDeviceError);
        } else {
            ++sent_frames_;
            sent_bytes_ += slots_[head_].bytes;
            complete_oldest({});
        }
        ++done;
    }
    return done;
}

void TxRing::abort(hal::Error why) {
    for (unsigned left = frames_; left > 0; --left) complete_oldest(why);
}

std::optional<net::TxCompletion> TxRing::next_completion() {
    if (completions_count_ == 0) return std::nullopt;
    const net::TxCompletion completion = completions_[completions_head_];
    completions_head_ = (completions_head_ + 1) % kMaxRing;
    --completions_count_;
    return completion;
}

void TxRing::unmap(unsigned slot, unsigned count) {
    for (; count > 0; --count) {
        platform_.unmap(slots_[slot].mapping);
        slot = next(slot);
    }
}

void TxRing::complete_oldest(hal::Status status) {
    Slot& first = slots_[head_];
    const unsigned count = first.count;
    unmap(head_, count);
    completions_[(completions_head_ + completions_count_) % kMaxRing] = {first.token, status};
    ++completions_count_;
    head_ = after(head_, count);
    used_ -= count;
    --frames_;
    watching_ = false;
}

TxRing::Progress TxRing::progress(hal::Duration timeout) {
    if (frames_ == 0) return Progress::kFine;
    const hal::Instant now = platform_.now();
    if (!watching_) {
        watching_ = true;
        watched_since_ = now;
        // No position yet: the first span ends in a look at the head, and that decides whether there is a
        // second.
        watched_head_ = head_;
        extensions_ = 0;
        paused_ = false;
        return Progress::kFine;
    }
    if (now - watched_since_ < timeout) return Progress::kFine;
    const auto device_status = regs_.read<std::uint32_t>(reg::kSTATUS);
    if (device_status == kAllOnes) return Progress::kGone;
    const auto head = regs_.read<std::uint32_t>(reg::kTDH);
    const bool paused = (device_status & status::kTXOFF) != 0;
    const bool moved = head != watched_head_ && head < config_.descriptors;
    watched_since_ = now;
    watched_head_ = head;
    // §13.4.2: TXOFF is the link partner's pause, which is not the transmitter's fault, but has an end.
    if (paused) {
        if (!paused_) paused_since_ = now;
        paused_ = true;
        return now - paused_since_ < kLongestPause ? Progress::kFine : Progress::kStalled;
    }
    paused_ = false;
    if (moved && extensions_ < kMaxExtensions) {
        ++extensions_;
        return Progress::kFine;
    }
    return Progress::kStalled;
}

}  // namespace tb::e1000
