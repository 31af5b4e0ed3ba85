// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <filesystem>

#include "models/block/overlay_disk.hpp"

namespace tb::model::block {

/// A disk over an image file (raw). By default nothing that is done to it reaches the file: writes stay in
/// memory.
class FileDisk : public OverlayDisk {
  public:
    enum class Mode : std::uint8_t {
        kCopyOnWrite,  ///< writes are kept in memory and lost with this object
        kReadOnly,     ///< writes fail with EPERM, and the device says that it is read-only
    };

    /// Throws std::runtime_error with the path and what to do about it: the file does not exist or cannot be
    /// read, is empty, or is not a multiple of 512 bytes long.
    explicit FileDisk(const std::filesystem::path& path, Mode mode = Mode::kCopyOnWrite);
    ~FileDisk() override;

  private:
    struct Opened {
        int descriptor;
        std::uint64_t sectors;
    };
    static Opened open_image(const std::filesystem::path& path);
    FileDisk(const Opened& opened, Mode mode);

    int read_base(std::uint64_t sector, std::span<std::byte> data) override;

    int descriptor_;
};

}  // namespace tb::model::block
