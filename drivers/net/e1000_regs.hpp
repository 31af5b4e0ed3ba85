// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>

/// Registers, fields and descriptors of Intel's 82540EM, 82545EM and 82544GC, as the driver sees them.
/// Source: Intel, PCI/PCI-X Family of Gigabit Ethernet Controllers Software Developer's Manual (317453,
/// "8254x SDM"): §13 for registers, §3 for descriptors. Offsets are bytes into BAR 0; every register is 32
/// bits wide.
namespace tb::e1000 {

inline constexpr std::uint16_t kVendorIntel = 0x8086;
inline constexpr std::uint16_t kDevice82540Em = 0x100e;
inline constexpr std::uint16_t kDevice82545Em = 0x100f;
inline constexpr std::uint16_t kDevice82544Gc = 0x1008;

inline constexpr std::uint32_t kRegisterBytes = 0x2'0000;  ///< size of BAR 0
inline constexpr std::uint32_t kAllOnes = 0xffff'ffff;     ///< what a function that is gone reads as

namespace reg {
inline constexpr std::uint32_t kCTRL = 0x0000;
inline constexpr std::uint32_t kSTATUS = 0x0008;
inline constexpr std::uint32_t kEECD = 0x0010;
inline constexpr std::uint32_t kEERD = 0x0014;
inline constexpr std::uint32_t kMDIC = 0x0020;
inline constexpr std::uint32_t kFCAL = 0x0028;
inline constexpr std::uint32_t kFCAH = 0x002c;
inline constexpr std::uint32_t kFCT = 0x0030;
inline constexpr std::uint32_t kVET = 0x0038;
inline constexpr std::uint32_t kICR = 0x00c0;
inline constexpr std::uint32_t kITR = 0x00c4;  ///< 256 ns; not on the 82544
inline constexpr std::uint32_t kIMS = 0x00d0;
inline constexpr std::uint32_t kIMC = 0x00d8;
inline constexpr std::uint32_t kRCTL = 0x0100;
inline constexpr std::uint32_t kFCTTV = 0x0170;
inline constexpr std::uint32_t kTCTL = 0x0400;
inline constexpr std::uint32_t kTIPG = 0x0410;
inline constexpr std::uint32_t kPBA = 0x1000;
inline constexpr std::uint32_t kFCRTL = 0x2160;
inline constexpr std::uint32_t kFCRTH = 0x2168;
inline constexpr std::uint32_t kRDBAL = 0x2800;
inline constexpr std::uint32_t kRDBAH = 0x2804;
inline constexpr std::uint32_t kRDLEN = 0x2808;
inline constexpr std::uint32_t kRDH = 0x2810;
inline constexpr std::uint32_t kRDT = 0x2818;
inline constexpr std::uint32_t kRDTR = 0x2820;  ///< 1.024 us
inline constexpr std::uint32_t kRADV = 0x282c;  ///< 1.024 us; not on the 82544
inline constexpr std::uint32_t kTDBAL = 0x3800;
inline constexpr std::uint32_t kTDBAH = 0x3804;
inline constexpr std::uint32_t kTDLEN = 0x3808;
inline constexpr std::uint32_t kTDH = 0x3810;
inline constexpr std::uint32_t kTDT = 0x3818;
inline constexpr std::uint32_t kTIDV = 0x3820;  ///< 1.024 us
inline constexpr std::uint32_t kTADV = 0x382c;  ///< 1.024 us; not on the 82544
inline constexpr std::uint32_t kRXCSUM = 0x5000;
inline constexpr std::uint32_t kMTA = 0x5200;   ///< 128 words, a bit for each hash
inline constexpr std::uint32_t kRA = 0x5400;    ///< 16 pairs RAL, RAH
inline constexpr std::uint32_t kVFTA = 0x5600;  ///< 128 words, a bit for each VLAN
inline constexpr std::uint32_t kWUC = 0x5800;

constexpr std::uint32_t ral(unsigned n) {
    return kRA + 8 * n;
}
constexpr std::uint32_t rah(unsigned n) {
    return kRA + 8 * n + 4;
}

// Statistics (§13.7): 32 bits each, cleared by being read; the octet counters are pairs that the high half
// clears.
inline constexpr std::uint32_t kCRCERRS = 0x4000;
inline constexpr std::uint32_t kALGNERRC = 0x4004;
inline constexpr std::uint32_t kSYMERRS = 0x4008;
inline constexpr std::uint32_t kRXERRC = 0x400c;
inline constexpr std::uint32_t kMPC = 0x4010;
inline constexpr std::uint32_t kSCC = 0x4014;
inline constexpr std::uint32_t kECOL = 0x4018;
inline constexpr std::uint32_t kMCC = 0x401c;
inline constexpr std::uint32_t kLATECOL = 0x4020;
inline constexpr std::uint32_t kCOLC = 0x4028;
inline constexpr std::uint32_t kDC = 0x4030;
inline constexpr std::uint32_t kTNCRS = 0x4034;
inline constexpr std::uint32_t kSEC = 0x4038;
inline constexpr std::uint32_t kCEXTERR = 0x403c;
inline constexpr std::uint32_t kRLEC = 0x4040;
inline constexpr std::uint32_t kXONRXC = 0x4048;
inline constexpr std::uint32_t kXONTXC = 0x404c;
inline constexpr std::uint32_t kXOFFRXC = 0x4050;
inline constexpr std::uint32_t kXOFFTXC = 0x4054;
inline constexpr std::uint32_t kFCRUC = 0x4058;
inline constexpr std::uint32_t kPRC64 = 0x405c;
inline constexpr std::uint32_t kPRC127 = 0x4060;
inline constexpr std::uint32_t kPRC255 = 0x4064;
inline constexpr std::uint32_t kPRC511 = 0x4068;
inline constexpr std::uint32_t kPRC1023 = 0x406c;
inline constexpr std::uint32_t kPRC1522 = 0x4070;
inline constexpr std::uint32_t kGPRC = 0x4074;
inline constexpr std::uint32_t kBPRC = 0x4078;
inline constexpr std::uint32_t kMPRC = 0x407c;
inline constexpr std::uint32_t kGPTC = 0x4080;
inline constexpr std::uint32_t kGORCL = 0x4088;
inline constexpr std::uint32_t kGOTCL = 0x4090;
inline constexpr std::uint32_t kRNBC = 0x40a0;
inline constexpr std::uint32_t kRUC = 0x40a4;
inline constexpr std::uint32_t kRFC = 0x40a8;
inline constexpr std::uint32_t kROC = 0x40ac;
inline constexpr std::uint32_t kRJC = 0x40b0;
inline constexpr std::uint32_t kTORL = 0x40c0;
inline constexpr std::uint32_t kTOTL = 0x40c8;
inline constexpr std::uint32_t kTPR = 0x40d0;
inline constexpr std::uint32_t kTPT = 0x40d4;
inline constexpr std::uint32_t kPTC64 = 0x40d8;
inline constexpr std::uint32_t kPTC127 = 0x40dc;
inline constexpr std::uint32_t kPTC255 = 0x40e0;
inline constexpr std::uint32_t kPTC511 = 0x40e4;
inline constexpr std::uint32_t kPTC1023 = 0x40e8;
inline constexpr std::uint32_t kPTC1522 = 0x40ec;
inline constexpr std::uint32_t kMPTC = 0x40f0;
inline constexpr std::uint32_t kBPTC = 0x40f4;
inline constexpr std::uint32_t kTSCTC = 0x40f8;
inline constexpr std::uint32_t kTSCTFC = 0x40fc;
}  // namespace reg

/// Device control (§13.4.1).
namespace ctrl {
inline constexpr std::uint32_t kLRST = 1U << 3;
inline constexpr std::uint32_t kASDE = 1U << 5;
inline constexpr std::uint32_t kSLU = 1U << 6;
inline constexpr std::uint32_t kILOS = 1U << 7;
inline constexpr std::uint32_t kFRCSPD = 1U << 11;
inline constexpr std::uint32_t kFRCDPLX = 1U << 12;
inline constexpr std::uint32_t kRST = 1U << 26;
inline constexpr std::uint32_t kRFCE = 1U << 27;
inline constexpr std::uint32_t kTFCE = 1U << 28;
inline constexpr std::uint32_t kVME = 1U << 30;
inline constexpr std::uint32_t kPHY_RST = 1U << 31;
}  // namespace ctrl

/// Device status (§13.4.2).
namespace status {
inline constexpr std::uint32_t kFD = 1U << 0;
inline constexpr std::uint32_t kLU = 1U << 1;
inline constexpr std::uint32_t kTXOFF = 1U << 4;
inline constexpr unsigned kSpeedShift = 6;  ///< 2 bits: 10, 100, 1000, 1000 Mb/s
inline constexpr std::uint32_t kSpeedMask = 3;
}  // namespace status

/// EEPROM control: the pins of the microwire bus (§13.4.3).
namespace eecd {
inline constexpr std::uint32_t kSK = 1U << 0;
inline constexpr std::uint32_t kCS = 1U << 1;
inline constexpr std::uint32_t kDI = 1U << 2;
inline constexpr std::uint32_t kDO = 1U << 3;
inline constexpr std::uint32_t kREQ = 1U << 6;
inline constexpr std::uint32_t kGNT = 1U << 7;
inline constexpr std::uint32_t kPRES = 1U << 8;
inline constexpr std::uint32_t kSIZE = 1U << 9;  ///< 256 words (8 address bits) instead of 64 (6)
}  // namespace eecd

/// EEPROM read, in the layout of the 8254x (§13.4.4). The 8257x has DONE in bit 1 and the address from bit 2
/// up.
namespace eerd {
inline constexpr std::uint32_t kSTART = 1U << 0;
inline constexpr std::uint32_t kDONE = 1U << 4;
inline constexpr unsigned kAddressShift = 8;
inline constexpr unsigned kDataShift = 16;
}  // namespace eerd

/// Contents of the EEPROM (§5.6).
namespace nvm {
inline constexpr unsigned kWords = 0x40;  ///< words under the checksum, which is the last of them
inline constexpr std::uint16_t kChecksum = 0xbaba;
}  // namespace nvm

/// PHY access (§13.4.5).
namespace mdic {
inline constexpr std::uint32_t kDataMask = 0xffff;
inline constexpr unsigned kRegisterShift = 16;
inline constexpr unsigned kPhyShift = 21;
inline constexpr std::uint32_t kWrite = 1U << 26;
inline constexpr std::uint32_t kRead = 2U << 26;
inline constexpr std::uint32_t kREADY = 1U << 28;
inline constexpr std::uint32_t kERROR = 1U << 30;
inline constexpr std::uint32_t kInternalPhy = 1;
}  // namespace mdic

/// Registers of the PHY (IEEE 802.3 §22.2.4).
namespace phy {
inline constexpr unsigned kControl = 0;
inline constexpr unsigned kStatus = 1;
inline constexpr unsigned kAdvertisement = 4;
inline constexpr unsigned kGigabitControl = 9;
inline constexpr unsigned kRegisters = 32;

inline constexpr std::uint16_t kControlRestart = 1U << 9;
inline constexpr std::uint16_t kControlIsolate = 1U << 10;
inline constexpr std::uint16_t kControlPowerDown = 1U << 11;
inline constexpr std::uint16_t kControlAutonegotiation = 1U << 12;
inline constexpr std::uint16_t kControlLoopback = 1U << 14;
inline constexpr std::uint16_t kStatusLink = 1U << 2;  ///< latches a loss of link until it is read
inline constexpr std::uint16_t kStatusComplete = 1U << 5;
inline constexpr std::uint16_t kAdvertise10And100 = 0x01e1;  ///< both speeds, both duplex modes, IEEE 802.3
inline constexpr std::uint16_t kAdvertise1000Full = 1U << 9;
}  // namespace phy

/// Interrupt causes, the same in ICR, IMS and IMC (§13.4.17).
namespace icr {
inline constexpr std::uint32_t kTXDW = 1U << 0;
inline constexpr std::uint32_t kTXQE = 1U << 1;
inline constexpr std::uint32_t kLSC = 1U << 2;
inline constexpr std::uint32_t kRXSEQ = 1U << 3;
inline constexpr std::uint32_t kRXDMT0 = 1U << 4;
inline constexpr std::uint32_t kRXO = 1U << 6;
inline constexpr std::uint32_t kRXT0 = 1U << 7;
/// An overrun wakes the receiver as a frame does: it may be the only cause that is ever raised.
inline constexpr std::uint32_t kReceive = kRXT0 | kRXDMT0 | kRXO;
inline constexpr std::uint32_t kTransmit = kTXDW | kTXQE;
inline constexpr std::uint32_t kLink = kLSC | kRXSEQ;
/// TXQE stays masked: it says nothing that TXDW does not.
inline constexpr std::uint32_t kUsed = kReceive | kLink | kTXDW;
}  // namespace icr

/// Receive control (§13.4.22).
namespace rctl {
inline constexpr std::uint32_t kEN = 1U << 1;
inline constexpr std::uint32_t kUPE = 1U << 3;
inline constexpr std::uint32_t kMPE = 1U << 4;
inline constexpr std::uint32_t kLPE = 1U << 5;
inline constexpr unsigned kMulticastOffsetShift = 12;
inline constexpr std::uint32_t kBAM = 1U << 15;
inline constexpr unsigned kBufferSizeShift = 16;
inline constexpr std::uint32_t kVFE = 1U << 18;
inline constexpr std::uint32_t kBSEX = 1U << 25;
inline constexpr std::uint32_t kSECRC = 1U << 26;
}  // namespace rctl

/// Transmit control (§13.4.33).
namespace tctl {
inline constexpr std::uint32_t kEN = 1U << 1;
inline constexpr std::uint32_t kPSP = 1U << 3;
inline constexpr unsigned kCollisionThresholdShift = 4;
inline constexpr unsigned kCollisionDistanceShift = 12;
inline constexpr std::uint32_t kCollisionDistanceMask = 0x3ffU << kCollisionDistanceShift;
inline constexpr std::uint32_t kCollisionThreshold = 0x0f;
inline constexpr std::uint32_t kCollisionDistance = 0x40;              ///< full duplex, and 10/100 half
inline constexpr std::uint32_t kCollisionDistanceGigabitHalf = 0x200;  ///< 1000 Mb/s half duplex
}  // namespace tctl

/// Inter-packet gap for copper (§13.4.34): IPGT 8, IPGR1 8, IPGR2 6.
inline constexpr std::uint32_t kTipgCopper = 8U | 8U << 10 | 6U << 20;

/// Receive checksum control (§13.4.44): verify IP, TCP and UDP checksums.
namespace rxcsum {
inline constexpr std::uint32_t kIPOFL = 1U << 8;
inline constexpr std::uint32_t kTUOFL = 1U << 9;
}  // namespace rxcsum

/// Packet buffer (§13.4.21): KiB for the receiver, the rest of 64 is the transmitter's.
inline constexpr std::uint32_t kPbaStandard = 48;
inline constexpr std::uint32_t kPbaJumbo = 40;
inline constexpr std::uint32_t kJumboFifoLimit =
    8192;  ///< longer frames need a larger share for the transmitter

inline constexpr std::uint32_t kRahAddressValid = 1U << 31;
inline constexpr unsigned kReceiveAddresses = 16;
inline constexpr unsigned kTableWords = 128;  ///< of MTA and of VFTA
inline constexpr std::uint16_t kVlanEtherType = 0x8100;

inline constexpr std::uint32_t kFcsBytes = 4;
inline constexpr std::uint32_t kVlanTagBytes = 4;
inline constexpr std::uint32_t kEthernetHeaderBytes = 14;
inline constexpr std::uint32_t kMinFrameBytes = 60;    ///< without FCS
inline constexpr std::uint32_t kStandardFrame = 1514;  ///< without FCS
inline constexpr std::uint32_t kMaxJumboFrame =
    16110;  ///< 16128 (§13.4.22, LPE) less tag, FCS and some reserve

inline constexpr std::uint32_t kDescriptorBytes = 16;
/// TDLEN and RDLEN count in 128 bytes (§13.4.27, §13.4.37), so rings have a multiple of eight descriptors.
inline constexpr unsigned kRingGranule = 8;
/// Descriptors in a ring at most: what the 82544 takes (§3.2.6).
inline constexpr unsigned kMaxRing = 256;

/// Receive descriptor (§3.2.3).
struct RxDescriptor {
    std::uint64_t buffer_address;
    std::uint16_t length;
    std::uint16_t checksum;
    std::uint8_t status;
    std::uint8_t errors;
    std::uint16_t special;
};
static_assert(sizeof(RxDescriptor) == kDescriptorBytes && offsetof(RxDescriptor, length) == 8 &&
              offsetof(RxDescriptor, status) == 12 && offsetof(RxDescriptor, special) == 14);

namespace rxd {
inline constexpr std::uint8_t kDD = 1U << 0;
inline constexpr std::uint8_t kEOP = 1U << 1;
inline constexpr std::uint8_t kIXSM = 1U << 2;  ///< the checksum bits mean nothing
inline constexpr std::uint8_t kVP = 1U << 3;
inline constexpr std::uint8_t kTCPCS = 1U << 5;
inline constexpr std::uint8_t kIPCS = 1U << 6;

inline constexpr std::uint8_t kErrorCRC = 1U << 0;
inline constexpr std::uint8_t kErrorSymbol = 1U << 1;
inline constexpr std::uint8_t kErrorSequence = 1U << 2;
inline constexpr std::uint8_t kErrorCarrier = 1U << 4;
inline constexpr std::uint8_t kErrorTcp = 1U << 5;
inline constexpr std::uint8_t kErrorIp = 1U << 6;
inline constexpr std::uint8_t kErrorData = 1U << 7;
/// The frame is damaged; the two checksum errors are the stack's to judge (§3.2.3.2).
inline constexpr std::uint8_t kErrorFrame =
    kErrorCRC | kErrorSymbol | kErrorSequence | kErrorCarrier | kErrorData;
}  // namespace rxd

/// Legacy transmit descriptor (§3.3.3). With `command.DEXT` it is a TCP/IP data descriptor (§3.3.7): then
/// `length` goes on for four bits into `checksum_offset`, whose upper half is the type, and `checksum_start`
/// is POPTS.
struct TxDescriptor {
    std::uint64_t buffer_address;
    std::uint16_t length;
    std::uint8_t checksum_offset;
    std::uint8_t command;
    std::uint8_t status;
    std::uint8_t checksum_start;
    std::uint16_t special;
};
static_assert(sizeof(TxDescriptor) == kDescriptorBytes && offsetof(TxDescriptor, length) == 8 &&
              offsetof(TxDescriptor, command) == 11 && offsetof(TxDescriptor, status) == 12 &&
              offsetof(TxDescriptor, special) == 14);

/// TCP/IP context descriptor (§3.3.6).
struct TxContext {
    std::uint8_t ipcss, ipcso;
    std::uint16_t ipcse;
    std::uint8_t tucss, tucso;
    std::uint16_t tucse;
    std::uint32_t paylen_type_command;
    std::uint8_t status, hdrlen;
    std::uint16_t mss;
};
static_assert(sizeof(TxContext) == kDescriptorBytes && offsetof(TxContext, tucss) == 4 &&
              offsetof(TxContext, paylen_type_command) == 8 && offsetof(TxContext, hdrlen) == 13 &&
              offsetof(TxContext, mss) == 14);

/// Fields of the second quadword of a transmit descriptor, whatever its kind.
namespace txd {
inline constexpr std::uint32_t kStatusOffset = 12;
inline constexpr unsigned kTypeShift = 20;
inline constexpr unsigned kCommandShift = 24;
inline constexpr unsigned kOptionsShift = 40;  ///< POPTS; HDRLEN of a context
inline constexpr unsigned kSpecialShift = 48;  ///< the VLAN tag; MSS of a context

inline constexpr std::uint64_t kTypeData = 1;

inline constexpr std::uint64_t kEOP = 1U << 0;
inline constexpr std::uint64_t kIFCS = 1U << 1;
inline constexpr std::uint64_t kTSE = 1U << 2;
inline constexpr std::uint64_t kRS = 1U << 3;
inline constexpr std::uint64_t kDEXT = 1U << 5;
inline constexpr std::uint64_t kVLE = 1U << 6;
inline constexpr std::uint64_t kIDE = 1U << 7;
/// TUCMD of a context: bits 0 and 1 say TCP and IPv4.
inline constexpr std::uint64_t kContextTcp = 1U << 0;
inline constexpr std::uint64_t kContextIpv4 = 1U << 1;

inline constexpr std::uint64_t kPoptsIXSM = 1U << 0;
inline constexpr std::uint64_t kPoptsTXSM = 1U << 1;

inline constexpr std::uint8_t kDD = 1U << 0;
inline constexpr std::uint8_t kEC = 1U << 1;  ///< given up after too many collisions
inline constexpr std::uint8_t kLC = 1U << 2;  ///< collided late

inline constexpr std::uint32_t kMaxPayload = 0xf'ffff;  ///< PAYLEN has 20 bits
}  // namespace txd

}  // namespace tb::e1000
