// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "models/virtio/transport.hpp"

namespace tb::model::virtio {

/// What a device is, said once at construction.
struct DeviceInfo {
    std::uint16_t device_id = 0;               ///< VIRTIO 1.2 §5: 1 = network, 2 = block, ...
    std::uint32_t class_code = 0x00ff00;       ///< PCI: base << 16 | sub << 8 | interface
    std::size_t config_bytes = 0;              ///< length of the device's configuration space
    std::vector<std::uint16_t> queue_sizes{};  ///< one entry a queue: the size that it offers
};

/// What a device's author writes: the device itself, without rings, registers or bus.
///
///     class Echo : public VirtioDevice {
///         DeviceInfo identify() const override { return {.device_id = 42, .queue_sizes = {64}}; }
///         void queue_notified(unsigned index) override {
///             Queue& queue = transport().queue(index);
///             while (auto chain = queue.pop()) { ...; queue.push(*chain, written);
///             transport().notify_used(queue); }
///         }
///     };
class VirtioDevice {
  public:
    VirtioDevice() = default;
    virtual ~VirtioDevice() = default;
    VirtioDevice(const VirtioDevice&) = delete;
    VirtioDevice& operator=(const VirtioDevice&) = delete;

    virtual DeviceInfo identify() const = 0;
    /// The device's own feature bits; the transport adds those of the ring and its own.
    virtual std::uint64_t features() const { return 0; }
    /// Fills in the configuration space as it is now; `config` has config_bytes bytes.
    virtual void read_config(std::span<std::byte> /*config*/) const {}
    /// The driver wrote to the configuration space, which now holds `config`.
    virtual void config_written(std::span<const std::byte> /*config*/) {}
    /// The driver rang a queue's doorbell.
    virtual void queue_notified(unsigned index) = 0;
    /// device_status is about to become `status`.
    virtual void status_changed(std::uint8_t /*status*/) {}
    /// The driver resets the device. Called while the queues still stand: what is in flight can be finished
    /// or dropped.
    virtual void reset() {}
    /// Power-on: forget everything, without touching memory.
    virtual void power_on_reset() {}

    void attach(Transport& transport) { transport_ = &transport; }

  protected:
    Transport& transport() { return *transport_; }

  private:
    Transport* transport_ = nullptr;
};

}  // namespace tb::model::virtio
