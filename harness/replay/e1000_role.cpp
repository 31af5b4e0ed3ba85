// SPDX-License-Identifier: BSD-3-Clause
#include <fmt/format.h>

#include <array>
#include <nlohmann/json.hpp>
#include <optional>

#include "harness/replay/role.hpp"
#include "models/net/e1000_regs.hpp"

namespace tb::replay {

namespace {

namespace cause = model::net::cause;

constexpr std::uint64_t kEerd = 0x14;
constexpr std::uint64_t kRal0 = 0x5400;
constexpr std::uint64_t kRah0 = 0x5404;
constexpr std::uint32_t kEerdDone = 1U << 4;
constexpr std::uint32_t kRahValid = 1U << 31;

/// The station address: what RAL and RAH were read with or, where nobody looked, words 0 to 2 of the EEPROM,
/// or what a driver set them to.
class E1000Study : public Study {
  public:
    void see(const Access& access) override {
        if (access.spot.bar != 0 || access.width != 4) return;
        const auto value = static_cast<std::uint32_t>(access.value);
        if (access.spot.offset == kRal0) {
            (access.read() && !written_ ? low_ : set_low_).emplace(value);
        } else if (access.spot.offset == kRah0) {
            if (access.read() && !written_)
                high_ = value;
            else if ((value & kRahValid) != 0)
                set_high_ = value;
        } else if (access.spot.offset == kEerd && access.read() && (value & kEerdDone) != 0) {
            const std::uint32_t word = value >> 8 & 0xff;
            if (word < words_.size()) {
                words_[word] = value >> 16;
                known_words_ |= 1U << word;
            }
        }
        if (!access.read() && (access.spot.offset == kRal0 || access.spot.offset == kRah0)) written_ = true;
    }

    nlohmann::json configuration() const override {
        nlohmann::json configuration = nlohmann::json::object();
        std::optional<std::uint64_t> address;
        if (low_ && high_)
            address = *low_ | std::uint64_t{*high_ & 0xffff} << 32;
        else if (known_words_ == 7)
            address = words_[0] | words_[1] << 16 | words_[2] << 32;
        else if (set_low_ && set_high_)
            address = *set_low_ | std::uint64_t{*set_high_ & 0xffff} << 32;
        if (!address) return configuration;
        std::string text;
        for (unsigned i = 0; i < 6; ++i)
            text += fmt::format("{}{:02x}", i == 0 ? "" : ":", *address >> (8 * i) & 0xff);
        configuration["mac"] = text;
        return configuration;
    }

  private:
    bool written_ = false;
    std::optional<std::uint32_t> low_, high_, set_low_, set_high_;
    std::array<std::uint64_t, 3> words_{};  ///< of the EEPROM, 16 bits each
    unsigned known_words_ = 0;              ///< a bit each
};

constexpr std::uint32_t kIds[] = {0x100e'8086};
constexpr std::string_view kNames[] = {"e1000", "e1000-82540em"};
constexpr NamedRegion kRegions[] = {{"e1000-mmio", {0, 0}, 0x20000}, {"e1000-io", {1, 0}, 0x40}};
constexpr std::uint64_t kAll = 0xffff'ffff;
constexpr std::uint64_t kRingCauses = cause::kTxdw | cause::kRxdmt0 | cause::kRxo | cause::kRxt0;
constexpr RegisterBits at(std::uint64_t offset, std::uint64_t bits) {
    return {{0, offset}, bits};
}
// The causes that rings raise, how far they have come, and all that counts frames (8254x SDM, 13.7).
constexpr RegisterBits kMemory[] = {
    at(0x00c0, kRingCauses), at(0x00c8, kRingCauses), at(0x2810, kAll), at(0x3810, kAll), at(0x4010, kAll),
    at(0x405c, kAll),        at(0x4060, kAll),        at(0x4064, kAll), at(0x4068, kAll), at(0x406c, kAll),
    at(0x4070, kAll),        at(0x4074, kAll),        at(0x4078, kAll), at(0x407c, kAll), at(0x4080, kAll),
    at(0x4088, kAll),        at(0x408c, kAll),        at(0x4090, kAll), at(0x4094, kAll), at(0x40a0, kAll),
    at(0x40ac, kAll),        at(0x40c0, kAll),        at(0x40c4, kAll), at(0x40c8, kAll), at(0x40cc, kAll),
    at(0x40d0, kAll),        at(0x40d4, kAll),        at(0x40d8, kAll), at(0x40dc, kAll), at(0x40e0, kAll),
    at(0x40e4, kAll),        at(0x40e8, kAll),        at(0x40ec, kAll), at(0x40f0, kAll), at(0x40f4, kAll),
    at(0x40f8, kAll),
};
// Autonegotiation: STATUS.LU, MDIC while it shows link and completion in the PHY's status, LSC in ICR and
// ICS.
constexpr RegisterBits kTimed[] = {at(0x08, 0x2), at(0x20, 0x24), at(0xc0, cause::kLsc),
                                   at(0xc8, cause::kLsc)};

}  // namespace

const Role& e1000_role() {
    static const Role role{.type = "e1000",
                           .ids = kIds,
                           .names = kNames,
                           .regions = kRegions,
                           .bar_bytes = {0x20000, 0x40},
                           .study = []() -> std::unique_ptr<Study> { return std::make_unique<E1000Study>(); },
                           .memory = kMemory,
                           .timed = kTimed};
    return role;
}

}  // namespace tb::replay
