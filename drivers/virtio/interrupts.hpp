// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "pci/msix.hpp"
#include "virtio/pci_transport.hpp"

namespace tb::virtio {

enum class InterruptMode : std::uint8_t { kPolled, kIntx, kMsix };

/// The interrupts of a virtio PCI device (VIRTIO 1.2 §4.1.5.1.2, §4.1.5.3): a handler only acknowledges and
/// marks; the driver takes the marks and does the work.
///
/// Of MSI-X it uses one vector for configuration changes and one a queue; where the device or the platform
/// has fewer, one for all queues, then one for everything; where there is no MSI-X or it does not work, INTx.
class Interrupts {
  public:
    static constexpr unsigned kMostQueues = 16;

    /// Marks: one bit a queue from bit 0, and these.
    static constexpr std::uint32_t kConfig = std::uint32_t{1} << 31;
    static constexpr std::uint32_t kGone = std::uint32_t{1} << 30;  ///< the interrupt status reads all-ones

    /// Attaches what `wanted` asks for or the best there is behind it, and maps the device's events to it.
    /// Between negotiate() and enable_queue(). kUnsupported: no interrupt can be had at all; nothing is
    /// attached then. `transport` must live until detach().
    hal::Result<InterruptMode> attach(const PciTransport& transport, InterruptMode wanted, unsigned queues);
    /// Detaches all; no handler runs after it. The device should have been reset before.
    void detach();

    InterruptMode mode() const { return mode_; }
    /// MSI-X vectors in use.
    unsigned vectors() const { return vectors_; }

    /// What a line-based interrupt does: reads the interrupt status (which acknowledges) and marks.
    void acknowledge();
    /// Takes the marks that were set since the last call.
    std::uint32_t take() { return pending() ? marks_.exchange(0, std::memory_order_acquire) : 0; }
    void mark(std::uint32_t marks) { marks_.fetch_or(marks, std::memory_order_release); }
    bool pending() const { return marks_.load(std::memory_order_relaxed) != 0; }

  private:
    /// What one attached vector stands for: the context of its handler.
    struct Line {
        Interrupts* owner = nullptr;
        std::uint32_t marks = 0;
        hal::Interrupt interrupt{};
    };
    static constexpr unsigned kMostVectors = kMostQueues + 1;

    static void on_intx(void* context);
    static void on_msix(void* context);
    bool attach_msix(const PciTransport& transport, unsigned vectors, unsigned queues);
    void undo_msix(const PciTransport& transport, unsigned queues);
    void detach_lines();

    const PciTransport* transport_ = nullptr;
    pci::Msix msix_;
    std::array<Line, kMostVectors> lines_{};
    std::atomic<std::uint32_t> marks_{0};
    unsigned vectors_ = 0;
    std::uint32_t queue_marks_ = 0;
    InterruptMode mode_ = InterruptMode::kPolled;
};

}  // namespace tb::virtio
