// SPDX-License-Identifier: BSD-3-Clause
#include "models/serial/isa_serial.hpp"

#include <linux/serial_reg.h>

#include "models/serial/testing/com1.hpp"

/// The ports, the access widths, power-on values, and what a driver may not do.
namespace tb::model::serial {
namespace {

using IsaSerialTest = testing::Com1;

TEST_F(IsaSerialTest, PowersOnAsQemuDoes) {
    const unsigned expected[] = {0x00, 0x00, 0x01, 0x00, 0x08, 0x60, 0xb0, 0x00};
    for (unsigned offset = 0; offset < kUartBytes; ++offset)
        EXPECT_EQ(in(offset), expected[offset]) << offset;
    out(reg::kLine, lcr::kDlab);
    EXPECT_EQ(in(reg::kData), 0x0cu);
    EXPECT_EQ(in(reg::kEnable), 0x00u);
    EXPECT_FALSE(irq());
}

TEST_F(IsaSerialTest, TheTableAgreesWithThePowerOnValues) {
    for (const RegisterSpec& spec : uart16550_registers()) {
        const std::string_view name = spec.name;
        const bool latched = name == "DLL" || name == "DLM";
        out(reg::kLine, latched ? lcr::kDlab : 0);
        EXPECT_EQ(in(spec.offset), name == "FCR" ? unsigned{iir::kNone} : spec.reset) << spec.name;
    }
}

TEST_F(IsaSerialTest, EachRegisterKeepsTheBitsThatItHas) {
    for (unsigned value = 0; value < 256; ++value) {
        out(reg::kScratch, value);
        EXPECT_EQ(in(reg::kScratch), value);
        out(reg::kModem, value);
        EXPECT_EQ(in(reg::kModem), value & 0x1f);
        out(reg::kEnable, value);
        EXPECT_EQ(in(reg::kEnable), value & 0x0f);
    }
    for (unsigned value = 0; value < 256; ++value) {
        out(reg::kLine, value);
        EXPECT_EQ(in(reg::kLine), value);
    }
}

TEST_F(IsaSerialTest, AWordToTheDataPortWritesBothHalvesOfTheDivisor) {
    out(reg::kLine, lcr::kDlab);
    bench_.out(kPort, 0x1234, 2);
    EXPECT_EQ(in(reg::kData), 0x34u);
    EXPECT_EQ(in(reg::kEnable), 0x12u);
    EXPECT_EQ(bench_.in(kPort, 2), 0x1234u);
    EXPECT_EQ(bench_.in(kPort, 4), 0x8001'1234u) << "and the two registers behind them";
}

TEST_F(IsaSerialTest, ReadsBehindTheLastRegisterFindNobody) {
    out(reg::kScratch, 0x5a);
    EXPECT_EQ(bench_.in(kPort + 7, 2), 0xff5au);
    bench_.out(kPort + 7, 0xaaa5, 2);
    EXPECT_EQ(in(reg::kScratch), 0xa5u);
}

TEST_F(IsaSerialTest, SendsAtOnce) {
    send("hello");
    EXPECT_EQ(sent(), "hello");
    EXPECT_EQ(in(reg::kLineStatus), 0x60u);
}

TEST_F(IsaSerialTest, ReceivesOneAtATimeWithoutAFifo) {
    type("ab");
    EXPECT_EQ(in(reg::kLineStatus), 0x61u);
    EXPECT_EQ(line_.waiting(), 1u) << "the terminal holds what the device has no room for";
    EXPECT_EQ(receive(2), "ab");
    EXPECT_EQ(in(reg::kLineStatus), 0x60u);
    EXPECT_EQ(receive(1), "b") << "without a FIFO the last character stays in the register";
}

TEST_F(IsaSerialTest, TellsTheTerminalTheFormat) {
    set_divisor(12, 0x1e);  // 7 data bits, even parity, 2 stop bits
    EXPECT_EQ(line_.line(), (LineSettings{9600, 7, 2, 'E'}));
    set_divisor(1, 0x0b);
    EXPECT_EQ(line_.line(), (LineSettings{115200, 8, 1, 'O'}));
    EXPECT_EQ(com1_.uart().character_ns(), 95'486u);
}

TEST_F(IsaSerialTest, ADivisorOfZeroCountsAs3500BaudAndIsAFinding) {
    set_divisor(0);
    EXPECT_EQ(line_.line().baud, 3500.0F);
    ASSERT_EQ(bench_.seen.findings.size(), 1u);
    EXPECT_EQ(bench_.seen.findings[0].device, "com1");
    EXPECT_EQ(bench_.seen.findings[0].subject, "DLL");
}

TEST_F(IsaSerialTest, WritesToReadOnlyRegistersAreFindingsAndDoNothing) {
    out(reg::kLineStatus, 0);
    out(reg::kModemStatus, 0);
    EXPECT_EQ(in(reg::kLineStatus), 0x60u);
    EXPECT_EQ(in(reg::kModemStatus), 0xb0u);
    ASSERT_EQ(bench_.seen.findings.size(), 2u);
    EXPECT_EQ(bench_.seen.findings[0].subject, "LSR");
    EXPECT_EQ(bench_.seen.findings[1].subject, "MSR");
}

TEST_F(IsaSerialTest, ABreakGoesOutWhileItsBitIsSet) {
    out(reg::kLine, 0x43);
    EXPECT_TRUE(line_.break_on());
    out(reg::kLine, 0x43);
    EXPECT_EQ(line_.breaks(), 1u);
    out(reg::kLine, 0x03);
    EXPECT_FALSE(line_.break_on());
}

TEST_F(IsaSerialTest, ATerminalThatTakesNothingKeepsTheTransmitterBusy) {
    line_.block(true);
    send("a");
    EXPECT_EQ(in(reg::kLineStatus), 0x20u) << "the holding register is free, the shift register is not";
    send("b");
    EXPECT_EQ(in(reg::kLineStatus), 0x00u);
    line_.block(false);
    EXPECT_EQ(sent(), "ab");
    EXPECT_EQ(in(reg::kLineStatus), 0x60u);
}

TEST_F(IsaSerialTest, WritingAFullHoldingRegisterLosesWhatWasInItAndIsAFinding) {
    line_.block(true);
    send("abc");
    line_.block(false);
    EXPECT_EQ(sent(), "ac");
    ASSERT_EQ(bench_.seen.findings.size(), 1u);
    EXPECT_EQ(bench_.seen.findings[0].subject, "THR");
}

TEST_F(IsaSerialTest, ACharacterThatIsRefusedFiveTimesIsLost) {
    line_.block(true);
    send("a");
    for (int i = 0; i < 3; ++i) com1_.uart().output_ready();
    EXPECT_EQ(in(reg::kLineStatus), 0x20u);
    com1_.uart().output_ready();
    EXPECT_EQ(in(reg::kLineStatus), 0x60u);
    line_.block(false);
    EXPECT_EQ(sent(), "");
}

TEST_F(IsaSerialTest, WithoutATerminalWhatIsSentIsLost) {
    line_.set_present(false);
    send("void");
    EXPECT_EQ(in(reg::kLineStatus), 0x60u);
    EXPECT_EQ(sent(), "");
}

TEST_F(IsaSerialTest, ResetForgetsEverything) {
    out(reg::kIdentity, 0x01);
    out(reg::kEnable, 0x0f);
    type("abc");
    out(reg::kLine, 0x83);
    com1_.power_on_reset();
    line_.reset();
    EXPECT_FALSE(irq());
    EXPECT_EQ(in(reg::kIdentity), 0x01u);
    EXPECT_EQ(in(reg::kLineStatus), 0x60u);
    EXPECT_EQ(in(reg::kLine), 0u);
    wait(1'000'000'000);
    EXPECT_FALSE(irq()) << "no timeout survives";
}

TEST_F(IsaSerialTest, ABoardThatIsResetFirstEndsWithItsLineLowToo) {
    out(reg::kEnable, 0x02);
    ASSERT_TRUE(irq());
    bench_.board.reset();
    com1_.power_on_reset();
    out(reg::kEnable, 0x02);
    EXPECT_TRUE(irq());
    out(reg::kEnable, 0x00);
    EXPECT_FALSE(irq());
}

TEST_F(IsaSerialTest, EveryWriteToEveryRegisterIsSurvived) {
    unsigned x = 1;
    for (int i = 0; i < 20'000; ++i) {
        x = x * 1'664'525 + 1'013'904'223;
        const unsigned offset = x >> 29;
        if ((x & 0x800) != 0)
            out(offset, x >> 16 & 0xff);
        else
            in(offset);
        if ((x & 0x7000) == 0) type("x");
        if ((x & 0x3f000) == 0) line_.block((x & 1) != 0);
    }
    line_.block(false);
    out(reg::kLine, 3);
    out(reg::kModem, 0);
    sent();
    send("ok");
    EXPECT_EQ(sent(), "ok");
}

TEST(Uart16550Table, AgreesWithTheSystemsHeader) {
    const std::pair<const char*, unsigned> offsets[] = {
        {"RBR", UART_RX},  {"THR", UART_TX},  {"DLL", UART_DLL}, {"IER", UART_IER},
        {"DLM", UART_DLM}, {"IIR", UART_IIR}, {"FCR", UART_FCR}, {"LCR", UART_LCR},
        {"MCR", UART_MCR}, {"LSR", UART_LSR}, {"MSR", UART_MSR}, {"SCR", UART_SCR}};
    ASSERT_EQ(uart16550_registers().size(), std::size(offsets));
    for (std::size_t i = 0; i < std::size(offsets); ++i) {
        EXPECT_STREQ(uart16550_registers()[i].name, offsets[i].first);
        EXPECT_EQ(uart16550_registers()[i].offset, offsets[i].second) << offsets[i].first;
    }
    EXPECT_EQ(ier::kReceive, UART_IER_RDI);
    EXPECT_EQ(ier::kTransmit, UART_IER_THRI);
    EXPECT_EQ(ier::kLineStatus, UART_IER_RLSI);
    EXPECT_EQ(ier::kModemStatus, UART_IER_MSI);
    EXPECT_EQ(iir::kTimeout, UART_IIR_RX_TIMEOUT);
    EXPECT_EQ(lcr::kDlab, UART_LCR_DLAB);
    EXPECT_EQ(mcr::kLoop, UART_MCR_LOOP);
    EXPECT_EQ(lsr::kErrors, UART_LSR_BRK_ERROR_BITS);
    EXPECT_EQ(lsr::kHoldingEmpty, UART_LSR_THRE);
    EXPECT_EQ(lsr::kTransmitterEmpty, UART_LSR_TEMT);
    EXPECT_EQ(msr::kTrailingRi, UART_MSR_TERI);
    EXPECT_EQ(msr::kDeltas, UART_MSR_ANY_DELTA);
}

}  // namespace
}  // namespace tb::model::serial
