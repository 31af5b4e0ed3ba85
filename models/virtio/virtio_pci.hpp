// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "models/core/register_bank.hpp"
#include "models/pci/pci_device.hpp"
#include "models/virtio/queue.hpp"
#include "models/virtio/transport.hpp"
#include "models/virtio/virtio_device.hpp"
#include "models/virtio/virtio_regs.hpp"

namespace tb::model::virtio {

/// What QEMU's properties of every virtio-pci device choose.
struct VirtioPciOptions {
    /// MSI-X vectors, at most 128; 0 leaves the capability out. Not given: one a queue and one for
    /// configuration changes.
    std::optional<unsigned> vectors{};
    bool event_idx = true;
    bool indirect_desc = true;
    bool queue_reset = true;
    bool packed = false;  ///< offers packed rings
    /// QEMU lets a virtio device reach memory without bus-master enable, as long as the driver resets it
    /// after it cleared the bit (without iommu_platform its DMA does not go through the function's own view
    /// of memory). A real device does not, and neither does this one, so that a driver that forgets the bit
    /// is found out. True: as QEMU. Messages need the bit in any case.
    bool dma_without_bus_master = false;
    /// The identity of a transitional device (device ID 0x1000 and up, revision 0, subsystem = virtio device
    /// ID) instead of a modern one, and its BAR0; the legacy registers behind that are not modelled: they
    /// read as zero, and every access is a finding.
    bool transitional_identity = false;
};

/// Virtio over PCI (VIRTIO 1.2 §4.1), the device's side, as QEMU 7.2 builds it: five vendor capabilities, the
/// structures in BAR4 (16 KiB, 64-bit, prefetchable), MSI-X in BAR1, INTA. Where the specification leaves
/// freedom and where QEMU departs from it, this does what QEMU does; what a driver does against the
/// specification is reported as a finding.
class VirtioPci : public pci::PciDevice, public Transport {
  public:
    VirtioPci(const sc_core::sc_module_name& name, pci::Board& board, unsigned slot,
              std::unique_ptr<VirtioDevice> device, const VirtioPciOptions& options);
    ~VirtioPci() override;

    std::uint8_t status() const { return status_; }
    bool broken() const { return broken_; }
    std::uint64_t driver_features() const { return features_; }
    VirtioDevice& device() { return *device_; }
    /// Looks at all queues, as a device may at any time: nothing says that it waits for a doorbell
    /// (§2.7.13.4).
    void look();

    pci::Requester& memory() override { return ungated_dma_ ? *ungated_dma_ : dma(); }
    DmaMapper& mapper() override { return mapper_; }
    EventQueue& events() override { return board().queue(); }
    Queue& queue(unsigned index) override { return queues_[index]; }
    bool negotiated(unsigned feature) const override { return (features_ & feature_bit(feature)) != 0; }
    bool halted() const override { return broken_ || disabled_; }
    void notify_used(Queue& queue) override;
    void config_changed() override;
    void fail(const std::string& subject, const std::string& message) override;
    void report_finding(const std::string& subject, const std::string& message) override {
        report(subject, message);
    }

  protected:
    std::uint64_t bar_read(unsigned bar, std::uint64_t offset, unsigned width) override;
    void bar_write(unsigned bar, std::uint64_t offset, unsigned width, std::uint64_t value) override;
    void reset_device() override;
    void config_written(unsigned offset, unsigned width) override;
    void config_reading(unsigned offset, unsigned width) override;

  private:
    /// The registers that queue_select chooses among. QEMU keeps a set for each of 1024 queues, existing or
    /// not.
    struct QueueRegisters {
        std::uint16_t size = 0;  ///< as written; 0: not written
        std::uint16_t vector = kNoVector;
        bool enabled = false;
        bool resetting = false;
        std::uint32_t address[6] = {};  ///< descriptors, driver, device: low, high
    };

    void add_capabilities();
    void bind_common_registers();
    void bind_queue_registers();

    // One access that is aligned and no wider than 4 bytes, as QEMU's memory core delivers them.
    std::uint32_t block_read(std::uint32_t offset, unsigned width);
    void block_write(std::uint32_t offset, unsigned width, std::uint32_t value);
    std::uint32_t common_read(std::uint32_t offset, unsigned width);
    void common_write(std::uint32_t offset, unsigned width, std::uint32_t value);
    std::uint32_t config_space_read(std::uint32_t offset, unsigned width);
    void config_space_write(std::uint32_t offset, unsigned width, std::uint32_t value);
    bool window_touched(unsigned offset, unsigned width) const;

    void write_driver_features(std::uint64_t half, std::uint64_t value);
    void write_status(std::uint64_t value);
    void set_status(std::uint8_t value);
    void write_queue_size(std::uint64_t value);
    void write_queue_enable(std::uint64_t value);
    void write_queue_reset(std::uint64_t value);
    void notify(unsigned index);
    std::uint16_t choose_vector(std::uint16_t old, std::uint64_t value);
    void interrupt(std::uint16_t vector);
    void reset_by_driver();

    QueueRegisters& selected() {
        selected_end_ = std::max(selected_end_, queue_select_ + 1U);
        return queue_registers_[queue_select_];
    }
    Queue* selected_queue() { return queue_select_ < queues_.size() ? &queues_[queue_select_] : nullptr; }
    std::uint64_t offered_features() const;

    std::unique_ptr<VirtioDevice> device_;
    DeviceInfo info_;
    VirtioPciOptions options_;
    std::unique_ptr<pci::Requester> ungated_dma_;  ///< options_.dma_without_bus_master
    DmaMapper mapper_;
    RegisterBank common_;
    std::deque<Queue> queues_;
    std::vector<QueueRegisters> queue_registers_;
    std::vector<unsigned> vector_users_;   ///< registers that name each MSI-X vector
    std::vector<std::byte> config_bytes_;  ///< the configuration space as last read or written
    std::uint32_t written_features_[2] = {};
    std::uint64_t features_ = 0;
    unsigned pci_config_capability_ = 0;
    unsigned msix_capability_ = 0;
    std::uint16_t config_vector_ = kNoVector;
    std::uint16_t queue_select_ = 0;
    unsigned selected_end_ = 0;  ///< registers of queues from here on were not touched since the last reset
    std::uint8_t status_ = 0;
    std::uint8_t isr_ = 0;
    std::uint8_t generation_ = 0;
    bool broken_ = false;
    bool disabled_ = false;  ///< bus-master enable was cleared
};

}  // namespace tb::model::virtio
