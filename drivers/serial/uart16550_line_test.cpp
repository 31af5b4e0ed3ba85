// SPDX-License-Identifier: BSD-3-Clause
#include "serial/testing/uart_fixture.hpp"

/// Line errors, break, modem lines, flow control, loopback.
namespace tb::serial {
namespace {

using hal::Error;
using namespace uart16550;
using Uart16550Line = testing::UartFixture;

Options with_flow_control(Options options) {
    options.flow_control = true;
    return options;
}

TEST_F(Uart16550Line, CountsEachErrorOnceAndDeliversTheCharacter) {
    start();
    uart_.type("a", kLsrPe);
    uart_.type("b", kLsrFe);
    let_interrupts_in();
    EXPECT_EQ(read(), "ab");
    EXPECT_EQ(driver_.statistics().parity_errors, 1u);
    EXPECT_EQ(driver_.statistics().framing_errors, 1u);
    EXPECT_EQ(driver_.statistics().breaks, 0u);
}

TEST_F(Uart16550Line, CountsAnOverrunAndKeepsWhatArrivedBefore) {
    start();
    {
        const hal::CriticalSection held(platform_);
        uart_.type("0123456789abcdefX");
    }
    EXPECT_EQ(read(), "0123456789abcdef");
    EXPECT_EQ(driver_.statistics().overruns, 1u);
}

TEST_F(Uart16550Line, ABreakIsCountedAndDeliversNoCharacter) {
    start();
    uart_.arrive(0, kLsrBi | kLsrFe);
    let_interrupts_in();
    EXPECT_EQ(read(), "");
    EXPECT_EQ(driver_.statistics().breaks, 1u);
    EXPECT_EQ(driver_.statistics().framing_errors, 0u);
    EXPECT_EQ(driver_.statistics().received, 0u);
}

TEST_F(Uart16550Line, ABreakThatIsReportedEarlySwallowsOnlyItsOwnZero) {
    // Some devices show the break in the line status before its zero is at the head of the FIFO.
    start();
    {
        const hal::CriticalSection held(platform_);
        uart_.type("a", kLsrBi);
        uart_.type("b");
        uart_.arrive(0);
        uart_.type("c");
    }
    EXPECT_EQ(read(), "abc");
    EXPECT_EQ(driver_.statistics().breaks, 1u);
}

TEST_F(Uart16550Line, AZeroWithoutABreakIsData) {
    start({});
    uart_.arrive(0);
    EXPECT_EQ(driver_.poll(10), 1u);
    EXPECT_EQ(read(), std::string(1, '\0'));
}

TEST_F(Uart16550Line, SendsABreakAfterTheCharactersThatWereLoaded) {
    uart_.instant = false;
    start();
    ASSERT_TRUE(write(std::string(20, 'x')));
    ON_CALL(machine_, delay_ns(::testing::_)).WillByDefault([&](std::uint64_t) { uart_.transmit_all(); });
    ASSERT_TRUE(driver_.set_break(true));
    EXPECT_EQ(uart_.sent.size(), 16u);
    EXPECT_EQ(uart_.lcr & kLcrBreak, kLcrBreak);
    let_interrupts_in();
    EXPECT_TRUE(uart_.tx.empty()) << "nothing is loaded during a break";
    EXPECT_EQ(*write("y"), 1u);
    EXPECT_TRUE(uart_.tx.empty());
    ASSERT_TRUE(driver_.set_break(false));
    EXPECT_EQ(uart_.lcr & kLcrBreak, 0);
    EXPECT_EQ(uart_.tx.size(), 5u);
}

TEST_F(Uart16550Line, StopEndsABreak) {
    start();
    ASSERT_TRUE(driver_.set_break(true));
    driver_.stop();
    EXPECT_EQ(uart_.lcr & kLcrBreak, 0);
}

TEST_F(Uart16550Line, ConfigureChangesTheFormatBetweenCharacters) {
    uart_.instant = false;
    start();
    ASSERT_TRUE(write(std::string(20, 'x')));
    ON_CALL(machine_, delay_ns(::testing::_)).WillByDefault([&](std::uint64_t) { uart_.transmit_all(); });
    ASSERT_TRUE(driver_.configure({.baud = 300, .data_bits = 5, .parity = Parity::kOdd}));
    EXPECT_EQ(uart_.sent.size(), 16u) << "the rest waits for the new format";
    EXPECT_EQ(uart_.dll, 0x80);
    EXPECT_EQ(uart_.dlm, 0x01);
    EXPECT_EQ(uart_.lcr, 0x08);
    EXPECT_EQ(uart_.tx.size(), 4u);
}

TEST_F(Uart16550Line, ConfigureRefusesAndKeepsTheOldFormat) {
    start();
    const std::uint8_t lcr = uart_.lcr;
    uart_.writes.clear();
    EXPECT_EQ(driver_.configure({.baud = 0}).error(), Error::kInvalidArgument);
    EXPECT_EQ(driver_.configure({.baud = 250'000}).error(), Error::kUnsupported);
    EXPECT_EQ(driver_.configure({.data_bits = 4}).error(), Error::kInvalidArgument);
    EXPECT_TRUE(uart_.writes.empty());
    EXPECT_EQ(uart_.lcr, lcr);
}

TEST_F(Uart16550Line, TheDivisorLatchIsClosedBeforeAnInterruptIsTaken) {
    start();
    uart_.instant = true;
    ON_CALL(machine_, write(hal::AddressSpace::kPort, ::testing::_, 1, ::testing::_))
        .WillByDefault([&](auto, std::uint64_t address, unsigned, std::uint64_t value) {
            uart_.write(static_cast<std::uint32_t>(address - testing::FakeUart::kBase),
                        static_cast<std::uint8_t>(value));
            if (address == testing::FakeUart::kBase + kLcr && (value & kLcrDlab) != 0) uart_.type("12345678");
        });
    ASSERT_TRUE(driver_.configure({.baud = 9600}));
    EXPECT_EQ(read(), "12345678") << "not the divisor";
    EXPECT_EQ(uart_.dll, 12);
}

TEST_F(Uart16550Line, ALatchThatDoesNotHoldTheDivisorIsReported) {
    start();
    uart_.stuck[kDll] = 7;
    EXPECT_EQ(driver_.configure({.baud = 9600}).error(), Error::kProtocol);
    EXPECT_EQ(uart_.lcr & kLcrDlab, 0) << "and the latch is closed again";
}

TEST_F(Uart16550Line, ReportsTheModemLinesAndTheirChanges) {
    start();
    uart_.set_lines(kMsrCts | kMsrRi);
    let_interrupts_in();
    const ModemStatus status = *driver_.modem();
    EXPECT_TRUE(status.cts);
    EXPECT_FALSE(status.dsr);
    EXPECT_TRUE(status.ri);
    EXPECT_FALSE(status.dcd);
    EXPECT_EQ(driver_.statistics().modem_changes, 2u) << "DSR and DCD; the rising edge of RI sets no bit";
    uart_.set_lines(kMsrCts);
    let_interrupts_in();
    EXPECT_EQ(driver_.statistics().modem_changes, 3u) << "its trailing edge does";
}

TEST_F(Uart16550Line, SetsTheModemOutputsAndKeepsTheInterruptGate) {
    start();
    ASSERT_TRUE(driver_.set_modem({.dtr = true, .rts = false}));
    EXPECT_EQ(uart_.mcr, kMcrDtr | kMcrOut2);
    ASSERT_TRUE(driver_.set_modem({.dtr = false, .rts = true}));
    EXPECT_EQ(uart_.mcr, kMcrRts | kMcrOut2);
}

TEST_F(Uart16550Line, FlowControlHoldsTheTransmitterWhileCtsIsOff) {
    uart_.set_lines(kMsrDsr | kMsrDcd);
    start(with_flow_control(interrupt_driven()));
    EXPECT_EQ(*write("wait"), 4u);
    EXPECT_EQ(uart_.sent, "");
    EXPECT_EQ(uart_.ier & kIerThri, 0) << "an enabled transmit interrupt would storm";
    EXPECT_EQ(driver_.drain().error(), Error::kTimeout);
    uart_.set_lines(kMsrDsr | kMsrDcd | kMsrCts);
    let_interrupts_in();
    EXPECT_EQ(uart_.sent, "wait");
}

TEST_F(Uart16550Line, FlowControlStopsWithinAFifo) {
    uart_.instant = false;
    start(with_flow_control(interrupt_driven()));
    ASSERT_TRUE(write(std::string(64, 'x')));
    uart_.set_lines(0);
    let_interrupts_in();
    uart_.transmit_all();
    let_interrupts_in();
    EXPECT_EQ(uart_.sent.size(), 16u);
    EXPECT_TRUE(uart_.tx.empty());
    uart_.set_lines(kMsrCts);
    let_interrupts_in();
    EXPECT_EQ(uart_.tx.size(), 16u);
}

TEST_F(Uart16550Line, WithoutFlowControlCtsDoesNotMatter) {
    uart_.set_lines(0);
    start();
    ASSERT_TRUE(write("go"));
    EXPECT_EQ(uart_.sent, "go");
}

TEST_F(Uart16550Line, FlowControlWorksPolledToo) {
    uart_.set_lines(0);
    start(with_flow_control({}));
    ASSERT_TRUE(write("wait"));
    EXPECT_EQ(driver_.poll(10), 0u);
    EXPECT_EQ(uart_.sent, "");
    uart_.set_lines(kMsrCts);
    (void)driver_.poll(10);
    EXPECT_EQ(uart_.sent, "wait");
}

TEST_F(Uart16550Line, RtsDropsBeforeTheReceiveRingOverflowsAndComesBack) {
    start(with_flow_control(interrupt_driven()));
    while ((uart_.mcr & kMcrRts) != 0) {
        uart_.type("12345678");
        let_interrupts_in();
        ASSERT_LT(driver_.statistics().received, 2000u);
    }
    EXPECT_EQ(driver_.statistics().received, Uart16550::kHighWater);
    EXPECT_EQ(read(Uart16550::kHighWater - Uart16550::kLowWater - 1).size(),
              Uart16550::kHighWater - Uart16550::kLowWater - 1);
    EXPECT_EQ(uart_.mcr & kMcrRts, 0) << "not yet";
    EXPECT_EQ(read(1).size(), 1u);
    EXPECT_EQ(uart_.mcr & kMcrRts, kMcrRts);
}

TEST_F(Uart16550Line, LoopbackReturnsWhatIsSent) {
    start({});
    ASSERT_TRUE(driver_.set_loopback(true));
    EXPECT_EQ(uart_.mcr & kMcrLoop, kMcrLoop);
    ASSERT_TRUE(write("mirror"));
    (void)driver_.poll(100);
    EXPECT_EQ(read(), "mirror");
    EXPECT_EQ(uart_.sent, "");
    const ModemStatus looped = *driver_.modem();
    EXPECT_TRUE(looped.cts && looped.dsr);
    EXPECT_FALSE(looped.ri || looped.dcd);
    ASSERT_TRUE(driver_.set_loopback(false));
    ASSERT_TRUE(write("out"));
    EXPECT_EQ(uart_.sent, "out");
}

}  // namespace
}  // namespace tb::serial
