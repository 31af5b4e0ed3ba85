// SPDX-License-Identifier: BSD-3-Clause
#include "harness/faults/fault_layer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <hal/host.hpp>
#include <nlohmann/json.hpp>
#include <vector>

#include "harness/operations/board.hpp"

namespace tb::faults {
namespace {

using ::testing::ElementsAre;
using enum hal::AddressSpace;

constexpr std::uint64_t kBar = 0xfe00'0000;
constexpr std::uint64_t kCtrl = kBar;
constexpr std::uint64_t kStatus = kBar + 0x8;
constexpr std::uint64_t kIcs = kBar + 0xc8;
constexpr std::uint64_t kIms = kBar + 0xd0;
constexpr std::uint64_t kIcr = kBar + 0xc0;
constexpr std::uint64_t kTdbal = kBar + 0x3800;
constexpr std::uint64_t kTdlen = kBar + 0x3808;
constexpr std::uint64_t kTdt = kBar + 0x3818;
constexpr std::uint64_t kTctl = kBar + 0x400;
constexpr std::uint32_t kStatusAtReset = 0x8008'0783;

/// An e1000 behind the layer, placed and allowed to reach memory.
class Faults : public ::testing::Test {
  protected:
    Faults() : rig(harness::find_device_type("e1000")->make_model(nlohmann::json::object(), {})) { place(); }
    void place() {
        layer.write(kPciConfig, config(0x10), 4, kBar);
        layer.write(kPciConfig, config(0x04), 2, 6);
    }
    static std::uint64_t config(std::uint32_t offset) {
        return hal::config_address(harness::kDeviceUnderTest, offset);
    }
    std::uint32_t read(std::uint64_t address) {
        return static_cast<std::uint32_t>(layer.read(kMemory, address, 4));
    }
    void write(std::uint64_t address, std::uint32_t value) { layer.write(kMemory, address, 4, value); }
    std::vector<std::uint32_t> taken() {
        std::vector<std::uint32_t> vectors;
        if (!layer.interrupt_pending()) return vectors;
        bool begin = true;
        while (const auto next = layer.take_interrupt(begin)) {
            vectors.push_back(*next);
            begin = false;
        }
        return vectors;
    }
    void raise() { write(kIcs, 0x80); }
    void attach() {
        vector = *layer.attach_intx(harness::kDeviceUnderTest);
        write(kIms, 0x80);
    }

