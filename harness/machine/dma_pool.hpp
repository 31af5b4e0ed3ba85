// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <map>
#include <optional>

namespace tb::harness {

/// Hands out ranges of guest memory: first fit from the bottom, so that the same sequence of calls gives the
/// same addresses on every machine, and traces that contain addresses compare.
class DmaPool {
  public:
    DmaPool(std::uint64_t base, std::uint64_t size) : base_(base), size_(size) { free_.emplace(base, size); }

    /// `alignment` is a power of two. Nothing when no hole is large enough, or for a size of 0.
    std::optional<std::uint64_t> allocate(std::uint64_t size, std::uint64_t alignment);
    /// Returns false for an address that is not the start of an allocation: a double or a wild free.
    bool release(std::uint64_t address);

    /// The allocation that contains [address, address + size), if one does.
    bool owns(std::uint64_t address, std::uint64_t size) const;
    const std::map<std::uint64_t, std::uint64_t>& allocations() const { return used_; }
    void reset();
    /// All that was handed out since the last reset lies in [base(), end()).
    std::uint64_t base() const { return base_; }
    std::uint64_t end() const { return end_; }

  private:
    std::uint64_t base_;
    std::uint64_t size_;
    std::uint64_t end_ = base_;
    std::map<std::uint64_t, std::uint64_t> free_;  ///< start -> size, never adjacent
    std::map<std::uint64_t, std::uint64_t> used_;  ///< start -> size
};

}  // namespace tb::harness
