// SPDX-License-Identifier: BSD-3-Clause
#include "models/net/e1000_tx.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "models/net/checksum.hpp"

namespace tb::model::net {

namespace {

constexpr std::uint32_t kSegmentBudget = 1 << 18;
constexpr std::size_t kFcsBytes = 4;
constexpr std::byte kTcpPushAndFin{0x09};
constexpr std::uint32_t kIpTotalLength = 2;  // IPv4: total length, then identification
constexpr std::uint32_t kIdOrLength = 4;     // IPv4: identification; IPv6: payload length
constexpr std::uint32_t kTcpSequence = 4;    // UDP: length
constexpr std::uint32_t kTcpFlags = 13;

bool is_broadcast(std::span<const std::byte> frame) {
    return std::all_of(frame.begin(), frame.begin() + 6, [](std::byte b) { return b == std::byte{0xff}; });
}

}  // namespace

Transmitter::Transmitter(MacRegisters& regs, pci::Requester& dma, Interrupts& interrupts, Sink send,
                         ReportFunction report)
    : regs_(regs), dma_(dma), interrupts_(interrupts), sink_(std::move(send)), report_(std::move(report)) {}

void Transmitter::reset() {
    buffer_.fill({});
    header_.fill({});
    tag_.fill({});
    size_ = 0;
    segments_ = 0;
    options_ = 0;
    tagged_ = false;
    segmenting_ = false;
    context_ = {};
    segment_context_ = {};
}

void Transmitter::run() {
    using R = MacRegisters;
    if (!R::has(regs_.tctl, tctl::kEnable)) return;
    check_ring();
    const std::uint32_t started_at = R::get(regs_.tdh);
    std::uint32_t causes = cause::kTxqe;
    budget_ = kSegmentBudget;
    while (R::get(regs_.tdh) != R::get(regs_.tdt)) {
        const std::uint32_t ring_bytes = R::get(regs_.tdlen);
        std::uint32_t head = R::get(regs_.tdh);
        const std::uint64_t at =
            R::ring_base(regs_.tdbal, regs_.tdbah) + std::uint64_t{kDescriptorBytes} * head;
        Descriptor descriptor;
        dma_.read(at, std::as_writable_bytes(std::span(&descriptor, 1)));
        process(descriptor);
        if (write_back(at, descriptor)) causes |= cause::kTxdw;
        if (++head * kDescriptorBytes >= ring_bytes) head = 0;
        regs_.tdh.set(head);
        // One lap is all: TDT was beyond the ring, or TDH was.
        if (head == started_at || started_at >= ring_bytes / kDescriptorBytes) break;
        if (budget_ == 0) {
            report_("TDT", "one doorbell asked for more than 262144 segments; the rest waits for the next");
            break;
        }
    }
    interrupts_.raise(causes);
}

void Transmitter::check_ring() {
    const std::uint32_t descriptors = MacRegisters::get(regs_.tdlen) / kDescriptorBytes;
    for (const auto* reg : {&regs_.tdh, &regs_.tdt})
        if (reg->value() != 0 && reg->value() >= descriptors)
            report_(reg->spec().name,
                    "is beyond the end of a ring of " + std::to_string(descriptors) + " descriptors");
}

void Transmitter::process(const Descriptor& descriptor) {
    const std::uint32_t lower = descriptor.lower;
    if ((lower & txd::kInterruptDelay) != 0) interrupts_.delay_transmit();
    if ((lower & txd::kExtended) != 0) {
        if ((lower & txd::kDataType) == 0) {
            load_context(descriptor);
            return;
        }
        // The options of a frame are those of its first descriptor (§3.3.7.2).
        if (size_ == 0) options_ = static_cast<std::uint8_t>(descriptor.upper >> txd::kOptionsShift);
        segmenting_ = (lower & txd::kTse) != 0;
    } else {
        // Bits 22:20 of a legacy descriptor's length dword are reserved; its CSO and IC are not acted on.
        segmenting_ = false;
    }
    const bool ends = (lower & txd::kEop) != 0;
    if (MacRegisters::has(regs_.ctrl, ctrl::kVlanMode) && (lower & txd::kVlanInsert) != 0 &&
        (segmenting_ || ends)) {
        tagged_ = true;
        const std::uint32_t type = MacRegisters::get(regs_.vet);
        const std::uint32_t tag = descriptor.upper >> 16;
        tag_ = {std::byte(type >> 8 & 0xff), std::byte(type & 0xff), std::byte(tag >> 8),
                std::byte(tag & 0xff)};
    }
    const std::uint32_t length = lower & txd::kLengthMask;
    if (segmenting_)
        gather_segments(descriptor.address, length);
    else
        gather(descriptor.address, length);
    if (!ends) return;
    // A frame that did not even fill its header is dropped.
    if (!segmenting_ || size_ >= segment_context_.header) finish_segment();
    segments_ = 0;
    options_ = 0;
    tagged_ = false;
    size_ = 0;
    segmenting_ = false;
}

void Transmitter::load_context(const Descriptor& descriptor) {
    const auto byte = [&descriptor](unsigned index) {
        return static_cast<std::uint8_t>(descriptor.address >> (8 * index));
    };
    const auto word = [&descriptor](unsigned index) {
        return static_cast<std::uint16_t>(descriptor.address >> (8 * index));
    };
    const bool for_segments = (descriptor.lower & txd::kTse) != 0;
    if (for_segments) segments_ = 0;
    (for_segments ? segment_context_ : context_) = {
        .ip_start = byte(0),
        .ip_offset = byte(1),
        .ip_end = word(2),
        .tcp_start = byte(4),
        .tcp_offset = byte(5),
        .tcp_end = word(6),
        .payload = descriptor.lower & txd::kPayloadMask,
        .header = static_cast<std::uint8_t>(descriptor.upper >> 8),
        .segment = static_cast<std::uint16_t>(descriptor.upper >> 16),
        .ipv4 = (descriptor.lower & txd::kContextIpv4) != 0,
        .tcp = (descriptor.lower & txd::kContextTcp) != 0,
    };
}

void Transmitter::gather(std::uint64_t address, std::uint32_t length) {
    const std::size_t taken = std::min<std::size_t>(kFrameBytes - size_, length);
    dma_.read(address, {data() + size_, taken});
    size_ = static_cast<std::uint16_t>(size_ + taken);
}

void Transmitter::gather_segments(std::uint64_t address, std::uint32_t length) {
    const std::uint32_t header = segment_context_.header;
    const std::uint32_t full = header + segment_context_.segment;
    std::uint32_t taken = 0;
    do {
        if (size_ >= full) return;
        taken =
            std::min<std::uint32_t>({length, full - size_, static_cast<std::uint32_t>(kFrameBytes - size_)});
        dma_.read(address, {data() + size_, taken});
        const std::uint32_t filled = size_ + taken;
        if (filled >= header && size_ < header) std::memcpy(header_.data(), data(), header);
        size_ = static_cast<std::uint16_t>(filled);
        address += taken;
        if (filled == full) {
            finish_segment();
            std::memcpy(data(), header_.data(), header);
            size_ = static_cast<std::uint16_t>(header);
            if (budget_ == 0) return;
            --budget_;
        }
        length -= taken;
    } while (taken != 0 && length != 0);
}

void Transmitter::finish_segment() {
    const Context& context = segmenting_ ? segment_context_ : context_;
    if (segmenting_) fix_headers(context);
    if ((options_ & txd::kInsertTcpChecksum) != 0)
        insert_checksum(context.tcp_offset, context.tcp_start, context.tcp_end);
    if ((options_ & txd::kInsertIpChecksum) != 0)
        insert_checksum(context.ip_offset, context.ip_start, context.ip_end);
    if (tagged_) {
        // The addresses move forward by four bytes; the tag takes their place.
        std::memmove(buffer_.data(), data(), 12);
        std::memcpy(buffer_.data() + 12, tag_.data(), tag_.size());
        send({buffer_.data(), size_ + kTagBytes});
    } else {
        send({data(), size_});
    }
    using R = MacRegisters;
    R::count(regs_.tpt);
    R::add(regs_.totl, regs_.toth, size_ + kFcsBytes);
    R::count(regs_.gptc);
    R::add(regs_.gotcl, regs_.gotch, size_ + kFcsBytes);
}

void Transmitter::fix_headers(const Context& context) {
    const std::uint32_t ip = context.ip_start;
    if (context.ipv4) {
        store16(ip + kIpTotalLength, size_ - ip);
        store16(ip + kIdOrLength, load16(ip + kIdOrLength) + segments_);
    } else {
        store16(ip + kIdOrLength, size_ - ip);
    }
    const std::uint32_t tcp = context.tcp_start;
    const auto length = static_cast<std::uint16_t>(size_ - tcp);
    if (context.tcp) {
        const std::uint32_t sent = std::uint32_t{segments_} * context.segment;
        const std::uint32_t sequence =
            (load16(tcp + kTcpSequence) << 16 | load16(tcp + kTcpSequence + 2)) + sent;
        store16(tcp + kTcpSequence, sequence >> 16);
        store16(tcp + kTcpSequence + 2, sequence);
        if (context.payload - sent > context.segment)
            data()[tcp + kTcpFlags] &= ~kTcpPushAndFin;
        else if (segments_ != 0)
            MacRegisters::count(regs_.tsctc);
    } else {
        store16(tcp + kTcpSequence, length);
    }
    if ((options_ & txd::kInsertTcpChecksum) != 0) {
        // The driver put the pseudo-header's sum without the length there.
        const std::uint32_t sum = load16(context.tcp_offset) + length;
        store16(context.tcp_offset, (sum >> 16) + (sum & 0xffff));
    }
    ++segments_;
}

void Transmitter::insert_checksum(std::uint32_t offset, std::uint32_t start, std::uint32_t end) {
    std::uint32_t covered = size_;
    if (end != 0 && end < covered) covered = end + 1;
    // As in QEMU, an empty frame passes this test.
    if (offset >= covered - 1) return;
    const std::size_t length = covered > start ? covered - start : 0;
    store16(offset, internet_checksum({data() + start, length}));
}

void Transmitter::send(std::span<const std::byte> frame) {
    sink_(frame);
    // The first bytes of the buffer count even where the frame is shorter than an address.
    const std::span<const std::byte> destination(frame.data(), 6);
    if (is_broadcast(destination))
        MacRegisters::count(regs_.bptc);
    else if ((destination[0] & std::byte{1}) != std::byte{0})
        MacRegisters::count(regs_.mptc);
    MacRegisters::count_size(&regs_.ptc64, frame.size() + kFcsBytes);
}

bool Transmitter::write_back(std::uint64_t at, Descriptor& descriptor) {
    if ((descriptor.lower & (txd::kReportStatus | txd::kReportSent)) == 0) return false;
    descriptor.upper = (descriptor.upper | txd::kDone) & ~txd::kErrors;
    dma_.store(at + offsetof(Descriptor, upper), descriptor.upper);
    return true;
}

std::uint32_t Transmitter::load16(std::uint32_t at) const {
    const std::byte* from = buffer_.data() + kTagBytes + at;
    return std::to_integer<std::uint32_t>(from[0]) << 8 | std::to_integer<std::uint32_t>(from[1]);
}

void Transmitter::store16(std::uint32_t at, std::uint32_t value) {
    data()[at] = std::byte(value >> 8 & 0xff);
    data()[at + 1] = std::byte(value & 0xff);
}

}  // namespace tb::model::net
