// SPDX-License-Identifier: BSD-3-Clause
#include "serial/line.hpp"

#include <gtest/gtest.h>
#include <linux/serial_reg.h>

namespace tb::serial {
namespace {

using hal::Error;
using uart16550::kPcClock;

TEST(Divisor, IsTheClockOverSixteenTimesTheBaudRate) {
    EXPECT_EQ(*divisor_for(kPcClock, 115200), 1);
    EXPECT_EQ(*divisor_for(kPcClock, 9600), 12);
    EXPECT_EQ(*divisor_for(kPcClock, 300), 384);
    EXPECT_EQ(*divisor_for(kPcClock, 2), 57600);
    EXPECT_EQ(*divisor_for(14'745'600, 921600), 1);
}

TEST(Divisor, RoundsToTheNearestRate) {
    // 134.5 baud, asked for as 134 and 135: 859.7 and 853.3.
    EXPECT_EQ(*divisor_for(kPcClock, 134), 860);
    EXPECT_EQ(*divisor_for(kPcClock, 135), 853);
}

TEST(Divisor, IsNeverZero) {
    EXPECT_EQ(divisor_for(kPcClock, 0).error(), Error::kInvalidArgument);
    EXPECT_EQ(divisor_for(0, 9600).error(), Error::kInvalidArgument);
    EXPECT_EQ(divisor_for(kPcClock, 230400).error(), Error::kUnsupported);
    EXPECT_EQ(divisor_for(kPcClock, 4'000'000'000).error(), Error::kUnsupported);
}

TEST(Divisor, DoesNotOverflowTheLatch) {
    EXPECT_EQ(divisor_for(kPcClock, 1).error(), Error::kUnsupported);
    EXPECT_EQ(divisor_for(0xffff'ffff, 300).error(), Error::kUnsupported);
}

TEST(Divisor, RefusesARateThatItMissesByMoreThanThreePercent) {
    EXPECT_EQ(divisor_for(kPcClock, 76800).error(), Error::kUnsupported);  // 1.5: 33 % off either way
    EXPECT_EQ(divisor_for(kPcClock, 118800).error(), Error::kUnsupported);
    EXPECT_EQ(*divisor_for(kPcClock, 118700), 1);  // 2.95 % slow
    EXPECT_EQ(*divisor_for(kPcClock, 112000), 1);  // 2.86 % fast
    EXPECT_EQ(divisor_for(kPcClock, 111500).error(), Error::kUnsupported);
}

TEST(LineControl, EncodesEveryFormatOfTheDataSheet) {
    EXPECT_EQ(*line_control_for({.data_bits = 8}), UART_LCR_WLEN8);
    EXPECT_EQ(*line_control_for({.data_bits = 7, .parity = Parity::kEven}),
              UART_LCR_WLEN7 | UART_LCR_PARITY | UART_LCR_EPAR);
    EXPECT_EQ(*line_control_for({.data_bits = 6, .parity = Parity::kOdd}), UART_LCR_WLEN6 | UART_LCR_PARITY);
    EXPECT_EQ(*line_control_for({.data_bits = 5, .stop_bits = 2}), UART_LCR_WLEN5 | UART_LCR_STOP);
    EXPECT_EQ(*line_control_for({.parity = Parity::kMark}), UART_LCR_WLEN8 | UART_LCR_PARITY | UART_LCR_SPAR);
    EXPECT_EQ(*line_control_for({.parity = Parity::kSpace}),
              UART_LCR_WLEN8 | UART_LCR_PARITY | UART_LCR_SPAR | UART_LCR_EPAR);
}

TEST(LineControl, RefusesFormatsThatDoNotExist) {
    for (const std::uint8_t bits : std::initializer_list<std::uint8_t>{0, 4, 9, 255})
        EXPECT_EQ(line_control_for({.data_bits = bits}).error(), Error::kInvalidArgument) << int{bits};
    for (const std::uint8_t stops : std::initializer_list<std::uint8_t>{0, 3})
        EXPECT_EQ(line_control_for({.stop_bits = stops}).error(), Error::kInvalidArgument) << int{stops};
    EXPECT_EQ(line_control_for({.parity = static_cast<Parity>(9)}).error(), Error::kInvalidArgument);
}

TEST(CharacterTime, CountsStartParityAndStopBits) {
    EXPECT_EQ(character_time({.baud = 9600}).ns, 10 * 1'000'000'000ull / 9600 + 1);
    EXPECT_EQ(character_time({.baud = 300, .data_bits = 7, .stop_bits = 2, .parity = Parity::kOdd}).ns,
              11 * 1'000'000'000ull / 300 + 1);
}

TEST(Registers, AgreeWithTheSystemsHeader) {
    using namespace uart16550;
    EXPECT_EQ(kRbr, UART_RX);
    EXPECT_EQ(kThr, UART_TX);
    EXPECT_EQ(kDll, UART_DLL);
    EXPECT_EQ(kIer, UART_IER);
    EXPECT_EQ(kDlm, UART_DLM);
    EXPECT_EQ(kIir, UART_IIR);
    EXPECT_EQ(kFcr, UART_FCR);
    EXPECT_EQ(kLcr, UART_LCR);
    EXPECT_EQ(kMcr, UART_MCR);
    EXPECT_EQ(kLsr, UART_LSR);
    EXPECT_EQ(kMsr, UART_MSR);
    EXPECT_EQ(kScr, UART_SCR);
    EXPECT_EQ(kIerRdi, UART_IER_RDI);
    EXPECT_EQ(kIerThri, UART_IER_THRI);
    EXPECT_EQ(kIerRlsi, UART_IER_RLSI);
    EXPECT_EQ(kIerMsi, UART_IER_MSI);
    EXPECT_EQ(kIirNoInterrupt, UART_IIR_NO_INT);
    EXPECT_EQ(kIirMsr, UART_IIR_MSI);
    EXPECT_EQ(kIirThre, UART_IIR_THRI);
    EXPECT_EQ(kIirRda, UART_IIR_RDI);
    EXPECT_EQ(kIirRls, UART_IIR_RLSI);
    EXPECT_EQ(kIirTimeout, UART_IIR_RX_TIMEOUT);
    EXPECT_EQ(kFcrEnable, UART_FCR_ENABLE_FIFO);
    EXPECT_EQ(kFcrClearRx, UART_FCR_CLEAR_RCVR);
    EXPECT_EQ(kFcrClearTx, UART_FCR_CLEAR_XMIT);
    EXPECT_EQ(kFcrFifo64, UART_FCR7_64BYTE);
    EXPECT_EQ(kFcrTrigger1, UART_FCR_TRIGGER_1);
    EXPECT_EQ(kFcrTrigger4, UART_FCR_TRIGGER_4);
    EXPECT_EQ(kFcrTrigger8, UART_FCR_TRIGGER_8);
    EXPECT_EQ(kFcrTrigger14, UART_FCR_TRIGGER_14);
    EXPECT_EQ(kLcrDlab, UART_LCR_DLAB);
    EXPECT_EQ(kLcrBreak, UART_LCR_SBC);
    EXPECT_EQ(kMcrDtr, UART_MCR_DTR);
    EXPECT_EQ(kMcrRts, UART_MCR_RTS);
    EXPECT_EQ(kMcrOut1, UART_MCR_OUT1);
    EXPECT_EQ(kMcrOut2, UART_MCR_OUT2);
    EXPECT_EQ(kMcrLoop, UART_MCR_LOOP);
    EXPECT_EQ(kLsrDr, UART_LSR_DR);
    EXPECT_EQ(kLsrOe, UART_LSR_OE);
    EXPECT_EQ(kLsrPe, UART_LSR_PE);
    EXPECT_EQ(kLsrFe, UART_LSR_FE);
    EXPECT_EQ(kLsrBi, UART_LSR_BI);
    EXPECT_EQ(kLsrThre, UART_LSR_THRE);
    EXPECT_EQ(kLsrTemt, UART_LSR_TEMT);
    EXPECT_EQ(kMsrCts, UART_MSR_CTS);
    EXPECT_EQ(kMsrDsr, UART_MSR_DSR);
    EXPECT_EQ(kMsrRi, UART_MSR_RI);
    EXPECT_EQ(kMsrDcd, UART_MSR_DCD);
    EXPECT_EQ(kMsrDeltaMask, UART_MSR_ANY_DELTA);
    EXPECT_EQ(kMsrTrailingRi, UART_MSR_TERI);
}

}  // namespace
}  // namespace tb::serial
