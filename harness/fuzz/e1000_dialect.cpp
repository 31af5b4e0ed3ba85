// SPDX-License-Identifier: BSD-3-Clause
#include <fmt/format.h>

#include "harness/fuzz/dialects.hpp"

namespace tb::fuzz {

namespace {

using harness::Arguments;
using harness::Bytes;

constexpr std::uint64_t kMillisecond = 1'000'000;
constexpr std::uint64_t kSecond = 1'000'000'000;

void start(const Record& r, Arguments& a) {
    constexpr std::uint64_t kDescriptors[] = {8, 16, 8, 32};
    constexpr std::uint64_t kBuffers[] = {2048, 256, 512, 4096};
    constexpr std::uint64_t kFrames[] = {1514, 1514, 4000, 9000};
    a.set("interrupts", !bit(r.what, 0));
    a.set("vlan_offload", bit(r.what, 1));
    a.set("promiscuous", bit(r.what, 2));
    a.set("strip_fcs", bit(r.what, 3));
    a.set("tx_descriptors", one_of(kDescriptors, r.place & 0xffU));
    a.set("rx_descriptors", one_of(kDescriptors, r.place >> 8U));
    a.set("rx_buffer", one_of(kBuffers, r.nth));
    a.set("max_frame", one_of(kFrames, r.times));
    a.set("link_timeout", bit(r.when, 0) ? std::uint64_t{0} : 5 * kSecond);
    a.set("hang_timeout", bit(r.when, 1) ? 2 * kSecond : 100 * kMillisecond);
    if (bit(r.form, 0)) a.set("itr", std::uint64_t{r.value & 0xff});
    if (bit(r.form, 1)) a.set("rdtr", std::uint64_t{r.value >> 8 & 0xff});
}

/// A frame from or to the station: addresses, type, and one byte again and again.
Bytes frame(const Record& r, bool arrives) {
    constexpr std::array<std::uint8_t, 6> kStations[] = {
        {0x52, 0x54, 0x00, 0x12, 0x34, 0x56}, {0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
        {0x01, 0x00, 0x5e, 0x00, 0x00, 0x01}, {0x52, 0x54, 0x00, 0x12, 0x34, 0x56},
        {0x02, 0x00, 0x00, 0x00, 0x00, 0x99}, {0x52, 0x54, 0x00, 0x12, 0x34, 0x56},
    };
    constexpr std::array<std::uint8_t, 6> kPeer{0x02, 0, 0, 0, 0, 1};
    constexpr std::size_t kLengths[] = {60,  64,  60,   61,   100,  252,  253,  256,  300,  512, 508,
                                        600, 768, 1000, 1514, 1510, 1515, 1518, 1519, 2000, 59,  14,
                                        13,  0,   3,    4,    5,    2047, 2048, 2049, 4000, 9000};
    const std::size_t length = one_of(kLengths, r.nth);
    Bytes bytes(length, static_cast<std::byte>(r.value));
    const auto put = [&](std::size_t at, std::uint8_t value) {
        if (at < length) bytes[at] = static_cast<std::byte>(value);
    };
    const auto& to = arrives ? one_of(kStations, r.place & 0xffU) : kPeer;
    const auto& from = arrives ? kPeer : kStations[0];
    for (std::size_t i = 0; i < 6; ++i) {
        put(i, to[i]);
        put(6 + i, from[i]);
    }
    put(12, 0x08);
    put(13, 0x00);
    return bytes;
}

void send(const Record& r, Arguments& a) {
    const Bytes whole = frame(r, false);
    if (const std::size_t pieces = r.times % 4U; pieces > 1 && whole.size() > 2 * pieces) {
        std::vector<Bytes> fragments;
        for (std::size_t i = 0; i < pieces; ++i) {
            const auto begin = whole.begin() + static_cast<std::ptrdiff_t>(whole.size() * i / pieces);
            const auto end = whole.begin() + static_cast<std::ptrdiff_t>(whole.size() * (i + 1) / pieces);
            fragments.emplace_back(begin, end);
        }
        a.set("fragments", std::move(fragments));
    } else {
        a.set("data", whole);
    }
    if ((r.when & 1) != 0 && bit(r.when, 4)) a.set("more", true);
}

void receive(const Record& r, Arguments& a) {
    constexpr std::uint64_t kMost[] = {2048, 1518, 16384, 60, 64, 0};
    a.set("within", bit(r.nth, 0) ? 2 * kMillisecond : std::uint64_t{0});
    a.set("most", one_of(kMost, r.times));
}

void arrive(const Record& r, Arguments& a) {
    a.set("data", frame(r, true));
}

void poll(const Record& r, Arguments& a) {
    constexpr std::uint64_t kBudgets[] = {256, 1, 2, 0, 8};
    a.set("budget", one_of(kBudgets, r.nth));
}

void on(const Record& r, Arguments& a) {
    a.set("on", bit(r.nth, 0));
}

void groups(const Record& r, Arguments& a) {
    std::vector<std::string> addresses;
    for (unsigned i = 0; i < r.nth % 20U; ++i)
        addresses.push_back(fmt::format("01:00:5e:00:{:02x}:{:02x}", r.value & 0xff, i + 1));
    a.set("addresses", std::move(addresses));
}

void mac(const Record& r, Arguments& a) {
    a.set("mac", fmt::format("52:54:00:12:34:{:02x}", r.nth % 2 == 0 ? 0x56 : r.value & 0xff));
}

void vlan(const Record& r, Arguments& a) {
    a.set("vlan", std::uint64_t{r.value & 0xfff});
}

void word(const Record& r, Arguments& a) {
    a.set("word", std::uint64_t{r.nth % 66U});
}

void phy(const Record& r, Arguments& a) {
    a.set("register", std::uint64_t{r.nth % 33U});
}

void patience(const Record& r, Arguments& a) {
    constexpr std::uint64_t kWaits[] = {3 * kSecond, kMillisecond, 0};
    a.set("timeout", one_of(kWaits, r.nth));
}

void cable(const Record& r, Arguments& a) {
    a.set("up", bit(r.nth, 0));
}

constexpr Verb kVerbs[] = {
    {"net.send", send, true},
    {"net.receive", receive},
    {"net.receive", receive},
    {"net.poll", poll},
    {"net.send", send, true},
    {"net.receive", receive},
    {"net.link", nullptr},
    {"net.set_promiscuous", on},
    {"net.set_multicast", groups},
    {"net.set_mac", mac},
    {"net.statistics", nullptr},
    {"e1000.recover", nullptr, false, true},
    {"e1000.nvm_read", word},
    {"e1000.phy_read", phy},
    {"e1000.vlan_add", vlan},
    {"e1000.vlan_remove", vlan},
    {"e1000.restart_autonegotiation", nullptr},
    {"e1000.wait_for_link", patience},
    {"stop", nullptr, false, true},
    {"start", start, false, true},
    {"net.send", send, true},
    {"net.receive", receive},
    {"net.info", nullptr},
};
constexpr Verb kInputs[] = {
    {"net.frame", arrive}, {"net.frame", arrive}, {"net.frame", arrive}, {"net.link", cable}};
constexpr const char* kHarmless[] = {"RDT", "TDT", "ICR*", "IMS*", "IMC*", "TDH", "RDH", "EERD*", "MDIC*"};

}  // namespace

const Dialect& e1000_dialect() {
    static constexpr Dialect kDialect{"e1000",          "e1000", "e1000", "{}",
                                      {"start", start}, kVerbs,  kInputs, kHarmless};
    return kDialect;
}

}  // namespace tb::fuzz
