// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
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

/// A place where something may be, by name, remembered: accesses are many, and their places few.
struct Place {
    std::uint32_t number = 0;  ///< of its atlas and epoch, from 1
    std::vector<trace::NamedBits> pieces;
    std::string tells;  ///< the register's name, if its writes tell where rings are
};

/// What an access to a device, or to the memory that it shares with its driver, touches, by name. Learns
/// where BARs and rings are from what crosses the seam.
class Atlas {
  public:
    explicit Atlas(const DeviceType& device);

    void saw(bool write, hal::AddressSpace space, std::uint64_t address, unsigned width, std::uint64_t value);

    void stored(std::uint64_t address, unsigned width, std::uint64_t value) {
        if (rings_ != nullptr) rings_->stored(address, width, value);
    }

    /// As when nothing was seen yet.
    void forget();
    /// Goes on when places get new numbers.
    std::uint64_t epoch() const { return epoch_; }

    /// Registers and their fields.
    const Place& registers(hal::AddressSpace space, std::uint64_t address, unsigned width);
    /// Parts of rings.
    const Place& ring(std::uint64_t address, unsigned width);
    /// Parts of rings and buffers.
    std::vector<trace::NamedBits> memory(std::uint64_t address, unsigned width,
                                         std::span<const std::byte> memory);
    /// What an access is called, also where there is no register.
    std::string name(hal::AddressSpace space, std::uint64_t address, unsigned width) const;
    const Rings* rings() const { return rings_.get(); }

    /// What registers() and memory() can give for a device, without indices.
    static std::vector<std::string> register_names(const DeviceType& device);
    static std::vector<std::string> memory_names(const DeviceType& device);

  private:
    struct Access {
        std::uint64_t fingerprint;  ///< of what was known
        std::uint64_t address;
        unsigned width;
        bool operator==(const Access&) const = default;
    };
    struct Hash {
        std::size_t operator()(const Access& access) const {
            const std::uint64_t mixed =
                (access.fingerprint ^ access.address * 8 ^ access.width) * 0x9e37'79b9'7f4a'7c15;
            return static_cast<std::size_t>(mixed ^ mixed >> 32);
        }
    };
    /// A map, and what was asked for of late in front of it: most accesses are of few places.
    class Places {
      public:
        Place& operator[](const Access& access);
        void clear();

      private:
        struct Recent {
            Access access;
            Place* place = nullptr;
        };
        std::unordered_map<Access, Place, Hash> all_;
        std::array<Recent, 256> recent_{};  ///< by hash
    };
    Place& remembered(Places& places, const Access& access);

    trace::SymbolTable symbols_;
    std::unique_ptr<Rings> rings_;
    std::array<Places, 3> registers_;  ///< by address space
    Places ring_places_;
    std::uint32_t places_ = 0;
    std::uint64_t epoch_ = 0;
};

}  // namespace tb::harness
