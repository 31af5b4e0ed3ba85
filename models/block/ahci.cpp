// SPDX-License-Identifier: BSD-3-Clause
#include "models/block/ahci.hpp"

#include "models/core/access.hpp"

namespace tb::model::block {

using namespace ahci;

namespace {

constexpr pci::Identity kIdentity = {.vendor = 0x8086,
                                     .device = 0x2922,
                                     .revision = 2,
                                     .class_code = 0x01'0601,
                                     .subsystem_vendor = 0x1af4,
                                     .subsystem = 0x1100,
                                     .interrupt_pin = 1,
                                     .header_type = 0};
constexpr std::uint8_t kSataCapabilityId = 0x12;
/// The ICH9's address map register: AHCI mode.
constexpr unsigned kAddressMap = 0x90;
constexpr std::uint32_t kAhciMode = 1U << 6;

}  // namespace

Ahci::Ahci(sc_core::sc_module_name name, pci::Board& board, unsigned device, unsigned function)
    : PciDevice(name, board, device, function, kIdentity),
      bank_(kAhciRegisters, kAhciBytes, 4),
      msi_((config().add_capability(kSataCapabilityId, 8, kAhciSataCapability), config()), dma(),
           kAhciMsiCapability),
      ghc_(bank_.at("GHC")),
      is_(bank_.at("IS")) {
    add_io_bar(kAhciIndexBar, kAhciIndexBytes);
    add_memory_bar(kAhciBar, kAhciBytes);
    // The SATA capability's revision 1.0, and where the index-data pair is: BAR 4, 16 bytes in.
    config().set(kAhciSataCapability + 2, 2, 0x10);
    config().set(kAhciSataCapability + 4, 4, 0x48);
    for (unsigned i = 0; i < kAhciPorts; ++i) ports_[i] = std::make_unique<AhciPort>(*this, bank_, i);
    ghc_.on_write(
        [this](std::uint64_t, std::uint64_t value) { write_ghc(static_cast<std::uint32_t>(value)); });
    // What is cleared here comes back while a port has a cause.
    is_.on_write([this](std::uint64_t, std::uint64_t) { update_interrupts(); });
}

void Ahci::attach(unsigned port, const AtaProperties& properties, Disk& disk) {
    disks_[port] = std::make_unique<AtaDisk>(properties, disk);
    ports_[port]->attach(*disks_[port]);
}

void Ahci::reset_device() {
    for (unsigned offset = pci::config::kHeaderEnd; offset < pci::ConfigSpace::kSize; offset += 4) {
        const bool in_sata = offset >= kAhciSataCapability && offset < kAhciSataCapability + 8;
        const bool in_msi = offset >= kAhciMsiCapability && offset < kAhciMsiCapability + 16;
        if (!in_sata && !in_msi) config().set(offset, 4, 0);
    }
    config().set(kAhciMsiCapability + 14, 2, 0);
    config().set(kAddressMap, 1, kAhciMode);
    msi_.reset();
    for (const auto& port : ports_) port->power_on_reset();
    bank_.reset();
    index_ = 0;
    reset_hba();
}

void Ahci::reset_hba() {
    is_.set(0);
    ghc_.set(kGhcEnable);
    for (const auto& port : ports_) port->reset_with_hba();
}

void Ahci::write_ghc(std::uint32_t value) {
    if ((value & kGhcReset) != 0) return reset_hba();
    ghc_.set((value & kGhcInterrupts) | kGhcEnable);
    update_interrupts();
}

void Ahci::update_interrupts() {
    std::uint32_t pending = 0;
    for (unsigned i = 0; i < kAhciPorts; ++i)
        if (ports_[i]->pending_causes() != 0) pending |= std::uint32_t{1} << i;
    is_.set(pending);
    const bool wanted = pending != 0 && (ghc_.value() & kGhcInterrupts) != 0;
    if (!msi_.enabled())
        set_intx(wanted);
    else if (wanted)
        // Once more with every cause, whether one is waiting or not.
        msi_.raise();
}

void Ahci::config_written(unsigned offset, unsigned width) {
    const bool msi = offset < kAhciMsiCapability + pci::Msi::kLength && offset + width > kAhciMsiCapability;
    if (!msi) return;
    msi_.config_written();
    // With MSI on there is no INTx (PCI 3.0 §6.8.1.3).
    if (msi_.enabled()) set_intx(false);
}

std::uint32_t Ahci::register_read(std::uint64_t offset, unsigned width) {
    // Registers are 32 bits; a narrower read gives the bytes that it names.
    const std::uint64_t whole = bank_.read(offset & ~std::uint64_t{3});
    return static_cast<std::uint32_t>(whole >> (8 * (offset & 3)) & width_mask(width));
}

void Ahci::register_write(std::uint64_t offset, std::uint32_t value) {
    if ((offset & 3) != 0) {
        report("registers", "a write that is not dword aligned is ignored");
        return;
    }
    if (bank_.find(offset) == nullptr) {
        report("registers", "a reserved register is written");
        return;
    }
    bank_.write(offset, value);
}

std::uint64_t Ahci::bar_read(unsigned bar, std::uint64_t offset, unsigned width) {
    std::uint64_t value = 0;
    if (bar == kAhciBar) {
        cut_at_alignment(offset, width, 4, [&](unsigned done, unsigned piece) {
            value |= std::uint64_t{register_read(offset + done, piece)} << (8 * done);
        });
        return value;
    }
    if (offset == kAhciIndexRegister) return index_;
    if (offset == kAhciIndexRegister + 4) return register_read(index_, width);
    return 0;
}

void Ahci::bar_write(unsigned bar, std::uint64_t offset, unsigned width, std::uint64_t value) {
    if (bar == kAhciBar) {
        // Narrow writes become the whole register.
        cut_at_alignment(offset, width, 4, [&](unsigned done, unsigned piece) {
            register_write(offset + done,
                           static_cast<std::uint32_t>(value >> (8 * done) & width_mask(piece)));
        });
        return;
    }
    if (offset == kAhciIndexRegister) index_ = static_cast<std::uint32_t>(value) & 0xffc;
    if (offset == kAhciIndexRegister + 4) register_write(index_, static_cast<std::uint32_t>(value));
}

std::optional<std::uint64_t> Ahci::bar_peek(unsigned bar, std::uint64_t offset, unsigned width) {
    // Reads have no effects here.
    return bar_read(bar, offset, width);
}

}  // namespace tb::model::block
