// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "serial/testing/fake_uart.hpp"
#include "serial/uart16550.hpp"

namespace tb::serial::testing {

/// A driver that has been probed over a FakeUart at COM1's ports.
class UartFixture : public ::testing::Test {
  protected:
    UartFixture() {
        EXPECT_TRUE(driver_.probe(platform_, *platform_.map_ports(FakeUart::kBase, 8)));
        uart_.writes.clear();
        uart_.reads = 0;
    }

    static Options interrupt_driven() {
        Options options;
        options.interrupt = InterruptSource::isa(4);
        return options;
    }
    void start(const Options& options = interrupt_driven()) {
        const hal::Status started = driver_.start(options);
        ASSERT_TRUE(started) << hal::to_string(started.error());
    }

    hal::Result<std::uint32_t> write(std::string_view text) {
        return driver_.write(std::as_bytes(std::span(text.data(), text.size())));
    }
    std::string read(std::size_t most = 4096) {
        std::string text(most, '\0');
        const auto got = driver_.read(std::as_writable_bytes(std::span(text.data(), text.size())));
        text.resize(got ? *got : 0);
        return text;
    }
    /// Gives the host a point at which waiting interrupts are taken.
    void let_interrupts_in() { host_.interrupt_point(); }

    ::testing::NiceMock<hal::testing::MockMachine> machine_;
    hal::Host host_{machine_};
    hal::Platform platform_{host_};
    FakeUart uart_{machine_};
    Uart16550 driver_;
};

}  // namespace tb::serial::testing
