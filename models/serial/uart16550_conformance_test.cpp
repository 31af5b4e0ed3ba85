// SPDX-License-Identifier: BSD-3-Clause
// What the PC16550D's data sheet says that a driver relies on, and no other test shows; and where QEMU's
// device does something else. conformance.tsv lists all of it.
#include "models/serial/testing/com1.hpp"

namespace tb::model::serial {
namespace {

class Uart16550Conformance : public testing::Com1 {
  protected:
    void plug_in_modem() {
        line_.set_modem_inputs({});
        com1_.power_on_reset();
    }
};

// Line control register: DLAB shows the divisor's latches in place of the data and enable registers, which
// keep what they have.
TEST_F(Uart16550Conformance, TheLatchesHideDataAndEnableWhileDlabIsSet) {
    out(reg::kEnable, ier::kReceive);
    type("a");
    out(reg::kLine, lcr::kDlab);
    EXPECT_EQ(in(reg::kData), 0x0cu);
    EXPECT_EQ(in(reg::kEnable), 0u);
    out(reg::kLine, 0);
    EXPECT_EQ(in(reg::kEnable), ier::kReceive);
    EXPECT_TRUE(irq());
    EXPECT_EQ(receive(1), "a");
}

// Line control register: five data bits go with one and a half stop bits. QEMU counts two.
TEST_F(Uart16550Conformance, FiveDataBitsGoWithTwoStopBits) {
    set_divisor(12, lcr::kTwoStop);
    EXPECT_EQ(line_.line(), (LineSettings{9600, 5, 2, 'N'}));
}

// Line control register: stick parity fixes the parity bit. QEMU keeps the bit and sends odd or even parity.
TEST_F(Uart16550Conformance, StickParityIsNotThere) {
    set_divisor(12, 0x2b);
    EXPECT_EQ(in(reg::kLine), 0x2bu);
    EXPECT_EQ(line_.line(), (LineSettings{9600, 8, 1, 'O'}));
}

// FIFO interrupt mode: the receive interrupt goes as soon as the FIFO drops below its trigger level.
TEST_F(Uart16550Conformance, TheReceiveCauseEndsBelowTheTriggerLevel) {
    out(reg::kIdentity, 0x41);
    out(reg::kEnable, ier::kReceive);
    type("abcd");
    ASSERT_EQ(cause(), iir::kReceive);
    receive(1);
    EXPECT_FALSE(irq());
    EXPECT_EQ(in(reg::kLineStatus), 0x61u) << "there is still something to read";
}

// FIFO interrupt mode: the transmit interrupt comes when the FIFO is empty.
TEST_F(Uart16550Conformance, TheTransmitCauseWaitsForAnEmptyFifo) {
    out(reg::kIdentity, 0x01);
    out(reg::kEnable, ier::kTransmit);
    line_.block(true);
    send("abc");
    in(reg::kIdentity);
    EXPECT_FALSE(irq());
    EXPECT_EQ(in(reg::kLineStatus), 0u);
    line_.block(false);
    EXPECT_EQ(sent(), "abc");
    EXPECT_TRUE(irq());
    EXPECT_EQ(cause(), iir::kTransmit);
}

// Modem control register: loopback forces the output pins to their inactive state. QEMU leaves them.
TEST_F(Uart16550Conformance, LoopbackLeavesTheOutputsAsTheyWere) {
    plug_in_modem();
    out(reg::kModem, mcr::kDtr | mcr::kRts);
    out(reg::kModem, mcr::kDtr | mcr::kRts | mcr::kLoop);
    EXPECT_EQ(line_.modem_outputs(), (ModemOutputs{.dtr = true, .rts = true}));
}

// Modem control register: in loopback the outputs make modem status interrupts. In QEMU they do not.
TEST_F(Uart16550Conformance, LoopbackRaisesNoModemStatus) {
    plug_in_modem();
    out(reg::kEnable, ier::kModemStatus);
    in(reg::kModemStatus);
    out(reg::kModem, mcr::kLoop);
    out(reg::kModem, mcr::kLoop | mcr::kRts);
    EXPECT_FALSE(irq());
    EXPECT_EQ(in(reg::kModemStatus), msr::kCts) << "no delta";
}

}  // namespace
}  // namespace tb::model::serial
