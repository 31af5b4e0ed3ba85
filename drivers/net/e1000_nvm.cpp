// SPDX-License-Identifier: BSD-3-Clause
#include "net/e1000_nvm.hpp"

#include <hal/poll.hpp>

#include "net/e1000_regs.hpp"

namespace tb::e1000 {

namespace {

// A microwire read takes some 50 us; a thousand times that is a device that will not answer.
constexpr hal::Duration kReadTimeout = hal::milliseconds(10);
constexpr hal::Duration kReadInterval = hal::microseconds(10);
// Half a clock of the serial EEPROM, far below the 1 MHz that the slowest parts take.
constexpr hal::Duration kHalfClock = hal::microseconds(2);

constexpr std::uint32_t kOpcodeRead = 0b110;
constexpr unsigned kOpcodeBits = 3;

}  // namespace

hal::Result<std::uint16_t> Nvm::read(unsigned word) {
    if (word >= nvm::kWords) return hal::Error::kInvalidArgument;
    if (by_pins_) return read_microwire(word);
    const hal::Result<std::uint16_t> value = read_eerd(word);
    if (value || value.error() != hal::Error::kTimeout) return value;
    const hal::Result<std::uint16_t> second = read_microwire(word);
    by_pins_ = second.ok();
    return second;
}

hal::Result<net::MacAddress> Nvm::mac_address() {
    net::MacAddress mac{};
    std::uint16_t sum = 0;
    for (unsigned word = 0; word < nvm::kWords; ++word) {
        const hal::Result<std::uint16_t> value = read(word);
        if (!value) return value.error();
        sum = static_cast<std::uint16_t>(sum + *value);
        if (word < 3) {
            const std::size_t byte = std::size_t{2} * word;
            mac[byte] = static_cast<std::uint8_t>(*value);
            mac[byte + 1] = static_cast<std::uint8_t>(*value >> 8);
        }
    }
    if (sum != nvm::kChecksum) return hal::Error::kBadChecksum;
    if (!is_station_address(mac)) return hal::Error::kProtocol;
    return mac;
}

hal::Result<net::MacAddress> Nvm::receive_address() const {
    const auto low = regs_.read<std::uint32_t>(reg::ral(0));
    const auto high = regs_.read<std::uint32_t>(reg::rah(0));
    if (low == kAllOnes && high == kAllOnes) return hal::Error::kDeviceGone;
    if ((high & kRahAddressValid) == 0) return hal::Error::kAbsent;
    net::MacAddress mac{};
    for (unsigned i = 0; i < 4; ++i) mac[i] = static_cast<std::uint8_t>(low >> (8 * i));
    for (unsigned i = 0; i < 2; ++i) mac[4 + i] = static_cast<std::uint8_t>(high >> (8 * i));
    if (!is_station_address(mac)) return hal::Error::kAbsent;
    return mac;
}

hal::Result<std::uint16_t> Nvm::read_eerd(unsigned word) {
    regs_.write<std::uint32_t>(reg::kEERD, eerd::kSTART | word << eerd::kAddressShift);
    std::uint32_t value = 0;
    const bool done = hal::poll_until(platform_, kReadTimeout, kReadInterval, [&] {
        value = regs_.read<std::uint32_t>(reg::kEERD);
        return (value & eerd::kDONE) != 0;
    });
    if (!done) return hal::Error::kTimeout;
    // The address field holds what was written, so no live device answers with all-ones.
    if (value == kAllOnes) return hal::Error::kDeviceGone;
    return static_cast<std::uint16_t>(value >> eerd::kDataShift);
}

void Nvm::pins(std::uint32_t value) {
    regs_.write(reg::kEECD, value);
    platform_.delay(kHalfClock);
}

void Nvm::shift_out(std::uint32_t& eecd, std::uint32_t bits, unsigned count) {
    for (unsigned i = count; i-- > 0;) {
        eecd = (bits >> i & 1) != 0 ? eecd | eecd::kDI : eecd & ~eecd::kDI;
        pins(eecd);
        pins(eecd | eecd::kSK);
        pins(eecd);
    }
    eecd &= ~eecd::kDI;
}

std::uint16_t Nvm::shift_in(std::uint32_t& eecd) {
    std::uint32_t data = 0;
    for (unsigned i = 0; i < 16; ++i) {
        pins(eecd | eecd::kSK);
        data = data << 1 | ((regs_.read<std::uint32_t>(reg::kEECD) & eecd::kDO) != 0 ? 1U : 0U);
        pins(eecd);
    }
    return static_cast<std::uint16_t>(data);
}

// §5.3: request the pins from the hardware's own reader, start bit and opcode, address, then the word,
// highest bit first.
hal::Result<std::uint16_t> Nvm::read_microwire(unsigned word) {
    const auto before = regs_.read<std::uint32_t>(reg::kEECD);
    if (before == kAllOnes) return hal::Error::kDeviceGone;
    if ((before & eecd::kPRES) == 0) return hal::Error::kTimeout;
    const std::uint32_t idle = before & ~(eecd::kSK | eecd::kCS | eecd::kDI | eecd::kREQ);

    std::uint32_t eecd = idle | eecd::kREQ;
    regs_.write(reg::kEECD, eecd);
    const bool granted = hal::poll_until(platform_, kReadTimeout, kReadInterval, [&] {
        return (regs_.read<std::uint32_t>(reg::kEECD) & eecd::kGNT) != 0;
    });
    std::uint16_t value = 0;
    if (granted) {
        eecd |= eecd::kCS;
        pins(eecd);
        shift_out(eecd, kOpcodeRead, kOpcodeBits);
        shift_out(eecd, word, (before & eecd::kSIZE) != 0 ? 8 : 6);
        value = shift_in(eecd);
    }
    pins(idle);
    if (!granted) return hal::Error::kTimeout;
    // Pins that follow nothing read as all-ones after removal, and so would every word.
    if (regs_.read<std::uint32_t>(reg::kEECD) == kAllOnes) return hal::Error::kDeviceGone;
    return value;
}

}  // namespace tb::e1000
