// SPDX-License-Identifier: BSD-3-Clause
#include "harness/rules/capability_watch.hpp"

#include "pci/pci.hpp"

namespace tb::rules {

namespace {

constexpr unsigned kHeaderBytes = 0x40;  ///< of configuration space
constexpr unsigned kMost = 48;           ///< as many as fit behind the header
constexpr unsigned kLength = 2;          ///< where a vendor-specific capability states its length
// VIRTIO 1.2 §4.1.4: id, next, length and type, which a driver reads to learn of the length; then the fields
// of the longest.
constexpr unsigned kFields = 4;
constexpr unsigned kFieldsEnd = 20;

}  // namespace

std::optional<std::uint8_t> CapabilityWatch::byte(unsigned offset) const {
    if (offset >= kBytes || !known_[offset]) return std::nullopt;
    return bytes_[offset];
}

std::optional<std::uint8_t> CapabilityWatch::too_short(unsigned offset, unsigned width) const {
    // The capability that the access is in is the one that begins last before it: a short one may have
    // others right behind.
    std::optional<std::uint8_t> position = byte(pci::kCapabilitiesPointer);
    std::optional<std::uint8_t> found;
    for (unsigned i = 0; i < kMost && position && *position >= kHeaderBytes; ++i) {
        const auto at = static_cast<std::uint8_t>(*position & ~3U);
        if (at <= offset && (!found || at > *found)) found = at;
        position = byte(at + 1U);
    }
    if (!found || byte(*found) != pci::kCapVendor) return std::nullopt;
    const std::optional<std::uint8_t> length = byte(*found + kLength);
    const unsigned begin = offset - *found;
    const unsigned end = begin + width;
    return length && begin >= kFields && end > *length && end <= kFieldsEnd ? found : std::nullopt;
}

std::optional<std::uint8_t> CapabilityWatch::heard(std::uint64_t offset, unsigned width,
                                                   std::uint64_t value) {
    if (offset + width > kBytes) return std::nullopt;
    const auto at = static_cast<unsigned>(offset);
    const std::optional<std::uint8_t> found = too_short(at, width);
    for (unsigned i = 0; i < width; ++i) {
        bytes_[at + i] = static_cast<std::uint8_t>(value >> (8 * i));
        known_.set(at + i);
    }
    return found;
}

}  // namespace tb::rules
