// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "harness/devices/device_type.hpp"
#include "harness/trace/symbols.hpp"

namespace tb::harness {

/// Where a device's rings lie in guest memory, learnt from the registers by which the driver tells the
/// device, and what their parts are called: "queue[0].used.ring[3].len", "rx[5].length".
class Rings {
  public:
    virtual ~Rings() = default;

    /// Whether a register tells something about the rings; `name` as SymbolTable has it.
    virtual bool cares_for(std::string_view name) const = 0;
    /// Such a register was written.
    virtual void wrote(std::string_view name, std::uint64_t value) = 0;
    /// The driver stored to memory that it shares with the device: for what a device overwrites later.
    virtual void stored(std::uint64_t /*address*/, unsigned /*width*/, std::uint64_t /*value*/) {}
    /// As when nothing was written yet.
    virtual void forget() = 0;
    /// A number for where all rings lie: pieces() are the same as long as it is.
    virtual std::uint64_t fingerprint() const = 0;

    /// What [address, address + width) of a ring touches, with where it stands in the little-endian value
    /// there.
    virtual std::vector<trace::NamedBits> pieces(std::uint64_t address, unsigned width) const = 0;
    /// What a buffer to which a ring's descriptors point now is called; empty if it is none. `memory` is the
    /// guest's, from address 0.
    virtual std::string buffer(std::uint64_t /*address*/, std::span<const std::byte> /*memory*/) const {
        return {};
    }
    /// Whether buffer() may give a name with these letters, indices left out.
    virtual bool is_buffer(std::string_view /*base*/) const { return false; }

    /// The same place in the element behind the one at `address`; nothing outside rings that the device
    /// fills.
    virtual std::optional<std::uint64_t> in_next_element(std::uint64_t address) const = 0;
    /// All names, without their indices: "queue.used.idx".
    virtual std::vector<std::string> names() const = 0;
};

/// Virtqueues (VIRTIO 1.2 §2.7, §2.8) of a device behind virtio-pci: packed where that was negotiated. Their
/// parts are then "queue[0].desc[3].id" and, of what suppresses notifications,
/// "queue[0].driver.desc_event_off" and "queue[0].device.desc_event_flags".
std::unique_ptr<Rings> make_virtio_rings();

/// Command lists, received FISes and command tables of an AHCI HBA (AHCI 1.3.1 §4).
std::unique_ptr<Rings> make_ahci_rings();

/// One ring of descriptors and the registers that place it.
struct DescriptorRing {
    const char* name;          ///< "rx"
    const char* base_low;      ///< "RDBAL"
    const char* base_high;     ///< "RDBAH"
    const char* bytes;         ///< "RDLEN"
    const LayoutSpec* layout;  ///< of a descriptor
};
/// Rings of fixed descriptors, as Ethernet controllers have them. `rings` outlives what is made.
std::unique_ptr<Rings> make_descriptor_rings(std::span<const DescriptorRing> rings);

}  // namespace tb::harness
