// SPDX-License-Identifier: BSD-3-Clause
#include "models/serial/testing/com1.hpp"

/// FIFOs: trigger levels, timeout, flushing, overflow.
namespace tb::model::serial {
namespace {

using Uart16550Fifo = testing::Com1;

TEST_F(Uart16550Fifo, ShowsInTheIdentificationWhileItIsOn) {
    out(reg::kIdentity, 0x01);
    EXPECT_EQ(in(reg::kIdentity), 0xc1u);
    out(reg::kIdentity, 0x00);
    EXPECT_EQ(in(reg::kIdentity), 0x01u);
}

TEST_F(Uart16550Fifo, TakesFromTheTerminalUpToTheTriggerLevel) {
    const std::pair<unsigned, unsigned> levels[] = {{0x01, 1}, {0x41, 4}, {0x81, 8}, {0xc1, 14}};
    for (const auto& [fcr, level] : levels) {
        line_.reset();
        com1_.power_on_reset();
        out(reg::kIdentity, fcr);
        out(reg::kEnable, ier::kReceive);
        type(std::string(level - 1, 'x'));
        EXPECT_FALSE(irq()) << level;
        type("xy");
        EXPECT_TRUE(irq()) << level;
        EXPECT_EQ(line_.waiting(), 1u) << "no more than the level";
    }
}

TEST_F(Uart16550Fifo, GivesCharactersInOrderAndThenZeros) {
    out(reg::kIdentity, 0xc1);
    type("a long line that the FIFO takes in parts");
    EXPECT_EQ(receive(40), "a long line that the FIFO takes in parts");
    EXPECT_EQ(in(reg::kLineStatus), 0x60u);
    EXPECT_EQ(receive(1), std::string(1, '\0'));
}

TEST_F(Uart16550Fifo, TimesOutFourCharactersAfterTheLastOneCame) {
    set_divisor(12);  // 9600 8n1: 1.0416 ms a character
    out(reg::kIdentity, 0x81);
    out(reg::kEnable, ier::kReceive);
    type("ab");
    const std::uint64_t timeout = 4 * com1_.uart().character_ns();
    EXPECT_EQ(timeout, 4'166'664u);
    wait(timeout - 1);
    EXPECT_FALSE(irq());
    wait(1);
    EXPECT_TRUE(irq());
    EXPECT_EQ(cause(), iir::kTimeout);
    EXPECT_EQ(receive(1), "a");
    EXPECT_FALSE(irq()) << "reading the data register ends it";
    wait(timeout);
    EXPECT_EQ(cause(), iir::kTimeout) << "and four characters later it comes again for what is left";
    EXPECT_EQ(receive(1), "b");
    wait(10 * timeout);
    EXPECT_FALSE(irq());
}

TEST_F(Uart16550Fifo, EachArrivalPutsTheTimeoutOff) {
    set_divisor(1);
    out(reg::kIdentity, 0x81);
    out(reg::kEnable, ier::kReceive);
    const std::uint64_t timeout = 4 * com1_.uart().character_ns();
    type("a");
    wait(timeout - 1);
    type("b");
    wait(timeout - 1);
    EXPECT_FALSE(irq());
    wait(1);
    EXPECT_TRUE(irq());
}

TEST_F(Uart16550Fifo, TheFirstTimeoutAfterPowerOnIsThatOf9600Baud) {
    out(reg::kIdentity, 0x81);
    out(reg::kEnable, ier::kReceive);
    type("a");
    wait(4'166'639);
    EXPECT_FALSE(irq());
    wait(1);
    EXPECT_TRUE(irq());
}

TEST_F(Uart16550Fifo, TheTimeoutIsMaskedByTheReceiveEnable) {
    out(reg::kIdentity, 0x81);
    type("a");
    wait(10'000'000);
    EXPECT_EQ(cause(), iir::kNone);
    out(reg::kEnable, ier::kReceive);
    EXPECT_EQ(cause(), iir::kTimeout);
}

TEST_F(Uart16550Fifo, ClearingTheReceiverForgetsCharactersAndTimeout) {
    out(reg::kIdentity, 0x81);
    out(reg::kEnable, ier::kReceive);
    type("abc");
    wait(10'000'000);
    ASSERT_TRUE(irq());
    out(reg::kIdentity, 0x83);
    EXPECT_FALSE(irq());
    EXPECT_EQ(in(reg::kLineStatus), 0x60u);
    wait(10'000'000);
    EXPECT_FALSE(irq());
}

TEST_F(Uart16550Fifo, SwitchingItOnOrOffFlushesBothWays) {
    out(reg::kIdentity, 0x81);
    type("abc");
    line_.block(true);
    send("xyz");
    out(reg::kIdentity, 0x80);
    EXPECT_EQ(in(reg::kLineStatus), 0x20u) << "only the shift register still holds a character";
    line_.block(false);
    EXPECT_EQ(sent(), "x");
    type("d");
    out(reg::kIdentity, 0x81);
    EXPECT_EQ(in(reg::kLineStatus), 0x60u);
}

TEST_F(Uart16550Fifo, ClearingTheReceiverLetsTheTerminalGoOn) {
    type("ab");
    EXPECT_EQ(line_.waiting(), 1u);
    out(reg::kIdentity, 0x02);
    EXPECT_EQ(line_.waiting(), 0u);
    EXPECT_EQ(receive(1), "b");
}

TEST_F(Uart16550Fifo, AFullTransmitterLosesItsOldestCharacterAndThatIsAFinding) {
    out(reg::kIdentity, 0x01);
    line_.block(true);
    send("0123456789abcdefg");  // one in the shift register, sixteen behind it
    EXPECT_TRUE(bench_.seen.findings.empty());
    send("X");
    ASSERT_EQ(bench_.seen.findings.size(), 1u);
    line_.block(false);
    EXPECT_EQ(sent(), "023456789abcdefgX");
}

TEST_F(Uart16550Fifo, OverflowsOnlyInLoopback) {
    out(reg::kIdentity, 0xc1);
    out(reg::kModem, mcr::kLoop);
    send("0123456789abcdefX");
    EXPECT_EQ(in(reg::kLineStatus), 0x63u);
    EXPECT_EQ(in(reg::kLineStatus), 0x61u) << "reading clears the overrun";
    EXPECT_EQ(receive(16), "0123456789abcdef") << "what came too late is what is lost";
    EXPECT_EQ(in(reg::kLineStatus), 0x60u);
}

TEST_F(Uart16550Fifo, WithoutAFifoAnOverrunKeepsTheLastCharacter) {
    out(reg::kModem, mcr::kLoop);
    send("ab");
    EXPECT_EQ(in(reg::kLineStatus), 0x63u);
    EXPECT_EQ(receive(1), "b");
}

TEST_F(Uart16550Fifo, FilledBeyondTheTriggerLevelItTakesOneAtATimeUntilItIsFull) {
    out(reg::kIdentity, 0x41);
    type("0123456789abcdefghij");
    EXPECT_EQ(line_.waiting(), 16u);
    out(reg::kModem, mcr::kLoop);
    send("X");
    EXPECT_EQ(line_.waiting(), 5u);
    EXPECT_EQ(receive(16), "0123X456789abcde");
}

TEST_F(Uart16550Fifo, ABreakIsAZeroAndShowsAtOnce) {
    out(reg::kIdentity, 0x81);
    out(reg::kEnable, ier::kLineStatus);
    type("a");
    line_.send_break();
    EXPECT_TRUE(irq());
    EXPECT_EQ(cause(), iir::kLineStatus);
    EXPECT_EQ(in(reg::kLineStatus), 0x71u);
    EXPECT_FALSE(irq());
    EXPECT_EQ(receive(2), std::string("a\0", 2));
}

}  // namespace
}  // namespace tb::model::serial
