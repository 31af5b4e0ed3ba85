// SPDX-License-Identifier: BSD-3-Clause
#include "models/pci/config_space.hpp"

namespace tb::model::pci {

ConfigSpace::ConfigSpace(const Identity& identity) {
    set(config::kVendorId, 2, identity.vendor);
    set(config::kDeviceId, 2, identity.device);
    set(config::kRevision, 1, identity.revision);
    set(config::kClass, 1, identity.class_code & 0xff);
    set(config::kClass + 1, 2, identity.class_code >> 8);
    set(config::kHeaderType, 1, identity.header_type);
    set(config::kSubsystemVendor, 2, identity.subsystem_vendor);
    set(config::kSubsystem, 2, identity.subsystem);
    set(config::kInterruptPin, 1, identity.interrupt_pin);
    // What QEMU lets a driver write in the header: I/O, memory, master, SERR, INTx disable; the error bits of
    // the status register by writing ones.
    set_writable(config::kCommand, 2, 0x0507);
    set_w1c(config::kStatus, 2, 0xf900);
    set_writable(config::kCacheLineSize, 1, 0xff);
    set_writable(config::kInterruptLine, 1, 0xff);
    for (unsigned offset = config::kHeaderEnd; offset < kSize; ++offset) writable_[offset] = 0xff;
}

std::uint32_t ConfigSpace::read(unsigned offset, unsigned width) const {
    std::uint32_t value = 0;
    for (unsigned i = 0; i < width && offset + i < kSize; ++i)
        value |= static_cast<std::uint32_t>(bytes_[offset + i]) << (8 * i);
    return value;
}

void ConfigSpace::write(unsigned offset, unsigned width, std::uint32_t value) {
    for (unsigned i = 0; i < width && offset + i < kSize; ++i) {
        const auto byte = static_cast<std::uint8_t>(value >> (8 * i));
        std::uint8_t& stored = bytes_[offset + i];
        const std::uint8_t writable = writable_[offset + i];
        stored = static_cast<std::uint8_t>((stored & ~writable) | (byte & writable));
        stored = static_cast<std::uint8_t>(stored & ~(byte & w1c_[offset + i]));
    }
}

void ConfigSpace::set(unsigned offset, unsigned width, std::uint32_t value) {
    for (unsigned i = 0; i < width && offset + i < kSize; ++i)
        bytes_[offset + i] = static_cast<std::uint8_t>(value >> (8 * i));
}

void ConfigSpace::set_writable(unsigned offset, unsigned width, std::uint32_t mask) {
    for (unsigned i = 0; i < width && offset + i < kSize; ++i)
        writable_[offset + i] = static_cast<std::uint8_t>(mask >> (8 * i));
}

void ConfigSpace::set_w1c(unsigned offset, unsigned width, std::uint32_t mask) {
    for (unsigned i = 0; i < width && offset + i < kSize; ++i)
        w1c_[offset + i] = static_cast<std::uint8_t>(mask >> (8 * i));
}

unsigned ConfigSpace::add_capability(std::uint8_t id, unsigned length, unsigned offset) {
    if (offset == 0) offset = next_capability_;
    const unsigned end = (offset + length + 3) & ~3U;
    if (end > next_capability_) next_capability_ = end;
    set(offset, 1, id);
    set(offset + 1, 1, get(config::kCapabilities, 1));
    set(config::kCapabilities, 1, offset);
    set(config::kStatus, 2, get(config::kStatus, 2) | config::kStatusCapabilities);
    // A capability is read-only until its owner says otherwise.
    for (unsigned i = 0; i < length && offset + i < kSize; ++i) writable_[offset + i] = 0;
    return offset;
}

void ConfigSpace::reset_header() {
    for (const unsigned offset : {config::kCommand, config::kCommand + 1, config::kStatus,
                                  config::kStatus + 1, config::kCacheLineSize, config::kInterruptLine})
        bytes_[offset] = static_cast<std::uint8_t>(bytes_[offset] & ~(writable_[offset] | w1c_[offset]));
    bytes_[config::kStatus] = static_cast<std::uint8_t>(bytes_[config::kStatus] & ~config::kStatusInterrupt);
}

}  // namespace tb::model::pci
