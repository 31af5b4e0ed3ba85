// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>

#include "models/pci/board.hpp"
#include "models/pci/config_space.hpp"
#include "models/pci/msix.hpp"
#include "models/pci/requester.hpp"

namespace tb::model::pci {

/// A PCI function as a model's author sees it: derive, declare BARs and capabilities in the constructor,
/// implement bar_read and bar_write, and call dma() and interrupt functions. Sizing and mapping of BARs, the
/// command register's gates and INTx routing are done here.
///
/// TLM target sockets: one for configuration space, one a BAR; all are bound to the board in the constructor.
class PciDevice : public sc_core::sc_module {
  public:
    PciDevice(sc_core::sc_module_name name, Board& board, unsigned device, unsigned function,
              const Identity& identity);
    ~PciDevice() override;

    Board& board() { return board_; }
    ConfigSpace& config() { return config_; }

    /// Power-on or bus reset: configuration space, BARs, interrupts; then the device's own registers through
    /// reset_device().
    void power_on_reset();

  protected:
    /// `size` is a power of two: at least 16 bytes (memory) or 4 (I/O). 64-bit BARs take two indices.
    void add_memory_bar(unsigned index, std::uint64_t size, bool is_64bit = false, bool prefetchable = false);
    void add_io_bar(unsigned index, std::uint64_t size);
    /// MSI-X with table and pending bits in a BAR of their own, which this class then serves.
    void add_msix(unsigned vectors, unsigned bar, std::uint64_t bar_size, std::uint32_t table_offset,
                  std::uint32_t pba_offset, unsigned capability_offset = 0);

    /// Registers. Widths are 1, 2, 4 or 8 as the bus brought them; see access.hpp for QEMU's way with odd
    /// ones.
    virtual std::uint64_t bar_read(unsigned bar, std::uint64_t offset, unsigned width) = 0;
    virtual void bar_write(unsigned bar, std::uint64_t offset, unsigned width, std::uint64_t value) = 0;
    /// What bar_read would give, without its effects; nothing where the device cannot tell.
    virtual std::optional<std::uint64_t> bar_peek(unsigned /*bar*/, std::uint64_t /*offset*/,
                                                  unsigned /*width*/) {
        return std::nullopt;
    }
    /// The device's own registers and state to power-on values.
    virtual void reset_device() = 0;
    /// After a write to configuration space (already stored) that touched [offset, offset + width).
    virtual void config_written(unsigned /*offset*/, unsigned /*width*/) {}
    /// Before a configuration read, for capabilities whose bytes are computed (a window).
    virtual void config_reading(unsigned /*offset*/, unsigned /*width*/) {}

    Requester& dma() { return requester_; }
    Msix* msix() { return msix_ ? &*msix_ : nullptr; }
    /// The INTx pin. Status.Interrupt follows it always; the line only while INTx is not disabled.
    void set_intx(bool level);
    bool intx() const { return intx_; }
    bool bus_master() const { return requester_.bus_master(); }
    void report(std::string subject, std::string message) {
        board_.report({name(), std::move(subject), std::move(message)});
    }

  private:
    using TargetSocket = tlm_utils::simple_target_socket_tagged<PciDevice>;
    struct BarSlot {
        std::unique_ptr<TargetSocket> socket;
        Board::Region* region = nullptr;
        std::uint64_t size = 0;
        bool is_io = false;
        bool is_64bit = false;
        std::uint32_t flags = 0;
    };

    void add_bar(unsigned index, std::uint64_t size, bool is_io, bool is_64bit, std::uint32_t flags);
    void config_transport(int tag, tlm::tlm_generic_payload& payload, sc_core::sc_time& delay);
    void bar_transport(int bar, tlm::tlm_generic_payload& payload, sc_core::sc_time& delay);
    unsigned bar_debug(int bar, tlm::tlm_generic_payload& payload);
    /// An access to the table or the pending bits; false where it is neither.
    bool msix_transport(Msix& msix, std::uint64_t offset, tlm::tlm_generic_payload& payload);
    void config_write(unsigned offset, unsigned width, std::uint32_t value);
    void update_mappings();
    void update_intx_line();

    Board& board_;
    ConfigSpace config_;
    Requester requester_;
    TargetSocket config_socket_;
    std::array<BarSlot, 6> bars_;
    std::optional<Msix> msix_;
    unsigned msix_bar_ = 6;
    std::uint32_t msix_table_ = 0;
    std::uint32_t msix_pba_ = 0;
    unsigned device_;
    bool intx_ = false;
    bool line_ = false;
};

}  // namespace tb::model::pci
