// SPDX-License-Identifier: BSD-3-Clause
// What VIRTIO 1.2 §5.1 demands of the driver of a network device.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <set>

#include "harness/rules/virtio_book.hpp"
#include "models/net/virtio_net_regs.hpp"

namespace tb::rules {

namespace {

using namespace model::net;

constexpr unsigned kFeatureUfo = 14;
constexpr unsigned kFeatureRss = 60;
constexpr std::size_t kHeaderBytes = sizeof(NetHeader);
constexpr std::uint64_t kEthernetHeader = 14;
constexpr std::uint64_t kTag = 4;
constexpr std::uint64_t kLeastBuffer = 1526;  // §5.1.6.3.1
constexpr std::size_t kMacBytes = 6;
constexpr std::size_t kMostHead = 256;  ///< of a frame that is looked at for its headers
constexpr std::uint8_t kCwr = 0x80;
constexpr std::uint8_t kRssConfig = 1;
constexpr std::uint8_t kFirstRxExtra = 2;

/// Where each optional part of struct virtio_net_config begins, and its feature (§5.1.4).
struct Part {
    std::uint64_t first;
    std::uint64_t end;
    unsigned feature;
};
constexpr std::array kParts = {
    Part{0x00, 0x06, kFeatureMac}, Part{0x06, 0x08, kFeatureStatus},      Part{0x08, 0x0a, kFeatureMq},
    Part{0x0a, 0x0c, kFeatureMtu}, Part{0x0c, 0x11, kFeatureSpeedDuplex},
};
constexpr std::uint64_t kStatus = 0x06;
constexpr std::uint64_t kMaxPairs = 0x08;
constexpr std::uint64_t kMtu = 0x0a;

unsigned byte(const std::vector<std::byte>& bytes, std::size_t at) {
    return at < bytes.size() ? std::to_integer<unsigned>(bytes[at]) : 0;
}
unsigned big16(const std::vector<std::byte>& bytes, std::size_t at) {
    return byte(bytes, at) << 8 | byte(bytes, at + 1);
}

/// The headers of a frame, as far as it is IP.
struct Headers {
    std::size_t ip = 0;  ///< 0: it is not
    std::size_t l4 = 0;
    std::size_t end = 0;  ///< of all of them
    unsigned protocol = 0;
    bool ipv6 = false;

    bool tcp() const { return protocol == 6; }
    bool udp() const { return protocol == 17; }
    std::size_t checksum() const { return tcp() ? 16 : 6; }
};

bool is_tagged(const std::vector<std::byte>& frame) {
    return big16(frame, 12) == 0x8100;
}

Headers headers_of(const std::vector<std::byte>& frame) {
    Headers found;
    const std::size_t type_at = is_tagged(frame) ? 12 + kTag : 12;
    const unsigned type = big16(frame, type_at);
    if (type != 0x0800 && type != 0x86dd) return found;
    found.ip = type_at + 2;
    found.ipv6 = type == 0x86dd;
    found.l4 = found.ip + (found.ipv6 ? 40 : std::size_t{4} * (byte(frame, found.ip) & 15));
    found.protocol = byte(frame, found.ip + (found.ipv6 ? 6 : 9));
    found.end = found.l4;
    if (found.udp()) found.end += 8;
    if (found.tcp()) found.end += std::size_t{4} * (byte(frame, found.l4 + 12) >> 4);
    return found;
}

std::uint32_t fold(std::uint64_t sum) {
    while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
    return static_cast<std::uint32_t>(sum);
}
std::uint64_t sum_words(const std::vector<std::byte>& frame, std::size_t first, std::size_t end) {
    std::uint64_t sum = 0;
    for (std::size_t i = first; i < end; i += 2) sum += big16(frame, i);
    return sum;
}

class VirtioNetBook : public VirtioBook {
  public:
    using VirtioBook::VirtioBook;

    void read(const Access& access) override {
        VirtioBook::read(access);
        if (access.place.spec == nullptr || std::string_view(access.place.block->name) != "common" ||
            std::string_view(access.place.spec->name) != "config_generation")
            return;
        // What was read while it changed has not been read.
        if (access.value != heard_generation_) announced_ = false;
        heard_generation_ = access.value;
    }

