// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <cstdint>

#include "block/ahci_port.hpp"
#include "pci/msi.hpp"
#include "pci/pci.hpp"

namespace tb::ahci {

enum class InterruptMode : std::uint8_t { kPolled, kIntx, kMsi };

/// An AHCI HBA and the disks at its ports (AHCI 1.3.1), without heap.
///
/// One context at a time calls it and its ports; interrupt handlers only mark work for Port::poll().
class Hba {
  public:
    /// Disks that are used; ports with more are left alone.
    static constexpr unsigned kMostDisks = 8;

    struct Options {
        InterruptMode interrupts = InterruptMode::kMsi;  ///< or INTx
        std::uint32_t ports = 0xffff'ffff;               ///< a bit each: which to look at
        PortOptions port;
    };

    Hba() = default;
    Hba(const Hba&) = delete;
    Hba& operator=(const Hba&) = delete;

    /// Maps the registers; kAbsent when the function is no AHCI controller, kProtocol for a BAR that is too
    /// small. Touches no register of the HBA.
    hal::Status probe(const hal::Platform& platform, const pci::Function& function);

    /// Takes the HBA from the firmware, resets it, and starts the ports with disks. kAbsent when there are
    /// none. On an error nothing is left allocated, attached or on the bus, and start may be tried again.
    hal::Status start(const Options& options);
    hal::Status start() { return start(Options{}); }

    /// Resets the HBA and gives everything back. Requests in flight end with kReset; their completions can
    /// still be taken. kTimeout when the HBA did not confirm the reset: it was cut off from the bus instead.
    hal::Status stop();

    /// What a line-based interrupt does; attached handlers come here by themselves.
    void on_interrupt();
    bool work_pending() const;

    bool running() const { return state_ == State::kRunning; }
    InterruptMode interrupt_mode() const { return mode_; }
    unsigned disks() const { return disks_; }
    Port& disk(unsigned index) { return ports_[index < kMostDisks ? index : 0]; }
    const Port& disk(unsigned index) const { return ports_[index < kMostDisks ? index : 0]; }
    /// The disk at a port; null when there is none.
    Port* at_port(unsigned number);
    std::uint32_t capabilities() const { return cap_; }
    std::uint32_t ports_implemented() const { return implemented_; }

  private:
    friend class Port;

    enum class State : std::uint8_t { kUnprobed, kProbed, kRunning, kFailed };

    static void interrupt(void* context);

    hal::Status bring_up();
    hal::Status take_over();
    hal::Status reset();
    hal::Status read_capabilities();
    std::uint32_t find_disks();
    hal::Status start_ports(std::uint32_t present);
    void attach_interrupts();
    void tear_down();
    /// Whether nothing of the function answers any more.
    bool is_gone() const;
    /// Everything anew, for a port that does not come back by itself: `guilty` is how its late requests end,
    /// `others` all others, of all ports.
    hal::Status restart(Port& asking, hal::Error guilty, hal::Error others);

    std::uint32_t read(std::uint32_t offset) const { return registers_.read<std::uint32_t>(offset); }
    void write(std::uint32_t offset, std::uint32_t value) const {
        registers_.write<std::uint32_t>(offset, value);
    }

    hal::Platform platform_;
    pci::Function function_;
    pci::Msi msi_;
    hal::MmioWindow registers_;
    hal::Interrupt interrupt_;
    Options options_;
    State state_ = State::kUnprobed;
    InterruptMode mode_ = InterruptMode::kPolled;
    std::uint32_t cap_ = 0;
    std::uint32_t implemented_ = 0;
    std::uint32_t served_ = 0;  ///< ports whose interrupts are ours
    unsigned disks_ = 0;
    std::array<Port, kMostDisks> ports_{};
};

}  // namespace tb::ahci
