// SPDX-License-Identifier: BSD-3-Clause
#include "net/e1000_phy.hpp"

#include <hal/poll.hpp>

#include "net/e1000_regs.hpp"

namespace tb::e1000 {

namespace {

// A management frame is 64 bits at 2.5 MHz, 26 us.
constexpr hal::Duration kTimeout = hal::milliseconds(10);
constexpr hal::Duration kInterval = hal::microseconds(10);

constexpr std::uint32_t address(unsigned number) {
    return number << mdic::kRegisterShift | mdic::kInternalPhy << mdic::kPhyShift;
}

}  // namespace

hal::Result<std::uint16_t> Phy::transact(std::uint32_t command) {
    regs_.write(reg::kMDIC, command);
    std::uint32_t value = 0;
    const bool ready = hal::poll_until(platform_, kTimeout, kInterval, [&] {
        value = regs_.read<std::uint32_t>(reg::kMDIC);
        return (value & mdic::kREADY) != 0;
    });
    if (!ready) return hal::Error::kTimeout;
    if (value == kAllOnes) return hal::Error::kDeviceGone;
    if ((value & mdic::kERROR) != 0) return hal::Error::kDeviceError;
    return static_cast<std::uint16_t>(value & mdic::kDataMask);
}

hal::Result<std::uint16_t> Phy::read(unsigned number) {
    if (number >= phy::kRegisters) return hal::Error::kInvalidArgument;
    return transact(address(number) | mdic::kRead);
}

hal::Status Phy::write(unsigned number, std::uint16_t value) {
    if (number >= phy::kRegisters) return hal::Error::kInvalidArgument;
    const hal::Result<std::uint16_t> done = transact(address(number) | mdic::kWrite | value);
    if (!done) return done.error();
    return {};
}

hal::Status Phy::start_autonegotiation() {
    const hal::Result<std::uint16_t> control = read(phy::kControl);
    if (!control) return control.error();
    if (const hal::Status done = write(phy::kAdvertisement, phy::kAdvertise10And100); !done) return done;
    if (const hal::Status done = write(phy::kGigabitControl, phy::kAdvertise1000Full); !done) return done;
    constexpr std::uint16_t kOff = phy::kControlIsolate | phy::kControlPowerDown | phy::kControlLoopback;
    constexpr std::uint16_t kOn = phy::kControlAutonegotiation | phy::kControlRestart;
    return write(phy::kControl, static_cast<std::uint16_t>((*control & ~kOff) | kOn));
}

hal::Result<bool> Phy::link_up() {
    // IEEE 802.3 §22.2.4.2.13: the first read clears the latch.
    if (const hal::Result<std::uint16_t> latched = read(phy::kStatus); !latched) return latched.error();
    const hal::Result<std::uint16_t> now = read(phy::kStatus);
    if (!now) return now.error();
    return (*now & phy::kStatusLink) != 0;
}

}  // namespace tb::e1000
