// SPDX-License-Identifier: BSD-3-Clause
#include "models/block/overlay_disk.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace tb::model::block {

int OverlayDisk::fault_on(DiskOperation operation, std::uint64_t sector, std::uint64_t count) {
    for (auto fault = faults_.begin(); fault != faults_.end(); ++fault) {
        if ((fault->on & operation) == 0) continue;
        const bool touched =
            operation == kOnFlush || (sector < fault->first + fault->count && fault->first < sector + count);
        if (!touched) continue;
        const int error = fault->error;
        const bool last = fault->times == 1;
        if (fault->times != 0) --fault->times;
        if (last) faults_.erase(fault);
        return error;
    }
    return 0;
}

int OverlayDisk::fill_from_base(std::uint64_t sector, std::span<std::byte> data) {
    const std::uint64_t count = data.size() / kSectorBytes;
    const std::uint64_t end = std::min(base_sectors_, base_end_);
    const std::uint64_t present = sector >= end ? 0 : std::min(count, end - sector);
    const std::span<std::byte> rest = data.subspan(static_cast<std::size_t>(present) * kSectorBytes);
    std::ranges::fill(rest, std::byte{0});
    if (present == 0) return 0;
    return read_base(sector, data.first(static_cast<std::size_t>(present) * kSectorBytes));
}

int OverlayDisk::read(std::uint64_t sector, std::span<std::byte> data) {
    const std::uint64_t count = data.size() / kSectorBytes;
    if (!inside(sector, count)) return EIO;
    if (const int error = fault_on(kOnRead, sector, count)) return error;
    while (!data.empty()) {
        const std::uint64_t within = sector % kPageSectors;
        const auto bytes = std::min<std::size_t>(data.size(), kPageBytes - within * kSectorBytes);
        if (const auto page = pages_.find(sector / kPageSectors); page != pages_.end())
            std::memcpy(data.data(), page->second.data() + within * kSectorBytes, bytes);
        else if (const int error = fill_from_base(sector, data.first(bytes)))
            return error;
        sector += bytes / kSectorBytes;
        data = data.subspan(bytes);
    }
    return 0;
}

int OverlayDisk::store(std::uint64_t sector, std::uint64_t count, std::span<const std::byte> data) {
    const std::uint64_t end = sector + count;
    for (std::size_t done = 0; sector < end;) {
        const std::uint64_t within = sector % kPageSectors;
        const std::uint64_t part = std::min(end - sector, kPageSectors - within);
        const auto bytes = static_cast<std::size_t>(part) * kSectorBytes;
        const auto [page, fresh] = pages_.try_emplace(sector / kPageSectors);
        if (fresh && part < kPageSectors) {
            if (const int error = fill_from_base(sector - within, page->second)) {
                pages_.erase(page);
                return error;
            }
        }
        std::byte* const target = page->second.data() + within * kSectorBytes;
        if (data.empty())
            std::memset(target, 0, bytes);
        else
            std::memcpy(target, data.data() + done, bytes);
        sector += part;
        done += bytes;
    }
    return 0;
}

int OverlayDisk::write(std::uint64_t sector, std::span<const std::byte> data) {
    const std::uint64_t count = data.size() / kSectorBytes;
    if (!inside(sector, count)) return EIO;
    if (read_only_) return EPERM;
    if (const int error = fault_on(kOnWrite, sector, count)) return error;
    return store(sector, count, data);
}

int OverlayDisk::flush() {
    if (const int error = fault_on(kOnFlush, 0, 0)) return error;
    ++flushes_;
    return 0;
}

int OverlayDisk::discard(std::uint64_t sector, std::uint64_t count) {
    if (!inside(sector, count)) return EIO;
    if (const int error = fault_on(kOnDiscard, sector, count)) return error;
    if (!discard_zeroes_) return 0;
    return read_only_ ? EPERM : store(sector, count, {});
}

int OverlayDisk::write_zeroes(std::uint64_t sector, std::uint64_t count, bool) {
    if (!inside(sector, count)) return EIO;
    if (read_only_) return EPERM;
    if (const int error = fault_on(kOnWriteZeroes, sector, count)) return error;
    return store(sector, count, {});
}

int OverlayDisk::resize(std::uint64_t sectors) {
    if (sectors < sectors_) {
        base_end_ = std::min(base_end_, sectors);
        pages_.erase(pages_.lower_bound((sectors + kPageSectors - 1) / kPageSectors), pages_.end());
        const auto last = pages_.find(sectors / kPageSectors);
        if (last != pages_.end()) {
            const auto kept = static_cast<std::size_t>(sectors % kPageSectors) * kSectorBytes;
            std::fill(last->second.begin() + static_cast<std::ptrdiff_t>(kept), last->second.end(),
                      std::byte{0});
        }
    }
    sectors_ = sectors;
    return 0;
}

void OverlayDisk::forget_writes() {
    pages_.clear();
    sectors_ = base_sectors_;
    base_end_ = ~std::uint64_t{0};
    flushes_ = 0;
}

}  // namespace tb::model::block
