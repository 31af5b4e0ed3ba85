// SPDX-License-Identifier: BSD-3-Clause
#include "models/serial/testing/com1.hpp"

/// Modem lines and loopback.
namespace tb::model::serial {
namespace {

class Uart16550Modem : public testing::Com1 {
  protected:
    /// As a port with a modem on it from the start.
    void plug_in(ModemInputs inputs) {
        line_.set_modem_inputs(inputs);
        com1_.power_on_reset();
    }
};

TEST_F(Uart16550Modem, WithoutModemLinesTheyAreOnForEver) {
    line_.set_modem_inputs({.cts = false, .dsr = false, .ri = true, .dcd = false});
    EXPECT_EQ(in(reg::kModemStatus), 0xb0u) << "what has no lines at reset is never asked again";
    out(reg::kModem, 0x03);
    EXPECT_EQ(line_.modem_outputs(), ModemOutputs{});
}

TEST_F(Uart16550Modem, LinesShowAtResetWithoutDeltas) {
    plug_in({.cts = true, .dsr = false, .ri = true, .dcd = false});
    EXPECT_EQ(in(reg::kModemStatus), 0x50u);
}

TEST_F(Uart16550Modem, ChangesShowInTheDeltasOnce) {
    plug_in({});
    line_.set_modem_inputs({.cts = false, .dsr = false, .ri = false, .dcd = false});
    EXPECT_EQ(in(reg::kModemStatus), 0x0bu);
    EXPECT_EQ(in(reg::kModemStatus), 0x00u);
}

TEST_F(Uart16550Modem, TheRingIndicatorTellsOfItsTrailingEdgeOnly) {
    plug_in({});
    line_.set_modem_inputs({.ri = true});
    EXPECT_EQ(in(reg::kModemStatus), 0xf0u);
    line_.set_modem_inputs({.ri = false});
    EXPECT_EQ(in(reg::kModemStatus), 0xb4u);
}

TEST_F(Uart16550Modem, WithTheInterruptEnabledLinesAreLookedAtEvery10Milliseconds) {
    plug_in({});
    out(reg::kEnable, ier::kModemStatus);
    line_.set_modem_inputs({.cts = false});
    wait(9'999'999);
    EXPECT_FALSE(irq());
    wait(1);
    EXPECT_TRUE(irq());
    EXPECT_EQ(cause(), iir::kModemStatus);
    EXPECT_EQ(in(reg::kModemStatus), 0xa1u);
    EXPECT_FALSE(irq());
    line_.set_modem_inputs({.cts = true});
    wait(10'000'000);
    EXPECT_TRUE(irq()) << "and again";
    in(reg::kModemStatus);
    out(reg::kEnable, 0);
    line_.set_modem_inputs({.cts = false});
    wait(100'000'000);
    out(reg::kEnable, ier::kReceive);
    EXPECT_FALSE(irq());
}

TEST_F(Uart16550Modem, OutputsReachTheOtherSideWhoseAnswerIsSeenACharacterLater) {
    plug_in({.cts = false});
    out(reg::kEnable, ier::kModemStatus);
    in(reg::kModemStatus);
    out(reg::kModem, mcr::kRts | mcr::kDtr);
    EXPECT_EQ(line_.modem_outputs(), (ModemOutputs{.dtr = true, .rts = true}));
    line_.set_modem_inputs({.cts = true});
    wait(com1_.uart().character_ns());
    EXPECT_TRUE(irq());
    EXPECT_EQ(in(reg::kModemStatus) & 0x11u, 0x11u);
}

TEST_F(Uart16550Modem, LoopbackShowsTheOutputsAsInputs) {
    const std::pair<unsigned, unsigned> map[] = {
        {mcr::kRts, msr::kCts}, {mcr::kDtr, msr::kDsr}, {mcr::kOut1, msr::kRi}, {mcr::kOut2, msr::kDcd}};
    for (const auto& [output, input] : map) {
        out(reg::kModem, mcr::kLoop | output);
        EXPECT_EQ(in(reg::kModemStatus), input);
    }
    out(reg::kModem, 0x1f);
    EXPECT_EQ(in(reg::kModemStatus), 0xf0u);
    out(reg::kModem, 0x0f);
    EXPECT_EQ(in(reg::kModemStatus), 0xb0u);
}

TEST_F(Uart16550Modem, LoopbackHidesTheOutputsFromTheOtherSide) {
    plug_in({});
    out(reg::kModem, mcr::kLoop | mcr::kRts | mcr::kDtr);
    EXPECT_EQ(line_.modem_outputs(), ModemOutputs{});
}

TEST_F(Uart16550Modem, LoopbackReturnsWhatIsSentAndKeepsItFromTheLine) {
    out(reg::kModem, mcr::kLoop);
    out(reg::kEnable, ier::kReceive);
    send("m");
    EXPECT_EQ(sent(), "");
    EXPECT_TRUE(irq());
    EXPECT_EQ(receive(1), "m");
}

TEST_F(Uart16550Modem, LoopbackDoesNotCutTheReceiverOff) {
    out(reg::kModem, mcr::kLoop);
    type("ab");
    EXPECT_EQ(receive(2), "ab");
}

}  // namespace
}  // namespace tb::model::serial
