// SPDX-License-Identifier: BSD-3-Clause
#include "models/pci/msi.hpp"

namespace tb::model::pci {

namespace {

constexpr std::uint8_t kCapabilityId = 0x05;
constexpr unsigned kControl = 2;
constexpr unsigned kAddress = 4;
constexpr unsigned kAddressHigh = 8;
constexpr unsigned kData = 12;
constexpr std::uint16_t kEnable = 1 << 0;
constexpr std::uint16_t kMultipleEnable = 7 << 4;
constexpr std::uint16_t k64Bit = 1 << 7;

}  // namespace

Msi::Msi(ConfigSpace& config, Requester& requester, unsigned capability_offset)
    : config_(config), requester_(requester) {
    offset_ = config.add_capability(kCapabilityId, kLength, capability_offset);
    config.set(offset_ + kControl, 2, k64Bit);
    config.set_writable(offset_ + kControl, 2, kEnable | kMultipleEnable);
    config.set_writable(offset_ + kAddress, 4, 0xffff'fffc);
    config.set_writable(offset_ + kAddressHigh, 4, 0xffff'ffff);
    config.set_writable(offset_ + kData, 2, 0xffff);
}

bool Msi::enabled() const {
    return (config_.get(offset_ + kControl, 2) & kEnable) != 0;
}

void Msi::raise() {
    if (!enabled()) return;
    const std::uint64_t address =
        std::uint64_t{config_.get(offset_ + kAddressHigh, 4)} << 32 | config_.get(offset_ + kAddress, 4);
    // The upper half of what is written is zero (§6.8.1.6).
    requester_.message(address, config_.get(offset_ + kData, 2));
}

void Msi::config_written() {
    if (enabled()) config_.set(offset_ + kControl, 2, config_.get(offset_ + kControl, 2) & ~kMultipleEnable);
}

void Msi::reset() {
    config_.set(offset_ + kControl, 2, k64Bit);
    config_.set(offset_ + kAddress, 4, 0);
    config_.set(offset_ + kAddressHigh, 4, 0);
    config_.set(offset_ + kData, 2, 0);
}

}  // namespace tb::model::pci
