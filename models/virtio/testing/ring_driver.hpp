// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>
#include <vector>

#include "models/testing/board_harness.hpp"

/// The driver's side of virtio, built by hand for tests of models: it writes what the test says, right or
/// wrong, and knows nothing of the models' own tables.
namespace tb::model::virtio::testing {

inline constexpr unsigned kSlot = 4;
inline constexpr std::uint64_t kBar = 0xe001'0000;
inline constexpr std::uint64_t kMsixTable = 0xe000'0000;
inline constexpr std::uint64_t kMessages = 0x10'0000;  ///< where the board reports messages

// Offsets in BAR4 (common configuration, ISR, device configuration, doorbells).
inline constexpr std::uint64_t kDeviceFeatureSelect = 0x00;
inline constexpr std::uint64_t kDeviceFeature = 0x04;
inline constexpr std::uint64_t kDriverFeatureSelect = 0x08;
inline constexpr std::uint64_t kDriverFeature = 0x0c;
inline constexpr std::uint64_t kConfigVector = 0x10;
inline constexpr std::uint64_t kDeviceStatus = 0x14;
inline constexpr std::uint64_t kConfigGeneration = 0x15;
inline constexpr std::uint64_t kQueueSelect = 0x16;
inline constexpr std::uint64_t kQueueSize = 0x18;
inline constexpr std::uint64_t kQueueVector = 0x1a;
inline constexpr std::uint64_t kQueueEnable = 0x1c;
inline constexpr std::uint64_t kQueueAddresses = 0x20;
inline constexpr std::uint64_t kQueueReset = 0x3a;
inline constexpr std::uint64_t kIsrBlock = 0x1000;
inline constexpr std::uint64_t kDeviceBlock = 0x2000;
inline constexpr std::uint64_t kNotifyBlock = 0x3000;

inline constexpr std::uint64_t kVersion1 = std::uint64_t{1} << 32;
inline constexpr std::uint64_t kRingReset = std::uint64_t{1} << 40;
inline constexpr std::uint64_t kEventIdx = std::uint64_t{1} << 29;
inline constexpr std::uint64_t kIndirectDesc = std::uint64_t{1} << 28;

inline constexpr std::uint16_t kNext = 1;
inline constexpr std::uint16_t kWrite = 2;
inline constexpr std::uint16_t kIndirect = 4;

struct Descriptor {
    std::uint64_t address;
    std::uint32_t length;
    std::uint16_t flags;
    std::uint16_t next;
};

struct Used {
    std::uint32_t id;
    std::uint32_t length;
    bool operator==(const Used&) const = default;
};

/// A queue's three rings in memory, as the driver sees them.
class DriverRing {
  public:
    DriverRing(model::testing::BoardHarness& bench, std::uint64_t base, unsigned size)
        : bench_(bench), descriptors(base), driver(base + 0x4000), device(base + 0x6000), size_(size) {}

    void put(unsigned at, const Descriptor& descriptor) {
        bench_.store(descriptors + 16ULL * at, descriptor);
    }
    /// Writes a chain into consecutive descriptors from `first` on, linked, and returns its head.
    std::uint16_t chain(unsigned first, std::vector<Descriptor> parts) {
        for (unsigned i = 0; i < parts.size(); ++i) {
            if (i + 1 < parts.size()) {
                parts[i].flags |= kNext;
                parts[i].next = static_cast<std::uint16_t>(first + i + 1);
            }
            put(first + i, parts[i]);
        }
        return static_cast<std::uint16_t>(first);
    }
    void offer(std::uint16_t head) {
        bench_.store<std::uint16_t>(driver + 4 + 2ULL * (next_ % size_), head);
        bench_.store<std::uint16_t>(driver + 2, ++next_);
    }
    std::uint16_t used_index() { return bench_.load<std::uint16_t>(device + 2); }
    std::uint16_t used_flags() { return bench_.load<std::uint16_t>(device); }
    Used used(unsigned at) { return bench_.load<Used>(device + 4 + 8ULL * (at % size_)); }
    void set_flags(std::uint16_t flags) { bench_.store(driver, flags); }
    void set_used_event(std::uint16_t event) { bench_.store(driver + 4 + 2ULL * size_, event); }
    std::uint16_t avail_event() { return bench_.load<std::uint16_t>(device + 4 + 8ULL * size_); }
    std::uint16_t next() const { return next_; }
    void set_next(std::uint16_t next) { next_ = next; }
    unsigned size() const { return size_; }

