// SPDX-License-Identifier: BSD-3-Clause
#include "harness/devices/block_medium.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>

#include "models/block/file_disk.hpp"
#include "models/block/memory_disk.hpp"

namespace tb::harness {

namespace {

using model::block::DiskFault;
using model::block::Fill;
using model::block::kSectorBytes;
using nlohmann::json;

constexpr std::uint64_t kDefaultSectors = 4096;
// What the NBD window of the QEMU side has room for, less one sector.
constexpr std::uint64_t kMostSectors = (std::uint64_t{1} << 40) / kSectorBytes - 1;
// Requests that carry an address; a flush touches no sector.
constexpr std::uint8_t kAddressed =
    model::block::kOnRead | model::block::kOnWrite | model::block::kOnDiscard | model::block::kOnWriteZeroes;

std::optional<Fill> fill_of(const std::string& name) {
    if (name == "zero") return Fill::kZero;
    if (name == "lba") return Fill::kLba;
    if (name == "random") return Fill::kRandom;
    return std::nullopt;
}

int errno_of(const std::string& error) {
    if (error == "eio") return EIO;
    if (error == "enospc") return ENOSPC;
    throw OutsideUnsupported(fmt::format("the error '{}': a medium fails with \"eio\" or \"enospc\"", error));
}

}  // namespace

std::string BlockMedium::check(const json& configuration) {
    const std::string fill = configuration.value("fill", "lba");
    if (!fill_of(fill)) return fmt::format("\"fill\" is '{}': it can be zero, lba or random", fill);
    if (configuration.contains("image")) {
        for (const char* key : {"sectors", "fill"})
            if (configuration.contains(key))
                return fmt::format("\"{}\" does not go with \"image\", whose file says it", key);
        return {};
    }
    const std::uint64_t sectors = configuration.value("sectors", kDefaultSectors);
    if (sectors == 0 || sectors > kMostSectors)
        return fmt::format("\"sectors\" must be from 1 to {}", kMostSectors);
    return {};
}

BlockMedium::BlockMedium(const json& configuration, const RigOptions& options) {
    using namespace model::block;
    const bool read_only = configuration.value("read_only", false);
    if (configuration.contains("image")) {
        const std::filesystem::path path =
            std::filesystem::path(options.base_directory) / configuration["image"].get<std::string>();
        disk_ = std::make_unique<FileDisk>(
            path, read_only ? FileDisk::Mode::kReadOnly : FileDisk::Mode::kCopyOnWrite);
        return;
    }
    disk_ = std::make_unique<MemoryDisk>(configuration.value("sectors", kDefaultSectors),
                                         fill_of(configuration.value("fill", "lba")).value_or(Fill::kLba),
                                         options.seed);
    disk_->set_read_only(read_only);
}

void BlockMedium::fail_sectors(std::uint64_t sector, std::uint64_t sectors, const std::string& error) {
    if (error.empty())
        std::erase_if(faults_, [&](const DiskFault& fault) {
            return fault.on == kAddressed && fault.first < sector + sectors &&
                   sector < fault.first + fault.count;
        });
    else
        faults_.push_back({.first = sector, .count = sectors, .error = errno_of(error), .on = kAddressed});
    apply_faults();
}

void BlockMedium::fail_flushes(const std::string& error) {
    std::erase_if(faults_, [](const DiskFault& fault) { return fault.on == model::block::kOnFlush; });
    if (!error.empty()) faults_.push_back({.error = errno_of(error), .on = model::block::kOnFlush});
    apply_faults();
}

void BlockMedium::reset() {
    faults_.clear();
    disk_->heal();
    disk_->forget_writes();
}

void BlockMedium::apply_faults() {
    disk_->heal();
    for (const DiskFault& fault : faults_) disk_->inject(fault);
}

Bytes BlockMedium::contents(std::uint64_t sector, std::uint64_t sectors) {
    Bytes data(static_cast<std::size_t>(sectors) * kSectorBytes);
    disk_->heal();
    const int error = disk_->read(sector, data);
    apply_faults();
    if (error != 0)
        throw OutsideUnsupported(
            fmt::format("{} sectors from {} on: the medium has {}", sectors, sector, disk_->sectors()));
    return data;
}

std::uint64_t BlockMedium::size() const {
    return disk_->sectors() * kSectorBytes;
}
bool BlockMedium::read_only() const {
    return disk_->read_only();
}

int BlockMedium::read(std::uint64_t offset, std::span<std::uint8_t> data) {
    return disk_->read(offset / kSectorBytes, std::as_writable_bytes(data));
}
int BlockMedium::write(std::uint64_t offset, std::span<const std::uint8_t> data) {
    return disk_->write(offset / kSectorBytes, std::as_bytes(data));
}
int BlockMedium::flush() {
    return disk_->flush();
}
int BlockMedium::discard(std::uint64_t offset, std::uint64_t length) {
    return disk_->discard(offset / kSectorBytes, length / kSectorBytes);
}
int BlockMedium::write_zeroes(std::uint64_t offset, std::uint64_t length, bool may_unmap) {
    return disk_->write_zeroes(offset / kSectorBytes, length / kSectorBytes, may_unmap);
}

}  // namespace tb::harness
