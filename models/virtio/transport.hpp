// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <string>

#include "models/core/event_queue.hpp"
#include "models/pci/requester.hpp"

namespace tb::model::virtio {

class DmaMapper;
class Queue;

/// What a virtio device knows of the bus that it stands on. A device written against it works over any
/// transport.
class Transport {
  public:
    virtual ~Transport() = default;

    virtual pci::Requester& memory() = 0;
    virtual DmaMapper& mapper() = 0;
    virtual EventQueue& events() = 0;
    /// `index` is below the number of queues that the device declared.
    virtual Queue& queue(unsigned index) = 0;

    /// Whether driver and device agreed on a feature (VIRTIO 1.2 §2.2).
    virtual bool negotiated(unsigned feature) const = 0;
    /// No buffers are taken or returned: the device is broken until reset, or may not master the bus.
    virtual bool halted() const = 0;

    /// Buffers were returned: interrupts the driver if it wants to hear of it (§2.7.7).
    virtual void notify_used(Queue& queue) = 0;
    /// The configuration space changed by itself: generation, ISR and the configuration interrupt (§2.5,
    /// §4.1.4.5).
    virtual void config_changed() = 0;
    /// The driver did what the device cannot go on from: DEVICE_NEEDS_RESET (§2.1.2), and nothing more until
    /// reset.
    virtual void fail(const std::string& subject, const std::string& message) = 0;
    /// Something that the specification does not allow, but that QEMU goes on from.
    virtual void report_finding(const std::string& subject, const std::string& message) = 0;
};

}  // namespace tb::model::virtio
