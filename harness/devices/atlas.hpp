// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "harness/devices/device_type.hpp"
#include "harness/devices/rings.hpp"
#include "harness/trace/symbols.hpp"

namespace tb::harness {

/// A name of a register, a field or a part of a ring, in which indices may be left out: "queue.used.idx" is
/// that of any queue, "queue[0].used.ring.len" that of any element of queue 0.
class PartName {
  public:
    explicit PartName(std::string_view text);

    bool matches(std::string_view name) const;
    const std::string& base() const { return base_; }  ///< without indices
    /// The numbers between [ ] are numbers, and there are no more than two.
    bool well_formed() const { return well_formed_; }

  private:
    static constexpr std::size_t kMostIndices = 2;
    static constexpr std::int64_t kAny = -1;
    struct Index {
        std::size_t at;  ///< how much of the base is before it
        std::int64_t value;
    };

    std::string base_;
    std::array<Index, kMostIndices> indices_{};
    std::size_t count_ = 0;
    bool well_formed_ = true;
};

/// What an access to a device, or to the memory that it shares with its driver, touches, by name. Learns
/// where BARs and rings are from what crosses the seam.
class Atlas {
  public:
    explicit Atlas(const DeviceType& device);

    void saw(bool write, hal::AddressSpace space, std::uint64_t address, unsigned width, std::uint64_t value);

    /// Registers and their fields.
    std::vector<trace::NamedBits> registers(hal::AddressSpace space, std::uint64_t address,
                                            unsigned width) const;
    /// Parts of rings and buffers.
    std::vector<trace::NamedBits> memory(std::uint64_t address, unsigned width,
                                         std::span<const std::byte> memory) const;
    /// What an access is called, also where there is no register.
    std::string name(hal::AddressSpace space, std::uint64_t address, unsigned width) const;
    const Rings* rings() const { return rings_.get(); }

    /// What registers() and memory() can give for a device, without indices.
    static std::vector<std::string> register_names(const DeviceType& device);
    static std::vector<std::string> memory_names(const DeviceType& device);

  private:
    trace::SymbolTable symbols_;
    std::unique_ptr<Rings> rings_;
};

}  // namespace tb::harness
