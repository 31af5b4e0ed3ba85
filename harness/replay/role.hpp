// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <string_view>

#include "harness/trace/event.hpp"

namespace tb::replay {

/// Where in a device an access goes.
struct Spot {
    static constexpr int kConfig = -1;
    static constexpr int kPorts = -2;  ///< of an ISA device

    int bar = kConfig;         ///< 0..5, or one of the above
    std::uint64_t offset = 0;  ///< from the start of the BAR, of configuration space, or of the ports
    auto operator<=>(const Spot&) const = default;
};

/// One access to a device, as a Study sees it.
struct Access {
    trace::EventKind kind;
    Spot spot;
    unsigned width;  ///< bytes; 0 is not known
    std::uint64_t value;
    std::uint64_t line;
    bool read() const { return trace::is_register_read(kind); }
};

/// What came to a device from outside, as far as the accesses of its driver give it away.
struct Arrival {
    std::uint64_t line;  ///< it was there when this line was written
    std::byte character;
};

/// Learns from a recording how the device was configured, and what came from outside.
class Study {
  public:
    Study() = default;
    Study(const Study&) = delete;
    Study& operator=(const Study&) = delete;
    virtual ~Study() = default;

    virtual void see(const Access& access) = 0;
    /// What the recording says about the medium behind the device: its size and what it is filled with (the
    /// "fill" of disks in scenarios).
    virtual void see_disk(std::uint64_t /*sectors*/, std::string_view /*fill*/) {}
    /// The image that was behind it, where it is now.
    virtual void see_image(std::string_view /*path*/) {}
    /// As scenarios configure the device.
    virtual nlohmann::json configuration() const;
    /// By line. Only of use where the recording itself does not say what arrived.
    virtual std::span<const Arrival> arrivals() const { return {}; }
};

/// A memory region of QEMU's by its name, and where it lies in the device.
struct NamedRegion {
    std::string_view name;
    Spot start;
    std::uint64_t bytes;
};

/// Bits of a register.
struct RegisterBits {
    Spot spot;
    std::uint64_t bits;
};

/// A device that recordings can name, and the device type that plays it.
struct Role {
    std::string_view type;                    ///< see `twinbench list devices`
    std::span<const std::uint32_t> ids;       ///< vendor | device << 16, of PCI functions
    std::span<const std::string_view> names;  ///< of the device in QEMU's log
    std::span<const NamedRegion> regions;
    std::array<std::uint64_t, 6> bar_bytes{};  ///< 0: no BAR, or the upper half of the one before
    int msix_bar = -1;                         ///< whose start the MSI-X table is; -1: none
    std::uint64_t ports = 0;                   ///< of an ISA device: where the device type has them
    std::uint64_t port_count = 0;
    std::unique_ptr<Study> (*study)();
    /// What depends on what the device finds in memory: where an answer differs in no other bits, and the
    /// recording has no DMA data, it may differ for lack of it.
    std::span<const RegisterBits> memory;
    /// What timers change: where an answer differs in them a timer may have run; and where it differs in no
    /// other bits, and the recording has no time, it may differ for lack of it.
    std::span<const RegisterBits> timed;

    /// The bits of a register in one of these lists; 0 when it is not there.
    static std::uint64_t bits_of(std::span<const RegisterBits> list, const Spot& spot) {
        for (const RegisterBits& one : list)
            if (one.spot == spot) return one.bits;
        return 0;
    }
};

std::span<const Role* const> roles();
const Role* role_by_ids(std::uint32_t ids);
const Role* role_by_name(std::string_view device);

const Role& e1000_role();
const Role& isa_serial_role();
const Role& pci_serial_role();
const Role& virtio_blk_role();

}  // namespace tb::replay
