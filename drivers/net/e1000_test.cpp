// SPDX-License-Identifier: BSD-3-Clause
#include "net/testing/fake_e1000.hpp"

namespace tb::net::testing {
namespace {

using hal::Error;

using ::testing::ElementsAre;

class LifeTest : public E1000Test {
  protected:
    /// The values that were written to a register, in order.
    std::vector<std::uint32_t> written(std::uint32_t offset) const {
        std::vector<std::uint32_t> values;
        for (const auto& [where, value] : fake.writes)
            if (where == offset) values.push_back(value);
        return values;
    }
    /// The place of the first write of a value among all writes.
    std::size_t place(std::uint32_t offset, std::uint32_t bits) const {
        for (std::size_t i = 0; i < fake.writes.size(); ++i)
            if (fake.writes[i].first == offset && (fake.writes[i].second & bits) == bits) return i;
        return fake.writes.size();
    }
    bool in_vlan_table(unsigned vlan) {
        return (fake.reg(e1000::reg::kVFTA + 4 * (vlan / 32)) >> (vlan % 32) & 1) != 0;
    }
    bool in_hash_table(unsigned hash) {
        return (fake.reg(e1000::reg::kMTA + 4 * (hash / 32)) >> (hash % 32) & 1) != 0;
    }
    bool bus_master() { return (fake.config.get16(pci::kCommand) & pci::kCommandBusMaster) != 0; }
};

TEST_F(LifeTest, OnlyTheDevicesThatItKnowsAreTaken) {
    for (const std::uint16_t id : {e1000::kDevice82540Em, e1000::kDevice82545Em, e1000::kDevice82544Gc}) {
        fake.config.set16(pci::kDeviceId, id);
        EXPECT_TRUE(probe()) << id;
    }
    fake.config.set16(pci::kDeviceId, 0x10d3);
    EXPECT_EQ(probe().error(), Error::kUnsupported);
    fake.config.set16(pci::kDeviceId, 0x100e);
    fake.config.set16(pci::kVendorId, 0x1af4);
    EXPECT_EQ(probe().error(), Error::kUnsupported);
    fake.config.present = false;
    EXPECT_EQ(probe().error(), Error::kAbsent);
}

TEST_F(LifeTest, ProbeSilencesWhatFirmwareLeftRunning) {
    fake.reg(e1000::reg::kIMS) = 0xff;
    fake.reg(e1000::reg::kRCTL) = e1000::rctl::kEN;
    ASSERT_TRUE(probe());
    EXPECT_EQ(fake.reg(e1000::reg::kIMS), 0u);
    EXPECT_EQ(fake.reg(e1000::reg::kRCTL), 0u);
    EXPECT_FALSE(bus_master());
}

TEST_F(LifeTest, StartMasksThenStopsThenResetsThenConfiguresAndEnablesLast) {
    ASSERT_TRUE(probe());
    fake.writes.clear();
    ASSERT_TRUE(driver.start({}));
    const std::size_t mask = place(e1000::reg::kIMC, e1000::kAllOnes);
    const std::size_t reset = place(e1000::reg::kCTRL, e1000::ctrl::kRST);
    const std::size_t link = place(e1000::reg::kCTRL, e1000::ctrl::kSLU | e1000::ctrl::kASDE);
    const std::size_t ring = place(e1000::reg::kRDT, 127);
    const std::size_t receive_on = place(e1000::reg::kRCTL, e1000::rctl::kEN);
    const std::size_t unmask = place(e1000::reg::kIMS, e1000::icr::kRXO | e1000::icr::kRXT0);
    EXPECT_LT(mask, place(e1000::reg::kRCTL, 0));
    EXPECT_LT(place(e1000::reg::kRCTL, 0), reset);
    EXPECT_LT(place(e1000::reg::kTCTL, e1000::tctl::kPSP), reset);
    EXPECT_LT(reset, ring);
    EXPECT_LT(ring, link);
    EXPECT_LT(link, receive_on);
    EXPECT_LT(receive_on, unmask);
    EXPECT_LT(unmask, fake.writes.size());
    EXPECT_GE(written(e1000::reg::kIMC).size(), 2u);  // masked again behind the reset
    EXPECT_EQ(fake.reg(e1000::reg::kRCTL), e1000::rctl::kEN | e1000::rctl::kBAM);
    EXPECT_EQ(fake.reg(e1000::reg::kTCTL), 0x0004'00fau);
    EXPECT_TRUE(bus_master());
}

TEST_F(LifeTest, WhatAResetMayLeaveBehindIsCleared) {
    for (unsigned i = 0; i < 128; ++i) fake.reg(e1000::reg::kMTA + 4 * i) = 0xffff'ffff;
    for (unsigned i = 0; i < 128; ++i) fake.reg(e1000::reg::kVFTA + 4 * i) = 0xffff'ffff;
    for (unsigned i = 1; i < 16; ++i) fake.reg(e1000::reg::rah(i)) = 0xffff'ffff;
    fake.transmits = false;
    fake.reg(e1000::reg::kTDH) = 5;
    fake.reg(e1000::reg::kRDH) = 9;
    start();
    for (unsigned i = 0; i < 128; ++i) {
        EXPECT_EQ(fake.reg(e1000::reg::kMTA + 4 * i), 0u);
        EXPECT_EQ(fake.reg(e1000::reg::kVFTA + 4 * i), 0u);
    }
    for (unsigned i = 1; i < 16; ++i) EXPECT_EQ(fake.reg(e1000::reg::rah(i)), 0u);
    EXPECT_EQ(fake.reg(e1000::reg::ral(0)), 0x1200'5452u);
    EXPECT_EQ(fake.reg(e1000::reg::rah(0)), 0x8000'5634u);
    EXPECT_EQ(fake.reg(e1000::reg::kTDH), 0u);
    EXPECT_EQ(fake.reg(e1000::reg::kRDH), 0u);
}

TEST_F(LifeTest, OptionsOutOfRangeAreRefusedWithoutTouchingTheDevice) {
    ASSERT_TRUE(probe());
    fake.writes.clear();
    const E1000::Options wrong[] = {
        {.tx_descriptors = 0},
        {.tx_descriptors = 12},
        {.rx_descriptors = 264},
        {.rx_buffer_bytes = 1500},
        {.max_frame = 1513},
        {.max_frame = 16111},
        {.rx_descriptors = 8, .rx_buffer_bytes = 256, .max_frame = 9014},
        {.vlan_filter = true},
        {.multicast_offset = 4},
    };
    for (const E1000::Options& options : wrong)
        EXPECT_EQ(driver.start(options).error(), Error::kInvalidArgument);
    EXPECT_TRUE(fake.writes.empty());
}

TEST_F(LifeTest, NothingWorksBeforeStart) {
    Bytes frame = frame_of(60);
    EXPECT_EQ(driver.start({}).error(), Error::kNotStarted);
    ASSERT_TRUE(probe());
    EXPECT_EQ(send(frame).error(), Error::kNotStarted);
    EXPECT_EQ(receive().error(), Error::kNotStarted);
    EXPECT_EQ(driver.set_promiscuous(true).error(), Error::kNotStarted);
    EXPECT_EQ(driver.recover().error(), Error::kNotStarted);
    EXPECT_EQ(driver.poll(8), 0u);
    ASSERT_TRUE(driver.start({}));
    EXPECT_EQ(driver.start({}).error(), Error::kBusy);
    EXPECT_EQ(probe().error(), Error::kBusy);
}

TEST_F(LifeTest, StopLeavesNothingMappedAllocatedOrAttached) {
    EXPECT_CALL(fake.board.machine, dma_allocate(_, _)).Times(3);
    start();
    fake.transmits = false;
    Bytes frame = frame_of(60);
    ASSERT_TRUE(send(frame));
    driver.stop();
    EXPECT_EQ(fake.freed, 3);
    EXPECT_EQ(fake.detached, 1);
    EXPECT_EQ(fake.board.machine.mapped(), 0);
    EXPECT_EQ(fake.reg(e1000::reg::kIMS), 0u);
    EXPECT_EQ(fake.reg(e1000::reg::kRCTL), 0u);
    EXPECT_FALSE(bus_master());
    EXPECT_EQ(take_sent().status.error(), Error::kReset);
    EXPECT_EQ(send(frame).error(), Error::kNotStarted);
    driver.stop();
    EXPECT_EQ(fake.detached, 1);
}

TEST_F(LifeTest, StartAfterStopWorksAgain) {
    start();
    driver.stop();
    fake.transmits = true;
    ASSERT_TRUE(driver.start({}));
    Bytes frame = frame_of(60);
    EXPECT_TRUE(send(frame));
    EXPECT_EQ(driver.poll(8), 1u);
}

TEST_F(LifeTest, AStartThatFailsLeavesNothingBehind) {
    ASSERT_TRUE(probe());
    fake.reset_ends = false;
    EXPECT_EQ(driver.start({}).error(), Error::kTimeout);
    EXPECT_EQ(fake.freed, 3);
    fake.reset_ends = true;

    ON_CALL(fake.board.machine, attach_intx(_)).WillByDefault([](hal::PciAddress) {
        return hal::Result<std::uint32_t>(Error::kNoMemory);
    });
    EXPECT_EQ(driver.start({}).error(), Error::kNoMemory);
    EXPECT_EQ(fake.freed, 6);
    EXPECT_FALSE(bus_master());
    EXPECT_TRUE(driver.start({.interrupts = E1000::Interrupts::kPolled}));
}

TEST_F(LifeTest, WithoutMemoryThereIsNoStart) {
    ASSERT_TRUE(probe());
    EXPECT_EQ(driver.start({.rx_descriptors = 256, .rx_buffer_bytes = 16384}).error(), Error::kNoMemory);
    EXPECT_EQ(fake.freed, 2);
}

TEST_F(LifeTest, TheHandlerAcknowledgesAndPollDoesTheWork) {
    start();
    ASSERT_TRUE(fake.deliver(frame_of(60)));
    EXPECT_FALSE(driver.work_pending());
    fake.board.host.interrupt_point();
    EXPECT_TRUE(driver.work_pending());
    EXPECT_EQ(fake.reg(e1000::reg::kICR), 0u);
    EXPECT_EQ(receive().error(), Error::kBusy);
    EXPECT_EQ(driver.poll(8), 1u);
    EXPECT_FALSE(driver.work_pending());
    EXPECT_TRUE(receive());
}

TEST_F(LifeTest, AnInterruptOfAnotherDeviceOnTheLineMarksNothing) {
    start();
    fake.board.machine.raise(kVector);
    fake.board.host.interrupt_point();
    EXPECT_FALSE(driver.work_pending());
}

TEST_F(LifeTest, PolledModeAttachesNothingAndMasksEverything) {
    EXPECT_CALL(fake.board.machine, attach_intx(_)).Times(0);
    start({.interrupts = E1000::Interrupts::kPolled});
    EXPECT_EQ(fake.reg(e1000::reg::kIMS), 0u);
    ASSERT_TRUE(fake.deliver(frame_of(60)));
    EXPECT_EQ(driver.poll(8), 1u);
    EXPECT_TRUE(receive());
}

TEST_F(LifeTest, ModerationIsProgrammed) {
    start({.moderation = {.itr = 1, .rdtr = 2, .radv = 3, .tidv = 4, .tadv = 5}});
    EXPECT_EQ(fake.reg(e1000::reg::kITR), 1u);
    EXPECT_EQ(fake.reg(e1000::reg::kRDTR), 2u);
    EXPECT_EQ(fake.reg(e1000::reg::kRADV), 3u);
    EXPECT_EQ(fake.reg(e1000::reg::kTIDV), 4u);
    EXPECT_EQ(fake.reg(e1000::reg::kTADV), 5u);
}

TEST_F(LifeTest, The82544HasNoIntervalRegister) {
    fake.config.set16(pci::kDeviceId, e1000::kDevice82544Gc);
    ASSERT_TRUE(probe());
    EXPECT_EQ(driver.start({.moderation = {.itr = 1}}).error(), Error::kUnsupported);
    fake.writes.clear();
    EXPECT_TRUE(driver.start({.moderation = {.rdtr = 1}}));
    EXPECT_TRUE(written(e1000::reg::kITR).empty());
}

TEST_F(LifeTest, AMulticastAddressHashesByTheOffset) {
    // The last two bytes on the wire are bits 47:32, so the four offsets take their bits from 0x5634.
    const MacAddress mac = {0x01, 0xaa, 0x00, 0x12, 0x34, 0x56};
    EXPECT_EQ(e1000::multicast_hash(mac, 0), 0x563u);
    EXPECT_EQ(e1000::multicast_hash(mac, 1), 0xac6u);
    EXPECT_EQ(e1000::multicast_hash(mac, 2), 0x58du);
    EXPECT_EQ(e1000::multicast_hash(mac, 3), 0x634u);
}

TEST_F(LifeTest, FifteenGroupsAreMatchedExactlyAndTheRestByHash) {
    const std::array<unsigned, 4> expected = {0x561, 0xac2, 0x584, 0x611};
    for (unsigned offset = 0; offset < 4; ++offset) {
        driver.stop();
        start({.rx_descriptors = 8, .multicast_offset = static_cast<std::uint8_t>(offset)});
        std::vector<MacAddress> groups;
        groups.reserve(16);
        for (std::uint8_t i = 0; i < 15; ++i) groups.push_back({0x01, 0x00, 0x5e, 0, 0, i});
        groups.push_back({0x33, 0x33, 0, 0, 0x11, 0x56});
        ASSERT_TRUE(driver.set_multicast(groups));
        EXPECT_EQ(fake.reg(e1000::reg::kRCTL) >> 12 & 3, offset);
        EXPECT_EQ(fake.reg(e1000::reg::ral(15)), 0x005e'0001u);
        EXPECT_EQ(fake.reg(e1000::reg::rah(15)), 0x8000'0e00u);
        EXPECT_TRUE(in_hash_table(expected[offset])) << offset;
        ASSERT_TRUE(driver.set_multicast({}));
        EXPECT_FALSE(in_hash_table(expected[offset]));
        EXPECT_EQ(fake.reg(e1000::reg::rah(1)), 0u);
    }
}

TEST_F(LifeTest, AStationsAddressIsNoGroup) {
    start();
    const std::array groups = {MacAddress{0x01, 0, 0x5e, 0, 0, 1}, kMac};
    EXPECT_EQ(driver.set_multicast(groups).error(), Error::kInvalidArgument);
    EXPECT_TRUE(fake.writes.empty());
}

TEST_F(LifeTest, TheStationAddressCanBeChangedAndStays) {
    start();
    const MacAddress mac = {0x02, 1, 2, 3, 4, 5};
    EXPECT_EQ(driver.set_mac({0x01, 0, 0, 0, 0, 1}).error(), Error::kInvalidArgument);
    EXPECT_EQ(driver.set_mac({}).error(), Error::kInvalidArgument);
    ASSERT_TRUE(driver.set_mac(mac));
    EXPECT_EQ(driver.info().mac, mac);
    // Not valid while it is changed.
    EXPECT_THAT(written(e1000::reg::rah(0)), ElementsAre(0u, 0x8000'0504u));
    ASSERT_TRUE(driver.recover());
    EXPECT_EQ(fake.reg(e1000::reg::ral(0)), 0x0302'0102u);
}

TEST_F(LifeTest, PromiscuousModeComesAndGoesAndSurvivesARecovery) {
    start();
    ASSERT_TRUE(driver.set_promiscuous(true));
    EXPECT_EQ(fake.reg(e1000::reg::kRCTL), 0x801au);
    ASSERT_TRUE(driver.recover());
    EXPECT_EQ(fake.reg(e1000::reg::kRCTL), 0x801au);
    ASSERT_TRUE(driver.set_promiscuous(false));
    EXPECT_EQ(fake.reg(e1000::reg::kRCTL), 0x8002u);
}

TEST_F(LifeTest, VlansAreFilteredByTheTable) {
    start({.vlan_offload = true, .vlan_filter = true});
    EXPECT_TRUE(driver.info().vlan);
    EXPECT_NE(fake.reg(e1000::reg::kCTRL) & e1000::ctrl::kVME, 0u);
    EXPECT_NE(fake.reg(e1000::reg::kRCTL) & e1000::rctl::kVFE, 0u);
    EXPECT_EQ(fake.reg(e1000::reg::kVET), 0x8100u);
    EXPECT_TRUE(in_vlan_table(0));
    ASSERT_TRUE(driver.vlan_filter_add(100));
    ASSERT_TRUE(driver.vlan_filter_add(4095));
    EXPECT_TRUE(in_vlan_table(100));
    EXPECT_TRUE(in_vlan_table(4095));
    ASSERT_TRUE(driver.vlan_filter_remove(100));
    EXPECT_FALSE(in_vlan_table(100));
    EXPECT_EQ(driver.vlan_filter_add(4096).error(), Error::kInvalidArgument);
    ASSERT_TRUE(driver.recover());
    EXPECT_TRUE(in_vlan_table(4095));
}

TEST_F(LifeTest, VlansAreNotFilteredUnlessAsked) {
    start();
    EXPECT_EQ(driver.vlan_filter_add(1).error(), Error::kUnsupported);
}

TEST_F(LifeTest, TheLinkIsWhatMacAndPhySay) {
    start();
    LinkState link = driver.link();
    EXPECT_TRUE(link.up && link.full_duplex);
    EXPECT_EQ(link.megabits, 1000u);
    fake.reg(e1000::reg::kSTATUS) = 0x8008'0742;  // 100 Mb/s, half duplex
    link = driver.link();
    EXPECT_TRUE(link.up && !link.full_duplex);
    EXPECT_EQ(link.megabits, 100u);
    fake.phy[1] = 0;
    EXPECT_FALSE(driver.link().up);
    fake.phy[1] = 4;
    fake.mdic_answers = false;  // then the MAC is all there is to ask
    fake.reg(e1000::reg::kMDIC) = 0;
    EXPECT_TRUE(driver.link().up);
    fake.reg(e1000::reg::kSTATUS) = 0x8008'0780;
    EXPECT_FALSE(driver.link().up);
}

TEST_F(LifeTest, ALinkThatGoesIsToldByAnInterruptAndRefusesFrames) {
    start();
    Bytes frame = frame_of(60);
    fake.reg(e1000::reg::kSTATUS) &= ~e1000::status::kLU;
    fake.raise(e1000::icr::kLSC);
    fake.board.host.interrupt_point();
    driver.poll(8);
    EXPECT_EQ(driver.link_changes(), 1u);
    fake.writes.clear();
    EXPECT_EQ(send(frame).error(), Error::kLinkDown);
    EXPECT_TRUE(fake.writes.empty());
    // A lost interrupt does not keep it down.
    fake.reg(e1000::reg::kSTATUS) |= e1000::status::kLU;
    driver.poll(8);
    EXPECT_EQ(driver.link_changes(), 2u);
    EXPECT_TRUE(send(frame));
}

TEST_F(LifeTest, WithoutALinkStartNegotiatesAndWaitsNoLongerThanAsked) {
    ASSERT_TRUE(probe());
    fake.reg(e1000::reg::kSTATUS) &= ~e1000::status::kLU;
    ASSERT_TRUE(driver.start({.link_timeout = hal::milliseconds(50)}));
    EXPECT_NE(fake.phy[0] & 0x0200, 0);
    EXPECT_LT(fake.board.machine.now_ns(), hal::milliseconds(100).ns);
    EXPECT_EQ(driver.wait_for_link(hal::milliseconds(20)).error(), Error::kTimeout);
    fake.reg(e1000::reg::kSTATUS) |= e1000::status::kLU;
    EXPECT_TRUE(driver.wait_for_link(hal::milliseconds(20))->up);
}

TEST_F(LifeTest, GigabitHalfDuplexGetsItsCollisionDistance) {
    fake.reg(e1000::reg::kSTATUS) = 0x8008'0782;
    start();
    EXPECT_EQ(fake.reg(e1000::reg::kTCTL), 0x0020'00fau);
}

TEST_F(LifeTest, CountersThatClearAreAddedUp) {
    start();
    fake.reg(e1000::reg::kMPC) = 3;
    fake.reg(e1000::reg::kCRCERRS) = 2;
    EXPECT_EQ(driver.statistics().rx_missed, 3u);
    EXPECT_EQ(driver.statistics().rx_missed, 3u);
    fake.reg(e1000::reg::kMPC) = 4;
    EXPECT_EQ(driver.statistics().rx_missed, 7u);
    EXPECT_EQ(driver.statistics().rx_errors, 2u);
    fake.reg(e1000::reg::kTOTL) = 0xffff'fff0;
    fake.reg(e1000::reg::kTOTL + 4) = 1;
    EXPECT_EQ(driver.counters()[e1000::Counter::kTotalOctetsSent], 0x1'ffff'fff0u);
}

TEST_F(LifeTest, CountersThatDoNotClearAreNotCountedTwice) {
    fake.counters_clear = false;
    fake.reg(e1000::reg::kMPC) = 10;  // from before
    start();
    EXPECT_EQ(driver.statistics().rx_missed, 0u);
    fake.reg(e1000::reg::kMPC) = 13;
    EXPECT_EQ(driver.statistics().rx_missed, 3u);
    EXPECT_EQ(driver.statistics().rx_missed, 3u);
}

TEST_F(LifeTest, RecoveryLosesFramesThatWereNotTakenAndCountsThem) {
    start();
    ASSERT_TRUE(fake.deliver(frame_of(60)));
    ASSERT_EQ(driver.poll(8), 1u);
    ASSERT_TRUE(driver.recover());
    EXPECT_EQ(receive().error(), Error::kBusy);
    EXPECT_EQ(driver.statistics().rx_missed, 1u);
    const Bytes frame = frame_of(70);
    ASSERT_TRUE(fake.deliver(frame));
    driver.poll(8);
    EXPECT_EQ(*receive(), frame);
}

TEST_F(LifeTest, AResetThatDoesNotEndIsATimeoutAndCutsTheDeviceOff) {
    start();
    fake.transmits = false;
    Bytes frame = frame_of(60);
    ASSERT_TRUE(send(frame));
    fake.reset_ends = false;
    const auto reads = fake.board.reads;
    EXPECT_EQ(driver.recover().error(), Error::kTimeout);
    EXPECT_LT(fake.board.reads - reads, 2000u);
    EXPECT_FALSE(bus_master());
    EXPECT_EQ(take_sent().status.error(), Error::kTimeout);
    EXPECT_EQ(send(frame).error(), Error::kTimeout);
    fake.reset_ends = true;
    ASSERT_TRUE(driver.recover());
    EXPECT_TRUE(bus_master());
    EXPECT_TRUE(send(frame));
}

TEST_F(LifeTest, AllOnesInIcrAreCheckedBeforeTheyAreBelieved) {
    start();
    fake.on_read[e1000::reg::kICR] = [](std::uint32_t) { return e1000::kAllOnes; };
    driver.on_interrupt();
    fake.on_read.clear();
    driver.poll(8);
    EXPECT_TRUE(driver.link().up);
    fake.gone = true;
    driver.on_interrupt();
    driver.poll(8);
    EXPECT_EQ(receive().error(), Error::kDeviceGone);
    fake.gone = false;
    EXPECT_TRUE(driver.recover());
    EXPECT_EQ(receive().error(), Error::kBusy);
}

}  // namespace
}  // namespace tb::net::testing
