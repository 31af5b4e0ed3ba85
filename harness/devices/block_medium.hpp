// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "harness/devices/device_type.hpp"
#include "harness/qemu/block_backend.hpp"
#include "models/block/overlay_disk.hpp"

namespace tb::harness {

/// The keys of a block device's configuration that describe the medium.
inline constexpr KeySpec kMediumConfiguration[] = {
    {"sectors", ValueType::kInteger, false, "capacity in units of 512 bytes (default 4096)"},
    {"fill", ValueType::kText, false,
     "what a fresh medium holds: \"zero\", \"lba\" (default) or \"random\" (from the scenario's seed)"},
    {"image", ValueType::kText, false,
     "a raw image file instead, relative to the scenario's folder; what is written stays in memory"},
    {"read_only", ValueType::kBoolean, false, "a write-protected medium (default false)"},
};

/// The disk behind a block device, the same one for the model and for QEMU: what a scenario says about the
/// medium, and what it does to it from outside.
class BlockMedium : public qemu::BlockBackend {
  public:
    /// Throws std::runtime_error with path and remedy when an image cannot be used.
    BlockMedium(const nlohmann::json& configuration, const RigOptions& options);

    /// An objection to the medium's part of a configuration, or nothing.
    static std::string check(const nlohmann::json& configuration);

    model::block::OverlayDisk& disk() { return *disk_; }
    /// As it was made.
    void reset();

    /// See Outside. Throws OutsideUnsupported for an error that it does not know.
    void fail_sectors(std::uint64_t sector, std::uint64_t sectors, const std::string& error);
    void fail_flushes(const std::string& error);
    /// What it holds, whatever fails.
    Bytes contents(std::uint64_t sector, std::uint64_t sectors);

    // What QEMU's block layer asks for.
    std::uint64_t size() const override;
    bool read_only() const override;
    int read(std::uint64_t offset, std::span<std::uint8_t> data) override;
    int write(std::uint64_t offset, std::span<const std::uint8_t> data) override;
    int flush() override;
    int discard(std::uint64_t offset, std::uint64_t length) override;
    int write_zeroes(std::uint64_t offset, std::uint64_t length, bool may_unmap) override;

  private:
    void apply_faults();

    std::unique_ptr<model::block::OverlayDisk> disk_;
    std::vector<model::block::DiskFault> faults_;
};

}  // namespace tb::harness