  private:
    model::testing::BoardHarness& bench_;

  public:
    const std::uint64_t descriptors;
    const std::uint64_t driver;
    const std::uint64_t device;

  private:
    unsigned size_;
    std::uint16_t next_ = 0;
};

/// Puts the BARs somewhere, enables the function and brings devices up.
class PciDriver {
  public:
    explicit PciDriver(model::testing::BoardHarness& bench) : bench_(bench) {}

    void enable_function(std::uint16_t command = 6) {
        bench_.config_write(kSlot, 0x14, kMsixTable);
        bench_.config_write(kSlot, 0x20, kBar);
        bench_.config_write(kSlot, 0x24, 0);
        bench_.config_write(kSlot, 0x04, command, 2);
    }
    std::uint64_t read(std::uint64_t offset, unsigned width) { return bench_.read(kBar + offset, width); }
    void write(std::uint64_t offset, std::uint64_t value, unsigned width) {
        bench_.write(kBar + offset, value, width);
    }

    void set_status(std::uint8_t status) { write(kDeviceStatus, status, 1); }
    std::uint8_t status() { return static_cast<std::uint8_t>(read(kDeviceStatus, 1)); }
    std::uint64_t offered_features() {
        write(kDeviceFeatureSelect, 1, 4);
        const std::uint64_t high = read(kDeviceFeature, 4);
        write(kDeviceFeatureSelect, 0, 4);
        return high << 32 | read(kDeviceFeature, 4);
    }
    /// Steps 1 to 6 of §3.1.1: reset, acknowledge, negotiate.
    void negotiate(std::uint64_t features) {
        set_status(0);
        set_status(1);
        set_status(3);
        write(kDriverFeatureSelect, 0, 4);
        write(kDriverFeature, features & 0xffff'ffff, 4);
        write(kDriverFeatureSelect, 1, 4);
        write(kDriverFeature, features >> 32, 4);
        set_status(0xb);
    }
    void enable_queue(unsigned index, const DriverRing& ring, std::uint16_t vector = 0xffff) {
        write(kQueueSelect, index, 2);
        write(kQueueSize, ring.size(), 2);
        write(kQueueVector, vector, 2);
        const std::uint64_t addresses[] = {ring.descriptors, ring.driver, ring.device};
        for (unsigned i = 0; i < 3; ++i) {
            write(kQueueAddresses + 8ULL * i, addresses[i] & 0xffff'ffff, 4);
            write(kQueueAddresses + 8ULL * i + 4, addresses[i] >> 32, 4);
        }
        write(kQueueEnable, 1, 2);
    }
    void driver_ok() { set_status(0xf); }
    void notify(unsigned queue = 0) { write(kNotifyBlock + 4ULL * queue, queue, 2); }
    std::uint64_t acknowledge() { return read(kIsrBlock, 1); }

    /// MSI-X on; vector v sends v + 0x40 to kMessages + 4v. `masked`: leaves the entries masked.
    void enable_msix(unsigned vectors, bool masked = false) {
        for (unsigned v = 0; v < vectors; ++v) {
            bench_.write(kMsixTable + 16ULL * v, kMessages + 4ULL * v);
            bench_.write(kMsixTable + 16ULL * v + 4, 0);
            bench_.write(kMsixTable + 16ULL * v + 8, 0x40 + v);
            bench_.write(kMsixTable + 16ULL * v + 12, masked ? 1 : 0);
        }
        bench_.config_write(kSlot, kMsixControl, 0x8000, 2);
    }
    static constexpr unsigned kMsixControl = 0x9a;

  private:
    model::testing::BoardHarness& bench_;
};

}  // namespace tb::model::virtio::testing
