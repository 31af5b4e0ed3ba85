// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <vector>

#include "models/pci/config_space.hpp"
#include "models/pci/requester.hpp"

namespace tb::model::pci {

/// The MSI-X capability with its table and pending bits (PCI 3.0 §6.8.2). Pending state lives with the entry:
/// what was raised while masked is sent when the mask goes.
class Msix {
  public:
    /// Adds the capability to `config`. `table_bar` and `pba_bar` hold the structures at the given offsets.
    Msix(ConfigSpace& config, Requester& requester, unsigned vectors, unsigned table_bar,
         std::uint32_t table_offset, unsigned pba_bar, std::uint32_t pba_offset,
         unsigned capability_offset = 0);

    unsigned vectors() const { return static_cast<unsigned>(entries_.size()); }
    bool enabled() const;
    bool function_masked() const;

    /// Raises a vector: sends its message, or marks it pending while it is masked. Out of range does nothing.
    void raise(unsigned vector);
    bool pending(unsigned vector) const { return entries_[vector].pending; }
    bool masked(unsigned vector) const;
    /// Forgets that a vector is pending: its owner no longer uses it.
    void clear_pending(unsigned vector) { entries_[vector].pending = false; }

    /// The table, 16 bytes a vector; offsets are relative to the table, widths 4 and 8. Of a narrower access
    /// QEMU makes nothing: it reads 0 and writes nothing (PCI 3.0 §6.8.2 leaves it undefined).
    std::uint64_t table_read(std::uint64_t offset, unsigned width) const;
    void table_write(std::uint64_t offset, unsigned width, std::uint64_t value);
    std::uint64_t pba_read(std::uint64_t offset, unsigned width) const;

    /// To be called after a write to the configuration space that touched the capability.
    void config_written();
    void reset();

  private:
    struct Entry {
        std::uint32_t words[4] = {0, 0, 0, 1};  ///< address, address high, data, control (bit 0: masked)
        bool pending = false;
    };
    void send_if_unmasked(unsigned vector);

    ConfigSpace& config_;
    Requester& requester_;
    std::vector<Entry> entries_;
    unsigned offset_;
};

}  // namespace tb::model::pci
