// SPDX-License-Identifier: BSD-3-Clause
#include "harness/fuzz/dialects.hpp"

namespace tb::fuzz {

namespace {

using harness::Arguments;
using harness::Bytes;

void format(const Record& r, Arguments& a) {
    constexpr std::uint64_t kBauds[] = {115'200, 9600, 57'600, 300, 115'200};
    constexpr const char* kParities[] = {"none", "odd", "even", "mark", "space"};
    a.set("baud", one_of(kBauds, r.place & 0xffU));
    // Fewer bits would cut what is sent; the truth about eight can be told.
    a.set("data_bits", std::uint64_t{8});
    a.set("stop_bits", std::uint64_t{1} + (r.nth & 1U));
    a.set("parity", std::string(one_of(kParities, r.times)));
}

void start(const Record& r, Arguments& a) {
    constexpr std::uint64_t kTriggers[] = {8, 1, 4, 14};
    format(r, a);
    a.set("interrupts", !bit(r.what, 0));
    a.set("flow_control", bit(r.what, 1));
    a.set("trigger", one_of(kTriggers, r.when));
}

/// All different, so that an order can be seen.
Bytes characters(const Record& r) {
    constexpr std::size_t kCounts[] = {1, 2, 3, 5, 8, 14, 15, 16, 17, 31, 33, 64, 100, 200, 0};
    Bytes bytes(one_of(kCounts, r.nth));
    for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(r.value + i);
    return bytes;
}

void data(const Record& r, Arguments& a) {
    a.set("data", characters(r));
}

void most(const Record& r, Arguments& a) {
    constexpr std::uint64_t kMost[] = {4096, 1, 0, 16, 64};
    a.set("most", one_of(kMost, r.nth));
}

void poll(const Record& r, Arguments& a) {
    constexpr std::uint64_t kBudgets[] = {64, 1, 0, 16, 1024};
    a.set("budget", one_of(kBudgets, r.nth));
}

void modem_control(const Record& r, Arguments& a) {
    a.set("dtr", bit(r.nth, 0));
    a.set("rts", bit(r.nth, 1));
}

void on(const Record& r, Arguments& a) {
    a.set("on", bit(r.nth, 0));
}

void lines(const Record& r, Arguments& a) {
    a.set("cts", !bit(r.nth, 0));
    a.set("dsr", !bit(r.nth, 1));
    a.set("ri", bit(r.nth, 2));
    a.set("dcd", !bit(r.nth, 3));
}

constexpr Verb kVerbs[] = {
    {"uart.write", data},
    {"uart.read", most},
    {"uart.poll", poll},
    {"uart.drain", nullptr},
    {"uart.write", data},
    {"uart.read", most},
    {"uart.configure", format},
    {"uart.poll", poll},
    {"uart.set_modem", modem_control},
    {"uart.modem", nullptr},
    {"uart.set_break", on},
    {"uart.loopback", on},
    {"uart.read", most},
    {"uart.write", data},
    {"uart.statistics", nullptr},
    {"stop", nullptr, false, true},
    {"start", start, false, true},
};
constexpr Verb kInputs[] = {
    {"uart.type", data}, {"uart.type", data}, {"uart.break", nullptr}, {"uart.modem", lines}};
constexpr const char* kHarmless[] = {"IIR*", "SCR"};

}  // namespace

const Dialect& serial_dialect() {
    static constexpr Dialect kDialect{"serial",         "isa-serial", "uart16550", R"({"modem_lines": true})",
                                      {"start", start}, kVerbs,       kInputs,     kHarmless};
    return kDialect;
}

}  // namespace tb::fuzz