    void rests() override {
        VirtioBook::rests();
        if (!driver_ok()) return;
        // §5.1.4.2: one frame of the mtu, at any time.
        if (negotiated(kFeatureMtu) && receive_bytes_ != 0 &&
            receive_bytes_ < mtu_ + kEthernetHeader + kHeaderBytes)
            breaks("virtio-net.rx.mtu",
                   fmt::format("receive buffers of {} bytes for an mtu of {}", receive_bytes_, mtu_));
        if (announced_ && negotiated(kFeatureGuestAnnounce)) {
            announced_ = false;
            breaks("virtio-net.announce.unacknowledged",
                   "VIRTIO_NET_S_ANNOUNCE was read, and not acknowledged");
        }
    }

  protected:
    std::optional<unsigned> feature_of(std::uint64_t offset) const override {
        for (const Part& part : kParts)
            if (offset >= part.first && offset < part.end) return part.feature;
        return std::nullopt;
    }

    void read_config(const Access& access) override {
        const std::uint64_t value = access.value;
        // What is there cannot change under a driver at work (§5.1.4): later answers are slips of the
        // device's.
        if (access.place.offset == kMaxPairs && !driver_ok()) max_pairs_ = value;
        if (access.place.offset == kMtu && !driver_ok()) mtu_ = value;
        if (access.place.offset == kStatus && driver_ok() && value != 0xffff)
            announced_ = (value & kStatusAnnounce) != 0;
    }

    void was_reset() override {
        max_pairs_ = mtu_ = receive_bytes_ = 0;
        pairs_ = 1;
        announced_ = false;
        populated_.clear();
    }

    void features_chosen() override {
        if (steadily_offered(kFeatureMac) && !negotiated(kFeatureMac))
            breaks("virtio-net.features.mac", "VIRTIO_NET_F_MAC was offered and not accepted");
        if (steadily_offered(kFeatureMtu) && !negotiated(kFeatureMtu))
            breaks("virtio-net.features.mtu", "VIRTIO_NET_F_MTU was offered and not accepted");
    }

    void request(unsigned queue, const std::vector<Piece>& pieces) override {
        const unsigned control = negotiated(kFeatureMq) ? static_cast<unsigned>(2 * max_pairs_) : 2;
        if (negotiated(kFeatureCtrlVq) && queue == control) return command(pieces);
        if (queue % 2 == 0)
            receive_buffer(queue, pieces);
        else
            transmit(queue, pieces);
    }

  private:
    static std::uint64_t total(const std::vector<Piece>& pieces, bool device_writes) {
        std::uint64_t bytes = 0;
        for (const Piece& piece : pieces)
            if (piece.device_writes == device_writes) bytes += piece.bytes;
        return bytes;
    }

    void receive_buffer(unsigned queue, const std::vector<Piece>& pieces) {
        const std::uint64_t bytes = total(pieces, true);
        populated_.insert(queue);
        if (queue == 0) receive_bytes_ += bytes;
        if (negotiated(kFeatureMrgRxbuf)) {
            if (bytes < kHeaderBytes)
                breaks("virtio-net.rx.header", fmt::format("a receive buffer of {} bytes", bytes));
            return;
        }
        // With an mtu it is that what counts.
        if (negotiated(kFeatureMtu)) {
            if (bytes < mtu_ + kEthernetHeader + kHeaderBytes)
                breaks("virtio-net.rx.mtu",
                       fmt::format("a receive buffer of {} bytes for an mtu of {}", bytes, mtu_));
        } else if (bytes < kLeastBuffer) {
            breaks("virtio-net.rx.small", fmt::format("a receive buffer of {} bytes", bytes));
        }
    }

