// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <cstdint>

#include "pci/msix.hpp"
#include "pci/pci.hpp"
#include "virtio/virtio_regs.hpp"
#include "virtio/virtqueue.hpp"

namespace tb::virtio {

/// The modern PCI transport (VIRTIO 1.2 §4.1): finds the structures of a device, and speaks its common
/// configuration.
///
/// Life: `probe`, then for each start `reset`, `negotiate`, queues and vectors, `driver_ok`. Every error
/// after `negotiate` is told to the device by `fail`. Nothing that the device says is used unchecked, every
/// wait ends.
class PciTransport {
  public:
    /// How long a device may take to reset (§2.4 sets no limit).
    static constexpr hal::Duration kResetTimeout = hal::milliseconds(500);
    /// How often a configuration that changes under the driver is read again.
    static constexpr unsigned kConfigRetries = 16;

    /// Finds and maps the structures of a function and turns its decoding on. kAbsent: nothing answers.
    /// kUnsupported: no virtio structures (a legacy device). kProtocol: they are there, but one that is
    /// needed is missing, too short, misaligned or reaches beyond its BAR.
    hal::Status probe(const pci::Function& function);
    const pci::Function& function() const { return function_; }
    /// Its MSI-X capability, not mapped; without entries when there is none that makes sense. Found by
    /// probe() once: to size BARs while a driver is at work would be to write back what the device says then.
    const pci::Msix& msix() const { return msix_; }
    bool valid() const { return common_.valid(); }

    /// Lets the device onto the bus, or cuts it off.
    void set_bus_master(bool on) const;

    /// Resets the device and waits until it says so. kTimeout, kDeviceGone.
    hal::Status reset();
    /// From reset to FEATURES_OK (§3.1.1, 1 to 6): acknowledges the device and accepts of `wanted` what it
    /// offers, VIRTIO_F_VERSION_1 always. kUnsupported: it lacks that or refused the choice, and was told
    /// FAILED.
    hal::Result<std::uint64_t> negotiate(std::uint64_t wanted);
    /// Everything that the device offered when it was last negotiated with.
    std::uint64_t offered() const { return offered_; }
    void driver_ok();
    void fail();
    /// Asks the device how it is. kDeviceGone: it reads all-ones. kReset: it needs one (§2.1.2).
    hal::Status health() const;
    /// As health(), of a device at work; kReset also when DRIVER_OK is gone: it was reset behind our back.
    hal::Status health_at_work() const;

    /// Number of queues that the device has (§4.1.4.3, num_queues).
    std::uint16_t queues() const { return common_.read<std::uint16_t>(common::kNumQueues); }
    /// Entries for queue `index`: the largest number that both sides can. kAbsent: no such queue. kProtocol:
    /// not a power of two (§2.7), which a packed queue need not be (§2.8.10.1).
    hal::Result<std::uint16_t> queue_entries(std::uint16_t index, bool packed = false) const;
    /// Hands a queue to the device and gives it its doorbell. kProtocol: the doorbell lies outside its
    /// structure.
    hal::Status enable_queue(std::uint16_t index, Virtqueue& queue) const;

    /// Maps configuration changes or a queue to an MSI-X vector; false when the device did not take it
    /// (§4.1.5.1.2.2).
    bool set_config_vector(std::uint16_t vector) const;
    bool set_queue_vector(std::uint16_t index, std::uint16_t vector) const;
    /// Reads and thereby clears the interrupt status: kIsrQueue, kIsrConfig; all-ones when the device is
    /// gone.
    std::uint8_t read_isr() const { return isr_.read<std::uint8_t>(0); }

    /// Bytes of device configuration that the capability claims; says nothing about which fields are there
    /// (§2.5.2).
    std::uint32_t config_bytes() const { return device_.valid() ? device_.size() : 0; }
    /// One field of the device configuration, in the width the specification asks for (§4.1.3.1: 64 bits in
    /// halves). Beyond the end all-ones are read and nothing is written.
    template <class T>
    T read_config(std::uint32_t offset) const {
        if (offset > config_bytes() || sizeof(T) > config_bytes() - offset) return static_cast<T>(~T{0});
        if constexpr (sizeof(T) == 8) {
            const auto low = device_.read<std::uint32_t>(offset);
            return low | std::uint64_t{device_.read<std::uint32_t>(offset + 4)} << 32;
        } else {
            return device_.read<T>(offset);
        }
    }
    template <class T>
    void write_config(std::uint32_t offset, T value) const {
        if (offset <= config_bytes() && sizeof(T) <= config_bytes() - offset) device_.write<T>(offset, value);
    }
    std::uint8_t config_generation() const { return common_.read<std::uint8_t>(common::kConfigGeneration); }
    /// Calls `read` until the configuration did not change meanwhile (§2.5.1); kProtocol when it never
    /// settles.
    template <class Read>
    hal::Status read_consistently(Read&& read) const {
        for (unsigned attempt = 0; attempt < kConfigRetries; ++attempt) {
            const std::uint8_t before = config_generation();
            read();
            if (config_generation() == before) return {};
        }
        return hal::Error::kProtocol;
    }

  private:
    /// Where a structure lies.
    struct Place {
        std::uint32_t offset = 0;
        std::uint32_t bytes = 0;
        std::uint8_t bar = 0;
        bool found = false;
    };
    /// The BARs that structures have been found in, each sized once.
    struct Bars {
        std::array<pci::Bar, pci::kBars> decoded{};
        std::array<bool, pci::kBars> asked{};
        std::array<std::uint32_t, pci::kBars> end{};  ///< how far the structures reach
    };

    /// Reads one capability; not found when it cannot be used.
    Place read_place(std::uint16_t position, std::uint8_t length, std::uint32_t need, std::uint32_t alignment,
                     Bars& bars) const;
    hal::Result<hal::RegisterWindow> map(const Place& place, const Bars& bars,
                                         std::array<hal::RegisterWindow, pci::kBars>& windows) const;
    void write_status(std::uint8_t status);
    void select(std::uint16_t queue) const { common_.write<std::uint16_t>(common::kQueueSelect, queue); }
    void write_address(std::uint32_t offset, std::uint64_t address) const;

    pci::Function function_;
    pci::Msix msix_;
    hal::RegisterWindow common_;
    hal::RegisterWindow notify_;
    hal::RegisterWindow isr_;
    hal::RegisterWindow device_;
    std::uint32_t notify_multiplier_ = 0;
    std::uint64_t offered_ = 0;
    std::uint8_t status_ = 0;  ///< what was written: a bit once set is not taken back (§2.1.1)
};

}  // namespace tb::virtio
