// SPDX-License-Identifier: BSD-3-Clause
#include "models/serial/testing/com1.hpp"

/// Causes, their priority, and when each goes away.
namespace tb::model::serial {
namespace {

using Uart16550Interrupt = testing::Com1;

TEST_F(Uart16550Interrupt, EnablingTheTransmitCauseOverAnEmptyRegisterRaisesIt) {
    out(reg::kEnable, ier::kTransmit);
    EXPECT_TRUE(irq());
    EXPECT_EQ(bench_.seen.irqs, (std::vector<std::pair<unsigned, bool>>{{4, true}}));
    EXPECT_EQ(in(reg::kIdentity), iir::kTransmit);
    EXPECT_FALSE(irq()) << "reading the identification ends it";
    EXPECT_EQ(in(reg::kIdentity), iir::kNone);
}

TEST_F(Uart16550Interrupt, OnlyTheStepFromZeroToOneRaisesItAgain) {
    out(reg::kEnable, ier::kTransmit);
    in(reg::kIdentity);
    out(reg::kEnable, ier::kTransmit);
    EXPECT_FALSE(irq());
    out(reg::kEnable, ier::kTransmit | ier::kReceive);
    EXPECT_FALSE(irq());
    out(reg::kEnable, 0);
    out(reg::kEnable, ier::kTransmit);
    EXPECT_TRUE(irq());
}

TEST_F(Uart16550Interrupt, DisablingForgetsThePendingTransmitCause) {
    out(reg::kEnable, ier::kTransmit);
    out(reg::kEnable, 0);
    EXPECT_FALSE(irq());
    EXPECT_EQ(cause(), iir::kNone);
}

TEST_F(Uart16550Interrupt, EachCharacterSentRaisesTheTransmitCauseAnew) {
    out(reg::kEnable, ier::kTransmit);
    bench_.seen.irqs.clear();
    send("x");
    EXPECT_EQ(bench_.seen.irqs, (std::vector<std::pair<unsigned, bool>>{{4, false}, {4, true}}))
        << "writing the register lets the line go, the empty register raises it";
}

TEST_F(Uart16550Interrupt, ABusyTransmitterRaisesNothing) {
    line_.block(true);
    send("ab");
    out(reg::kEnable, ier::kTransmit);
    EXPECT_FALSE(irq());
    line_.block(false);
    EXPECT_TRUE(irq());
    EXPECT_EQ(cause(), iir::kTransmit);
}

TEST_F(Uart16550Interrupt, ClearingTheTransmitFifoRaisesTheTransmitCause) {
    out(reg::kIdentity, 0x01);
    line_.block(true);
    send("abc");
    out(reg::kEnable, ier::kTransmit);
    ASSERT_FALSE(irq());
    out(reg::kIdentity, 0x05);
    EXPECT_TRUE(irq());
}

TEST_F(Uart16550Interrupt, ReceivedDataRaisesUntilItIsRead) {
    out(reg::kEnable, ier::kReceive);
    type("a");
    EXPECT_TRUE(irq());
    EXPECT_EQ(cause(), iir::kReceive);
    EXPECT_TRUE(irq()) << "the identification does not end it";
    in(reg::kData);
    EXPECT_FALSE(irq());
}

TEST_F(Uart16550Interrupt, CausesShowInTheOrderOfTheirPriority) {
    line_.set_modem_inputs({});
    com1_.power_on_reset();
    out(reg::kIdentity, 0x01);
    out(reg::kModem, mcr::kLoop);
    send("0123456789abcdefX");  // overrun, data
    out(reg::kModem, 0);
    line_.set_modem_inputs({.cts = false});
    out(reg::kEnable, ier::kMask);
    EXPECT_EQ(cause(), iir::kLineStatus);
    in(reg::kLineStatus);
    EXPECT_EQ(cause(), iir::kReceive);
    wait(10'000'000);
    EXPECT_EQ(cause(), iir::kTimeout) << "the timeout goes before the trigger level";
    receive(16);
    EXPECT_EQ(cause(), iir::kTransmit);
    EXPECT_EQ(cause(), iir::kModemStatus);
    EXPECT_TRUE(irq());
    in(reg::kModemStatus);
    EXPECT_EQ(cause(), iir::kNone);
    EXPECT_FALSE(irq());
}

TEST_F(Uart16550Interrupt, TheLineMovesOnlyWhenTheLevelDoes) {
    out(reg::kEnable, ier::kReceive | ier::kTransmit);
    type("a");
    in(reg::kIdentity);
    in(reg::kData);
    EXPECT_EQ(bench_.seen.irqs, (std::vector<std::pair<unsigned, bool>>{{4, true}}));
    EXPECT_EQ(cause(), iir::kTransmit) << "it was hidden by the data, not served";
    EXPECT_FALSE(irq());
}

TEST_F(Uart16550Interrupt, Out2IsNoGate) {
    out(reg::kModem, 0);
    out(reg::kEnable, ier::kTransmit);
    EXPECT_TRUE(irq());
}

}  // namespace
}  // namespace tb::model::serial
