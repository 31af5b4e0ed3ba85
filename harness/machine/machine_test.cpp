// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include <array>
#include <functional>
#include <map>
#include <random>
#include <vector>

#include "harness/machine/bytes_layer.hpp"
#include "harness/machine/dma_pool.hpp"
#include "harness/machine/hang.hpp"
#include "harness/machine/machine_base.hpp"
#include "harness/machine/recorder.hpp"
#include "harness/machine/testing/plain_machine.hpp"

namespace tb::harness {
namespace {

using testing::PlainMachine;

TEST(DmaPool, GivesAlignedRangesFromTheBottomAndTheSameOnesAgain) {
    DmaPool pool(0x1000, 0x1000);
    EXPECT_EQ(pool.allocate(16, 16), 0x1000U);
    EXPECT_EQ(pool.allocate(16, 256), 0x1100U);
    EXPECT_EQ(pool.allocate(16, 16), 0x1010U) << "the gap is used";
    EXPECT_TRUE(pool.release(0x1000));
    EXPECT_EQ(pool.allocate(8, 8), 0x1000U);
    EXPECT_FALSE(pool.release(0x1008)) << "not the start of an allocation";
    EXPECT_FALSE(pool.allocate(0, 8).has_value());
    EXPECT_FALSE(pool.allocate(0x2000, 8).has_value());
}

TEST(DmaPool, KnowsWhatItOwnsToTheByte) {
    DmaPool pool(0x1000, 0x1000);
    pool.allocate(0x20, 16);
    EXPECT_TRUE(pool.owns(0x1000, 0x20));
    EXPECT_TRUE(pool.owns(0x101f, 1));
    EXPECT_FALSE(pool.owns(0x101f, 2));
    EXPECT_FALSE(pool.owns(0xfff, 1));
    EXPECT_FALSE(pool.owns(0x1020, 1));
}

TEST(DmaPool, NeverHandsOutAByteTwiceAndForgetsNone) {
    DmaPool pool(0, 1 << 16);
    std::mt19937 random(7);
    std::map<std::uint64_t, std::uint64_t> live;
    for (int i = 0; i < 5000; ++i) {
        if (live.size() < 20 || random() % 2 == 0) {
            const std::uint64_t size = 1 + random() % 2000;
            const std::uint64_t alignment = std::uint64_t{1} << (random() % 8);
            const auto at = pool.allocate(size, alignment);
            if (!at) continue;
            EXPECT_EQ(*at % alignment, 0U);
            const auto after = live.lower_bound(*at);
            if (after != live.end()) {
                EXPECT_LE(*at + size, after->first);
            }
            if (after != live.begin()) {
                EXPECT_LE(std::prev(after)->first + std::prev(after)->second, *at);
            }
            live[*at] = size;
        } else {
            const auto victim = std::next(live.begin(), static_cast<std::ptrdiff_t>(random() % live.size()));
            EXPECT_TRUE(pool.release(victim->first));
            live.erase(victim);
        }
    }
    for (const auto& [at, size] : live) EXPECT_TRUE(pool.release(at));
    EXPECT_EQ(pool.allocate(1 << 16, 1), 0U) << "all holes have grown together again";
}

std::vector<std::uint32_t> taken(PlainMachine& machine) {
    std::vector<std::uint32_t> vectors;
    bool begin = true;
    while (const auto vector = machine.take_interrupt(begin)) {
        vectors.push_back(*vector);
        begin = false;
    }
    return vectors;
}

TEST(MachineBase, ALevelWaitsAsLongAsItIsHigh) {
    PlainMachine machine;
    const std::uint32_t vector = *machine.attach_intx({0, 4, 0});
    machine.line_changed(20, true);
    EXPECT_EQ(taken(machine), std::vector{vector});
    EXPECT_EQ(taken(machine), std::vector{vector}) << "nothing has lowered it";
    machine.line_changed(20, false);
    EXPECT_TRUE(taken(machine).empty());
    EXPECT_FALSE(machine.interrupt_pending());
}

TEST(MachineBase, AnEdgeIsRememberedOnce) {
    PlainMachine machine;
    const std::uint32_t vector = *machine.attach_irq(4);
    machine.line_changed(4, true);
    machine.line_changed(4, false);
    EXPECT_EQ(taken(machine), std::vector{vector});
    EXPECT_TRUE(taken(machine).empty());
}

TEST(MachineBase, AMessageReachesItsVectorAndNoOther) {
    PlainMachine machine;
    const auto first = *machine.attach_msi();
    const auto second = *machine.attach_msi();
    EXPECT_NE(first.message.address, second.message.address);
    machine.message_arrived(second.message.address, second.message.data);
    machine.message_arrived(first.message.address, first.message.data + 1);
    EXPECT_EQ(taken(machine), std::vector{second.interrupt.vector});
    machine.message_arrived(first.message.address, first.message.data & 0xffff);
    EXPECT_EQ(taken(machine), std::vector{first.interrupt.vector}) << "MSI sends sixteen bits";
    machine.detach(second.interrupt.vector);
    machine.message_arrived(second.message.address, second.message.data);
    EXPECT_FALSE(machine.interrupt_pending());
    EXPECT_EQ(machine.attach_msi()->interrupt.vector, second.interrupt.vector) << "the lowest free one";
}

TEST(MachineBase, AStrayAccessOfTheDriverIsAFinding) {
    PlainMachine machine;
    struct Listener : MachineListener {
        void finding(const std::string& text) override { findings.push_back(text); }
        std::vector<std::string> findings;
    } listener;
    machine.set_listener(&listener);
    EXPECT_EQ(machine.dma_load(kDmaBase, 4, hal::MemoryOrder::kRelaxed), ~std::uint64_t{0});
    machine.dma_store(kDmaBase, 4, 1, hal::MemoryOrder::kRelaxed);
    machine.dma_free(kDmaBase, 4);
    EXPECT_EQ(listener.findings.size(), 3U);
}

TEST(Recorder, AReadStandsBeforeWhatItCausedAndHasItsValue) {
    PlainMachine machine;
    trace::Trace trace;
    Recorder recorder(machine, trace);
    machine.registers[8] = 42;
    machine.on_read = [&] { machine.line_changed(20, true); };
    recorder.read(hal::AddressSpace::kMemory, 8, 4);
    recorder.delay_ns(100);
    recorder.write(hal::AddressSpace::kPort, 0x3f8, 1, 'x');
    ASSERT_EQ(trace.events().size(), 4U);
    EXPECT_EQ(trace.events()[0].kind, trace::EventKind::kMemoryRead);
    EXPECT_EQ(trace.events()[0].value, 42U);
    EXPECT_EQ(trace.events()[1].kind, trace::EventKind::kIrqRaised);
    EXPECT_EQ(trace.events()[2].kind, trace::EventKind::kDelay);
    EXPECT_EQ(trace.events()[3].time, 100U);
    EXPECT_EQ(trace.events()[3].kind, trace::EventKind::kPortWrite);
}

TEST(Recorder, MemoryIsNotedByAllocationAndChangesWithItsContents) {
    PlainMachine machine;
    trace::Trace trace;
    Recorder recorder(machine, trace);
    const std::uint64_t at = *recorder.dma_allocate(64, 64);
    recorder.note_memory();
    recorder.dma_store(at + 60, 4, 1, hal::MemoryOrder::kRelaxed);
    recorder.note_memory();
    ASSERT_EQ(trace.events().size(), 2U);
    EXPECT_EQ(trace.events()[0].address, at);
    EXPECT_NE(trace.events()[0].value, trace.events()[1].value);
}

constexpr std::uint64_t kLong = 1'000'000'000;

TEST(BytesLayer, AnswersFromTheInputAndIsHonestWhenItEnds) {
    PlainMachine machine;
    machine.registers[0] = 0x11;
    BytesLayer layer(machine);
    const std::array<std::uint8_t, 3> every = {1, 0xaa, 0xbb};
    layer.begin(every, 100, kLong);
    EXPECT_EQ(layer.read(hal::AddressSpace::kMemory, 0, 1), 0xaaU);
    EXPECT_EQ(layer.read(hal::AddressSpace::kMemory, 0, 1), 0xbbU);
    EXPECT_EQ(layer.read(hal::AddressSpace::kMemory, 0, 1), 0x11U);
    const std::array<std::uint8_t, 5> some = {0, 0, 2, 0x77, 3 | 4 << 2};
    layer.begin(some, 100, kLong);
    EXPECT_EQ(layer.read(hal::AddressSpace::kMemory, 0, 1), 0x11U) << "honest";
    EXPECT_EQ(layer.read(hal::AddressSpace::kMemory, 0, 1), 0x77U) << "replaced";
    EXPECT_EQ(layer.read(hal::AddressSpace::kMemory, 0, 1), 0x01U) << "bit 4 flipped";
}

TEST(BytesLayer, EndsADriverThatHasUsedUpItsAccesses) {
    PlainMachine machine;
    BytesLayer layer(machine);
    layer.begin({}, 2, kLong);
    for (int i = 0; i < 2; ++i) layer.read(hal::AddressSpace::kMemory, 0, 1);
    EXPECT_THROW(layer.delay_ns(1), Hang);
}

TEST(BytesLayer, EndsADriverThatHasUsedUpItsTime) {
    PlainMachine machine;
    BytesLayer layer(machine);
    layer.begin({}, 100, 10);
    layer.delay_ns(10);
    EXPECT_THROW(layer.delay_ns(1), Hang);
}

}  // namespace
}  // namespace tb::harness
