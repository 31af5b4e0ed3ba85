// SPDX-License-Identifier: BSD-3-Clause
#include "models/net/eeprom.hpp"

#include <numeric>

#include "models/net/e1000_regs.hpp"

namespace tb::model::net {

namespace {

constexpr unsigned kRequestBits = 9;  // start, two opcode bits, six address bits
constexpr unsigned kReadOpcode = 6;   // start bit and opcode 10

constexpr Eeprom::Words kTemplate = {
    0x0000, 0x0000, 0x0000, 0x0000, 0xffff, 0x0000, 0x0000, 0x0000,  //
    0x3000, 0x1000, 0x6403, 0x100e, 0x8086, 0x100e, 0x8086, 0x3040,  //
    0x0008, 0x2000, 0x7e14, 0x0048, 0x1000, 0x00d8, 0x0000, 0x2700,  //
    0x6cc9, 0x3150, 0x0722, 0x040b, 0x0984, 0x0000, 0xc000, 0x0706,  //
    0x1008, 0x0000, 0x0f04, 0x7fff, 0x4d01, 0xffff, 0xffff, 0xffff,  //
    0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff,  //
    0x0100, 0x4000, 0x121c, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff,  //
    0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0x0000,
};

}  // namespace

std::uint16_t Eeprom::checksum(std::span<const std::uint16_t> words) {
    const auto covered = words.first(kChecksumWord);
    return static_cast<std::uint16_t>(kSum - std::accumulate(covered.begin(), covered.end(), 0U));
}

Eeprom::Words Eeprom::contents_for(const MacAddress& mac) {
    Words words = kTemplate;
    for (std::size_t i = 0; i < 3; ++i)
        words[i] = static_cast<std::uint16_t>(mac[2 * i] | mac[2 * i + 1] << 8);
    words[kChecksumWord] = checksum(words);
    return words;
}

std::uint32_t Eeprom::read_register(std::uint32_t stored) const {
    if ((stored & eerd::kStart) == 0) return stored;
    const std::uint32_t request = stored & ~eerd::kStart;
    const std::uint32_t address = request >> eerd::kAddressShift;
    const std::uint32_t data = address < kWords ? std::uint32_t{words_[address]} << eerd::kDataShift : 0;
    return data | eerd::kDone | request;
}

void Eeprom::reset_wires() {
    wires_ = 0;
    shifted_in_ = 0;
    bits_in_ = 0;
    bit_out_ = 0;
    reading_ = false;
}

void Eeprom::write_wires(std::uint32_t value) {
    constexpr std::uint32_t kKept =
        eecd::kClock | eecd::kSelect | eecd::kDataIn | eecd::kFlashWrite | eecd::kRequest;
    const std::uint32_t changed = value ^ wires_;
    wires_ = value & kKept;
    if ((value & eecd::kSelect) == 0) return;
    if ((changed & eecd::kSelect) != 0) {
        shifted_in_ = 0;
        bits_in_ = 0;
        bit_out_ = 0;
        reading_ = false;
    }
    if ((changed & eecd::kClock) == 0) return;
    if ((value & eecd::kClock) == 0) {
        ++bit_out_;
        return;
    }
    shifted_in_ = shifted_in_ << 1 | ((value & eecd::kDataIn) != 0 ? 1U : 0U);
    // The counter has 16 bits in QEMU: a driver that clocks on for 65536 bits begins a request anew.
    bits_in_ = (bits_in_ + 1) & 0xffff;
    if (bits_in_ == kRequestBits && !reading_) {
        // The falling edge that follows brings the first bit out.
        bit_out_ = static_cast<std::uint16_t>(((shifted_in_ & (kWords - 1)) << 4) - 1);
        reading_ = (shifted_in_ >> 6 & 7) == kReadOpcode;
    }
}

std::uint32_t Eeprom::read_wires() const {
    std::uint32_t value = eecd::kPresent | eecd::kGrant | wires_;
    const std::uint16_t word = words_[(bit_out_ >> 4) % kWords];
    if (!reading_ || (word >> (15 - (bit_out_ & 15)) & 1) != 0) value |= eecd::kDataOut;
    return value;
}

}  // namespace tb::model::net
