// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "models/serial/char_stream.hpp"
#include "models/serial/isa_serial.hpp"
#include "models/testing/board_harness.hpp"

namespace tb::model::serial::testing {

/// A board with COM1 and a terminal on it, driven over TLM as a processor would.
class Com1 : public ::testing::Test {
  protected:
    static constexpr std::uint64_t kPort = 0x3f8;
    static constexpr unsigned kIrq = 4;

    Com1() : com1_("com1", bench_.board, line_) {
        bench_.start();
        com1_.power_on_reset();
    }

    unsigned in(unsigned offset) { return static_cast<unsigned>(bench_.in(kPort + offset)); }
    void out(unsigned offset, unsigned value) { bench_.out(kPort + offset, value); }
    void send(std::string_view text) {
        for (const char c : text) out(reg::kData, static_cast<std::uint8_t>(c));
    }
    void type(std::string_view text) {
        line_.type(std::as_bytes(std::span(text.data(), text.size())));
        bench_.simulation.settle();
    }
    std::string sent() {
        std::string text;
        for (const std::byte b : line_.take_output()) text.push_back(static_cast<char>(b));
        return text;
    }
    /// Reads the data register `count` times.
    std::string receive(unsigned count) {
        std::string text;
        while (count-- != 0) text.push_back(static_cast<char>(in(reg::kData)));
        return text;
    }
    void set_divisor(unsigned divisor, unsigned lcr = 3) {
        out(reg::kLine, lcr | lcr::kDlab);
        out(reg::kData, divisor & 0xff);
        out(reg::kEnable, divisor >> 8);
        out(reg::kLine, lcr);
    }
    void wait(std::uint64_t ns) { bench_.simulation.advance(ns); }
    bool irq() { return bench_.board.irq_level(kIrq); }
    unsigned cause() { return in(reg::kIdentity) & 0x0f; }

    model::testing::BoardHarness bench_;
    CharStream line_;
    IsaSerial com1_;
};

}  // namespace tb::model::serial::testing
