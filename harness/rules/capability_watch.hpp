// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <bitset>
#include <cstdint>
#include <optional>

namespace tb::rules {

/// What a driver has heard of the capability list of a function (PCI 3.0 §6.7), lies too: judges whether it
/// reads fields of a vendor-specific capability that lie beyond the length which the capability states.
class CapabilityWatch {
  public:
    /// The driver has read [offset, offset + width) of configuration space. Returns the position of the
    /// capability that is shorter than that, as far as it was known before.
    std::optional<std::uint8_t> heard(std::uint64_t offset, unsigned width, std::uint64_t value);

  private:
    static constexpr unsigned kBytes = 256;

    std::optional<std::uint8_t> byte(unsigned offset) const;
    std::optional<std::uint8_t> too_short(unsigned offset, unsigned width) const;

    std::array<std::uint8_t, kBytes> bytes_ = {};
    std::bitset<kBytes> known_;
};

}  // namespace tb::rules
