// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <optional>

#include "models/net/deadlines.hpp"
#include "models/net/e1000_rx.hpp"
#include "models/net/e1000_tx.hpp"
#include "models/net/eeprom.hpp"
#include "models/net/incoming.hpp"
#include "models/net/interrupts.hpp"
#include "models/net/mac_registers.hpp"
#include "models/net/net_backend.hpp"
#include "models/net/phy.hpp"
#include "models/pci/pci_device.hpp"

namespace tb::model::net {

struct E1000Options {
    MacAddress mac = {0x52, 0x54, 0x00, 0x12, 0x34, 0x56};
    /// Replaces the contents of the EEPROM (not of the first receive address, which comes from `mac`).
    std::optional<Eeprom::Words> eeprom;
    /// Faults of hardware that QEMU's device never has: EERD never says DONE, EECD never grants access.
    bool eeprom_never_done = false;
    /// MDIC never says READY.
    bool mdic_never_ready = false;
    /// QEMU's property `mitigation`.
    bool mitigation = true;
};

/// QEMU's `e1000`: an Intel 82540EM, 8086:100e. BAR0: registers, 128 KiB; BAR1: 64 ports without function;
/// INTA.
///
/// Like QEMU's, and unlike the chip: CTRL.RST and PHY_RST only clear themselves; sending runs to its end
/// within the access that started it; receiving begins one second (virtual) after the last write to RCTL; a
/// restart of auto-negotiation takes the link down for half a second; there is no MAC loopback, flow control,
/// wake-up or checksum on receive.
class E1000 final : public pci::PciDevice, public NetDevice {
  public:
    /// `backend` outlives the device.
    E1000(const sc_core::sc_module_name& name, pci::Board& board, unsigned slot, const E1000Options& options,
          NetBackend& backend);
    ~E1000() override;

    void receive(std::span<const std::byte> frame) override { incoming_.arrive(frame); }
    bool can_receive() const override;
    void set_link(bool up) override;

    /// Frames that arrived and wait for the device to take them.
    std::size_t waiting() const { return incoming_.size(); }
    Eeprom& eeprom() { return eeprom_; }
    /// The registers' table, for names.
    static std::span<const RegisterSpec> registers() { return e1000_registers(); }

  private:
    std::uint64_t bar_read(unsigned bar, std::uint64_t offset, unsigned width) override;
    std::optional<std::uint64_t> bar_peek(unsigned bar, std::uint64_t offset, unsigned width) override;
    void bar_write(unsigned bar, std::uint64_t offset, unsigned width, std::uint64_t value) override;
    void reset_device() override;
    void config_written(unsigned offset, unsigned width) override;

    void bind_registers();
    void write_register(std::uint32_t offset, std::uint32_t value);
    void check_write(std::uint32_t offset, std::uint32_t value);
    void check_width(std::uint64_t offset, unsigned width);

    void link_down();
    void restart_autoneg();
    void autoneg_done();
    /// A read that is not of a whole register.
    [[gnu::noinline]] std::uint64_t read_in_pieces(std::uint64_t offset, unsigned width);
    void read_wire_later();
    void send(std::span<const std::byte> frame);
    bool take(std::span<const std::byte> frame);

    E1000Options options_;
    NetBackend& backend_;
    MacRegisters regs_;
    Deadlines deadlines_;
    Deadlines::Id autoneg_;
    Deadlines::Id receive_pause_;
    Deadlines::Id wire_;
    Eeprom eeprom_;
    Phy phy_;
    Interrupts interrupts_;
    Transmitter transmitter_;
    Receiver receiver_;
    Incoming incoming_;
    bool cable_in_ = true;
    /// An empty frame looks to QEMU's network layer like one that its socket refused: it holds all that
    /// follow back, for a wake-up that never comes.
    bool wire_stuck_ = false;
};

}  // namespace tb::model::net
