// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <vector>

#include "models/virtio/testing/echo_device.hpp"

namespace tb::model::virtio::testing {

inline constexpr std::uint64_t kRingPacked = std::uint64_t{1} << 34;
inline constexpr std::uint16_t kAvail = 1U << 7;
inline constexpr std::uint16_t kUsed = 1U << 15;
inline constexpr std::uint16_t kEventDisable = 1;
inline constexpr std::uint16_t kEventDescriptor = 2;
inline constexpr std::uint16_t kWrap = 1U << 15;

struct PackedDescriptor {
    std::uint64_t address;
    std::uint32_t length;
    std::uint16_t id;
    std::uint16_t flags;
};

/// An Echo on a board with packed rings, and the driver's side of queue 0: it puts what a test says into
/// consecutive slots, AVAIL and USED by the wrap counter, the first one last.
class PackedBench : public EchoBench {
  protected:
    PackedBench() : EchoBench(VirtioPciOptions{.packed = true}) {}

    void start(std::uint64_t features = 0, std::uint16_t vector = 0xffff) {
        slot = 0;
        wrap = true;
        EchoBench::start(kVersion1 | kRingPacked | features, vector);
    }
    std::uint64_t at(unsigned place) const { return ring.descriptors + 16ULL * place; }
    void put(unsigned place, bool lap, PackedDescriptor descriptor) {
        descriptor.flags |= lap ? kAvail : kUsed;
        bench.store(at(place), descriptor);
    }
    /// Makes a list available; NEXT is added, and `id` in the last one.
    void add(std::uint16_t id, const std::vector<PackedDescriptor>& parts) {
        const unsigned first = slot;
        const bool first_lap = wrap;
        std::vector<PackedDescriptor> all = parts;
        all.back().id = id;
        for (std::size_t i = 0; i < all.size(); ++i) {
            if (i + 1 < all.size()) all[i].flags |= kNext;
            if (i != 0) put(slot, wrap, all[i]);
            if (++slot == kSize) {
                slot = 0;
                wrap = !wrap;
            }
        }
        put(first, first_lap, all[0]);
    }
    void copy(std::uint16_t id, std::uint32_t bytes = 16) {
        add(id, {{kSource, bytes, 0, 0}, {kTarget, bytes, 0, kWrite}});
        driver.notify();
    }
    PackedDescriptor seen(unsigned place) { return bench.load<PackedDescriptor>(at(place)); }
    void suppress(std::uint16_t flags, std::uint16_t place = 0) {
        bench.store<std::uint16_t>(ring.driver, place);
        bench.store<std::uint16_t>(ring.driver + 2, flags);
    }
    void expect_failed() {
        EXPECT_EQ(driver.status(), 0x4f) << "DEVICE_NEEDS_RESET beside what was there";
        EXPECT_TRUE(echo_device().chains.empty());
        EXPECT_FALSE(bench.seen.findings.empty());
    }

    unsigned slot = 0;
    bool wrap = true;
};

}  // namespace tb::model::virtio::testing
