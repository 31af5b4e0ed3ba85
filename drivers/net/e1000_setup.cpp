// SPDX-License-Identifier: BSD-3-Clause
// How the device is reset and configured: 8254x SDM §14.
#include <hal/poll.hpp>

#include "net/e1000.hpp"

namespace tb::net {

using namespace e1000;  // the names of registers and fields
using hal::Error;
using hal::Status;

namespace {

// A frame of 16 KiB at 10 Mb/s takes 13 ms; what is on its way to memory is done long before.
constexpr hal::Duration kQuiesce = hal::milliseconds(10);
// §13.4.1: registers rest for a microsecond after RST was set.
constexpr hal::Duration kResetPause = hal::microseconds(10);
constexpr hal::Duration kResetTimeout = hal::milliseconds(100);
constexpr hal::Duration kResetInterval = hal::microseconds(100);
// §14.3: the EEPROM is read again after a reset, and nothing says when that is done.
constexpr hal::Duration kEepromReload = hal::milliseconds(5);

constexpr unsigned kMinRing = kRingGranule;

constexpr bool is_ring(unsigned count) {
    return count >= kMinRing && count <= kMaxRing && count % kRingGranule == 0;
}

/// RCTL.BSIZE and BSEX (§13.4.22); nothing for a size that cannot be said.
std::optional<std::uint32_t> buffer_size_bits(std::uint32_t bytes) {
    switch (bytes) {
        case 2048:
            return 0U << rctl::kBufferSizeShift;
        case 1024:
            return 1U << rctl::kBufferSizeShift;
        case 512:
            return 2U << rctl::kBufferSizeShift;
        case 256:
            return 3U << rctl::kBufferSizeShift;
        case 16384:
            return 1U << rctl::kBufferSizeShift | rctl::kBSEX;
        case 8192:
            return 2U << rctl::kBufferSizeShift | rctl::kBSEX;
        case 4096:
            return 3U << rctl::kBufferSizeShift | rctl::kBSEX;
        default:
            return std::nullopt;
    }
}

}  // namespace

Status E1000::check(const Options& o, bool is_82544) {
    if (!is_ring(o.tx_descriptors) || !is_ring(o.rx_descriptors)) return Error::kInvalidArgument;
    if (!buffer_size_bits(o.rx_buffer_bytes)) return Error::kInvalidArgument;
    if (o.max_frame < kStandardFrame || o.max_frame > kMaxJumboFrame) return Error::kInvalidArgument;
    const std::uint32_t longest = o.max_frame + kVlanTagBytes + kFcsBytes;
    if (longest > (o.rx_descriptors - 1U) * o.rx_buffer_bytes) return Error::kInvalidArgument;
    if (o.multicast_offset > 3 || (o.vlan_filter && !o.vlan_offload)) return Error::kInvalidArgument;
    if (is_82544 && (o.moderation.itr != 0 || o.moderation.radv != 0 || o.moderation.tadv != 0))
        return Error::kUnsupported;
    return {};
}

Status E1000::allocate_rings() {
    const Status tx =
        tx_.allocate(platform_, regs_,
                     {.descriptors = options_.tx_descriptors,
                      .max_frame = options_.max_frame,
                      .vlan = options_.vlan_offload,
                      .delay_interrupt = options_.moderation.tidv != 0 || options_.moderation.tadv != 0,
                      .pad = options_.pad_short_frames});
    if (!tx) return tx;
    return rx_.allocate(platform_, regs_,
                        {.descriptors = options_.rx_descriptors,
                         .buffer_bytes = options_.rx_buffer_bytes,
                         .max_frame = options_.max_frame,
                         .fcs_included = !options_.strip_fcs});
}

Status E1000::reset_device() {
    write(reg::kIMC, kAllOnes);
    write(reg::kRCTL, 0);
    write(reg::kTCTL, tctl::kPSP);
    if (read(reg::kSTATUS) == kAllOnes) return Error::kDeviceGone;
    platform_.delay(kQuiesce);

    // §13.4.21: how the packet buffer is divided takes effect with the next reset.
    write(reg::kPBA, options_.max_frame > kJumboFifoLimit ? kPbaJumbo : kPbaStandard);
    std::uint32_t control = read(reg::kCTRL);
    if (control == kAllOnes) return Error::kDeviceGone;
    {
        // Nor may a handler look at them then, which a neighbour on the line can call at any time.
        const hal::CriticalSection critical(platform_);
        write(reg::kCTRL, control | ctrl::kRST);
        platform_.delay(kResetPause);
    }
    // A function in reset may answer nothing at all for a moment, so all-ones is not the end yet.
    const bool done = hal::poll_until(platform_, kResetTimeout, kResetInterval, [&] {
        control = read(reg::kCTRL);
        return (control & ctrl::kRST) == 0;
    });
    if (!done) return control == kAllOnes ? Error::kDeviceGone : Error::kTimeout;
    platform_.delay(kEepromReload);

    write(reg::kIMC, kAllOnes);
    static_cast<void>(read(reg::kICR));
    return {};
}

Status E1000::configure() {
    function_.set_command(pci::kCommandMemory | pci::kCommandBusMaster);
    const std::uint32_t control = read(reg::kCTRL);
    if (control == kAllOnes) return Error::kDeviceGone;
    // The rings first: a reset behind our back at any later point takes them along with what was set, and
    // then no frame goes out without its tag or comes in past a filter.
    tx_.program();
    rx_.program();
    constexpr std::uint32_t kOff = ctrl::kLRST | ctrl::kILOS | ctrl::kFRCSPD | ctrl::kFRCDPLX | ctrl::kRST |
                                   ctrl::kRFCE | ctrl::kTFCE | ctrl::kVME | ctrl::kPHY_RST;
    write(reg::kCTRL,
          (control & ~kOff) | ctrl::kSLU | ctrl::kASDE | (options_.vlan_offload ? ctrl::kVME : 0));
    // §14.3: without flow control its registers are zero.
    for (const std::uint32_t offset :
         {reg::kFCAL, reg::kFCAH, reg::kFCT, reg::kFCTTV, reg::kFCRTL, reg::kFCRTH, reg::kWUC})
        write(offset, 0);
    write(reg::kVET, kVlanEtherType);

    filters_.program();
    write(reg::kRXCSUM, rxcsum::kIPOFL | rxcsum::kTUOFL);
    write(reg::kRDTR, options_.moderation.rdtr);
    write(reg::kTIDV, options_.moderation.tidv);
    if (!is_82544_) {
        write(reg::kITR, options_.moderation.itr);
        write(reg::kRADV, options_.moderation.radv);
        write(reg::kTADV, options_.moderation.tadv);
    }
    write(reg::kTIPG, kTipgCopper);
    if (!tx_.is_programmed() || !rx_.is_programmed()) return Error::kReset;
    return {};
}

std::uint32_t E1000::receive_control() const {
    std::uint32_t value = rctl::kBAM | buffer_size_bits(options_.rx_buffer_bytes).value_or(0) |
                          std::uint32_t{options_.multicast_offset} << rctl::kMulticastOffsetShift;
    if (promiscuous_) value |= rctl::kUPE | rctl::kMPE;
    if (options_.max_frame > kStandardFrame) value |= rctl::kLPE;
    if (options_.vlan_filter) value |= rctl::kVFE;
    if (options_.strip_fcs) value |= rctl::kSECRC;
    return value;
}

void E1000::write_collision_distance() {
    const std::uint32_t distance = !link_.full_duplex && link_.megabits == 1000
                                       ? tctl::kCollisionDistanceGigabitHalf
                                       : tctl::kCollisionDistance;
    const std::uint32_t value = tctl::kEN | tctl::kPSP |
                                tctl::kCollisionThreshold << tctl::kCollisionThresholdShift |
                                distance << tctl::kCollisionDistanceShift;
    if (value == tctl_) return;
    tctl_ = value;
    write(reg::kTCTL, value);
}

// Interrupts come last: a handler finds everything in its place.
void E1000::enable() {
    tctl_ = 0;
    link_ = {};
    const std::uint32_t device_status = read(reg::kSTATUS);
    if (options_.restart_autonegotiation || (device_status & status::kLU) == 0) {
        if (const Status begun = phy_.start_autonegotiation(); !begun)
            platform_.log(hal::LogLevel::kWarning, "e1000", "autonegotiation does not start",
                          static_cast<std::uint64_t>(begun.error()));
    }
    write_collision_distance();
    write(reg::kRCTL, receive_control() | rctl::kEN);
    update_link(read(reg::kSTATUS));
    if (options_.interrupts == Interrupts::kIntx) write(reg::kIMS, icr::kUsed);
}

}  // namespace tb::net
