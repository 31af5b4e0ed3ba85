// SPDX-License-Identifier: BSD-3-Clause
// What VIRTIO 1.2 §5.2 demands of the driver of a block device.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "harness/rules/virtio_book.hpp"
#include "models/block/virtio_blk_regs.hpp"

namespace tb::rules {

namespace {

using namespace model::block;

constexpr std::uint64_t kSectorBytes = 512;
constexpr unsigned kFeatureSizeMax = 1;
constexpr std::size_t kHeaderBytes = sizeof(RequestHeader);
constexpr std::size_t kRangeBytes = sizeof(RangeHeader);

/// Where each optional part of struct virtio_blk_config begins, and its feature (§5.2.4).
struct Part {
    std::uint64_t first;
    std::uint64_t end;
    unsigned feature;
};
constexpr std::array kParts = {
    Part{0x08, 0x0c, kFeatureSizeMax},     Part{0x0c, 0x10, kFeatureSegMax},
    Part{0x10, 0x14, kFeatureGeometry},    Part{0x14, 0x18, kFeatureBlkSize},
    Part{0x18, 0x20, kFeatureTopology},    Part{0x20, 0x21, kFeatureConfigWce},
    Part{0x22, 0x24, kFeatureMq},          Part{0x24, 0x30, kFeatureDiscard},
    Part{0x30, 0x39, kFeatureWriteZeroes},
};

constexpr std::uint64_t kWriteback = 0x20;
constexpr std::uint64_t kCapacity = 0x00;
constexpr std::uint64_t kMaxDiscardSegments = 0x28;
constexpr std::uint64_t kMaxWriteZeroesSegments = 0x34;

class VirtioBlkBook : public VirtioBook {
  public:
    using VirtioBook::VirtioBook;

  protected:
    std::optional<unsigned> feature_of(std::uint64_t offset) const override {
        for (const Part& part : kParts)
            if (offset >= part.first && offset < part.end) return part.feature;
        return std::nullopt;
    }

    void read_config(const Access& access) override {
        switch (access.place.offset) {
            case kCapacity:
                heard_capacity_ = (heard_capacity_ & ~std::uint64_t{0xffff'ffff}) | access.value;
                break;
            case kCapacity + 4:
                heard_capacity_ = (heard_capacity_ & 0xffff'ffff) | access.value << 32;
                break;
            case kMaxDiscardSegments:
                learn(max_discard_segments_, access.value);
                break;
            case kMaxWriteZeroesSegments:
                learn(max_write_zeroes_segments_, access.value);
                break;
            case kWriteback:
                if (!features_ok())
                    breaks("virtio-blk.writeback.early", "writeback is read before FEATURES_OK");
                break;
            default:
                break;
        }
    }

    void config_settled() override { capacity_ = heard_capacity_; }

    void was_reset() override { capacity_.reset(); }

    void features_chosen() override {
        if (offered(kFeatureReadOnly) && !negotiated(kFeatureReadOnly))
            breaks("virtio-blk.features.read-only", "VIRTIO_BLK_F_RO was offered and not accepted");
    }

    void request(unsigned /*queue*/, const std::vector<Piece>& pieces) override {
        const std::vector<std::byte> head = readable(pieces, 0, kHeaderBytes);
        if (head.size() < kHeaderBytes)
            return breaks("virtio-blk.request.shape", "a request has no whole header");
        if (pieces.empty() || !pieces.back().device_writes)
            return breaks("virtio-blk.request.shape", "a request has no room for its status");
        RequestHeader header;
        std::memcpy(&header, head.data(), sizeof header);
        std::uint64_t out = 0;
        std::uint64_t in = 0;
        for (const Piece& piece : pieces) (piece.device_writes ? in : out) += piece.bytes;
        out -= kHeaderBytes;
        in -= 1;
        switch (header.type) {
            case kRequestIn:
                return transfer("IN", header, in);
            case kRequestOut:
                return transfer("OUT", header, out);
            case kRequestFlush:
                if (!negotiated(kFeatureFlush)) not_negotiated("FLUSH");
                if (header.sector != 0)
                    breaks("virtio-blk.flush.sector", fmt::format("FLUSH with sector {}", header.sector));
                if (in + out != 0)
                    breaks("virtio-blk.flush.data", fmt::format("FLUSH with {} bytes of data", in + out));
                return;
            case kRequestGetId:
                if (in != kIdBytes) breaks("virtio-blk.id.length", fmt::format("GET_ID with {} bytes", in));
                return;
            case kRequestDiscard:
                if (!negotiated(kFeatureDiscard)) not_negotiated("DISCARD");
                return ranges("DISCARD", "virtio-blk.discard.segments", max_discard_segments_, pieces, out,
                              true);
            case kRequestWriteZeroes:
                if (!negotiated(kFeatureWriteZeroes)) not_negotiated("WRITE_ZEROES");
                return ranges("WRITE_ZEROES", "virtio-blk.write-zeroes.segments", max_write_zeroes_segments_,
                              pieces, out, false);
            default:
                breaks("virtio-blk.request.type", fmt::format("a request of type {}", header.type));
        }
    }

  private:
    /// Of what the configuration holds only the capacity may change under a driver at work (§5.2.4): a limit
    /// that goes down later is a slip of the device's.
    void learn(std::uint64_t& limit, std::uint64_t heard) const {
        limit = driver_ok() ? std::max(limit, heard) : heard;
    }

    void not_negotiated(const char* what) {
        breaks("virtio-blk.request.not-negotiated", fmt::format("{} without its feature", what));
    }

    void transfer(const char* what, const RequestHeader& header, std::uint64_t bytes) {
        if (bytes % kSectorBytes != 0)
            breaks("virtio-blk.data.length", fmt::format("{} of {} bytes", what, bytes));
        check_range(header.sector, bytes / kSectorBytes);
    }

    void check_range(std::uint64_t sector, std::uint64_t sectors) {
        if (capacity_ && (sector > *capacity_ || sectors > *capacity_ - sector))
            breaks("virtio-blk.request.beyond-capacity",
                   fmt::format("{} sectors from {} on, of {}", sectors, sector, *capacity_));
    }

    void ranges(const char* what, const char* too_many, std::uint64_t most, const std::vector<Piece>& pieces,
                std::uint64_t bytes, bool is_discard) {
        if (bytes == 0 || bytes % kRangeBytes != 0)
            return breaks("virtio-blk.ranges.length", fmt::format("{} with {} bytes of ranges", what, bytes));
        if (bytes / kRangeBytes > most)
            breaks(too_many, fmt::format("{} ranges, the device takes {}", bytes / kRangeBytes, most));
        const std::vector<std::byte> all = readable(pieces, 0, kHeaderBytes + bytes);
        for (std::size_t at = kHeaderBytes; at + kRangeBytes <= all.size(); at += kRangeBytes) {
            RangeHeader range;
            std::memcpy(&range, all.data() + at, sizeof range);
            if (is_discard && (range.flags & kFlagUnmap) != 0)
                breaks("virtio-blk.discard.unmap", "DISCARD with the unmap bit");
            check_range(range.sector, range.count);
        }
    }

    std::uint64_t heard_capacity_ = 0;
    std::optional<std::uint64_t> capacity_;
    std::uint64_t max_discard_segments_ = 0;
    std::uint64_t max_write_zeroes_segments_ = 0;
};

}  // namespace

std::unique_ptr<Book> make_virtio_blk_book(Court& court, const harness::DeviceType& device) {
    return std::make_unique<VirtioBlkBook>(court, device);
}

}  // namespace tb::rules