    void transmit(unsigned queue, const std::vector<Piece>& pieces) {
        const std::uint64_t bytes = total(pieces, false);
        if (bytes < kHeaderBytes || total(pieces, true) != 0)
            return breaks("virtio-net.tx.shape",
                          "a frame has no whole header, or something for the device to write");
        if (queue / 2 >= pairs_)
            breaks("virtio-net.mq.tx-queue",
                   fmt::format("a frame is sent by pair {}, of {} that are enabled", queue / 2, pairs_));
        NetHeader header;
        const std::vector<std::byte> head = readable(pieces, 0, kHeaderBytes);
        std::memcpy(&header, head.data(), sizeof header);
        const std::uint64_t length = bytes - kHeaderBytes;
        const std::vector<std::byte> frame =
            readable(pieces, kHeaderBytes, std::min<std::uint64_t>(length, kMostHead));
        if (header.num_buffers != 0)
            breaks("virtio-net.tx.num-buffers", fmt::format("num_buffers is {}", header.num_buffers));
        check_flags(header);
        check_gso_type(header);
        const std::uint64_t most = mtu_ + kEthernetHeader + (is_tagged(frame) ? kTag : 0);
        if (negotiated(kFeatureMtu) && header.gso_type == 0 && length > most)
            breaks("virtio-net.tx.mtu", fmt::format("a frame of {} bytes with an mtu of {}", length, mtu_));
        const Headers headers = headers_of(frame);
        if (headers.ip != 0 && (headers.tcp() || headers.udp()) && header.hdr_len < headers.end)
            breaks("virtio-net.tx.hdr-len",
                   fmt::format("hdr_len is {}, with {} bytes of headers", header.hdr_len, headers.end));
        if ((header.flags & kNeedsCsum) != 0 && negotiated(kFeatureCsum))
            check_checksum(header, headers, frame, length);
        if (header.gso_type != 0) check_segmentation(header, headers, frame);
    }

    void check_flags(const NetHeader& header) {
        if (!negotiated(kFeatureCsum) && header.flags != 0)
            return breaks("virtio-net.tx.flags",
                          fmt::format("the flags are {:#x} without CSUM", header.flags));
        if ((header.flags & ~kNeedsCsum) != 0)
            breaks("virtio-net.tx.flags-of-devices", fmt::format("the flags are {:#x}", header.flags));
    }

    void check_gso_type(const NetHeader& header) {
        constexpr std::uint8_t kUdp = 3;
        const std::uint8_t kind = header.gso_type & ~kGsoEcn;
        const bool allowed = kind == 0 || (kind == kGsoTcpV4 && negotiated(kFeatureHostTso4)) ||
                             (kind == kGsoTcpV6 && negotiated(kFeatureHostTso6)) ||
                             (kind == kUdp && negotiated(kFeatureUfo));
        if (!allowed)
            breaks("virtio-net.tx.gso-type",
                   fmt::format("gso_type is {:#x} without its feature", header.gso_type));
    }

    void check_checksum(const NetHeader& header, const Headers& headers, const std::vector<std::byte>& frame,
                        std::uint64_t length) {
        const std::size_t field = std::size_t{header.csum_start} + header.csum_offset;
        const bool known = headers.ip != 0 && (headers.tcp() || headers.udp());
        if (field + 2 > length ||
            (known && (header.csum_start != headers.l4 || header.csum_offset != headers.checksum())))
            return breaks("virtio-net.tx.csum-place",
                          fmt::format("csum_start {} and csum_offset {} in a frame of {} bytes",
                                      header.csum_start, header.csum_offset, length));
        if (!known) return;
        if (!headers.ipv6 && fold(sum_words(frame, headers.ip, headers.l4)) != 0xffff)
            breaks("virtio-net.tx.preceding-checksum", "the IPv4 header checksum of the frame is wrong");
        const std::uint64_t addresses = headers.ipv6 ? sum_words(frame, headers.ip + 8, headers.ip + 40)
                                                     : sum_words(frame, headers.ip + 12, headers.ip + 20);
        const std::uint64_t payload = headers.ipv6 ? big16(frame, headers.ip + 4)
                                                   : big16(frame, headers.ip + 2) - (headers.l4 - headers.ip);
        if (fold(addresses + headers.protocol + payload) % 0xffff != big16(frame, field) % 0xffff)
            breaks("virtio-net.tx.pseudo", "the checksum does not hold the sum of the pseudo header");
    }

    void check_segmentation(const NetHeader& header, const Headers& headers,
                            const std::vector<std::byte>& frame) {
        if ((header.flags & kNeedsCsum) == 0 || header.gso_size == 0)
            breaks("virtio-net.tx.gso-fields", fmt::format("segmentation with flags {:#x} and gso_size {}",
                                                           header.flags, header.gso_size));
        if (!headers.tcp()) return;
        const bool congested = (byte(frame, headers.l4 + 13) & kCwr) != 0;
        const bool told = (header.gso_type & kGsoEcn) != 0;
        if (congested != told || (told && !negotiated(kFeatureHostEcn)))
            breaks("virtio-net.tx.ecn", fmt::format("gso_type is {:#x}, the frame tells of {}congestion",
                                                    header.gso_type, congested ? "" : "no "));
    }

    // Commands.

