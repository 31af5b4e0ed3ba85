// SPDX-License-Identifier: BSD-3-Clause
#include <array>
#include <bit>
#include <cstring>
#include <nlohmann/json.hpp>
#include <optional>

#include "harness/replay/role.hpp"
#include "models/block/virtio_blk_regs.hpp"
#include "models/pci/config_space.hpp"
#include "models/virtio/virtio_regs.hpp"

namespace tb::replay {

namespace {

using model::virtio::kBlockBytes;
namespace block = model::block;

constexpr std::uint64_t kCommon = 0;
constexpr std::uint64_t kDevice = 2ULL * kBlockBytes;
constexpr std::uint64_t kFeatureSelect = kCommon + 0x00;
constexpr std::uint64_t kFeatures = kCommon + 0x04;
constexpr std::uint64_t kNumQueues = kCommon + 0x12;
constexpr std::uint64_t kQueueSize = kCommon + 0x18;
constexpr std::uint64_t kMsixControl = 0x9a;  // where QEMU puts the capability
constexpr std::uint16_t kMsixTableSize = 0x7ff;
constexpr std::uint16_t kTransitional = 0x1001;
constexpr unsigned kFeatureIndirect = 28;
constexpr unsigned kFeatureEventIdx = 29;
constexpr std::uint16_t kUnknown = 0x100;

/// The device's configuration space and features, as far as they were read; the defaults for the rest.
class VirtioBlkStudy : public Study {
  public:
    VirtioBlkStudy() { known_.fill(kUnknown); }
    void see(const Access& access) override {
        if (access.spot.bar == Spot::kConfig)
            see_config(access);
        else if (access.spot.bar == model::virtio::kModernBar)
            see_register(access, access.spot.offset);
    }

    void see_disk(std::uint64_t sectors, std::string_view fill) override {
        sectors_ = sectors;
        fill_ = fill;
    }
    void see_image(std::string_view path) override { image_ = path; }

    nlohmann::json configuration() const override {
        using nlohmann::json;
        json configuration = json::object();
        // As QEMU, whose virtio devices do not ask for it.
        configuration["dma_without_bus_master"] = true;
        if (transitional_) configuration["transitional"] = true;
        if (vectors_) configuration["vectors"] = *vectors_;
        if (queues_) configuration["queues"] = *queues_;
        if (queue_size_ && std::has_single_bit(*queue_size_)) configuration["queue_size"] = *queue_size_;
        if (const auto capacity = field(0x00, 8); capacity && *capacity != 0)
            configuration["sectors"] = *capacity;
        const auto block_size = field(0x14, 4);
        if (block_size) configuration["logical_block_size"] = *block_size;
        if (const auto exponent = field(0x18, 1); exponent && *exponent < 16)
            configuration["physical_block_size"] = block_size.value_or(512) << *exponent;
        const std::uint64_t unit = block_size.value_or(512);
        if (const auto size = field(0x1a, 2); size && *size != 0) configuration["min_io_size"] = *size * unit;
        if (const auto size = field(0x1c, 4); size && *size != 0) configuration["opt_io_size"] = *size * unit;
        if (const auto on = field(0x20, 1); on && !writeback_written_)
            configuration["write_cache"] = *on != 0;
        if (const auto most = field(0x24, 4); most && *most != 0)
            configuration["max_discard_sectors"] = *most;
        if (const auto most = field(0x30, 4); most && *most != 0)
            configuration["max_write_zeroes_sectors"] = *most;
        if (!image_.empty()) {
            configuration.erase("sectors");  // the file says it
            configuration["image"] = image_;
        } else if (!fill_.empty()) {
            configuration["sectors"] = sectors_;
            configuration["fill"] = fill_;
        }
        if (low_features_) {
            const auto offers = [this](unsigned bit) { return (*low_features_ >> bit & 1) != 0; };
            configuration["read_only"] = offers(block::kFeatureReadOnly);
            configuration["config_wce"] = offers(block::kFeatureConfigWce);
            configuration["discard"] = offers(block::kFeatureDiscard);
            configuration["write_zeroes"] = offers(block::kFeatureWriteZeroes);
            configuration["indirect_desc"] = offers(kFeatureIndirect);
            configuration["event_idx"] = offers(kFeatureEventIdx);
        }
        return configuration;
    }

