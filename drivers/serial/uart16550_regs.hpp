// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

/// Registers of the 8250/16450/16550A/16750 family. Numbers are those of the data sheets: National
/// Semiconductor PC16550D (June 1995) §8, "Registers", and Texas Instruments TL16C750 (SLLS191) for what the
/// 16750 adds. All registers are one byte wide.
namespace tb::uart16550 {

/// Register numbers; each becomes an address by the window's stride.
inline constexpr std::uint32_t kRbr = 0;  ///< receiver buffer, read, DLAB = 0
inline constexpr std::uint32_t kThr = 0;  ///< transmitter holding, write, DLAB = 0
inline constexpr std::uint32_t kDll = 0;  ///< divisor latch, low byte, DLAB = 1
inline constexpr std::uint32_t kIer = 1;  ///< interrupt enable, DLAB = 0
inline constexpr std::uint32_t kDlm = 1;  ///< divisor latch, high byte, DLAB = 1
inline constexpr std::uint32_t kIir = 2;  ///< interrupt identification, read
inline constexpr std::uint32_t kFcr = 2;  ///< FIFO control, write
inline constexpr std::uint32_t kLcr = 3;  ///< line control
inline constexpr std::uint32_t kMcr = 4;  ///< modem control
inline constexpr std::uint32_t kLsr = 5;  ///< line status; reading clears the error bits
inline constexpr std::uint32_t kMsr = 6;  ///< modem status; reading clears the delta bits
inline constexpr std::uint32_t kScr = 7;  ///< scratch; the 8250 has none
inline constexpr std::uint32_t kRegisters = 8;

/// What an absent or removed device answers.
inline constexpr std::uint8_t kAllOnes = 0xff;

/// Interrupt enable register.
inline constexpr std::uint8_t kIerRdi = 1 << 0;   ///< received data, and the FIFO's character timeout
inline constexpr std::uint8_t kIerThri = 1 << 1;  ///< transmitter holding register empty
inline constexpr std::uint8_t kIerRlsi = 1 << 2;  ///< receiver line status
inline constexpr std::uint8_t kIerMsi = 1 << 3;   ///< modem status
inline constexpr std::uint8_t kIerAll = 0x0f;

/// Interrupt identification register. Bits 3..1 name the highest cause, in the order of kIirRls, kIirRda and
/// kIirTimeout, kIirThre, kIirMsr; bit 0 is low while a cause is pending (PC16550D table III).
inline constexpr std::uint8_t kIirNoInterrupt = 1 << 0;
inline constexpr std::uint8_t kIirCauseMask = 0x0f;
inline constexpr std::uint8_t kIirMsr = 0x00;
inline constexpr std::uint8_t kIirThre = 0x02;
inline constexpr std::uint8_t kIirRda = 0x04;
inline constexpr std::uint8_t kIirRls = 0x06;
inline constexpr std::uint8_t kIirTimeout = 0x0c;
inline constexpr std::uint8_t kIirFifo64 = 1 << 5;  ///< 16750: 64-byte FIFOs are on
inline constexpr std::uint8_t kIirFifoMask = 0xc0;
inline constexpr std::uint8_t kIirFifoBroken = 0x80;   ///< 16550: the FIFOs exist and lose data
inline constexpr std::uint8_t kIirFifoWorking = 0xc0;  ///< 16550A and later

/// FIFO control register.
inline constexpr std::uint8_t kFcrEnable = 1 << 0;
inline constexpr std::uint8_t kFcrClearRx = 1 << 1;
inline constexpr std::uint8_t kFcrClearTx = 1 << 2;
inline constexpr std::uint8_t kFcrFifo64 = 1 << 5;  ///< 16750, writable only while DLAB = 1
inline constexpr std::uint8_t kFcrTrigger1 = 0x00;
inline constexpr std::uint8_t kFcrTrigger4 = 0x40;
inline constexpr std::uint8_t kFcrTrigger8 = 0x80;
inline constexpr std::uint8_t kFcrTrigger14 = 0xc0;

/// Line control register.
inline constexpr std::uint8_t kLcrLengthMask = 0x03;  ///< data bits - 5
inline constexpr std::uint8_t kLcrTwoStop = 1 << 2;
inline constexpr std::uint8_t kLcrParity = 1 << 3;
inline constexpr std::uint8_t kLcrEven = 1 << 4;
inline constexpr std::uint8_t kLcrStick = 1 << 5;
inline constexpr std::uint8_t kLcrBreak = 1 << 6;
inline constexpr std::uint8_t kLcrDlab = 1 << 7;

/// Modem control register.
inline constexpr std::uint8_t kMcrDtr = 1 << 0;
inline constexpr std::uint8_t kMcrRts = 1 << 1;
inline constexpr std::uint8_t kMcrOut1 = 1 << 2;
inline constexpr std::uint8_t kMcrOut2 = 1 << 3;  ///< on a PC: connects the interrupt output to the bus
inline constexpr std::uint8_t kMcrLoop = 1 << 4;

/// Line status register.
inline constexpr std::uint8_t kLsrDr = 1 << 0;    ///< data ready
inline constexpr std::uint8_t kLsrOe = 1 << 1;    ///< overrun
inline constexpr std::uint8_t kLsrPe = 1 << 2;    ///< parity error
inline constexpr std::uint8_t kLsrFe = 1 << 3;    ///< framing error
inline constexpr std::uint8_t kLsrBi = 1 << 4;    ///< break
inline constexpr std::uint8_t kLsrThre = 1 << 5;  ///< holding register (FIFO) empty
inline constexpr std::uint8_t kLsrTemt = 1 << 6;  ///< holding and shift register empty
inline constexpr std::uint8_t kLsrFifoError = 1 << 7;

/// Modem status register.
inline constexpr std::uint8_t kMsrDeltaCts = 1 << 0;
inline constexpr std::uint8_t kMsrDeltaDsr = 1 << 1;
inline constexpr std::uint8_t kMsrTrailingRi = 1 << 2;
inline constexpr std::uint8_t kMsrDeltaDcd = 1 << 3;
inline constexpr std::uint8_t kMsrDeltaMask = 0x0f;
inline constexpr std::uint8_t kMsrCts = 1 << 4;
inline constexpr std::uint8_t kMsrDsr = 1 << 5;
inline constexpr std::uint8_t kMsrRi = 1 << 6;
inline constexpr std::uint8_t kMsrDcd = 1 << 7;
inline constexpr std::uint8_t kMsrLines = 0xf0;

/// Depth of the FIFOs of a 16550A, in characters.
inline constexpr unsigned kFifoDepth = 16;

/// The input clock of a PC's UART, in Hz: a baud rate generator base of 115,200.
inline constexpr std::uint32_t kPcClock = 1'843'200;
/// The baud rate generator divides the clock by 16 times the divisor (PC16550D §8.3).
inline constexpr std::uint32_t kClocksPerBit = 16;

}  // namespace tb::uart16550
