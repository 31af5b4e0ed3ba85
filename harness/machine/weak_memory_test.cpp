// SPDX-License-Identifier: BSD-3-Clause
#include "harness/machine/weak_memory.hpp"

#include <gtest/gtest.h>

#include <array>

#include "harness/machine/testing/plain_machine.hpp"

namespace tb::harness {
namespace {

using hal::Barrier;
using hal::MemoryOrder;

/// With a device that looks at memory, and writes to it.
class SharedMachine : public testing::PlainMachine {
  public:
    std::uint64_t device_sees(std::uint64_t address) { return dma_load(address, 4, MemoryOrder::kRelaxed); }
    void device_writes(std::uint64_t address, std::uint64_t value) {
        dma_store(address, 4, value, MemoryOrder::kRelaxed);
    }
};

class WeakMemoryTest : public ::testing::Test {
  protected:
    WeakMemoryTest() : entry(*weak.dma_allocate(64, 64)), index(entry + 32) {}
    SharedMachine machine;
    WeakMemory weak{machine, WeakMemory::kAll};
    std::uint64_t entry;
    std::uint64_t index;
};

TEST_F(WeakMemoryTest, AStoreIsUnseenUntilABarrierAndTheDriverSeesItAtOnce) {
    weak.dma_store(entry, 4, 5, MemoryOrder::kRelaxed);
    EXPECT_EQ(machine.device_sees(entry), 0U);
    EXPECT_EQ(weak.dma_load(entry, 4, MemoryOrder::kRelaxed), 5U);
    weak.barrier(Barrier::kRead);
    EXPECT_EQ(machine.device_sees(entry), 0U);
    weak.barrier(Barrier::kWrite);
    EXPECT_EQ(machine.device_sees(entry), 5U);
}

TEST_F(WeakMemoryTest, ARegisterWriteOrdersNothingButTimeBringsEverything) {
    weak.dma_store(entry, 4, 5, MemoryOrder::kRelease);
    weak.write(hal::AddressSpace::kMemory, 0xc000'0000, 4, 1);
    EXPECT_EQ(machine.device_sees(entry), 0U);
    weak.delay_ns(1);
    EXPECT_EQ(machine.device_sees(entry), 5U);
}

TEST_F(WeakMemoryTest, AReleaseIsNeverSeenBeforeWhatIsBeforeIt) {
    for (std::uint64_t seed = 1; seed < 50; ++seed) {
        WeakMemory one(machine, seed);
        machine.device_writes(entry, 0);
        machine.device_writes(index, 0);
        one.dma_store(entry, 4, 7, MemoryOrder::kRelaxed);
        one.dma_store(index, 4, 1, MemoryOrder::kRelease);
        if (machine.device_sees(index) == 1) {
            EXPECT_EQ(machine.device_sees(entry), 7U) << seed;
        }
    }
}

TEST_F(WeakMemoryTest, WithoutReleaseSomeOrderIsSeenThatWasNotWritten) {
    bool swapped = false;
    for (std::uint64_t seed = 1; seed < 50 && !swapped; ++seed) {
        WeakMemory one(machine, seed);
        machine.device_writes(entry, 0);
        machine.device_writes(index, 0);
        one.dma_store(entry, 4, 7, MemoryOrder::kRelaxed);
        one.dma_store(index, 4, 1, MemoryOrder::kRelaxed);
        swapped = machine.device_sees(index) == 1 && machine.device_sees(entry) == 0;
    }
    EXPECT_TRUE(swapped);
}

TEST_F(WeakMemoryTest, ALoadMayBeOldUntilOneAcquires) {
    machine.device_writes(entry, 9);
    EXPECT_EQ(weak.dma_load(entry, 4, MemoryOrder::kRelaxed), 0U);
    EXPECT_EQ(weak.dma_load(index, 4, MemoryOrder::kAcquire), 0U);
    EXPECT_EQ(weak.dma_load(entry, 4, MemoryOrder::kRelaxed), 9U);
    machine.device_writes(entry, 10);
    EXPECT_EQ(weak.dma_load(entry, 4, MemoryOrder::kRelaxed), 9U);
    weak.barrier(Barrier::kRead);
    EXPECT_EQ(weak.dma_load(entry, 4, MemoryOrder::kRelaxed), 10U);
}

TEST_F(WeakMemoryTest, StoresToOnePlaceKeepTheirOrder) {
    for (std::uint64_t seed = 1; seed < 50; ++seed) {
        WeakMemory one(machine, seed);
        one.dma_store(entry, 4, 1, MemoryOrder::kRelaxed);
        one.dma_store(entry, 4, 2, MemoryOrder::kRelaxed);
        one.barrier(Barrier::kFull);
        EXPECT_EQ(machine.device_sees(entry), 2U) << seed;
    }
}

TEST_F(WeakMemoryTest, BytesAreLateTooAndFreedMemoryIsSettled) {
    const std::array<std::byte, 4> bytes = {std::byte{1}, std::byte{2}, std::byte{3}, std::byte{4}};
    weak.dma_write(entry, bytes);
    EXPECT_EQ(machine.device_sees(entry), 0U);
    std::array<std::byte, 4> seen{};
    weak.dma_read(entry, seen);
    EXPECT_EQ(seen, bytes);
    const std::uint64_t other = *weak.dma_allocate(64, 64);
    weak.dma_free(other, 64);
    EXPECT_EQ(machine.device_sees(entry), 0x0403'0201U);
}

}  // namespace
}  // namespace tb::harness
