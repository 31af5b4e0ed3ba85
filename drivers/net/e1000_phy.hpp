// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <hal/platform.hpp>

namespace tb::e1000 {

/// The internal PHY, behind the MDI control register (8254x SDM §13.4.5). Every wait is bounded.
class Phy {
  public:
    Phy() = default;
    Phy(hal::Platform platform, hal::MmioWindow regs) : platform_(platform), regs_(regs) {}

    /// Register `number` is 0..31, else kInvalidArgument. kDeviceError: the device set ERROR; kTimeout: READY
    /// never came; kDeviceGone: all-ones.
    hal::Result<std::uint16_t> read(unsigned number);
    hal::Status write(unsigned number, std::uint16_t value);

    /// Advertises all that the MAC can do and restarts autonegotiation (IEEE 802.3 §28); also wakes a PHY
    /// that was powered down or isolated. The link is down until it has ended.
    hal::Status start_autonegotiation();

    /// Whether the link partner is heard now. Reads the status twice, because the bit latches a past loss.
    hal::Result<bool> link_up();

  private:
    hal::Result<std::uint16_t> transact(std::uint32_t command);

    hal::Platform platform_;
    hal::MmioWindow regs_;
};

}  // namespace tb::e1000
