// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "harness/faults/fault.hpp"
#include "harness/fuzz/language.hpp"

namespace tb::fuzz {

/// A place at which a driver looks, or that it writes, when nothing lies: a fault there can strike.
struct Sight {
    std::uint16_t place;  ///< Record::place of a fault
    unsigned bits;        ///< of the register, field or part of a ring
    unsigned times;       ///< in all rehearsals
};

/// All of them, in the order in which they were seen first. Of the registers of a device a driver uses some
/// dozens: lies about the others would teach nothing.
class Sights {
  public:
    /// A name without indices; empty stands for any place.
    void saw(const Language& language, faults::Site site, const std::string& name, unsigned bits);
    std::span<const Sight> at(faults::Site site) const { return sights_[static_cast<std::size_t>(site)]; }

  private:
    static constexpr std::size_t kNowhere = ~std::size_t{0};
    std::array<std::vector<Sight>, faults::kSites> sights_;
    std::array<std::unordered_map<std::string, std::size_t>, faults::kSites> known_;  ///< which sight
};

/// A driver's start is most of its accesses, and looks at most places; its work comes back to a few.
struct Views {
    Sights start;
    Sights work;
};

}  // namespace tb::fuzz
