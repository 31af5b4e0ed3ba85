// SPDX-License-Identifier: BSD-3-Clause
#include <fmt/format.h>

#include <array>

#include "harness/random/profile.hpp"

namespace tb::random {

namespace {

using nlohmann::json;

void nothing(Dice&, json&) {}

/// Characters arrive.
void type(Dice& dice, json& steps) {
    const std::uint64_t count = 1 + dice.below(dice.percent(80) ? 4 : 40);
    steps.push_back({{"host", "uart.type"}, {"data", fmt::format("random:{}:{}", dice.below(1000), count)}});
}

/// A driver's beginning: a line format, FIFOs, interrupts.
void program(Dice& dice, json& steps) {
    write(steps, "LCR", 0x80);
    write(steps, "DLL", dice.pick({0U, 1U, 12U, 96U}));
    write(steps, "DLM", dice.pick({0U, 0U, 0U, 4U}));
    write(steps, "LCR", dice.below(0x40));
    write(steps, "FCR", dice.pick({0U, 1U, 7U, 0x87U, 0xc1U}));
    write(steps, "IER", dice.below(16));
}

void send(Dice& dice, json& steps) {
    write(steps, "LCR", 3);
    for (std::uint64_t count = 1 + dice.below(20); count > 0; --count) write(steps, "THR", dice.below(256));
}

void receive(Dice& dice, json& steps) {
    for (std::uint64_t count = 1 + dice.below(8); count > 0; --count)
        steps.push_back({{"read", dice.pick({"RBR", "RBR", "LSR", "IIR"})}});
}

constexpr std::array<Act, 4> kActs{type, program, send, receive};
constexpr Profile kIsa{"isa-serial", "{}", {}, nothing, kActs, 15};
constexpr Profile kPci{"pci-serial", "{}", {}, nothing, kActs, 15};

}  // namespace

const Profile& serial_profile(bool pci) {
    return pci ? kPci : kIsa;
}

}  // namespace tb::random