    std::unique_ptr<harness::Rig> rig;
    FaultLayer layer{rig->machine(), *harness::find_device_type("e1000"), [this] { rig->reset_device(); }};
    std::uint32_t vector = 0;
};

TEST_F(Faults, WithoutOneEverythingIsAsOnTheMachine) {
    EXPECT_EQ(read(kStatus), kStatusAtReset);
    EXPECT_EQ(layer.strikes(), 0u);
}

TEST_F(Faults, AnAnswerChangesInTheBitsThatAreNamedAndInNoOthers) {
    layer.arm({.act = Act::kAllOnes, .site = Site::kRead, .of = "STATUS.SPEED"});
    EXPECT_EQ(read(kStatus), kStatusAtReset | 0xc0);
    layer.arm({.act = Act::kZero, .site = Site::kRead, .of = "STATUS.SPEED"});
    EXPECT_EQ(read(kStatus), kStatusAtReset & ~0xc0U);
    layer.arm({.act = Act::kValue, .site = Site::kRead, .of = "STATUS.SPEED", .value = 1});
    EXPECT_EQ(read(kStatus), (kStatusAtReset & ~0xc0U) | 0x40);
    layer.arm({.act = Act::kFlip, .site = Site::kRead, .of = "STATUS.SPEED", .mask = 2});
    EXPECT_EQ(read(kStatus), kStatusAtReset ^ 0x80);
    layer.arm({.act = Act::kAdd, .site = Site::kRead, .of = "STATUS", .value = 1});
    EXPECT_EQ(read(kStatus), kStatusAtReset + 1);
    EXPECT_EQ(read(kStatus), kStatusAtReset) << "each struck once";
}

TEST_F(Faults, MatchesAreCountedFromTheArming) {
    read(kStatus);
    const auto fault =
        layer.arm({.act = Act::kZero, .site = Site::kRead, .of = "STATUS", .nth = 2, .times = 2});
    EXPECT_EQ(read(kStatus), kStatusAtReset);
    read(kCtrl);
    EXPECT_EQ(read(kStatus), 0u);
    EXPECT_EQ(read(kStatus), 0u);
    EXPECT_EQ(read(kStatus), kStatusAtReset);
    EXPECT_EQ(layer.strikes(fault), 2u);
}

TEST_F(Faults, UntilHealedMeansUntilHealed) {
    const auto fault = layer.arm({.act = Act::kZero, .site = Site::kRead, .times = 0});
    for (int i = 0; i < 100; ++i) EXPECT_EQ(read(kStatus), 0u);
    layer.heal(fault);
    EXPECT_EQ(read(kStatus), kStatusAtReset);
}

TEST_F(Faults, WhatLastsEndsWhereItIsTold) {
    layer.arm({.act = Act::kStick, .site = Site::kRead, .of = "CTRL", .times = 1});
    const std::uint32_t first = read(kCtrl);
    write(kCtrl, first ^ 0x40);
    EXPECT_EQ(read(kCtrl), first ^ 0x40) << "once was said";
}

TEST_F(Faults, NoneStrikesBeforeItsTime) {
    layer.arm({.act = Act::kZero, .site = Site::kRead, .not_before_ns = 1'000});
    EXPECT_EQ(read(kStatus), kStatusAtReset);
    layer.delay_ns(1'000);
    EXPECT_EQ(read(kStatus), 0u);
}

TEST_F(Faults, ARegisterSticksAtItsFirstAnswer) {
    const auto fault = layer.arm({.act = Act::kStick, .site = Site::kRead, .of = "CTRL"});
    const std::uint32_t first = read(kCtrl);
    write(kCtrl, first ^ 0x40);
    EXPECT_EQ(read(kCtrl), first);
    EXPECT_EQ(read(kCtrl), first);
    layer.heal(fault);
    EXPECT_EQ(read(kCtrl), first ^ 0x40);
}

TEST_F(Faults, ThePreviousAnswerIsThatOfTheSamePlace) {
    layer.arm({.act = Act::kPrevious, .site = Site::kRead, .of = "CTRL", .nth = 2});
    const std::uint32_t first = read(kCtrl);
    write(kCtrl, first ^ 0x40);
    read(kStatus);
    EXPECT_EQ(read(kCtrl), first);
    EXPECT_EQ(read(kCtrl), first ^ 0x40);
}

TEST_F(Faults, ARestlessRegisterNeverAnswersTheSame) {
    layer.arm({.act = Act::kRestless, .site = Site::kRead, .of = "STATUS"});
    const std::uint32_t first = read(kStatus);
    const std::uint32_t second = read(kStatus);
    EXPECT_NE(first, second);
    EXPECT_NE(second, read(kStatus));
    EXPECT_EQ(read(kCtrl), read(kCtrl));
}

TEST_F(Faults, AWriteIsLost) {
    const std::uint32_t before = read(kCtrl);
    layer.arm({.act = Act::kDrop, .site = Site::kWrite, .of = "CTRL"});
    write(kCtrl, before ^ 0x40);
    EXPECT_EQ(read(kCtrl), before);
    write(kCtrl, before ^ 0x40);
    EXPECT_EQ(read(kCtrl), before ^ 0x40);
}

TEST_F(Faults, AnInterruptIsLostUntilItsLineFalls) {
    attach();
    layer.arm({.act = Act::kDrop, .site = Site::kInterrupt});
    raise();
    EXPECT_THAT(taken(), ElementsAre());
    layer.delay_ns(1'000'000);
    EXPECT_THAT(taken(), ElementsAre()) << "the line is still high";
    read(kIcr);
    EXPECT_THAT(taken(), ElementsAre());
    raise();
    EXPECT_THAT(taken(), ElementsAre(vector));
}

TEST_F(Faults, AnInterruptComesTwice) {
    attach();
    layer.arm({.act = Act::kDuplicate, .site = Site::kInterrupt});
    raise();
    EXPECT_THAT(taken(), ElementsAre(vector, vector));
    read(kIcr);
    EXPECT_THAT(taken(), ElementsAre());
}

TEST_F(Faults, AnInterruptComesLate) {
    attach();
    layer.arm({.act = Act::kDelay, .site = Site::kInterrupt, .by_ns = 5'000});
    raise();
    EXPECT_THAT(taken(), ElementsAre());
    layer.delay_ns(4'999);
    EXPECT_THAT(taken(), ElementsAre());
    layer.delay_ns(1);
    EXPECT_THAT(taken(), ElementsAre(vector, vector)) << "late, and the line is still high";
}

TEST_F(Faults, AnInterruptComesThatNobodyAskedFor) {
    attach();
    layer.arm({.act = Act::kInvent, .site = Site::kRead, .of = "STATUS"});
    EXPECT_THAT(taken(), ElementsAre());
    read(kStatus);
    EXPECT_THAT(taken(), ElementsAre(vector));
    EXPECT_THAT(taken(), ElementsAre());
}

TEST_F(Faults, ThereIsNoMemoryAndNoVectorForOnce) {
    layer.arm({.act = Act::kFail, .site = Site::kAllocate, .nth = 2});
    layer.arm({.act = Act::kFail, .site = Site::kAttach});
    const auto first = layer.dma_allocate(64, 64);
    ASSERT_TRUE(first);
    std::array<std::byte, 16> buffer{};
    EXPECT_EQ(layer.dma_map(buffer, hal::Direction::kToDevice).error(), hal::Error::kNoMemory);
    EXPECT_EQ(layer.attach_msi().error(), hal::Error::kNoMemory);
    EXPECT_TRUE(layer.attach_msi());
    EXPECT_EQ(layer.attached(), 1u);
}

/// A transmit ring of eight, with one empty frame ready to report.
class FaultsOfRings : public Faults {
  protected:
    FaultsOfRings() : ring(*layer.dma_allocate(128, 128)) {
        write(kTdbal, static_cast<std::uint32_t>(ring));
        write(kTdlen, 128);
        write(kTctl, 2);
    }
    void send(unsigned index) {
        layer.dma_store(ring + std::uint64_t{16} * index + 8, 8, 0x0900'0000,
                        hal::MemoryOrder::kRelaxed);  // RS, EOP
        write(kTdt, index + 1);
    }
    std::uint64_t report(unsigned index) {
        return layer.dma_load(ring + std::uint64_t{16} * index + 8, 8, hal::MemoryOrder::kAcquire);
    }
    static constexpr std::uint64_t kDone = std::uint64_t{1} << 32;
    std::uint64_t ring;
};

TEST_F(FaultsOfRings, APartOfARingIsFoundByName) {
    send(0);
    ASSERT_NE(report(0) & kDone, 0u);
    layer.arm({.act = Act::kFlip, .site = Site::kLoad, .of = "tx[0].DD", .mask = 1});
    layer.arm({.act = Act::kValue, .site = Site::kLoad, .of = "tx.special", .value = 0x1234});
    EXPECT_EQ(report(0) & kDone, 0u);
    layer.arm({.act = Act::kFlip, .site = Site::kLoad, .of = "tx[1].DD", .times = 0, .mask = 1});
    EXPECT_NE(report(0) & kDone, 0u) << "of another element";
}

TEST_F(FaultsOfRings, WhatTheDeviceWritesStaysUnseenForAWhile) {
    attach();
    layer.arm({.act = Act::kDelay, .site = Site::kWrite, .of = "TDT", .by_ns = 1'000});
    send(0);
    EXPECT_EQ(report(0) & kDone, 0u);
    // What the driver stores it sees itself.
    layer.dma_store(ring + 64, 4, 7, hal::MemoryOrder::kRelaxed);
    EXPECT_EQ(layer.dma_load(ring + 64, 4, hal::MemoryOrder::kRelaxed), 7u);
    raise();
    EXPECT_THAT(taken(), ElementsAre());
    layer.delay_ns(1'000);
    EXPECT_NE(report(0) & kDone, 0u);
    EXPECT_THAT(taken(), ElementsAre(vector));
}

TEST_F(FaultsOfRings, WhatTheDeviceWroteDidNotArrive) {
    layer.arm({.act = Act::kUnwritten, .site = Site::kLoad, .of = "tx.DD"});
    send(0);
    EXPECT_EQ(report(0) & kDone, 0u);
    EXPECT_NE(report(0) & kDone, 0u);
}

TEST_F(FaultsOfRings, WhatIsGivenBackMeanwhileAndTakenAnewIsSeenAsItIs) {
    std::array<std::byte, 16> sent{};
    sent.fill(std::byte{1});
    const std::uint64_t first = *layer.dma_map(sent, hal::Direction::kToDevice);
    layer.arm({.act = Act::kDelay, .site = Site::kWrite, .of = "TDT", .by_ns = 1'000});
    send(0);
    layer.dma_unmap(first, sent, hal::Direction::kToDevice);
    std::array<std::byte, 16> received{};
    const std::uint64_t second = *layer.dma_map(received, hal::Direction::kFromDevice);
    ASSERT_EQ(second, first) << "the same memory, for another use";
    rig->machine().ram()[second] = std::byte{7};
    layer.dma_unmap(second, received, hal::Direction::kFromDevice);
    EXPECT_EQ(received[0], std::byte{7});
    EXPECT_EQ(received[1], std::byte{0xa5}) << "what no device wrote";
}

TEST_F(FaultsOfRings, NeighboursInARingChangePlaces) {
    send(0);
    ASSERT_NE(report(0) & kDone, 0u);
    layer.arm({.act = Act::kReorder, .site = Site::kLoad, .of = "tx[0].DD"});
    EXPECT_EQ(report(0) & kDone, 0u);
    EXPECT_NE(report(1) & kDone, 0u);
    EXPECT_NE(report(0) & kDone, 0u);
    EXPECT_EQ(report(1) & kDone, 0u);
}

TEST_F(FaultsOfRings, AfterARemovalNothingAnswersAndNothingIsReached) {
    attach();
    const auto fault = layer.arm({.act = Act::kRemove, .site = Site::kRead, .of = "STATUS"});
    EXPECT_EQ(read(kCtrl) == 0xffff'ffff, false);
    EXPECT_EQ(read(kStatus), 0xffff'ffffU);
    EXPECT_EQ(layer.read(kPciConfig, config(0), 2), 0xffffu);
    EXPECT_EQ(layer.strikes(fault), 1u);
    send(0);
    raise();
    EXPECT_EQ(report(0) & kDone, 0u);
    EXPECT_THAT(taken(), ElementsAre());
    layer.heal(fault);
    EXPECT_EQ(layer.read(kPciConfig, config(0), 2), 0x8086u);
    EXPECT_EQ(layer.read(kPciConfig, config(0x04), 2), 0u) << "plugged in anew, and placed";
    layer.write(kPciConfig, config(0x04), 2, 6);
    EXPECT_EQ(read(kStatus), kStatusAtReset);
    EXPECT_EQ(read(kTdbal), 0u);
}

TEST_F(FaultsOfRings, AResetLeavesTheConfigurationHeader) {
    layer.arm({.act = Act::kReset, .site = Site::kRead, .of = "STATUS"});
    EXPECT_EQ(read(kTdbal), static_cast<std::uint32_t>(ring));
    EXPECT_EQ(read(kStatus), kStatusAtReset);
    EXPECT_EQ(read(kTdbal), 0u);
}

TEST_F(FaultsOfRings, WhatIsPulledIsNotReset) {
    layer.arm({.act = Act::kRemove, .site = Site::kRead, .of = "STATUS"});
    layer.arm({.act = Act::kReset, .site = Site::kRead, .of = "CTRL"});
    EXPECT_EQ(read(kStatus), 0xffff'ffffU);
    EXPECT_EQ(read(kCtrl), 0xffff'ffffU);
    layer.heal_all();
    layer.write(kPciConfig, config(0x04), 2, 6);
    EXPECT_EQ(read(kStatus), kStatusAtReset) << "the next one has its addresses";
}

TEST_F(FaultsOfRings, ResetInPlaceForgetsFaultsAndWhereRingsLie) {
    layer.arm({.act = Act::kZero, .site = Site::kLoad, .of = "tx.DD", .times = 0});
    send(0);
    EXPECT_EQ(report(0) & kDone, 0u);
    layer.reset();
    EXPECT_EQ(layer.strikes(), 0u);
    EXPECT_NE(report(0) & kDone, 0u);
    layer.arm({.act = Act::kZero, .site = Site::kLoad, .of = "tx.DD", .times = 0});
    EXPECT_NE(report(0) & kDone, 0u) << "nobody has said since where the ring is";
}

TEST_F(Faults, ADriverThatDoesNotComeToAnEndIsStopped) {
    layer.set_budget(10, 1'000);
    EXPECT_THROW(
        {
            for (int i = 0; i < 1000; ++i) read(kStatus);
        },
        Hang);
    layer.set_budget(1'000'000, 1'000);
    EXPECT_THROW(
        {
            for (int i = 0; i < 1000; ++i) layer.delay_ns(10);
        },
        Hang);
}

TEST_F(Faults, AccessesAsideAreNeitherSeenNorStruck) {
    unsigned seen = 0;
    layer.on_occasion([&](const Occasion&) { ++seen; });
    layer.arm({.act = Act::kZero, .site = Site::kRead, .times = 0});
    {
        const FaultLayer::Aside aside(&layer);
        EXPECT_EQ(read(kStatus), kStatusAtReset);
    }
    EXPECT_EQ(read(kStatus), 0u);
    EXPECT_EQ(seen, 1u);
}

TEST_F(Faults, EachStrikeIsToldByName) {
    std::vector<std::string> told;
    layer.on_strike([&](const std::string& text) { told.push_back(text); });
    layer.arm({.act = Act::kZero, .site = Site::kRead, .of = "STATUS.LU"});
    read(kStatus);
    EXPECT_THAT(told, ElementsAre("zero read STATUS"));
}

TEST(PartNames, IndicesMayBeLeftOut) {
    using harness::PartName;
    EXPECT_TRUE(PartName("queue.used.ring.len").matches("queue[0].used.ring[7].len"));
    EXPECT_TRUE(PartName("queue[0].used.ring.len").matches("queue[0].used.ring[7].len"));
    EXPECT_FALSE(PartName("queue[1].used.ring.len").matches("queue[0].used.ring[7].len"));
    EXPECT_TRUE(PartName("queue.used.ring[7].len").matches("queue[0].used.ring[7].len"));
    EXPECT_FALSE(PartName("queue.used.ring[0].len").matches("queue[0].used.ring[7].len"));
    EXPECT_FALSE(PartName("queue.used.ring").matches("queue[0].used.ring[7].len"));
    EXPECT_FALSE(PartName("MTA[x]").well_formed());
    EXPECT_FALSE(PartName("MTA[1").well_formed());
    EXPECT_FALSE(PartName("a[1].b[2].c[3]").well_formed());
}

TEST(FaultNames, EveryActHasAPlaceAndADescription) {
    for (const ActSpec& act : act_specs()) {
        EXPECT_NE(act.sites, 0u) << act.name;
        EXPECT_EQ(find_act(act.name), &act);
        EXPECT_EQ(&spec_of(act.act), &act);
    }
    for (const SiteSpec& site : site_specs()) {
        EXPECT_EQ(find_site(site.name), &site);
        EXPECT_EQ(&spec_of(site.site), &site);
        EXPECT_TRUE(std::any_of(act_specs().begin(), act_specs().end(),
                                [&](const ActSpec& act) { return possible(act, site.site); }));
    }
}

}  // namespace
}  // namespace tb::faults
