// SPDX-License-Identifier: BSD-3-Clause
#include "models/net/e1000_test_bench.hpp"

namespace tb::model::net {
namespace {

using E1000Interrupts = E1000Test;

constexpr std::uint64_t kMicrosecond = 1000;

TEST_F(E1000Interrupts, ACauseIsSeenByItsMaskOnly) {
    write("ICS", cause::kLsc);
    EXPECT_FALSE(line());
    write("IMS", cause::kRxt0);
    EXPECT_FALSE(line());
    write("IMS", cause::kLsc);
    EXPECT_TRUE(line());
    EXPECT_EQ(read("IMS"), cause::kLsc | cause::kRxt0);
    write("IMC", cause::kLsc);
    EXPECT_FALSE(line());
    EXPECT_EQ(read("IMS"), cause::kRxt0);
    EXPECT_EQ(read("IMC"), 0U);
}

TEST_F(E1000Interrupts, ReadingIcrTakesAllCausesAndLowersTheLine) {
    write("IMS", cause::kLsc);
    write("ICS", cause::kLsc | cause::kRxo);
    EXPECT_EQ(read("ICS"), cause::kLsc | cause::kRxo) << "ICS mirrors ICR and clears nothing";
    EXPECT_TRUE(line());
    EXPECT_EQ(read("ICR"), cause::kLsc | cause::kRxo);
    EXPECT_FALSE(line());
    EXPECT_EQ(read("ICR"), 0U);
    EXPECT_EQ(read("ICS"), 0U);
}

TEST_F(E1000Interrupts, WritingIcrClearsWhatIsWrittenAsOne) {
    write("IMS", cause::kLsc);
    write("ICS", cause::kLsc | cause::kRxo);
    write("ICR", cause::kLsc);
    EXPECT_FALSE(line());
    EXPECT_EQ(read("ICR"), cause::kRxo);
}

TEST_F(E1000Interrupts, ASecondEdgeWaits128Microseconds) {
    write("IMS", cause::kLsc);
    write("ICS", cause::kLsc);
    ASSERT_TRUE(line()) << "the first edge passes at once";
    read("ICR");
    write("ICS", cause::kLsc);
    pass(127 * kMicrosecond);
    EXPECT_FALSE(line());
    pass(2 * kMicrosecond);
    EXPECT_TRUE(line());
}

TEST_F(E1000Interrupts, ACauseThatGoesBeforeTheWindowEndsRaisesNothing) {
    write("IMS", cause::kLsc);
    write("ICS", cause::kLsc);
    read("ICR");
    write("ICS", cause::kLsc);
    EXPECT_EQ(read("ICR"), cause::kLsc) << "causes themselves are not delayed";
    pass(kMillisecond);
    EXPECT_FALSE(line());
}

TEST_F(E1000Interrupts, AfterAQuietWindowAnEdgePassesAtOnce) {
    write("IMS", cause::kLsc);
    write("ICS", cause::kLsc);
    read("ICR");
    pass(128 * kMicrosecond);
    write("ICS", cause::kLsc);
    EXPECT_TRUE(line());
}

TEST_F(E1000Interrupts, ItrLengthensTheWindow) {
    write("ITR", 1000);  // 256 us
    write("IMS", cause::kLsc);
    write("ICS", cause::kLsc);
    read("ICR");
    write("ICS", cause::kLsc);
    pass(255 * kMicrosecond);
    EXPECT_FALSE(line());
    pass(kMicrosecond);
    EXPECT_TRUE(line());
}

TEST_F(E1000Interrupts, TheShortestDelayInForceCounts) {
    write("ITR", 4000);  // 1024 us
    write("RDTR", 1);
    write("RADV", 500);  // 512 us
    write("IMS", cause::kRxt0);
    write("ICS", cause::kRxt0);
    read("ICR");
    write("ICS", cause::kRxt0);
    pass(511 * kMicrosecond);
    EXPECT_FALSE(line());
    pass(kMicrosecond);
    EXPECT_TRUE(line());
}

TEST_F(E1000Interrupts, TadvCountsForDescriptorsThatAskForIt) {
    write("TADV", 300);  // 307.2 us
    write("IMS", cause::kTxdw);
    start_transmitter();
    send(frame_to(kBroadcast), txd::kEop | txd::kReportStatus | txd::kInterruptDelay);
    ASSERT_TRUE(line());
    read("ICR");
    send(frame_to(kBroadcast));
    pass(307 * kMicrosecond);
    EXPECT_FALSE(line());
    pass(200);
    EXPECT_TRUE(line());
}

TEST_F(E1000Interrupts, TheLineFollowsInterruptDisableAndShowsInStatus) {
    write("IMS", cause::kLsc);
    write("ICS", cause::kLsc);
    EXPECT_EQ(bench.config_read(kSlot, 6, 2) & 8, 8U);
    enable(0x407);
    EXPECT_FALSE(line());
    enable(7);
    EXPECT_TRUE(line());
}

class E1000Unmitigated : public E1000Test {
  protected:
    static E1000Options options() {
        E1000Options unmitigated;
        unmitigated.mitigation = false;
        return unmitigated;
    }
    E1000Unmitigated() : E1000Test(options()) {}
};

TEST_F(E1000Unmitigated, EveryEdgePasses) {
    write("IMS", cause::kLsc);
    for (int i = 0; i < 3; ++i) {
        write("ICS", cause::kLsc);
        EXPECT_TRUE(line());
        read("ICR");
        EXPECT_FALSE(line());
    }
}

}  // namespace
}  // namespace tb::model::net
