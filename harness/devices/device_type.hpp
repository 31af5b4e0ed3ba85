// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <hal/types.hpp>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "harness/devices/outside.hpp"
#include "harness/machine/machine_base.hpp"
#include "harness/operations/operation.hpp"
#include "harness/trace/event.hpp"
#include "models/core/register_bank.hpp"

namespace tb::harness {

/// A block of registers with the names that scenarios and traces use: `NAME` for the block without a name,
/// `block.NAME` otherwise, `NAME[3]` in arrays.
struct RegisterBlock {
    const char* name;
    hal::AddressSpace space;
    int bar;               ///< BAR number, or -1 when `offset` is an absolute address (ISA ports)
    std::uint64_t offset;  ///< from the start of the BAR
    std::span<const model::RegisterSpec> registers;
};

/// A structure in memory (a descriptor, a request header), for "store" and "load" steps: named parts by bit
/// position.
struct LayoutField {
    const char* name;
    std::uint16_t offset_bits;
    std::uint8_t bits;
};
struct LayoutSpec {
    const char* name;  ///< e.g. "rx_desc"
    std::uint16_t bytes;
    std::span<const LayoutField> fields;
};

/// What a run asks of a machine besides the device's own configuration.
struct RigOptions {
    std::uint64_t seed = 1;
    std::uint64_t shuffle = 0;
    std::string qemu_binary = "qemu-system-x86_64";
    /// A kernel of ours to drive QEMU's devices from inside; empty: over qtest.
    std::string kernel_image;
    std::string qemu_machine = "q35";  ///< with a kernel: q35, pc, or microvm,pcie=on
    /// Of the guest, from address 0; a replay has as much as the machine that was recorded.
    std::uint64_t ram_bytes = kRamBytes;
    /// Where messages go, on the models.
    std::uint64_t msi_base = kMsiBase;
    std::uint64_t msi_size = std::uint64_t{4} * kMsiVectors;
    /// Directory against which relative paths in a configuration (disk images, captures) are taken.
    std::string base_directory = ".";
};

class DeviceType;
class Rings;

/// A machine with one device under test and the world around it: the models in this process, or a QEMU.
class Rig {
  public:
    virtual ~Rig() = default;
    virtual MachineBase& machine() = 0;
    virtual Outside& outside() = 0;
    /// "model", "qemu 7.2.22".
    virtual std::string description() const = 0;
    virtual trace::Visibility visibility() const = 0;
    /// How long the kernel in it took to start, from the start of its QEMU; 0 when there is none.
    virtual double boot_seconds() const { return 0; }
    /// Something went wrong in the machine itself, not in the driver (a model's error, QEMU's stderr); empty
    /// if not.
    virtual std::string trouble() { return {}; }
    /// The device as at power-on; the machine around it, and the world outside, go on. Throws
    /// OutsideUnsupported where that cannot be done.
    virtual void reset_device();
    /// Everything as when the rig was made, its world outside too; false where that cannot be done in place.
    virtual bool reset() { return false; }
    /// The device looks for work on its own, where it is one that may.
    virtual void look() {}
    /// Takes a driver for the device: in this process, unless the machine has a processor of its own to run
    /// it.
    virtual std::unique_ptr<DriverSession> open(const DriverType& driver, const DeviceType& device,
                                                hal::Host& host);
};

/// A device that scenarios can name.
class DeviceType {
  public:
    virtual ~DeviceType() = default;

    virtual std::string_view name() const = 0;   ///< "virtio-blk-pci"
    virtual std::string_view about() const = 0;  ///< one line
    virtual bool is_pci() const { return true; }
    /// Why it cannot be on one of kBoards; empty if it can.
    virtual std::string_view why_not_on(std::string_view /*board*/) const { return {}; }
    virtual std::span<const RegisterBlock> blocks() const = 0;
    virtual std::span<const LayoutSpec> layouts() const { return {}; }
    /// Names for its rings; null when it has none.
    virtual std::unique_ptr<Rings> rings() const;
    virtual std::span<const KeySpec> configuration() const = 0;

    /// Objections to a configuration beyond what its KeySpecs say (a range, a combination); empty if it is
    /// fine.
    virtual std::string check(const nlohmann::json& /*configuration*/) const { return {}; }
    /// Throws std::runtime_error with path and remedy for what only shows when it is opened (a missing disk
    /// image).
    virtual std::unique_ptr<Rig> make_model(const nlohmann::json& configuration,
                                            const RigOptions& options) const = 0;
    virtual std::unique_ptr<Rig> make_qemu(const nlohmann::json& configuration,
                                           const RigOptions& options) const = 0;
};

/// All device types, by name.
std::span<const DeviceType* const> device_types();
const DeviceType* find_device_type(std::string_view name);

}  // namespace tb::harness
