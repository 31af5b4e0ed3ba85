// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "pci/pci.hpp"

namespace tb::pci {

/// The MSI capability of a function (PCI 3.0 §6.8.1), used with one message.
///
/// A handle without resources of its own: `disable` is all that a driver undoes.
class Msi {
  public:
    static constexpr std::uint16_t kControl = 2;
    static constexpr std::uint16_t kAddress = 4;
    static constexpr std::uint16_t kAddressHigh = 8;  ///< with 64-bit addresses only
    static constexpr std::uint16_t kData32 = 8;
    static constexpr std::uint16_t kData64 = 12;
    static constexpr std::uint16_t kControlEnable = 1 << 0;
    static constexpr std::uint16_t kControlMultipleEnableMask = 7 << 4;
    static constexpr std::uint16_t kControl64 = 1 << 7;

    Msi() = default;

    /// Reads the capability. kAbsent when the function has none; kProtocol for one that reaches beyond the
    /// header's 256 bytes; kDeviceGone when nothing answers.
    static hal::Result<Msi> find(const Function& function);

    bool valid() const { return position_ != 0; }
    std::uint16_t position() const { return position_; }

    /// Sets where the one message goes and turns MSI on, and INTx thereby off. Of the data the lower 16 bits
    /// are sent (§6.8.1.6). kUnsupported when the address needs 64 bits and the function has 32; kProtocol
    /// when it does not stick, kDeviceGone when nothing answers. MSI is off after an error.
    hal::Status enable(const hal::MsiMessage& message) const;
    void disable() const;

  private:
    std::uint16_t at(std::uint16_t offset) const { return static_cast<std::uint16_t>(position_ + offset); }

    Function function_;
    std::uint16_t position_ = 0;
    bool wide_ = false;  ///< 64-bit addresses
};

}  // namespace tb::pci
