// SPDX-License-Identifier: BSD-3-Clause
#include "net/virtio_net_tx.hpp"

#include "net/virtio_net_regs.hpp"

namespace tb::net::virtio_net {
namespace {

using hal::Error;

constexpr std::uint32_t kHeaderStride = 16;
constexpr std::uint32_t kAnnouncementBytes = 60;  // the least that Ethernet carries, without FCS
constexpr std::uint16_t kIndirectTables = 32;

constexpr std::uint32_t kIpv4Header = 20;
constexpr std::uint32_t kIpv6Header = 40;
constexpr std::uint32_t kTcpHeader = 20;
constexpr std::uint32_t kUdpHeader = 8;
constexpr std::uint16_t kTcpChecksum = 16;
constexpr std::uint16_t kUdpChecksum = 6;
constexpr std::uint32_t kTcpFlags = 13;
constexpr std::uint8_t kTcpCwr = 0x80;
constexpr std::uint32_t kEtherType = 12;
constexpr std::uint8_t kTagHigh = 0x81;  // IEEE 802.1Q: 0x8100
/// Ethernet with a tag, IPv6 and TCP with all the options that it can have.
constexpr std::uint32_t kLongHeaders = 14 + 4 + 40 + 60;

/// The byte at `offset` of a frame that comes in pieces; 0 behind its end.
std::uint8_t byte_at(const TxFrame& frame, std::size_t offset) {
    for (const std::span<std::byte>& fragment : frame.fragments) {
        if (offset < fragment.size()) return static_cast<std::uint8_t>(fragment[offset]);
        offset -= fragment.size();
    }
    return 0;
}

bool is_tagged(const TxFrame& frame) {
    return byte_at(frame, kEtherType) == kTagHigh && byte_at(frame, kEtherType + 1) == 0;
}

}  // namespace

hal::Status TxRing::create(const hal::Platform& platform, std::uint16_t entries, const Config& config) {
    platform_ = platform;
    config_ = config;
    virtio::Virtqueue::Options options;
    options.event_idx = config.event_idx;
    options.packed = config.packed;
    if (config.indirect) {
        options.indirect_tables = kIndirectTables;
        options.indirect_entries = kMaxFragments + 1;
    }
    if (hal::Status made = queue_.create(platform, entries, options); !made) return made;
    const hal::Result<hal::DmaMemory> memory =
        platform_.allocate_dma(entries * kHeaderStride + kAnnouncementBytes, kHeaderStride);
    if (!memory) {
        queue_.destroy();
        return memory.error();
    }
    memory_ = *memory;
    // A frame takes a descriptor at least, so no more can be in flight.
    free_slot_count_ = entries;
    for (std::uint16_t i = 0; i < entries; ++i) {
        slots_[i] = {};
        free_slots_[i] = static_cast<std::uint16_t>(entries - 1 - i);
    }
    free_mapping_ = kNone;
    fresh_mapping_ = 0;
    frames_ = 0;
    announcing_ = false;
    queue_.disable_interrupts();
    return {};
}

void TxRing::destroy() {
    queue_.destroy();
    platform_.free_dma(memory_);
}

hal::Status TxRing::check_offload(const TxFrame& frame, std::uint32_t bytes) const {
    const Offload& o = frame.offload;
    // The device does neither: an IPv4 header checksum is the driver's, and a tag a part of the frame.
    if (o.ip_checksum || o.insert_vlan) return Error::kUnsupported;
    if (!o.l4_checksum && o.mss == 0) return {};
    if (!config_.checksum) return Error::kUnsupported;
    const std::uint32_t l4_header = o.tcp ? kTcpHeader : kUdpHeader;
    if (o.ip_offset < kEthernetHeaderBytes ||
        o.l4_offset < o.ip_offset + (o.ipv6 ? kIpv6Header : kIpv4Header) || o.l4_offset + l4_header > bytes)
        return Error::kInvalidArgument;
    if (o.mss == 0) return {};
    if (!o.tcp || !(o.ipv6 ? config_.tso6 : config_.tso4)) return Error::kUnsupported;
    if (o.header_bytes < o.l4_offset + l4_header || o.header_bytes >= bytes ||
        o.header_bytes + std::uint32_t{o.mss} > config_.max_frame + (is_tagged(frame) ? kVlanTagBytes : 0))
        return Error::kInvalidArgument;
    // §5.1.6.2.1: congestion that one segment alone may tell of.
    if ((byte_at(frame, o.l4_offset + kTcpFlags) & kTcpCwr) != 0 && !config_.ecn) return Error::kUnsupported;
    return {};
}

hal::Result<TxRing::Plan> TxRing::plan(const TxFrame& frame) const {
    const Offload& o = frame.offload;
    if (frame.fragments.size() > kMaxFragments) return Error::kInvalidArgument;
    const std::uint32_t most = (o.mss != 0 ? kMostSegmented : config_.max_frame) + kVlanTagBytes;
    Plan plan;
    for (const std::span<std::byte>& fragment : frame.fragments) {
        if (fragment.size() > most - plan.bytes) return Error::kOutOfRange;
        plan.bytes += static_cast<std::uint32_t>(fragment.size());
    }
    if (plan.bytes < kEthernetHeaderBytes) return Error::kInvalidArgument;
    // §5.1.4.2: the mtu is without the Ethernet header, which may have a tag.
    if (plan.bytes > most - kVlanTagBytes && !is_tagged(frame)) return Error::kOutOfRange;
    if (hal::Status valid = check_offload(frame, plan.bytes); !valid) return valid.error();

    std::uint64_t flags = 0;
    std::uint64_t gso_type = header::kGsoNone;
    // §5.1.6.2.1: not less than the length of all headers, and exact where it counts.
    std::uint64_t hdr_len = plan.bytes < kLongHeaders ? plan.bytes : kLongHeaders;
    std::uint64_t csum_start = 0;
    if (o.l4_checksum || o.mss != 0) {
        flags = header::kFlagNeedsCsum;
        csum_start = o.l4_offset;
        plan.csum_offset = o.tcp ? kTcpChecksum : kUdpChecksum;
    }
    if (o.mss != 0) {
        gso_type = o.ipv6 ? header::kGsoTcpV6 : header::kGsoTcpV4;
        if ((byte_at(frame, o.l4_offset + kTcpFlags) & kTcpCwr) != 0) gso_type |= header::kGsoEcn;
        hdr_len = o.header_bytes;
    }
    plan.header = flags | gso_type << 8 * header::kGsoType | hdr_len << 8 * header::kHdrLen |
                  std::uint64_t{o.mss} << 8 * header::kGsoSize | csum_start << 8 * header::kCsumStart;
    return plan;
}

void TxRing::write_header(std::uint16_t slot, const Plan& plan) {
    const std::uint32_t at = slot * kHeaderStride;
    memory_.cell<std::uint64_t>(at).store(plan.header);
    // With num_buffers, which is 0 on this way (§5.1.6.2.1).
    memory_.cell<std::uint32_t>(at + header::kCsumOffset).store(plan.csum_offset);
    chain_[0] = {memory_.device_address() + at, header::kBytes};
}

hal::Status TxRing::map(Slot& slot, const TxFrame& frame, std::uint32_t& pieces) {
    for (const std::span<std::byte>& fragment : frame.fragments) {
        if (fragment.empty()) continue;
        const std::uint16_t taken = free_mapping_ != kNone ? free_mapping_ : fresh_mapping_;
        if (taken == kMostMappings) return Error::kBusy;
        const hal::Result<hal::DmaMapping> mapped = platform_.map(fragment, hal::Direction::kToDevice);
        if (!mapped) return mapped.error();
        if (free_mapping_ != kNone)
            free_mapping_ = mappings_[taken].next;
        else
            ++fresh_mapping_;
        mappings_[taken] = {*mapped, slot.mappings};
        slot.mappings = taken;
        chain_[++pieces] = {mapped->device_address(), static_cast<std::uint32_t>(fragment.size())};
    }
    return {};
}

void TxRing::unmap(Slot& slot) {
    // Bounded by the pool that the records come from.
    for (unsigned i = 0; i < kMostMappings && slot.mappings != kNone; ++i) {
        const std::uint16_t index = slot.mappings;
        platform_.unmap(mappings_[index].dma);
        slot.mappings = mappings_[index].next;
        mappings_[index].next = free_mapping_;
        free_mapping_ = index;
    }
}

hal::Status TxRing::add(std::uint16_t slot, std::uint32_t pieces) {
    const std::span<const virtio::Segment> chain(chain_.data(), pieces + 1);
    if (hal::Status added = queue_.add(chain, {}, slot); !added) return added;
    --free_slot_count_;
    slots_[slot].used = true;
    if (frames_++ == 0) progress_ = platform_.now();
    return {};
}

hal::Result<Token> TxRing::send(const TxFrame& frame) {
    const hal::Result<Plan> planned = plan(frame);
    if (!planned) return planned.error();
    // Every frame in flight has a place for its completion, so that none is ever lost.
    if (free_slot_count_ == 0 || frames_ + completions_count_ >= kMostFrames) return Error::kBusy;
    const std::uint16_t index = free_slots_[free_slot_count_ - 1];
    Slot& slot = slots_[index];
    slot.bytes = planned->bytes;
    slot.own = false;
    write_header(index, *planned);
    std::uint32_t pieces = 0;
    hal::Status done = map(slot, frame, pieces);
    if (done) done = add(index, pieces);
    if (!done) {
        unmap(slot);
        return done.error();
    }
    slot.token = {next_token_++};
    const Token token = slot.token;
    if (!frame.more) publish();
    return token;
}

hal::Status TxRing::announce(const MacAddress& mac) {
    if (announcing_ || free_slot_count_ == 0) return Error::kBusy;
    // Ethernet to all, then RARP (RFC 903): a request for the address of the sender itself.
    std::array<std::byte, kAnnouncementBytes> frame{};
    constexpr std::array<std::uint8_t, 10> kRarp = {0x80, 0x35, 0, 1, 0x08, 0x00, 6, 4, 0, 3};
    for (std::size_t i = 0; i < mac.size(); ++i) {
        frame[i] = std::byte{0xff};
        for (const std::size_t at : {std::size_t{6}, std::size_t{22}, std::size_t{32}})
            frame[at + i] = static_cast<std::byte>(mac[i]);
    }
    for (std::size_t i = 0; i < kRarp.size(); ++i) frame[kEtherType + i] = static_cast<std::byte>(kRarp[i]);

    const std::uint16_t index = free_slots_[free_slot_count_ - 1];
    const std::uint32_t at = queue_.entries() * kHeaderStride;
    memory_.write(at, frame);
    Plan plan;
    plan.header = std::uint64_t{kAnnouncementBytes} << 8 * header::kHdrLen;
    write_header(index, plan);
    chain_[1] = {memory_.device_address() + at, kAnnouncementBytes};
    slots_[index].own = true;
    slots_[index].token = {next_token_++};
    if (hal::Status added = add(index, 1); !added) return added;
    announcing_ = true;
    publish();
    return {};
}

unsigned TxRing::reap(unsigned budget) {
    unsigned done = 0;
    while (done < budget) {
        const hal::Result<virtio::Used> used = queue_.pop();
        if (!used) break;
        Slot& slot = slots_[used->cookie];
        if (!slot.own) {
            ++sent_frames_;
            sent_bytes_ += slot.bytes;
        }
        complete(used->cookie, {});
        ++done;
    }
    if (done != 0) progress_ = platform_.now();
    return done;
}

void TxRing::complete(std::uint16_t index, hal::Status status) {
    Slot& slot = slots_[index];
    unmap(slot);
    slot.used = false;
    free_slots_[free_slot_count_++] = index;
    --frames_;
    if (slot.own) {
        announcing_ = false;
        return;
    }
    completions_[(completions_head_ + completions_count_) % kMostFrames] = {slot.token, status};
    ++completions_count_;
}

void TxRing::abort(Error why) {
    if (frames_ == 0) return;
    // In the order in which they were sent, as far as that can be told: by their tokens.
    for (unsigned left = frames_; left > 0; --left) {
        std::uint16_t oldest = kNone;
        for (std::uint16_t i = 0; i < kMostFrames; ++i) {
            if (!slots_[i].used) continue;
            const bool older = oldest == kNone || static_cast<std::int32_t>(slots_[i].token.value -
                                                                            slots_[oldest].token.value) < 0;
            if (older) oldest = i;
        }
        if (oldest == kNone) return;
        complete(oldest, why);
    }
}

std::optional<TxCompletion> TxRing::next_completion() {
    if (completions_count_ == 0) return std::nullopt;
    const TxCompletion completion = completions_[completions_head_];
    completions_head_ = (completions_head_ + 1) % kMostFrames;
    --completions_count_;
    return completion;
}

bool TxRing::hangs(hal::Duration timeout) {
    return frames_ != 0 && platform_.now() - progress_ >= timeout;
}

}  // namespace tb::net::virtio_net
