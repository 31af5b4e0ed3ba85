// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <cstdint>
#include <hal/machine.hpp>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "harness/trace/trace.hpp"
#include "models/core/register_bank.hpp"

namespace tb::trace {

/// Where one table of registers lies.
struct RegisterBlock {
    std::string prefix = {};  ///< "" or what stands before the dot: "common"
    hal::AddressSpace space = hal::AddressSpace::kMemory;
    /// 0..5: `offset` counts from that BAR. Empty: `offset` is an address (ISA), or an offset in config
    /// space.
    std::optional<unsigned> bar = {};
    std::uint64_t offset = 0;
    std::span<const model::RegisterSpec> registers = {};  ///< outlives the symbol table
};

/// One device's registers. The standard header of a PCI function's config space is known without a block.
struct DeviceSymbols {
    std::string label = {};  ///< "" for the device that a trace is about; others are named "label.REGISTER"
    std::optional<hal::PciAddress> function = {};
    std::vector<RegisterBlock> blocks = {};
};

struct FieldValue {
    std::string name;
    std::uint64_t value;
    bool operator==(const FieldValue&) const = default;
};

constexpr std::uint64_t low_bits(unsigned bits) {
    return bits >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << bits) - 1;
}

/// A run of bits in the value of an access, and what it is called: a register, one of its fields, a part of a
/// ring.
struct NamedBits {
    std::string name;
    unsigned lsb;
    unsigned bits;
    std::uint64_t mask() const { return low_bits(bits) << lsb; }
    std::uint64_t of(std::uint64_t value) const { return value >> lsb & low_bits(bits); }
    bool operator==(const NamedBits&) const = default;
};

/// Names for the addresses in a trace. Where BARs lie is learnt from the trace itself: from the driver's
/// config reads and writes of them, sizing left out.
class SymbolTable {
  public:
    /// Returns the device's number for `set_bar`.
    std::size_t add_device(DeviceSymbols device);
    /// `size` in bytes; 0 is unknown.
    void set_bar(std::size_t device, unsigned bar, std::uint64_t base, std::uint64_t size = 0);
    /// Names [address, address + size) of guest memory: DMA accesses and digests there get the name.
    void name_memory(std::uint64_t address, std::uint64_t size, std::string name);

    void learn(const Event& event);
    void learn(const Trace& trace);
    /// Forgets what was learnt, and keeps what was set.
    void forget_learnt();
    /// A number for where all BARs lie: what memory and ports are called is the same as long as it is.
    std::uint64_t fingerprint() const { return fingerprint_; }

    /// The register that an access means: "STATUS", "common.device_status", "RAL[3]", "pci.COMMAND"; "A|B"
    /// when it covers several, "A+1" when it starts inside one; "bar0+0x1234" or "port:0x3f8" where no
    /// register is known. The allocation for DMA and digests. Empty for events that have no address.
    std::string name(const Event& event) const;
    /// The fields of the registers that an access covers completely, in table order.
    std::vector<FieldValue> field_values(const Event& event) const;
    /// The registers that an access covers completely, and their fields ("STATUS", "STATUS.LU"), with where
    /// they stand in its value.
    std::vector<NamedBits> pieces(const Event& event) const;
    /// The fields that are not zero: "LU=1 SPEED=2".
    std::string fields(const Event& event) const;

  private:
    struct Bar {
        std::uint32_t low = 0;
        std::uint64_t size = 0;
        bool known = false;  ///< has an address
        bool typed = false;  ///< `io` and `wide` are what the device said
        bool io = false;
        bool wide = false;
        bool sizing = false;  ///< all ones were written last
        bool operator==(const Bar&) const = default;
    };
    struct Entry {
        std::uint64_t offset;
        const model::RegisterSpec* spec;
        unsigned index;
    };
    struct Block {
        RegisterBlock place;
        std::vector<Entry> entries;  ///< by offset
    };
    struct Device {
        std::string label;
        std::optional<std::uint64_t> config_base;
        std::vector<Block> blocks;
        Block header;
        std::array<Bar, 6> bars{};
        std::array<Bar, 6> bars_at_first{};
        std::array<std::uint64_t, 6> fixed{};  ///< by set_bar
    };
    struct Memory {
        std::uint64_t address, size;
        std::string name;
    };
    struct Found {
        const Entry* entry;
        std::uint64_t access;  ///< offset of the access in the block
        std::string name;
    };

    static Block index_block(RegisterBlock place);
    static std::optional<std::uint64_t> base_of(const Device& device, unsigned bar);
    static void learn_bar(Device& device, unsigned bar, bool write, std::uint32_t value);
    void renew_fingerprint();
    static void find_in(const Block& block, std::uint64_t base, const Device& device, const Event& event,
                        std::vector<Found>& found);
    std::vector<Found> find(const Event& event) const;
    static bool covers(const Event& event, const Found& found);
    std::string unknown_name(const Event& event) const;
    std::string memory_name(std::uint64_t address) const;

    std::vector<Device> devices_;
    std::vector<Memory> memory_;
    std::uint64_t fingerprint_ = 0;
};

/// The registers that every PCI function's config space begins with (PCI 3.0, 6.1, header type 0), in
/// lower-level terms the block "pci".
std::span<const model::RegisterSpec> pci_header_registers();

}  // namespace tb::trace
