// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "harness/devices/device_type.hpp"

namespace tb::harness {

/// The register that an access means, as a table's row: what SymbolTable gives as text.
struct RegisterPlace {
    const RegisterBlock* block = nullptr;
    const model::RegisterSpec* spec = nullptr;  ///< null where the block has no register
    unsigned index = 0;                         ///< in an array of registers
    std::uint64_t offset = 0;                   ///< of the access, from the start of the block
};

/// Where the registers of the device under test are, learnt from the addresses that are written to its BARs.
class RegisterMap {
  public:
    explicit RegisterMap(const DeviceType& device);

    /// A write to configuration space.
    void wrote_config(std::uint64_t address, std::uint64_t value);
    /// The block in which an access lies; nothing where none is.
    std::optional<RegisterPlace> find(hal::AddressSpace space, std::uint64_t address) const;

  private:
    struct Block {
        const RegisterBlock* block;
        std::uint64_t bytes;                         ///< to the end of the last register
        std::vector<const model::RegisterSpec*> at;  ///< by offset / granule
        unsigned granule_shift;
    };

    std::optional<std::uint64_t> base_of(const RegisterBlock& block) const;

    /// Of one device type, made once.
    static const std::vector<Block>& index_of(const DeviceType& device);

    const std::vector<Block>& blocks_;
    std::array<std::optional<std::uint64_t>, 6> bars_{};
};

}  // namespace tb::harness
