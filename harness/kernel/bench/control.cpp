// SPDX-License-Identifier: BSD-3-Clause
#include "harness/kernel/bench/control.hpp"

#include <array>
#include <hal/poll.hpp>
#include <span>

#include "harness/kernel/core/panic.hpp"

namespace tb::kernel::bench {

namespace {

constexpr std::uint16_t kCom1 = 0x3f8;
constexpr unsigned kPollBudget = 256;
constexpr hal::Duration kInterval = hal::microseconds(1);
constexpr hal::Duration kDeadline = hal::seconds(30);

}  // namespace

void Control::open(hal::Platform platform) {
    platform_ = platform;
    if (!uart_.probe(platform_, *platform_.map_ports(kCom1, 8)) || !uart_.start({}))
        panic("there is no UART at 0x3f8 to speak with the harness");
    say("ready\n");
    wait_for_answer();
}

void Control::say(std::string_view text) {
    std::span<const std::byte> left = std::as_bytes(std::span(text));
    const bool said = hal::poll_until(platform_, kDeadline, kInterval, [&] {
        const auto taken = uart_.write(left);
        if (!taken) return false;
        left = left.subspan(*taken);
        uart_.poll(kPollBudget);
        return left.empty();
    });
    if (!said) panic("the harness does not listen");
}

void Control::say(std::uint64_t number) {
    std::array<char, 20> digits{};
    std::size_t first = digits.size();
    do {
        digits[--first] = static_cast<char>('0' + number % 10);
        number /= 10;
    } while (number != 0);
    say(std::string_view(digits.data() + first, digits.size() - first));
}

void Control::wait_for_answer() {
    std::byte last{};
    const bool answered = hal::poll_until(platform_, kDeadline, kInterval, [&] {
        uart_.poll(kPollBudget);
        const auto got = uart_.read({&last, 1});
        return got && *got == 1 && last == std::byte{'\n'};
    });
    if (!answered) panic("the harness does not answer");
}

void Control::begin(const char* row) {
    say("begin ");
    say(row);
    say("\n");
    wait_for_answer();
}

void Control::end(const char* row, std::initializer_list<Number> numbers) {
    say("end ");
    say(row);
    for (const Number& number : numbers) {
        say(" ");
        say(number.key);
        say("=");
        say(number.value);
    }
    say("\n");
    wait_for_answer();
}

void Control::flood(std::uint64_t bytes) {
    say("flood ");
    say(bytes);
    say("\n");
    wait_for_answer();
}

bool Control::fail(const char* row, const char* why) {
    say("fail ");
    say(row);
    say(": ");
    say(why);
    say("\n");
    wait_for_answer();
    return false;
}

}  // namespace tb::kernel::bench
