// SPDX-License-Identifier: BSD-3-Clause
#include "serial/testing/uart_fixture.hpp"

/// Devices that are removed, stuck, or lie. Nothing here may hang: every bound is asserted in accesses or
/// virtual time.
namespace tb::serial {
namespace {

using hal::Error;
using namespace uart16550;
using Uart16550Hostile = testing::UartFixture;

constexpr std::uint64_t kHandlerAccesses =
    std::uint64_t{4} * (Uart16550::kPassLimit + Uart16550::kHandlerCharacters);

TEST_F(Uart16550Hostile, RemovalIsNoticedByTheNextOperation) {
    start();
    uart_.gone = true;
    EXPECT_EQ(write("x").error(), Error::kDeviceGone);
    EXPECT_EQ(write("x").error(), Error::kDeviceGone);
    EXPECT_EQ(driver_.drain().error(), Error::kDeviceGone);
    EXPECT_EQ(driver_.modem().error(), Error::kDeviceGone);
    EXPECT_EQ(driver_.configure({}).error(), Error::kDeviceGone);
    EXPECT_EQ(driver_.set_break(true).error(), Error::kDeviceGone);
    EXPECT_EQ(driver_.poll(10), 0u);
    std::byte buffer[4];
    EXPECT_EQ(driver_.read(buffer).error(), Error::kDeviceGone);
    EXPECT_LT(uart_.reads, 100u);
}

TEST_F(Uart16550Hostile, EachOperationAloneNoticesRemoval) {
    const std::function<hal::Status()> operations[] = {
        [&] { return driver_.drain(); },
        [&] { return driver_.configure({}); },
        [&] { return driver_.set_break(true); },
        [&] { return driver_.set_loopback(true); },
        [&] {
            const auto modem = driver_.modem();
            return modem ? hal::Status() : hal::Status(modem.error());
        },
    };
    for (const auto& operation : operations) {
        uart_.gone = false;
        ASSERT_TRUE(driver_.probe(platform_, *platform_.map_ports(testing::FakeUart::kBase, 8)));
        start();
        uart_.gone = true;
        EXPECT_EQ(operation().error(), Error::kDeviceGone);
        driver_.stop();
    }
}

TEST_F(Uart16550Hostile, RemovalIsNoticedInTheHandler) {
    start();
    uart_.gone = true;
    machine_.raise(testing::FakeUart::kVector);
    const std::uint64_t before = uart_.reads;
    let_interrupts_in();
    EXPECT_LE(uart_.reads - before, 3u);
    EXPECT_EQ(write("x").error(), Error::kDeviceGone);
}

TEST_F(Uart16550Hostile, RemovalInTheMiddleOfReceptionKeepsWhatArrivedBefore) {
    start();
    int left = 5;
    uart_.on_rbr_read = [&] { uart_.gone = --left == 0; };
    uart_.type("12345678");
    let_interrupts_in();
    EXPECT_EQ(read(), "1234") << "the character read as the device went is not believed";
    std::byte buffer[4];
    EXPECT_EQ(driver_.read(buffer).error(), Error::kDeviceGone);
}

TEST_F(Uart16550Hostile, ARemovedDeviceIsNotTouchedByStopAndMustBeProbedAgain) {
    start();
    uart_.gone = true;
    (void)write("x");
    uart_.writes.clear();
    driver_.stop();
    EXPECT_TRUE(uart_.writes.empty());
    EXPECT_TRUE(uart_.detached);
    EXPECT_EQ(driver_.start({}).error(), Error::kAbsent);
    uart_.gone = false;
    ASSERT_TRUE(driver_.probe(platform_, *platform_.map_ports(testing::FakeUart::kBase, 8)));
    start();
    ASSERT_TRUE(write("back"));
    EXPECT_EQ(uart_.sent, "back");
}

TEST_F(Uart16550Hostile, RemovalAtEveryReadEndsCleanly) {
    // One exchange, with the device pulled before its n-th read, for every n that it has.
    bool removed = true;
    for (std::uint64_t n = 0; removed && n < 500; ++n) {
        uart_.gone = false;
        uart_.rx.clear();
        Uart16550 driver;
        if (!driver.probe(platform_, *platform_.map_ports(testing::FakeUart::kBase, 8))) FAIL();
        std::uint64_t reads = 0;
        ON_CALL(machine_, read(hal::AddressSpace::kPort, ::testing::_, 1))
            .WillByDefault([&](auto, std::uint64_t address, unsigned) {
                uart_.gone = reads++ >= n;
                return std::uint64_t{
                    uart_.read(static_cast<std::uint32_t>(address - testing::FakeUart::kBase))};
            });
        const hal::Status started = driver.start(interrupt_driven());
        if (started) {
            (void)driver.write(std::as_bytes(std::span("a longer text than one FIFO takes at once")));
            uart_.type("12345678");
            let_interrupts_in();
            (void)driver.poll(64);
            (void)driver.configure({.baud = 9600});
            (void)driver.set_break(true);
            (void)driver.set_break(false);
            (void)driver.modem();
            (void)driver.drain();
        } else {
            EXPECT_EQ(started.error(), Error::kDeviceGone) << n;
        }
        driver.stop();
        removed = uart_.gone;
        ASSERT_LT(reads, n + 100) << "goes on reading a device that is gone";
        ON_CALL(machine_, read(hal::AddressSpace::kPort, ::testing::_, ::testing::_))
            .WillByDefault([&](auto, std::uint64_t address, unsigned) {
                return std::uint64_t{
                    uart_.read(static_cast<std::uint32_t>(address - testing::FakeUart::kBase))};
            });
    }
    EXPECT_FALSE(removed) << "the sweep must reach the end of the exchange";
}

TEST_F(Uart16550Hostile, AllOnesOnceIsAFullHouseOfErrorsAndNoRemoval) {
    start({});
    int first = 1;
    ON_CALL(machine_, read(hal::AddressSpace::kPort, testing::FakeUart::kBase + kLsr, 1))
        .WillByDefault([&](auto, auto, auto) { return std::uint64_t{first-- > 0 ? 0xffu : 0x60u}; });
    EXPECT_EQ(driver_.poll(10), 0u);
    EXPECT_EQ(driver_.statistics().overruns, 1u);
    EXPECT_EQ(driver_.statistics().breaks, 1u);
    EXPECT_TRUE(write("alive"));
}

TEST_F(Uart16550Hostile, ATransmitterThatNeverEmptiesTimesOut) {
    uart_.instant = false;
    start();
    ASSERT_TRUE(write(std::string(100, 'x')));
    const std::uint64_t before = platform_.now().ns;
    EXPECT_EQ(driver_.drain().error(), Error::kTimeout);
    // 84 characters still in the ring and two FIFOs' worth, twice over, at 86.8 us a character.
    EXPECT_LT(platform_.now().ns - before, 25'000'000u);
    EXPECT_EQ(driver_.configure({.baud = 9600}).error(), Error::kTimeout);
    EXPECT_EQ(driver_.set_break(true).error(), Error::kTimeout);
    EXPECT_EQ(uart_.lcr & kLcrBreak, 0);
    EXPECT_LT(uart_.reads, 5000u);
}

TEST_F(Uart16550Hostile, AfterATimeoutTheTransmitterMayRecover) {
    uart_.instant = false;
    start();
    ASSERT_TRUE(write(std::string(40, 'x')));
    ASSERT_FALSE(driver_.configure({.baud = 9600}));
    uart_.instant = true;
    uart_.transmit_all();
    EXPECT_TRUE(driver_.drain());
    EXPECT_EQ(uart_.sent.size(), 40u);
}

TEST_F(Uart16550Hostile, AStandingClockDoesNotHangADrain) {
    uart_.instant = false;
    start();
    ASSERT_TRUE(write("x"));
    ON_CALL(machine_, delay_ns(::testing::_)).WillByDefault([](std::uint64_t) {});
    EXPECT_EQ(driver_.drain().error(), Error::kTimeout);
    EXPECT_LT(uart_.reads, 5000u);
}

TEST_F(Uart16550Hostile, ATimeoutWithoutACharacterIsEndedByOneRead) {
    start();
    uart_.timed_out = true;  // and nothing in the FIFO
    machine_.raise(testing::FakeUart::kVector);
    let_interrupts_in();
    EXPECT_EQ(driver_.statistics().ghost_timeouts, 1u);
    EXPECT_EQ(driver_.statistics().received, 0u);
    EXPECT_EQ(driver_.statistics().storms, 0u);
    EXPECT_FALSE(uart_.asserted());
}

TEST_F(Uart16550Hostile, ATimeoutThatNeverEndsIsAStorm) {
    start();
    uart_.stuck[kIir] = 0xcc;
    machine_.raise(testing::FakeUart::kVector);
    const std::uint64_t before = uart_.reads;
    let_interrupts_in();
    EXPECT_EQ(driver_.statistics().storms, 1u);
    EXPECT_LE(uart_.reads - before, kHandlerAccesses);
    EXPECT_EQ(uart_.ier, 0) << "interrupts stay off until the next poll";
}

TEST_F(Uart16550Hostile, InterruptsWithNothingPendingAreCountedAndCheap) {
    start();
    const std::uint64_t before = uart_.reads;
    for (int i = 0; i < 1000; ++i) {
        machine_.raise(testing::FakeUart::kVector);
        let_interrupts_in();
    }
    EXPECT_EQ(driver_.statistics().spurious, 1000u);
    EXPECT_EQ(uart_.reads - before, 1000u);
    EXPECT_EQ(driver_.statistics().storms, 0u);
}

TEST_F(Uart16550Hostile, AReceiverThatNeverDrainsEndsAtTheBound) {
    start();
    uart_.on_rbr_read = [&] { uart_.rx.push_back({'x', 0}); };
    uart_.type("12345678");
    const std::uint64_t before = uart_.reads;
    let_interrupts_in();
    EXPECT_LE(uart_.reads - before, kHandlerAccesses);
    EXPECT_EQ(driver_.statistics().storms, 1u);
    EXPECT_EQ(driver_.statistics().received, Uart16550::kHandlerCharacters);
    EXPECT_EQ(driver_.poll(32), 32u) << "poll keeps to its budget too";
}

TEST_F(Uart16550Hostile, AfterAStormPollTurnsInterruptsOnAgainAndNothingIsLost) {
    start();
    int left = 1000;
    uart_.on_rbr_read = [&] {
        if (left-- > 0) uart_.rx.push_back({'x', 0});
    };
    uart_.type("12345678");
    let_interrupts_in();
    ASSERT_EQ(driver_.statistics().storms, 1u);
    EXPECT_FALSE(driver_.on_interrupt()) << "not before poll";
    (void)driver_.poll(2000);
    EXPECT_EQ(driver_.statistics().received, 1008u);
    EXPECT_EQ(uart_.ier, kIerRdi | kIerRlsi | kIerMsi);
    EXPECT_EQ(read().size(), 1008u);
    uart_.on_rbr_read = nullptr;
    uart_.type("12345678");
    let_interrupts_in();
    EXPECT_EQ(read(), "12345678");
}

TEST_F(Uart16550Hostile, ATransmitterLeftByAStormIsTakenUpByPoll) {
    uart_.instant = false;
    start();
    ASSERT_TRUE(write(std::string(40, 'x')));
    uart_.stuck[kIir] = 0xc0;
    machine_.raise(testing::FakeUart::kVector);
    let_interrupts_in();
    ASSERT_EQ(driver_.statistics().storms, 1u);
    uart_.stuck.clear();
    for (int i = 0; i < 4; ++i) {
        uart_.transmit_all();
        (void)driver_.poll(64);
    }
    EXPECT_EQ(uart_.sent.size(), 40u);
}

TEST_F(Uart16550Hostile, EveryValueOfTheIdentificationEnds) {
    for (unsigned value = 0; value < 256; ++value) {
        uart_.stuck.clear();
        uart_.rx.clear();
        start();
        uart_.stuck[kIir] = static_cast<std::uint8_t>(value);
        const std::uint64_t before = uart_.reads;
        machine_.raise(testing::FakeUart::kVector);
        let_interrupts_in();
        EXPECT_LE(uart_.reads - before, kHandlerAccesses) << value;
        (void)write("x");
        driver_.stop();
    }
}

TEST_F(Uart16550Hostile, EveryValueOfTheLineStatusEnds) {
    for (unsigned value = 0; value < 256; ++value) {
        uart_.stuck.clear();
        uart_.rx.clear();
        ASSERT_TRUE(driver_.probe(platform_, *platform_.map_ports(testing::FakeUart::kBase, 8)));
        start();
        uart_.stuck[kLsr] = static_cast<std::uint8_t>(value);
        const std::uint64_t before = uart_.reads;
        uart_.type("12345678");
        let_interrupts_in();
        (void)write("12345678901234567890");
        (void)driver_.drain();
        (void)driver_.poll(100);
        driver_.stop();
        EXPECT_LE(uart_.reads - before, 20'000u) << value;
    }
}

TEST_F(Uart16550Hostile, AThreCauseWithoutThreLoadsNothing) {
    uart_.instant = false;
    start();
    ASSERT_TRUE(write(std::string(40, 'x')));
    uart_.stuck[kIir] = 0xc2;
    machine_.raise(testing::FakeUart::kVector);
    let_interrupts_in();
    EXPECT_EQ(uart_.most_loaded, 16u);
    EXPECT_EQ(driver_.statistics().storms, 1u);
}

}  // namespace
}  // namespace tb::serial
