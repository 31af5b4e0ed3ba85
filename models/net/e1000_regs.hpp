// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <span>

#include "models/core/register_bank.hpp"

/// Registers and descriptors of the 82540EM (Intel 8254x Software Developer's Manual, §13 and §3), as far as
/// QEMU's e1000 has them.
namespace tb::model::net {

/// BAR0.
inline constexpr std::uint32_t kRegisterBytes = 0x20000;
/// BAR1: the indirect window of ports, which QEMU leaves without function.
inline constexpr std::uint32_t kPortBytes = 0x40;
/// The packet buffer memory at the end of BAR0 reads back what is written and holds no packets.
inline constexpr std::uint32_t kPacketBufferOffset = 0x10000;

/// Every register with a name: those that QEMU implements, and those of the datasheet that read as zero and
/// ignore writes there (`writable` 0). Ordered by offset, PBM last.
std::span<const RegisterSpec> e1000_registers();

namespace ctrl {
inline constexpr std::uint32_t kReset = 1U << 26;
inline constexpr std::uint32_t kVlanMode = 1U << 30;
}  // namespace ctrl

namespace status {
inline constexpr std::uint32_t kLinkUp = 1U << 1;
}

namespace eecd {
inline constexpr std::uint32_t kClock = 1U << 0;
inline constexpr std::uint32_t kSelect = 1U << 1;
inline constexpr std::uint32_t kDataIn = 1U << 2;
inline constexpr std::uint32_t kDataOut = 1U << 3;
inline constexpr std::uint32_t kFlashWrite = 3U << 4;
inline constexpr std::uint32_t kRequest = 1U << 6;
inline constexpr std::uint32_t kGrant = 1U << 7;
inline constexpr std::uint32_t kPresent = 1U << 8;
}  // namespace eecd

namespace eerd {
inline constexpr std::uint32_t kStart = 1U << 0;
inline constexpr std::uint32_t kDone = 1U << 4;
inline constexpr unsigned kAddressShift = 8;
inline constexpr unsigned kDataShift = 16;
}  // namespace eerd

namespace mdic {
inline constexpr std::uint32_t kDataMask = 0xffff;
inline constexpr unsigned kRegisterShift = 16;
inline constexpr std::uint32_t kPhyMask = 0x1fU << 21;
inline constexpr std::uint32_t kPhyOne = 1U << 21;
inline constexpr std::uint32_t kOpWrite = 1U << 26;
inline constexpr std::uint32_t kOpRead = 1U << 27;
inline constexpr std::uint32_t kReady = 1U << 28;
inline constexpr std::uint32_t kInterrupt = 1U << 29;
inline constexpr std::uint32_t kError = 1U << 30;
}  // namespace mdic

/// Causes: ICR, ICS, IMS, IMC.
namespace cause {
inline constexpr std::uint32_t kTxdw = 1U << 0;    ///< transmit descriptor written back
inline constexpr std::uint32_t kTxqe = 1U << 1;    ///< transmit queue empty
inline constexpr std::uint32_t kLsc = 1U << 2;     ///< link status change
inline constexpr std::uint32_t kRxdmt0 = 1U << 4;  ///< receive descriptors below the threshold
inline constexpr std::uint32_t kRxo = 1U << 6;     ///< receiver overrun
inline constexpr std::uint32_t kRxt0 = 1U << 7;    ///< receiver timer
inline constexpr std::uint32_t kMdac = 1U << 9;    ///< MDIO access complete
}  // namespace cause

namespace rctl {
inline constexpr std::uint32_t kEnable = 1U << 1;
inline constexpr std::uint32_t kStoreBad = 1U << 2;
inline constexpr std::uint32_t kUnicastPromiscuous = 1U << 3;
inline constexpr std::uint32_t kMulticastPromiscuous = 1U << 4;
inline constexpr std::uint32_t kLongPackets = 1U << 5;
inline constexpr unsigned kThresholdShift = 8;
inline constexpr unsigned kMulticastOffsetShift = 12;
inline constexpr std::uint32_t kBroadcast = 1U << 15;
inline constexpr unsigned kBufferSizeShift = 16;
inline constexpr std::uint32_t kVlanFilter = 1U << 18;
inline constexpr std::uint32_t kSizeExtension = 1U << 25;
inline constexpr std::uint32_t kStripCrc = 1U << 26;
}  // namespace rctl

namespace tctl {
inline constexpr std::uint32_t kEnable = 1U << 1;
}

namespace rah {
inline constexpr std::uint32_t kValid = 1U << 31;
}

/// TDLEN and RDLEN keep whole blocks of 128 bytes, 20 bits.
inline constexpr std::uint32_t kRingLengthMask = 0xfff80;
inline constexpr unsigned kDescriptorBytes = 16;
inline constexpr unsigned kReceiveAddresses = 16;
inline constexpr unsigned kTableWords = 128;  ///< of MTA and VFTA

/// Transmit descriptor, dword at offset 8 (§3.3.3, §3.3.6, §3.3.7).
namespace txd {
inline constexpr std::uint32_t kLengthMask = 0xffff;
inline constexpr std::uint32_t kPayloadMask = 0xfffff;
inline constexpr std::uint32_t kDataType = 1U << 20;  ///< with kExtended: data, without: context
inline constexpr std::uint32_t kEop = 1U << 24;
inline constexpr std::uint32_t kContextTcp = 1U << 24;
inline constexpr std::uint32_t kContextIpv4 = 1U << 25;
inline constexpr std::uint32_t kTse = 1U << 26;
inline constexpr std::uint32_t kReportStatus = 1U << 27;
inline constexpr std::uint32_t kReportSent = 1U << 28;
inline constexpr std::uint32_t kExtended = 1U << 29;
inline constexpr std::uint32_t kVlanInsert = 1U << 30;
inline constexpr std::uint32_t kInterruptDelay = 1U << 31;
// Dword at offset 12.
inline constexpr std::uint32_t kDone = 1U << 0;
inline constexpr std::uint32_t kErrors = 7U << 1;  ///< EC, LC, TU
inline constexpr unsigned kOptionsShift = 8;
inline constexpr std::uint8_t kInsertIpChecksum = 1U << 0;
inline constexpr std::uint8_t kInsertTcpChecksum = 1U << 1;
}  // namespace txd

/// Receive descriptor status (§3.2.3.1).
namespace rxd {
inline constexpr std::uint8_t kDone = 1U << 0;
inline constexpr std::uint8_t kEop = 1U << 1;
inline constexpr std::uint8_t kIgnoreChecksum = 1U << 2;
inline constexpr std::uint8_t kVlan = 1U << 3;
}  // namespace rxd

}  // namespace tb::model::net
