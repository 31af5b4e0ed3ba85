// SPDX-License-Identifier: BSD-3-Clause
#include "harness/machine/dma_pool.hpp"

#include <algorithm>
#include <iterator>

namespace tb::harness {

std::optional<std::uint64_t> DmaPool::allocate(std::uint64_t size, std::uint64_t alignment) {
    if (size == 0) return std::nullopt;
    for (auto hole = free_.begin(); hole != free_.end(); ++hole) {
        const std::uint64_t start = (hole->first + alignment - 1) & ~(alignment - 1);
        const std::uint64_t skipped = start - hole->first;
        if (hole->second < skipped || hole->second - skipped < size) continue;
        const std::uint64_t rest = hole->second - skipped - size;
        const std::uint64_t hole_start = hole->first;
        free_.erase(hole);
        if (skipped != 0) free_.emplace(hole_start, skipped);
        if (rest != 0) free_.emplace(start + size, rest);
        used_.emplace(start, size);
        end_ = std::max(end_, start + size);
        return start;
    }
    return std::nullopt;
}

bool DmaPool::release(std::uint64_t address) {
    const auto found = used_.find(address);
    if (found == used_.end()) return false;
    auto [hole, inserted] = free_.emplace(found->first, found->second);
    used_.erase(found);
    const auto next = std::next(hole);
    if (next != free_.end() && hole->first + hole->second == next->first) {
        hole->second += next->second;
        free_.erase(next);
    }
    if (hole != free_.begin()) {
        const auto before = std::prev(hole);
        if (before->first + before->second == hole->first) {
            before->second += hole->second;
            free_.erase(hole);
        }
    }
    return true;
}

bool DmaPool::owns(std::uint64_t address, std::uint64_t size) const {
    auto after = used_.upper_bound(address);
    if (after == used_.begin()) return false;
    const auto& [start, length] = *std::prev(after);
    const std::uint64_t offset = address - start;
    return offset <= length && size <= length - offset;
}

void DmaPool::reset() {
    free_.clear();
    used_.clear();
    free_.emplace(base_, size_);
    end_ = base_;
}

}  // namespace tb::harness
