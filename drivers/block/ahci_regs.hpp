// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

/// Facts of the Serial ATA Advanced Host Controller Interface, revision 1.3.1, for drivers. Offsets are in
/// bytes.
namespace tb::ahci {

/// Mass storage, SATA, AHCI 1.0 (§2.1).
inline constexpr std::uint32_t kClassCode = 0x01'0601;
/// The BAR of the HBA's memory registers (§2.1).
inline constexpr unsigned kAbar = 5;

/// Generic host control (§3.1).
namespace reg {
inline constexpr std::uint32_t kCAP = 0x00;
inline constexpr std::uint32_t kGHC = 0x04;
inline constexpr std::uint32_t kIS = 0x08;  ///< a bit a port; write 1 to clear
inline constexpr std::uint32_t kPI = 0x0c;  ///< a bit a port
inline constexpr std::uint32_t kVS = 0x10;
inline constexpr std::uint32_t kCAP2 = 0x24;
inline constexpr std::uint32_t kBOHC = 0x28;

inline constexpr std::uint32_t kPorts = 0x100;
inline constexpr std::uint32_t kPortBytes = 0x80;
}  // namespace reg

/// Of one port, from kPorts + n * kPortBytes on (§3.3).
namespace port {
inline constexpr std::uint32_t kCLB = 0x00;
inline constexpr std::uint32_t kCLBU = 0x04;
inline constexpr std::uint32_t kFB = 0x08;
inline constexpr std::uint32_t kFBU = 0x0c;
inline constexpr std::uint32_t kIS = 0x10;  ///< write 1 to clear
inline constexpr std::uint32_t kIE = 0x14;
inline constexpr std::uint32_t kCMD = 0x18;
inline constexpr std::uint32_t kTFD = 0x20;
inline constexpr std::uint32_t kSIG = 0x24;
inline constexpr std::uint32_t kSSTS = 0x28;
inline constexpr std::uint32_t kSCTL = 0x2c;
inline constexpr std::uint32_t kSERR = 0x30;  ///< write 1 to clear
inline constexpr std::uint32_t kSACT = 0x34;  ///< write 1 to set
inline constexpr std::uint32_t kCI = 0x38;    ///< write 1 to set
}  // namespace port

/// HBA capabilities (§3.1.1).
namespace cap {
inline constexpr std::uint32_t kNumberOfPortsMask = 0x1f;  ///< less one
inline constexpr unsigned kCommandSlotsShift = 8;          ///< 5 bits, less one
inline constexpr std::uint32_t kCommandSlotsMask = 0x1f;
inline constexpr std::uint32_t kCommandListOverride = 1U << 24;
inline constexpr std::uint32_t kStaggeredSpinUp = 1U << 27;
inline constexpr std::uint32_t kNativeCommandQueuing = 1U << 30;
inline constexpr std::uint32_t k64BitAddressing = 1U << 31;
}  // namespace cap

/// Global HBA control (§3.1.2).
namespace ghc {
inline constexpr std::uint32_t kHbaReset = 1U << 0;
inline constexpr std::uint32_t kInterruptEnable = 1U << 1;
inline constexpr std::uint32_t kAhciEnable = 1U << 31;
}  // namespace ghc

/// BIOS/OS hand-off (§3.1.10, §3.1.11).
inline constexpr std::uint32_t kCap2HandOff = 1U << 0;
namespace bohc {
inline constexpr std::uint32_t kBiosOwned = 1U << 0;
inline constexpr std::uint32_t kOsOwned = 1U << 1;
inline constexpr std::uint32_t kBiosBusy = 1U << 4;
}  // namespace bohc

/// Port interrupts, the same in PxIS and PxIE (§3.3.5, §3.3.6).
namespace irq {
inline constexpr std::uint32_t kDeviceToHost = 1U << 0;     ///< DHRS
inline constexpr std::uint32_t kPioSetup = 1U << 1;         ///< PSS
inline constexpr std::uint32_t kDmaSetup = 1U << 2;         ///< DSS
inline constexpr std::uint32_t kSetDeviceBits = 1U << 3;    ///< SDBS
inline constexpr std::uint32_t kUnknownFis = 1U << 4;       ///< UFS
inline constexpr std::uint32_t kPortChange = 1U << 6;       ///< PCS: PxSERR.DIAG.X
inline constexpr std::uint32_t kPhyReadyChange = 1U << 22;  ///< PRCS: PxSERR.DIAG.N
inline constexpr std::uint32_t kOverflow = 1U << 24;        ///< OFS
inline constexpr std::uint32_t kInterfaceFatal = 1U << 27;  ///< IFS
inline constexpr std::uint32_t kHostBusData = 1U << 28;     ///< HBDS
inline constexpr std::uint32_t kHostBusFatal = 1U << 29;    ///< HBFS
inline constexpr std::uint32_t kTaskFile = 1U << 30;        ///< TFES
/// Something went wrong with a command, or with all of them (§6.1): software stops the port. An overflow is
/// among them, because the command that it is about may never end.
inline constexpr std::uint32_t kErrors =
    kOverflow | kInterfaceFatal | kHostBusData | kHostBusFatal | kTaskFile;
inline constexpr std::uint32_t kPlug = kPortChange | kPhyReadyChange;
inline constexpr std::uint32_t kUsed = kDeviceToHost | kPioSetup | kSetDeviceBits | kPlug | kErrors;
}  // namespace irq

/// Port command and status (§3.3.7).
namespace cmd {
inline constexpr std::uint32_t kStart = 1U << 0;
inline constexpr std::uint32_t kSpinUp = 1U << 1;
inline constexpr std::uint32_t kPowerOn = 1U << 2;
inline constexpr std::uint32_t kCommandListOverride = 1U << 3;
inline constexpr std::uint32_t kFisReceive = 1U << 4;
inline constexpr std::uint32_t kFisReceiveRunning = 1U << 14;
inline constexpr std::uint32_t kCommandListRunning = 1U << 15;
inline constexpr std::uint32_t kRunning = kStart | kFisReceive | kFisReceiveRunning | kCommandListRunning;
inline constexpr std::uint32_t kCommunicationControlMask = 0xfU << 28;  ///< ICC; 0: leave it as it is
}  // namespace cmd

/// Status and error of the last FIS from the device (§3.3.8).
namespace tfd {
inline constexpr std::uint32_t kERR = 1U << 0;
inline constexpr std::uint32_t kDRQ = 1U << 3;
inline constexpr std::uint32_t kDF = 1U << 5;
inline constexpr std::uint32_t kBSY = 1U << 7;
/// A command has failed (ATA8-ACS, status).
inline constexpr std::uint32_t kFailed = kERR | kDF;
}  // namespace tfd

inline constexpr std::uint32_t kSignatureAta = 0x0000'0101;

/// SATA status (§3.3.10) and control (§3.3.11).
inline constexpr std::uint32_t kDetMask = 0xf;
inline constexpr std::uint32_t kDetPresent = 3;     ///< a device, and communication with it
inline constexpr std::uint32_t kDetInitialize = 1;  ///< written: COMRESET, as long as it stays
/// In PxSCTL: no transitions to Partial and Slumber.
inline constexpr std::uint32_t kIpmDisabled = 3U << 8;
/// PxSERR.DIAG.X: a device has said COMINIT (§3.3.12).
inline constexpr std::uint32_t kSerrExchanged = 1U << 26;

/// The command list: 32 headers of 32 bytes (§4.2.2), 1 KiB aligned.
namespace header {
inline constexpr std::uint32_t kBytes = 32;
inline constexpr std::uint32_t kOptions = 0;     ///< DW0; the upper half counts PRDs
inline constexpr std::uint32_t kByteCount = 4;   ///< PRDBC
inline constexpr std::uint32_t kTable = 8;       ///< CTBA
inline constexpr std::uint32_t kTableHigh = 12;  ///< CTBAU
inline constexpr std::uint32_t kWrite = 1U << 6;
inline constexpr unsigned kPrdLengthShift = 16;
}  // namespace header

/// The command table (§4.2.3): the command FIS, and the PRDs.
namespace table {
inline constexpr std::uint32_t kPrds = 0x80;
inline constexpr std::uint32_t kPrdBytes = 16;
inline constexpr std::uint32_t kPrdAddress = 0;
inline constexpr std::uint32_t kPrdCount = 12;  ///< bytes less one: bit 0 is always 1
inline constexpr std::uint32_t kMostBytesOfPrd = 4U << 20;
inline constexpr std::uint32_t kAlignment = 128;
}  // namespace table

/// Where received FISes lie (§4.2.1), 256 bytes, aligned to as much.
namespace received {
inline constexpr std::uint32_t kBytes = 256;
inline constexpr std::uint32_t kPioSetup = 0x20;
inline constexpr std::uint32_t kDeviceToHost = 0x40;
inline constexpr std::uint32_t kSetDeviceBits = 0x58;
inline constexpr std::uint32_t kSetDeviceBitsActive = 0x5c;
}  // namespace received

/// Types of FISes (Serial ATA, frame information structures).
inline constexpr std::uint8_t kFisHostToDevice = 0x27;
inline constexpr std::uint8_t kFisDeviceToHost = 0x34;
inline constexpr std::uint8_t kFisPioSetup = 0x5f;
inline constexpr std::uint8_t kFisSetDeviceBits = 0xa1;
inline constexpr std::uint32_t kFisHostToDeviceDwords = 5;
inline constexpr std::uint32_t kFisIsCommand = 0x80;  ///< bit C of the second byte

/// How long software waits at most (§10.1.2, §10.4.3, §10.6.3): milliseconds.
inline constexpr std::uint64_t kEngineStopMs = 500;
inline constexpr std::uint64_t kHbaResetMs = 1000;
inline constexpr std::uint64_t kBiosReleaseMs = 25;
inline constexpr std::uint64_t kBiosBusyMs = 2000;

}  // namespace tb::ahci
