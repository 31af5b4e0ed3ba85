// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "pci/pci.hpp"

namespace tb::pci {

/// The MSI-X capability of a function and its vector table (PCI 3.0 §6.8.2).
///
/// Life: `find` reads and checks the capability, `map` maps the table; then entries are set while the
/// function is masked or not yet enabled. A handle without resources of its own: `disable` is all that a
/// driver undoes.
class Msix {
  public:
    static constexpr std::uint16_t kControl = 2;
    static constexpr std::uint16_t kTable = 4;
    static constexpr std::uint16_t kPendingBits = 8;
    static constexpr std::uint16_t kLength = 12;
    static constexpr std::uint16_t kControlSizeMask = 0x7ff;
    static constexpr std::uint16_t kControlFunctionMask = 1 << 14;
    static constexpr std::uint16_t kControlEnable = 1 << 15;
    static constexpr std::uint32_t kEntryBytes = 16;
    static constexpr std::uint32_t kEntryAddressLow = 0;
    static constexpr std::uint32_t kEntryAddressHigh = 4;
    static constexpr std::uint32_t kEntryData = 8;
    static constexpr std::uint32_t kEntryControl = 12;
    static constexpr std::uint32_t kEntryMasked = 1 << 0;

    Msix() = default;

    /// Reads the capability. kAbsent when the function has none; kProtocol when the table or the pending bits
    /// lie in a BAR that is not memory, reach beyond its end, or overlap.
    static hal::Result<Msix> find(const Function& function);

    /// Number of table entries, 1 to 2048.
    std::uint32_t entries() const { return entries_; }
    std::uint16_t position() const { return position_; }

    /// Maps table and pending bits; needed before anything below. Memory decoding must be on when entries are
    /// used.
    hal::Status map();

    /// Masks entry `index`, writes where it sends to, and reads it back; kProtocol when the table does not
    /// hold it, kDeviceGone when nothing answers, kOutOfRange beyond the table. The entry stays masked.
    hal::Status set_entry(std::uint32_t index, const hal::MsiMessage& message) const;
    /// Whether the table holds what was set; errors as above.
    hal::Status holds(std::uint32_t index, const hal::MsiMessage& message) const;
    hal::Result<hal::MsiMessage> entry(std::uint32_t index) const;
    hal::Status mask(std::uint32_t index) const { return set_mask(index, true); }
    hal::Status unmask(std::uint32_t index) const { return set_mask(index, false); }
    /// Whether a message waits behind a mask.
    hal::Result<bool> pending(std::uint32_t index) const;

    /// Turns MSI-X on (and INTx thereby off) and sets the function mask; kProtocol when the bits do not
    /// stick.
    hal::Status enable(bool function_masked = false) const;
    hal::Status set_function_mask(bool masked) const;
    void disable() const;

  private:
    hal::Status set_mask(std::uint32_t index, bool masked) const;
    hal::Status write_control(std::uint16_t set, std::uint16_t clear) const;

    Function function_;
    hal::MmioWindow table_;
    hal::MmioWindow pending_;
    std::uint16_t position_ = 0;
    std::uint32_t entries_ = 0;
    std::uint64_t table_address_ = 0;  ///< 0: in a BAR that has no address yet
    std::uint64_t pending_address_ = 0;
};

}  // namespace tb::pci
