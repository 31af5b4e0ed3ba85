// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <gtest/gtest.h>

#include <vector>

#include "virtio/testing/device_ring.hpp"
#include "virtio/testing/packed_device_ring.hpp"
#include "virtio/virtqueue.hpp"

namespace tb::virtio::testing {

inline constexpr std::uint64_t kDoorbell = 0xfeb0'3000;

/// Notes every access of the driver to shared memory, in order with barriers and doorbells.
class WatchedMachine : public ::testing::NiceMock<hal::testing::MockMachine> {
  public:
    struct Event {
        enum class Kind { kLoad, kStore, kBarrier, kNotify } kind;
        std::uint64_t address = 0;
        hal::MemoryOrder order = hal::MemoryOrder::kRelaxed;
    };
    using Kind = Event::Kind;

    WatchedMachine() {
        ON_CALL(*this, barrier(::testing::_)).WillByDefault([this](hal::Barrier kind) {
            if (kind == hal::Barrier::kFull) events.push_back({Kind::kBarrier});
        });
        ON_CALL(*this, write(hal::AddressSpace::kMemory, kDoorbell, 2u, ::testing::_))
            .WillByDefault([this](hal::AddressSpace, std::uint64_t address, unsigned, std::uint64_t value) {
                events.push_back({Kind::kNotify, address});
                doorbells.push_back(value);
            });
    }
    std::uint64_t dma_load(std::uint64_t address, unsigned width, hal::MemoryOrder order) override {
        events.push_back({Kind::kLoad, address, order});
        return MockMachine::dma_load(address, width, order);
    }
    void dma_store(std::uint64_t address, unsigned width, std::uint64_t value,
                   hal::MemoryOrder order) override {
        events.push_back({Kind::kStore, address, order});
        MockMachine::dma_store(address, width, value, order);
    }

    std::vector<Event> events;
    std::vector<std::uint64_t> doorbells;
};

class VirtqueueTest : public ::testing::Test {
  protected:
    void create(std::uint16_t entries, Virtqueue::Options options = {}) {
        ASSERT_TRUE(queue.create(platform, entries, options));
        queue.set_doorbell(*platform.map_memory(kDoorbell, 2), 5);
        device =
            DeviceRing(machine, queue.descriptor_area(), queue.driver_area(), queue.device_area(), entries);
        machine.events.clear();
    }
    hal::Status add(std::uint16_t cookie, std::uint32_t writable = 64) {
        const Segment out{0x1000, 16};
        const Segment in{0x2000, writable};
        return queue.add({&out, 1}, {&in, 1}, cookie);
    }
    Chain take() {
        const auto chain = device.take();
        EXPECT_TRUE(chain.has_value());
        return chain.value_or(Chain{});
    }

    WatchedMachine machine;
    hal::Host host{machine};
    hal::Platform platform{host};
    Virtqueue queue;
    DeviceRing device;
};

class PackedVirtqueueTest : public ::testing::Test {
  protected:
    void create(std::uint16_t entries, Virtqueue::Options options = {}) {
        options.packed = true;
        ASSERT_TRUE(queue.create(platform, entries, options));
        queue.set_doorbell(*platform.map_memory(kDoorbell, 2), 5);
        device = PackedDeviceRing(machine, queue.descriptor_area(), queue.driver_area(), queue.device_area(),
                                  entries);
        machine.events.clear();
        machine.doorbells.clear();
    }
    /// A buffer of two descriptors.
    hal::Status add(std::uint16_t cookie, std::uint32_t writable = 64) {
        const Segment out{0x1000, 16};
        const Segment in{0x2000, writable};
        return queue.add({&out, 1}, {&in, 1}, cookie);
    }
    hal::Status add_one(std::uint16_t cookie, std::uint32_t writable = 64) {
        const Segment in{0x2000, writable};
        return queue.add({}, {&in, 1}, cookie);
    }
    PackedChain take() {
        const auto chain = device.take();
        EXPECT_TRUE(chain.has_value());
        return chain.value_or(PackedChain{});
    }

    WatchedMachine machine;
    hal::Host host{machine};
    hal::Platform platform{host};
    Virtqueue queue;
    PackedDeviceRing device;
};

}  // namespace tb::virtio::testing
