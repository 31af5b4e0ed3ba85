// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "harness/devices/device_type.hpp"
#include "harness/trace/symbols.hpp"

/// What the kinds of rings have in common: naming the parts of structures in memory.
namespace tb::harness {

/// A field of a structure that starts at `base`, if [address, address + width) touches it.
inline void add_part(std::vector<trace::NamedBits>& pieces, std::string name, std::uint64_t base,
                     const LayoutField& field, std::uint64_t address, unsigned width) {
    const std::int64_t first = static_cast<std::int64_t>(8 * (base - address)) + field.offset_bits;
    const std::int64_t lsb = std::max<std::int64_t>(first, 0);
    const std::int64_t end = std::min<std::int64_t>(first + field.bits, 8 * std::int64_t{width});
    if (lsb < end)
        pieces.push_back({std::move(name), static_cast<unsigned>(lsb), static_cast<unsigned>(end - lsb)});
}

inline void add_layout(std::vector<trace::NamedBits>& pieces, const std::string& prefix, std::uint64_t base,
                       const LayoutSpec& layout, std::uint64_t address, unsigned width) {
    for (const LayoutField& field : layout.fields)
        add_part(pieces, fmt::format("{}.{}", prefix, field.name), base, field, address, width);
}

inline void set_low(std::uint64_t& whole, std::uint64_t value) {
    whole = (whole & ~std::uint64_t{0xffff'ffff}) | (value & 0xffff'ffff);
}
inline void set_high(std::uint64_t& whole, std::uint64_t value) {
    whole = (whole & 0xffff'ffff) | value << 32;
}

/// For fingerprints: FNV-1a (Fowler, Noll, Vo), a word at a time.
class Fnv {
  public:
    void add(std::uint64_t word) { hash_ = (hash_ ^ word) * 0x100'0000'01b3; }
    std::uint64_t value() const { return hash_; }

  private:
    std::uint64_t hash_ = 0xcbf2'9ce4'8422'2325;
};

}  // namespace tb::harness
