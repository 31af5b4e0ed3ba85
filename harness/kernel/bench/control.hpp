// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <hal/platform.hpp>
#include <initializer_list>
#include <string_view>

#include "serial/uart16550.hpp"

namespace tb::kernel::bench {

/// How the guest speaks with the harness (pattern.hpp). A harness that does not answer within seconds is a
/// panic: nobody would see the result.
class Control {
  public:
    struct Number {
        const char* key;
        std::uint64_t value;
    };

    void open(hal::Platform platform);
    void begin(const char* row);
    void end(const char* row, std::initializer_list<Number> numbers);
    void flood(std::uint64_t bytes);
    /// Always false, for `return control.fail(...)`.
    bool fail(const char* row, const char* why);

  private:
    void say(std::string_view text);
    void say(std::uint64_t number);
    void wait_for_answer();

    hal::Platform platform_;
    serial::Uart16550 uart_;
};

}  // namespace tb::kernel::bench
