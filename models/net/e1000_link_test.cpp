// SPDX-License-Identifier: BSD-3-Clause
#include "models/net/e1000_test_bench.hpp"

namespace tb::model::net {
namespace {

class E1000Link : public E1000Test {
  protected:
    bool up() { return (read("STATUS") & status::kLinkUp) != 0; }
    void restart() { phy_write(0, 0x1340); }
};

TEST_F(E1000Link, IsUpFromTheStartWithoutNegotiation) {
    EXPECT_TRUE(up());
    EXPECT_EQ(phy_read(1), 0x794dU);
}

TEST_F(E1000Link, RestartingNegotiationTakesHalfASecond) {
    pass(300'000);  // QEMU counts whole milliseconds from here
    restart();
    EXPECT_FALSE(up());
    EXPECT_EQ(phy_read(1), 0x7949U);
    EXPECT_EQ(phy_read(0), 0x1140U) << "the restart bit clears itself";
    EXPECT_EQ(read("ICR"), 0U) << "the restart itself is no cause";
    pass(499 * kMillisecond + 699'999);
    EXPECT_FALSE(up());
    pass(1);
    EXPECT_TRUE(up());
    EXPECT_EQ(phy_read(1), 0x796dU);
    EXPECT_EQ(phy_read(5), 0x41e0U) << "the partner acknowledged";
    EXPECT_EQ(read("ICR"), cause::kLsc);
}

TEST_F(E1000Link, ARestartWhileNegotiatingBeginsAnew) {
    restart();
    pass(400 * kMillisecond);
    restart();
    pass(499 * kMillisecond);
    EXPECT_FALSE(up());
    pass(kMillisecond);
    EXPECT_TRUE(up());
}

TEST_F(E1000Link, WithoutNegotiationEnabledARestartDoesNothing) {
    phy_write(0, 0x0340);
    EXPECT_TRUE(up());
}

TEST_F(E1000Link, PullingTheCableInterruptsAndPluggingItInNegotiates) {
    write("IMS", cause::kLsc);
    device.set_link(false);
    EXPECT_FALSE(up());
    EXPECT_TRUE(line());
    EXPECT_EQ(read("ICR"), cause::kLsc);
    device.set_link(true);
    EXPECT_FALSE(up()) << "negotiating";
    EXPECT_EQ(read("ICR"), 0U);
    pass(500 * kMillisecond);
    EXPECT_TRUE(up());
    EXPECT_TRUE(line());
    EXPECT_EQ(read("ICR"), cause::kLsc);
}

TEST_F(E1000Link, WithoutNegotiationThePlugIsSeenAtOnce) {
    phy_write(0, 0x0140);
    device.set_link(false);
    EXPECT_EQ(read("ICR"), cause::kLsc);
    device.set_link(true);
    EXPECT_TRUE(up());
    EXPECT_EQ(read("ICR"), cause::kLsc);
}

TEST_F(E1000Link, NegotiationDoesNotEndWhileTheCableIsOut) {
    restart();
    device.set_link(false);
    pass(1000 * kMillisecond);
    EXPECT_FALSE(up());
    EXPECT_EQ(read("ICR"), 0U);
}

TEST_F(E1000Link, WithTheCableOutFramesAreLostBothWays) {
    start_transmitter();
    start_receiver();
    device.set_link(false);
    send(frame_to("020000000099"));
    EXPECT_TRUE(peer.take().empty());
    EXPECT_EQ(tx_status(0), txd::kDone) << "for the device it was sent";
    device.receive(frame_to(kOwnAddress));
    device.set_link(true);
    pass(500 * kMillisecond);
    EXPECT_EQ(read("RDH"), 0U);
}

TEST_F(E1000Link, FramesWaitWhileNegotiatingAndComeInAfter) {
    start_receiver();
    restart();
    device.receive(frame_to(kOwnAddress));
    EXPECT_EQ(read("RDH"), 0U);
    pass(500 * kMillisecond);
    EXPECT_EQ(read("RDH"), 1U);
    EXPECT_EQ(read("ICR"), cause::kLsc | cause::kRxt0);
}

TEST_F(E1000Link, SendingGoesOnWhileNegotiating) {
    start_transmitter();
    restart();
    send(frame_to("020000000099"));
    EXPECT_EQ(peer.take().size(), 1U) << "QEMU's transmitter does not look at the link";
}

TEST_F(E1000Link, StaysDownOverAResetWhileTheCableIsOut) {
    device.set_link(false);
    device.power_on_reset();
    enable();
    EXPECT_FALSE(up());
    EXPECT_EQ(phy_read(1), 0x7949U);
}

TEST_F(E1000Link, WhatFallsDueTogetherRunsInTheOrderOfItsSetting) {
    // The pause of the receiver and the negotiation end in the same nanosecond. The pause was set first: it
    // ends first, finds the link down, and the frame that waited is lost. Another order of events must not
    // change that.
    for (const std::uint64_t seed : {0U, 1U, 2U, 3U, 4U}) {
        device.power_on_reset();
        enable();
        bench.simulation.queue().shuffle(seed);
        start_receiver();
        write("RCTL", rctl::kEnable);
        pass(500 * kMillisecond);
        restart();
        device.receive(frame_to(kOwnAddress));
        pass(500 * kMillisecond);
        EXPECT_EQ(read("RDH"), 0U) << "seed " << seed;
        EXPECT_EQ(device.waiting(), 0U);
    }
}

}  // namespace
}  // namespace tb::model::net
