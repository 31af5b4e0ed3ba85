// SPDX-License-Identifier: BSD-3-Clause
#include "models/pci/msix.hpp"

namespace tb::model::pci {

namespace {

constexpr std::uint8_t kCapabilityId = 0x11;
constexpr unsigned kControl = 2;
constexpr std::uint16_t kEnable = 1 << 15;
constexpr std::uint16_t kFunctionMask = 1 << 14;
constexpr unsigned kEntryBytes = 16;

}  // namespace

Msix::Msix(ConfigSpace& config, Requester& requester, unsigned vectors, unsigned table_bar,
           std::uint32_t table_offset, unsigned pba_bar, std::uint32_t pba_offset, unsigned capability_offset)
    : config_(config), requester_(requester), entries_(vectors) {
    offset_ = config.add_capability(kCapabilityId, 12, capability_offset);
    config.set(offset_ + kControl, 2, vectors - 1);
    config.set(offset_ + 4, 4, table_offset | table_bar);
    config.set(offset_ + 8, 4, pba_offset | pba_bar);
    config.set_writable(offset_ + kControl, 2, kEnable | kFunctionMask);
}

bool Msix::enabled() const {
    return (config_.get(offset_ + kControl, 2) & kEnable) != 0;
}
bool Msix::function_masked() const {
    return (config_.get(offset_ + kControl, 2) & kFunctionMask) != 0;
}

bool Msix::masked(unsigned vector) const {
    return !enabled() || function_masked() || (entries_[vector].words[3] & 1) != 0;
}

void Msix::raise(unsigned vector) {
    if (vector >= entries_.size()) return;
    entries_[vector].pending = true;
    send_if_unmasked(vector);
}

void Msix::send_if_unmasked(unsigned vector) {
    Entry& entry = entries_[vector];
    if (!entry.pending || masked(vector)) return;
    entry.pending = false;
#ifdef TWINBENCH_PLANT_LOST_INTERRUPT
    // For the test that `confirm` notices: the second message never leaves.
    static unsigned sent = 0;
    if (++sent == 2) return;
#endif
    requester_.message(std::uint64_t{entry.words[1]} << 32 | entry.words[0], entry.words[2]);
}

std::uint64_t Msix::table_read(std::uint64_t offset, unsigned width) const {
    if (width < 4 || offset + width > entries_.size() * kEntryBytes) return 0;
    const auto word = [&](std::uint64_t at) {
        return entries_[at / kEntryBytes].words[at % kEntryBytes / 4];
    };
    std::uint64_t value = word(offset & ~std::uint64_t{3});
    if (width == 8) value |= std::uint64_t{word((offset & ~std::uint64_t{3}) + 4)} << 32;
    return value;
}

void Msix::table_write(std::uint64_t offset, unsigned width, std::uint64_t value) {
    if (width < 4) return;
    for (unsigned done = 0; done < width; done += 4) {
        const std::uint64_t at = (offset & ~std::uint64_t{3}) + done;
        if (at + 4 > entries_.size() * kEntryBytes) return;
        entries_[at / kEntryBytes].words[at % kEntryBytes / 4] =
            static_cast<std::uint32_t>(value >> (8 * done));
        send_if_unmasked(static_cast<unsigned>(at / kEntryBytes));
    }
}

std::uint64_t Msix::pba_read(std::uint64_t offset, unsigned width) const {
    std::uint64_t value = 0;
    if (width < 4) return value;
    for (unsigned bit = 0; bit < 8 * width; ++bit) {
        const std::uint64_t vector = 8 * offset + bit;
        if (vector < entries_.size() && entries_[vector].pending) value |= std::uint64_t{1} << bit;
    }
    return value;
}

void Msix::config_written() {
    for (unsigned vector = 0; vector < entries_.size(); ++vector) send_if_unmasked(vector);
}

void Msix::reset() {
    config_.set(offset_ + kControl, 2, config_.get(offset_ + kControl, 2) & ~(kEnable | kFunctionMask));
    for (Entry& entry : entries_) entry = Entry{};
}

}  // namespace tb::model::pci
