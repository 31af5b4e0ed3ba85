// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <cstdint>
#include <span>

namespace tb::model::net {

using MacAddress = std::array<std::uint8_t, 6>;

/// The 82540EM's serial EEPROM: 64 words behind two doors, the EERD register and the four wires of EECD (a
/// 93C46 in Microwire mode, 8254x SDM §5.3 and §13.4.3-4).
class Eeprom {
  public:
    static constexpr unsigned kWords = 64;
    static constexpr unsigned kChecksumWord = 0x3f;
    static constexpr std::uint16_t kSum = 0xbaba;
    using Words = std::array<std::uint16_t, kWords>;

    explicit Eeprom(const Words& words) : words_(words) {}

    /// What QEMU programs: the address in words 0 to 2, the device's identity, and a checksum that fits.
    static Words contents_for(const MacAddress& mac);
    /// The checksum word that makes the sum of all words kSum.
    static std::uint16_t checksum(std::span<const std::uint16_t> words);

    const Words& words() const { return words_; }
    void set_word(unsigned index, std::uint16_t value) { words_[index % kWords] = value; }

    /// What EERD reads when `stored` was written last: with START set, the word and DONE at once.
    std::uint32_t read_register(std::uint32_t stored) const;

    /// EECD: clocking in a start bit, an opcode and an address on DI, and the word out on DO.
    void write_wires(std::uint32_t value);
    void reset_wires();
    std::uint32_t read_wires() const;

  private:
    Words words_;
    std::uint32_t wires_ = 0;  ///< EECD as written last
    std::uint32_t shifted_in_ = 0;
    unsigned bits_in_ = 0;
    std::uint16_t bit_out_ = 0;  ///< position in the whole array, most significant bit of a word first
    bool reading_ = false;
};

}  // namespace tb::model::net