  private:
    void see_config(const Access& access) {
        if (!access.read()) return;
        const std::uint64_t offset = access.spot.offset;
        if (offset == 0 && access.value >> 16 != 0) transitional_ = access.value >> 16 == kTransitional;
        if (offset == 2) transitional_ = access.value == kTransitional;
        // The capability's header: its ID is 0x11.
        if (offset == kMsixControl - 2 && access.value >> 16 != 0 && (access.value & 0xff) == 0x11)
            vectors_ = (access.value >> 16 & kMsixTableSize) + 1;
        if (offset == kMsixControl && access.value != 0) vectors_ = (access.value & kMsixTableSize) + 1;
    }

    void see_register(const Access& access, std::uint64_t offset) {
        if (offset == kFeatureSelect) feature_half_ = access.value;
        if (offset >= kDevice && offset + access.width <= kDevice + known_.size()) {
            const std::uint64_t first = offset - kDevice;
            if (!access.read()) {
                writeback_written_ = writeback_written_ || first == 0x20;
                return;
            }
            for (unsigned i = 0; i < access.width; ++i)
                if (known_[first + i] == kUnknown)
                    known_[first + i] = static_cast<std::uint8_t>(access.value >> (8 * i));
        }
        if (!access.read()) return;
        if (offset == kFeatures && feature_half_ == 0 && !low_features_) low_features_ = access.value;
        if (offset == kNumQueues && access.value != 0) queues_ = access.value;
        // Until a driver makes it smaller.
        if (offset == kQueueSize && access.value != 0 && !queue_size_) queue_size_ = access.value;
    }

    std::optional<std::uint64_t> field(std::size_t offset, unsigned bytes) const {
        std::uint64_t value = 0;
        for (unsigned i = 0; i < bytes; ++i) {
            if (known_[offset + i] == kUnknown) return std::nullopt;
            value |= std::uint64_t{known_[offset + i]} << (8 * i);
        }
        return value;
    }

    std::uint64_t sectors_ = 0;
    std::string fill_, image_;
    bool transitional_ = false;
    bool writeback_written_ = false;
    std::uint64_t feature_half_ = 0;
    std::optional<std::uint64_t> vectors_, queues_, queue_size_, low_features_;
    std::array<std::uint16_t, block::kConfigBytesWriteZeroes> known_;  ///< a byte each, or kUnknown
};

constexpr std::uint32_t kIds[] = {0x1042'1af4, 0x1001'1af4};
constexpr std::string_view kNames[] = {"virtio-blk-pci", "virtio-blk"};
constexpr int kModern = model::virtio::kModernBar;
constexpr NamedRegion kRegions[] = {
    {"virtio-pci-common-virtio-blk", {kModern, 0}, kBlockBytes},
    {"virtio-pci-isr-virtio-blk", {kModern, 1ULL * kBlockBytes}, kBlockBytes},
    {"virtio-pci-device-virtio-blk", {kModern, kDevice}, kBlockBytes},
    {"virtio-pci-notify-virtio-blk", {kModern, 3ULL * kBlockBytes}, kBlockBytes},
};
// What rings cause: interrupts, and a device that needs a reset, which is a change of configuration too.
constexpr RegisterBits kMemory[] = {
    {{kModern, 1ULL * kBlockBytes}, model::virtio::kIsrQueue | model::virtio::kIsrConfig},
    {{kModern, kCommon + 0x14}, model::virtio::kNeedsReset},
    {{kModern, kCommon + 0x15}, 0xff},
    {{Spot::kConfig, model::pci::config::kStatus}, model::pci::config::kStatusInterrupt}};

}  // namespace

const Role& virtio_blk_role() {
    static const Role role{
        .type = "virtio-blk-pci",
        .ids = kIds,
        .names = kNames,
        .regions = kRegions,
        .bar_bytes = {0x80, 0x1000, 0, 0, 4ULL * kBlockBytes, 0},
        .msix_bar = model::virtio::kMsixBar,
        .study = []() -> std::unique_ptr<Study> { return std::make_unique<VirtioBlkStudy>(); },
        .memory = kMemory,
        .timed = {}};
    return role;
}

}  // namespace tb::replay
