// SPDX-License-Identifier: BSD-3-Clause
#include "serial/testing/uart_fixture.hpp"

/// Start, stop, data and interrupts on a device that behaves.
namespace tb::serial {
namespace {

using hal::Error;
using namespace uart16550;
using Uart16550Data = testing::UartFixture;

TEST_F(Uart16550Data, StartProgramsTheLineTheFifoAndTheInterruptGate) {
    Options options = interrupt_driven();
    options.format = {.baud = 9600, .data_bits = 7, .stop_bits = 2, .parity = Parity::kEven};
    options.fifo_trigger = 14;
    start(options);
    EXPECT_EQ(uart_.dll, 12);
    EXPECT_EQ(uart_.dlm, 0);
    EXPECT_EQ(uart_.lcr, 0x1e);
    EXPECT_EQ(uart_.written(kFcr), (std::vector<std::uint8_t>{0x01, 0xc7}));
    EXPECT_EQ(uart_.mcr, kMcrDtr | kMcrRts | kMcrOut2);
    EXPECT_EQ(uart_.ier, kIerRdi | kIerRlsi | kIerMsi);
}

TEST_F(Uart16550Data, EveryTriggerLevelHasItsCode) {
    const std::pair<std::uint8_t, std::uint8_t> codes[] = {{1, 0x07}, {4, 0x47}, {8, 0x87}, {14, 0xc7}};
    for (const auto& [level, fcr] : codes) {
        Options options = interrupt_driven();
        options.fifo_trigger = level;
        start(options);
        EXPECT_EQ(uart_.fcr, fcr) << int{level};
        driver_.stop();
    }
}

TEST_F(Uart16550Data, StartRefusesWhatMakesNoSenseBeforeTouchingTheDevice) {
    Options trigger = interrupt_driven();
    trigger.fifo_trigger = 2;
    EXPECT_EQ(driver_.start(trigger).error(), Error::kInvalidArgument);
    Options baud = interrupt_driven();
    baud.format.baud = 0;
    EXPECT_EQ(driver_.start(baud).error(), Error::kInvalidArgument);
    baud.format.baud = 1'000'000;
    EXPECT_EQ(driver_.start(baud).error(), Error::kUnsupported);
    Options bits = interrupt_driven();
    bits.format.data_bits = 9;
    EXPECT_EQ(driver_.start(bits).error(), Error::kInvalidArgument);
    Options line = interrupt_driven();
    line.interrupt = InterruptSource::isa(16);
    EXPECT_EQ(driver_.start(line).error(), Error::kInvalidArgument);
    EXPECT_TRUE(uart_.writes.empty());
    EXPECT_EQ(uart_.reads, 0u);
}

TEST_F(Uart16550Data, StartFailsCleanlyWithoutAnInterruptToHave) {
    ON_CALL(machine_, attach_irq(4))
        .WillByDefault(::testing::Return(hal::Result<std::uint32_t>(Error::kNoMemory)));
    EXPECT_EQ(driver_.start(interrupt_driven()).error(), Error::kNoMemory);
    EXPECT_FALSE(driver_.started());
    EXPECT_EQ(uart_.ier, 0);
    EXPECT_EQ(uart_.mcr, 0);
    EXPECT_TRUE(driver_.start({})) << "and polled it still works";
}

TEST_F(Uart16550Data, StaleCausesAndCharactersAreForgottenAtStart) {
    uart_.rx.push_back({'x', kLsrFe});
    uart_.msr_delta = 0x0f;
    start();
    let_interrupts_in();
    EXPECT_EQ(read(), "");
    EXPECT_EQ(driver_.statistics().framing_errors, 0u);
    EXPECT_EQ(driver_.statistics().modem_changes, 0u);
    EXPECT_EQ(host_.interrupts_taken(), 0u);
}

TEST_F(Uart16550Data, NothingWorksUnlessStarted) {
    EXPECT_EQ(write("x").error(), Error::kNotStarted);
    std::byte buffer[1];
    EXPECT_EQ(driver_.read(buffer).error(), Error::kNotStarted);
    EXPECT_EQ(driver_.drain().error(), Error::kNotStarted);
    EXPECT_EQ(driver_.configure({}).error(), Error::kNotStarted);
    EXPECT_EQ(driver_.modem().error(), Error::kNotStarted);
    EXPECT_EQ(driver_.set_modem({}).error(), Error::kNotStarted);
    EXPECT_EQ(driver_.set_break(true).error(), Error::kNotStarted);
    EXPECT_EQ(driver_.set_loopback(true).error(), Error::kNotStarted);
    EXPECT_EQ(driver_.poll(100), 0u);
    EXPECT_FALSE(driver_.on_interrupt());
    driver_.stop();
    EXPECT_TRUE(uart_.writes.empty());
}

TEST_F(Uart16550Data, StopQuietensTheDeviceAndDetaches) {
    start();
    driver_.stop();
    EXPECT_EQ(uart_.ier, 0);
    EXPECT_EQ(uart_.mcr, 0);
    EXPECT_FALSE(uart_.fifo_on());
    EXPECT_TRUE(uart_.detached);
    EXPECT_EQ(write("x").error(), Error::kNotStarted);
    const std::uint64_t reads = uart_.reads;
    EXPECT_FALSE(driver_.on_interrupt()) << "a late interrupt";
    EXPECT_EQ(uart_.reads, reads);
}

TEST_F(Uart16550Data, AShortWriteGoesOutAtOnceWithoutAnInterrupt) {
    start();
    EXPECT_EQ(*write("hello"), 5u);
    EXPECT_EQ(uart_.sent, "hello");
    EXPECT_EQ(host_.interrupts_taken(), 0u);
    EXPECT_EQ(driver_.statistics().sent, 5u);
    EXPECT_TRUE(driver_.drain());
}

TEST_F(Uart16550Data, ALongWriteIsCarriedByTransmitInterrupts) {
    std::string text;
    for (int i = 0; i < 1000; ++i) text.push_back(static_cast<char>('a' + i % 26));
    start();
    EXPECT_EQ(*write(text), 1000u);
    EXPECT_EQ(uart_.sent, text);
    EXPECT_GT(host_.interrupts_taken(), 0u);
    EXPECT_EQ(uart_.ier & kIerThri, 0) << "with nothing to send the transmit interrupt is off";
}

TEST_F(Uart16550Data, TheTransmitFifoIsNeverOverfilled) {
    uart_.instant = false;
    start();
    EXPECT_EQ(*write(std::string(100, 'x')), 100u);
    EXPECT_EQ(uart_.tx.size(), 16u);
    for (int i = 0; i < 10; ++i) {
        uart_.transmit_all();
        let_interrupts_in();
    }
    EXPECT_EQ(uart_.sent, std::string(100, 'x'));
    EXPECT_EQ(uart_.most_loaded, 16u);
}

TEST_F(Uart16550Data, WithoutAFifoOneCharacterIsLoadedAtATime) {
    for (const std::uint8_t id : {std::uint8_t{0}, kIirFifoBroken}) {
        uart_.fifo_id = id;
        uart_.most_loaded = 0;
        uart_.sent.clear();
        uart_.instant = true;
        ASSERT_TRUE(driver_.probe(platform_, *platform_.map_ports(testing::FakeUart::kBase, 8)));
        start();
        EXPECT_EQ(*write("single"), 6u);
        EXPECT_EQ(uart_.sent, "single");
        EXPECT_EQ(uart_.most_loaded, 1u);
        EXPECT_FALSE(uart_.fifo_on());
        driver_.stop();
    }
}

TEST_F(Uart16550Data, WriteTakesWhatTheRingHolds) {
    uart_.instant = false;
    start();
    EXPECT_EQ(*write(std::string(5000, 'x')), Uart16550::kRingSize);
    EXPECT_EQ(*write("y"), 1u) << "the room of what was loaded";
    EXPECT_EQ(*write(std::string(100, 'z')), 15u);
    EXPECT_EQ(*write("none"), 0u);
}

TEST_F(Uart16550Data, AWriteWhileSendingTakesTheEnableDownAndUp) {
    uart_.instant = false;
    start();
    ASSERT_TRUE(write(std::string(40, 'x')));
    uart_.writes.clear();
    ASSERT_TRUE(write("y"));
    const std::uint8_t base = kIerRdi | kIerRlsi | kIerMsi;
    EXPECT_EQ(uart_.written(kIer), (std::vector<std::uint8_t>{base, base | kIerThri}));
}

TEST_F(Uart16550Data, AChipThatRaisesNothingWhenEnabledOverAnEmptyRegisterStillSends) {
    uart_.thre_on_enable = false;
    uart_.instant = false;
    start();
    ASSERT_TRUE(write(std::string(40, 'x')));
    for (int i = 0; i < 4; ++i) {
        uart_.transmit_all();
        let_interrupts_in();
    }
    EXPECT_EQ(uart_.sent.size(), 40u);
}

TEST_F(Uart16550Data, ReceivesAtTheTriggerLevel) {
    start();  // 8
    uart_.type("1234567");
    let_interrupts_in();
    EXPECT_EQ(host_.interrupts_taken(), 0u);
    uart_.type("8");
    let_interrupts_in();
    EXPECT_EQ(host_.interrupts_taken(), 1u);
    EXPECT_EQ(read(), "12345678");
    EXPECT_EQ(driver_.statistics().received, 8u);
}

TEST_F(Uart16550Data, ReceivesFewerAfterTheTimeout) {
    start();
    uart_.type("abc");
    uart_.time_out();
    let_interrupts_in();
    EXPECT_EQ(read(), "abc");
    EXPECT_EQ(driver_.statistics().ghost_timeouts, 0u);
}

TEST_F(Uart16550Data, ReadGivesWhatFitsAndKeepsTheRest) {
    start();
    uart_.type("12345678");
    let_interrupts_in();
    EXPECT_EQ(read(3), "123");
    EXPECT_EQ(read(3), "456");
    EXPECT_EQ(read(3), "78");
    EXPECT_EQ(read(3), "");
}

TEST_F(Uart16550Data, OneHandlerServesAllCausesInOrderOfPriority) {
    start();
    {
        const hal::CriticalSection held(platform_);  // the causes gather while no interrupt is taken
        uart_.type("a", kLsrPe);
        uart_.type("bcdefgh");
        uart_.set_lines(0x10);
    }
    EXPECT_EQ(host_.interrupts_taken(), 1u);
    EXPECT_FALSE(uart_.asserted()) << "an edge-triggered line must be let go";
    EXPECT_EQ(read(), "abcdefgh");
    EXPECT_EQ(driver_.statistics().parity_errors, 1u);
    EXPECT_EQ(driver_.statistics().modem_changes, 2u);  // DSR and DCD went
}

TEST_F(Uart16550Data, AFullReceiveRingDropsAndCounts) {
    start();
    for (int i = 0; i < 130; ++i) {
        uart_.type("12345678");
        let_interrupts_in();
    }
    EXPECT_EQ(driver_.statistics().received, 1040u);
    EXPECT_EQ(driver_.statistics().dropped, 1040u - Uart16550::kRingSize);
    EXPECT_EQ(read().size(), Uart16550::kRingSize);
}

TEST_F(Uart16550Data, PolledOperationNeedsNoInterrupt) {
    uart_.instant = false;
    start({});
    EXPECT_EQ(uart_.ier, 0);
    EXPECT_EQ(uart_.mcr & kMcrOut2, 0) << "the gate stays shut";
    ASSERT_TRUE(write(std::string(20, 'x')));
    uart_.type("in");
    EXPECT_EQ(driver_.poll(100), 2u);
    uart_.transmit_all();
    EXPECT_EQ(driver_.poll(100), 4u);
    uart_.transmit_all();
    EXPECT_EQ(uart_.sent.size(), 20u);
    EXPECT_EQ(read(), "in");
}

TEST_F(Uart16550Data, PollKeepsToItsBudget) {
    start({});
    uart_.type("0123456789");
    EXPECT_EQ(driver_.poll(4), 4u);
    EXPECT_EQ(driver_.poll(4), 4u);
    EXPECT_EQ(driver_.poll(4), 2u);
    EXPECT_EQ(read(), "0123456789");
}

TEST_F(Uart16550Data, PollFindsWhatALostInterruptLeftLying) {
    start();
    uart_.lose_interrupts = true;
    uart_.instant = false;
    uart_.type("12345678");
    ASSERT_TRUE(write(std::string(20, 'x')));
    uart_.transmit_all();
    EXPECT_EQ(read(), "");
    EXPECT_EQ(driver_.poll(100), 12u);
    EXPECT_EQ(read(), "12345678");
    uart_.transmit_all();
    (void)driver_.poll(100);
    EXPECT_EQ(uart_.sent.size(), 20u);
    uart_.lose_interrupts = false;
    EXPECT_FALSE(uart_.asserted()) << "or no edge would ever come again";
    uart_.type("again-ok");
    let_interrupts_in();
    EXPECT_EQ(read(), "again-ok");
}

TEST_F(Uart16550Data, InterruptsOfAPciFunctionAreAttachedAsIntx) {
    Options options;
    options.interrupt = InterruptSource::pci({.bus = 0, .device = 4, .function = 0});
    EXPECT_CALL(machine_, attach_intx(hal::PciAddress{.bus = 0, .device = 4, .function = 0}))
        .WillOnce(::testing::Return(hal::Result(testing::FakeUart::kVector)));
    start(options);
    uart_.type("12345678");
    let_interrupts_in();
    EXPECT_EQ(read(), "12345678");
}

TEST_F(Uart16550Data, DrainWaitsForTheLastBit) {
    uart_.instant = false;
    start();
    ASSERT_TRUE(write("abc"));
    ON_CALL(machine_, delay_ns(::testing::_)).WillByDefault([&](std::uint64_t) { uart_.transmit_all(); });
    EXPECT_TRUE(driver_.drain());
    EXPECT_EQ(uart_.sent, "abc");
}

}  // namespace
}  // namespace tb::serial
