// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <span>

#include "models/core/register_bank.hpp"

/// The registers of a 16550A (National Semiconductor PC16550D, June 1995, §8) as the model has them.
/// Independent of the driver's table on purpose.
namespace tb::model::serial {

/// Names for scenarios and traces. Several share an offset: what is read and what is written there, and what
/// appears while LCR.DLAB is set, have names of their own.
std::span<const RegisterSpec> uart16550_registers();

inline constexpr unsigned kUartBytes = 8;

namespace reg {
inline constexpr unsigned kData = 0;         ///< RBR, THR, DLL
inline constexpr unsigned kEnable = 1;       ///< IER, DLM
inline constexpr unsigned kIdentity = 2;     ///< IIR, FCR
inline constexpr unsigned kLine = 3;         ///< LCR
inline constexpr unsigned kModem = 4;        ///< MCR
inline constexpr unsigned kLineStatus = 5;   ///< LSR
inline constexpr unsigned kModemStatus = 6;  ///< MSR
inline constexpr unsigned kScratch = 7;      ///< SCR
}  // namespace reg

namespace ier {
inline constexpr std::uint8_t kReceive = 0x01;
inline constexpr std::uint8_t kTransmit = 0x02;
inline constexpr std::uint8_t kLineStatus = 0x04;
inline constexpr std::uint8_t kModemStatus = 0x08;
inline constexpr std::uint8_t kMask = 0x0f;
}  // namespace ier

namespace iir {
inline constexpr std::uint8_t kNone = 0x01;
inline constexpr std::uint8_t kModemStatus = 0x00;
inline constexpr std::uint8_t kTransmit = 0x02;
inline constexpr std::uint8_t kReceive = 0x04;
inline constexpr std::uint8_t kLineStatus = 0x06;
inline constexpr std::uint8_t kTimeout = 0x0c;
inline constexpr std::uint8_t kSourceMask = 0x06;
inline constexpr std::uint8_t kUpper = 0xf0;
inline constexpr std::uint8_t kFifos = 0xc0;
}  // namespace iir

namespace fcr {
inline constexpr std::uint8_t kEnable = 0x01;
inline constexpr std::uint8_t kClearReceive = 0x02;
inline constexpr std::uint8_t kClearTransmit = 0x04;
inline constexpr std::uint8_t kKept = 0xc9;
inline constexpr unsigned kTriggerShift = 6;
}  // namespace fcr

namespace lcr {
inline constexpr std::uint8_t kLength = 0x03;
inline constexpr std::uint8_t kTwoStop = 0x04;
inline constexpr std::uint8_t kParity = 0x08;
inline constexpr std::uint8_t kEven = 0x10;
inline constexpr std::uint8_t kBreak = 0x40;
inline constexpr std::uint8_t kDlab = 0x80;
}  // namespace lcr

namespace mcr {
inline constexpr std::uint8_t kDtr = 0x01;
inline constexpr std::uint8_t kRts = 0x02;
inline constexpr std::uint8_t kOut1 = 0x04;
inline constexpr std::uint8_t kOut2 = 0x08;
inline constexpr std::uint8_t kLoop = 0x10;
inline constexpr std::uint8_t kMask = 0x1f;
}  // namespace mcr

namespace lsr {
inline constexpr std::uint8_t kDataReady = 0x01;
inline constexpr std::uint8_t kOverrun = 0x02;
inline constexpr std::uint8_t kBreak = 0x10;
inline constexpr std::uint8_t kHoldingEmpty = 0x20;
inline constexpr std::uint8_t kTransmitterEmpty = 0x40;
inline constexpr std::uint8_t kErrors = 0x1e;
}  // namespace lsr

namespace msr {
inline constexpr std::uint8_t kDeltas = 0x0f;
inline constexpr std::uint8_t kTrailingRi = 0x04;
inline constexpr std::uint8_t kCts = 0x10;
inline constexpr std::uint8_t kDsr = 0x20;
inline constexpr std::uint8_t kRi = 0x40;
inline constexpr std::uint8_t kDcd = 0x80;
}  // namespace msr

}  // namespace tb::model::serial
