// SPDX-License-Identifier: BSD-3-Clause
#include "models/block/virtio_blk.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <stdexcept>
#include <utility>

#include "models/block/virtio_blk_job.hpp"
#include "models/virtio/virtio_regs.hpp"

namespace tb::model::block {

namespace {

void refuse(bool bad, const std::string& property, const std::string& remedy) {
    if (bad) throw std::invalid_argument("virtio-blk: " + property + " " + remedy);
}

void check_properties(const VirtioBlkProperties& p) {
    const auto block_size = [](std::uint32_t size) {
        return std::has_single_bit(size) && size >= 512 && size <= 2 << 20;
    };
    refuse(!block_size(p.logical_block_size), "logical_block_size", "must be a power of 2 from 512 to 2 MiB");
    refuse(!block_size(p.physical_block_size), "physical_block_size",
           "must be a power of 2 from 512 to 2 MiB");
    refuse(p.logical_block_size > p.physical_block_size, "logical_block_size",
           "must not be larger than physical_block_size");
    refuse(p.min_io_size % p.logical_block_size != 0, "min_io_size",
           "must be a multiple of logical_block_size");
    refuse(p.num_queues == 0, "num_queues", "must be larger than 0");
    refuse(p.queue_size <= 2 || p.queue_size > virtio::Queue::kMaxSize || !std::has_single_bit(p.queue_size),
           "queue_size", "must be a power of 2 from 4 to 1024");
    refuse(p.discard && (p.max_discard_sectors == 0 || p.max_discard_sectors > 0x3f'ffff),
           "max_discard_sectors", "must be from 1 to 4194303");
    refuse(p.write_zeroes && (p.max_write_zeroes_sectors == 0 || p.max_write_zeroes_sectors > 0x3f'ffff),
           "max_write_zeroes_sectors", "must be from 1 to 4194303");
    refuse(p.geometry && (p.geometry->heads == 0 || p.geometry->sectors == 0 || p.geometry->cylinders == 0),
           "geometry", "needs at least 1 cylinder, head and sector");
}

// 16 heads of 63 sectors.
std::uint16_t cylinders_for(std::uint64_t sectors) {
    return static_cast<std::uint16_t>(std::clamp<std::uint64_t>(sectors / 1008, 2, 16383));
}

/// What QEMU concludes from a disk: the geometry that an MS-DOS partition table implies, or 16 heads and 63
/// sectors.
Geometry guess_geometry(Disk& disk) {
    const Geometry standard{cylinders_for(disk.sectors()), 16, 63};
    std::byte boot[kSectorBytes];
    if (disk.sectors() == 0 || disk.read(0, boot) != 0) return standard;
    if (boot[510] != std::byte{0x55} || boot[511] != std::byte{0xaa}) return standard;
    for (unsigned partition = 0; partition < 4; ++partition) {
        const std::byte* const entry = boot + 0x1be + std::size_t{16} * partition;
        std::uint32_t length = 0;
        std::memcpy(&length, entry + 12, sizeof length);
        const unsigned heads = std::to_integer<unsigned>(entry[5]) + 1;
        const unsigned sectors = std::to_integer<unsigned>(entry[6]) & 63;
        if (length == 0 || heads == 1 || sectors == 0) continue;
        const std::uint64_t cylinders = disk.sectors() / (std::uint64_t{heads} * sectors);
        if (cylinders < 1 || cylinders > 16383) continue;
        // More heads than a disk can have: a BIOS translates, and the real geometry is the standard one.
        if (heads > 16) return standard;
        return {static_cast<std::uint16_t>(cylinders), static_cast<std::uint8_t>(heads),
                static_cast<std::uint8_t>(sectors)};
    }
    return standard;
}

template <class T>
void put(std::span<std::byte> config, std::size_t offset, T value) {
    if (offset + sizeof value <= config.size()) std::memcpy(config.data() + offset, &value, sizeof value);
}

}  // namespace

void VirtioBlk::check(const VirtioBlkProperties& properties) {
    check_properties(properties);
}

VirtioBlk::VirtioBlk(const VirtioBlkProperties& properties, Disk& disk)
    : properties_((check(properties), properties)),
      disk_(disk),
      geometry_(properties.geometry ? *properties.geometry : guess_geometry(disk)),
      write_cache_(properties.write_cache) {}

VirtioBlk::~VirtioBlk() = default;

virtio::DeviceInfo VirtioBlk::identify() const {
    const std::size_t config = properties_.write_zeroes ? kConfigBytesWriteZeroes
                               : properties_.discard    ? kConfigBytesDiscard
                                                        : kConfigBytesPlain;
    return {.device_id = kVirtioBlockId,
            .class_code = 0x01'0000,  // mass storage, SCSI, as QEMU has it
            .config_bytes = config,
            .queue_sizes = std::vector<std::uint16_t>(properties_.num_queues, properties_.queue_size)};
}

std::uint64_t VirtioBlk::features() const {
    std::uint64_t features = 0;
    const auto offer = [&](unsigned feature, bool on = true) {
        if (on) features |= virtio::feature_bit(feature);
    };
    offer(kFeatureSegMax);
    offer(kFeatureGeometry);
    offer(kFeatureBlkSize);
    offer(kFeatureTopology);
    offer(kFeatureFlush, properties_.write_cache || properties_.config_wce);
    offer(kFeatureConfigWce, properties_.config_wce);
    offer(kFeatureReadOnly, properties_.read_only || disk_.read_only());
    offer(kFeatureMq, properties_.num_queues > 1);
    offer(kFeatureDiscard, properties_.discard);
    offer(kFeatureWriteZeroes, properties_.write_zeroes);
    return features;
}

void VirtioBlk::read_config(std::span<std::byte> config) const {
    const VirtioBlkProperties& p = properties_;
    const std::uint64_t sectors = disk_.sectors();
    const std::uint32_t block = p.logical_block_size;
    std::ranges::fill(config, std::byte{0});
    put(config, 0x00, sectors);
    put(config, 0x0c, p.seg_max_adjust ? std::uint32_t{p.queue_size} - 2 : 126U);
    put(config, 0x10, geometry_.cylinders);
    put(config, 0x12, geometry_.heads);
    // A disk that does not fill its last cylinder gets a number of sectors that whole blocks divide.
    const std::uint64_t tracks = sectors * kSectorBytes / geometry_.heads / geometry_.sectors;
    const auto block_mask = static_cast<std::uint8_t>(block / kSectorBytes - 1);
    put(config, 0x13,
        static_cast<std::uint8_t>(tracks % block != 0 ? geometry_.sectors & ~block_mask : geometry_.sectors));
    put(config, 0x14, block);
    put(config, 0x18, static_cast<std::uint8_t>(std::countr_zero(p.physical_block_size / block)));
    put(config, 0x1a, static_cast<std::uint16_t>(p.min_io_size / block));
    put(config, 0x1c, p.opt_io_size / block);
    put(config, 0x20, static_cast<std::uint8_t>(write_cache_));
    put(config, 0x22, p.num_queues);
    if (p.discard) {
        const std::uint32_t granularity = p.discard_granularity != 0 ? p.discard_granularity : block;
        put(config, 0x24, p.max_discard_sectors);
        put(config, 0x28, std::uint32_t{1});
        put(config, 0x2c, granularity / kSectorBytes);
    }
    if (p.write_zeroes) {
        put(config, 0x30, p.max_write_zeroes_sectors);
        put(config, 0x34, std::uint32_t{1});
        put(config, 0x38, std::uint8_t{1});
    }
}

void VirtioBlk::config_written(std::span<const std::byte> config) {
    // Whatever was written, it is the cache mode that is taken from it.
    write_cache_ = config[0x20] != std::byte{0};
}

void VirtioBlk::status_changed(std::uint8_t status) {
    if ((status & virtio::kDriverOk) == 0) return;
    // Without CONFIG_WCE the mode follows from FLUSH (§5.2.5): who cannot flush gets a write-through disk.
    if (!transport().negotiated(kFeatureConfigWce)) write_cache_ = transport().negotiated(kFeatureFlush);
}

int VirtioBlk::resize(std::uint64_t sectors) {
    const int error = disk_.resize(sectors);
    if (error == 0) transport().config_changed();
    return error;
}

}  // namespace tb::model::block