    void command(const std::vector<Piece>& pieces) {
        const std::uint64_t bytes = total(pieces, false);
        if (bytes < 2 || total(pieces, true) == 0)
            return breaks("virtio-net.ctrl.shape",
                          "a command has no class and number, or no room for its answer");
        constexpr std::uint64_t kMost = 1 << 16;
        const std::vector<std::byte> data = readable(pieces, 0, std::min(bytes, kMost));
        const unsigned number = byte(data, 1);
        switch (byte(data, 0)) {
            case kClassRx:
                if (number < kFirstRxExtra ? !negotiated(kFeatureCtrlRx) : !negotiated(kFeatureCtrlRxExtra))
                    breaks(number < kFirstRxExtra ? "virtio-net.ctrl.rx" : "virtio-net.ctrl.rx-extra",
                           fmt::format("RX command {} without its feature", number));
                break;
            case kClassMac:
                if (!negotiated(kFeatureCtrlRx))
                    breaks("virtio-net.ctrl.mac", fmt::format("MAC command {} without CTRL_RX", number));
                if (number == kMacTableSet) check_table(data);
                break;
            case kClassAnnounce:
                announced_ = false;
                break;
            case kClassMq:
                set_pairs(number, byte(data, 2) | byte(data, 3) << 8);
                break;
            case kClassGuestOffloads:
                check_offloads(data);
                break;
            default:
                break;
        }
    }

    void check_table(const std::vector<std::byte>& data) {
        std::uint64_t at = 2;
        for (const char* kind : {"unicast", "multicast"}) {
            std::uint32_t entries = 0;
            if (at + sizeof entries > data.size())
                return breaks("virtio-net.ctrl.mac-table",
                              fmt::format("a table without a number of {} addresses", kind));
            std::memcpy(&entries, data.data() + at, sizeof entries);
            at += sizeof entries;
            if (at + std::uint64_t{entries} * kMacBytes > data.size())
                return breaks("virtio-net.ctrl.mac-table",
                              fmt::format("a table without its {} {} addresses", entries, kind));
            const bool multicast = *kind == 'm';
            for (std::uint32_t i = 0; i < entries; ++i, at += kMacBytes)
                if (((byte(data, at) & 1) != 0) != multicast)
                    breaks("virtio-net.ctrl.mac-table", fmt::format("an address that is not {}", kind));
        }
    }

    void set_pairs(unsigned number, unsigned pairs) {
        if (number == kRssConfig && !negotiated(kFeatureRss))
            return breaks("virtio-net.ctrl.rss", "MQ_RSS_CONFIG without RSS");
        if (number != 0) return;
        if (pairs == 0 || pairs > max_pairs_)
            return breaks("virtio-net.mq.pairs",
                          fmt::format("{} pairs are asked for, of {}", pairs, max_pairs_));
        for (unsigned i = 0; i < pairs; ++i) {
            if (!queue_enabled(2 * i) || !queue_enabled(2 * i + 1))
                return breaks("virtio-net.mq.not-configured", fmt::format("pair {} is not configured", i));
            if (!populated_.contains(2 * i))
                breaks("virtio-net.mq.unpopulated", fmt::format("pair {} has no receive buffer", i));
        }
        pairs_ = pairs;
    }

    void check_offloads(const std::vector<std::byte>& data) {
        std::uint64_t offloads = 0;
        if (data.size() >= 2 + sizeof offloads) std::memcpy(&offloads, data.data() + 2, sizeof offloads);
        for (unsigned bit = 0; bit < 64; ++bit)
            if ((offloads >> bit & 1) != 0 && !negotiated(bit))
                breaks("virtio-net.ctrl.offloads",
                       fmt::format("offload {} is enabled without its feature", bit));
    }

    std::uint64_t heard_generation_ = 0;
    std::uint64_t max_pairs_ = 0;
    std::uint64_t mtu_ = 0;
    std::uint64_t receive_bytes_ = 0;  ///< that receiveq1 has been given since the reset
    unsigned pairs_ = 1;               ///< that are enabled
    bool announced_ = false;           ///< the driver has read the device's wish, and not acknowledged it
    std::set<unsigned> populated_;     ///< receive queues that have had a buffer
};

}  // namespace

std::unique_ptr<Book> make_virtio_net_book(Court& court, const harness::DeviceType& device) {
    return std::make_unique<VirtioNetBook>(court, device);
}

}  // namespace tb::rules
