// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <cstdint>
#include <memory>

#include "models/block/ahci_port.hpp"
#include "models/core/register_bank.hpp"
#include "models/pci/msi.hpp"
#include "models/pci/pci_device.hpp"

namespace tb::model::block {

/// QEMU's ich9-ahci: the AHCI function of the ICH9 (8086:2922), with six ports, 32 command slots, native
/// command queuing and one MSI message (AHCI 1.3.1, as QEMU 7.2 behaves).
class Ahci : public pci::PciDevice, public AhciHost {
  public:
    Ahci(sc_core::sc_module_name name, pci::Board& board, unsigned device, unsigned function = 0);

    /// Puts a disk at a port. Before power-on; `disk` outlives this object.
    void attach(unsigned port, const AtaProperties& properties, Disk& disk);
    AhciPort& port(unsigned number) { return *ports_[number]; }

  private:
    std::uint64_t bar_read(unsigned bar, std::uint64_t offset, unsigned width) override;
    void bar_write(unsigned bar, std::uint64_t offset, unsigned width, std::uint64_t value) override;
    std::optional<std::uint64_t> bar_peek(unsigned bar, std::uint64_t offset, unsigned width) override;
    void reset_device() override;
    void config_written(unsigned offset, unsigned width) override;

    std::uint32_t register_read(std::uint64_t offset, unsigned width);
    void register_write(std::uint64_t offset, std::uint32_t value);
    void write_ghc(std::uint32_t value);
    void reset_hba();

    // AhciHost.
    pci::Requester& memory() override { return dma(); }
    EventQueue& events() override { return board().queue(); }
    void update_interrupts() override;
    void objection(const std::string& subject, const std::string& message) override {
        report(subject, message);
    }

    RegisterBank bank_;
    pci::Msi msi_;
    RegisterBank::Register& ghc_;
    RegisterBank::Register& is_;
    std::uint32_t index_ = 0;  ///< of the index-data pair
    std::array<std::unique_ptr<AtaDisk>, kAhciPorts> disks_;
    std::array<std::unique_ptr<AhciPort>, kAhciPorts> ports_;
};

}  // namespace tb::model::block
