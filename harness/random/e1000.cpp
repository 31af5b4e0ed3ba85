// SPDX-License-Identifier: BSD-3-Clause
#include <fmt/format.h>

#include <array>
#include <string>

#include "harness/random/profile.hpp"

namespace tb::random {

namespace {

using nlohmann::json;

// Two rings of 16 descriptors, and frames to send and room to receive behind them.
constexpr unsigned kDescriptors = 16;
constexpr unsigned kRingBytes = 16 * kDescriptors;
constexpr unsigned kFrameRoom = 2048;

constexpr std::array<std::string_view, 6> kRings{"TDBAL", "TDBAH", "TDLEN", "RDBAL", "RDBAH", "RDLEN"};

void begin(Dice& dice, json& steps) {
    steps.push_back({{"buffer", "tx"}, {"size", kRingBytes}});
    steps.push_back({{"buffer", "rx"}, {"size", kRingBytes}});
    steps.push_back({{"buffer", "out"},
                     {"size", 4 * kFrameRoom},
                     {"data", fmt::format("random:{}:8192", dice.below(100))}});
    steps.push_back({{"buffer", "in"}, {"size", kDescriptors * kFrameRoom}});
    for (unsigned i = 0; i < kDescriptors; ++i)
        steps.push_back(
            {{"store", "rx"}, {"at", 16 * i}, {"width", 8}, {"value", fmt::format("in+{}", i * kFrameRoom)}});
}

void transmit_ring(Dice& dice, json& steps) {
    write(steps, "TDBAL", "tx");
    write(steps, "TDBAH", 0);
    write(steps, "TDLEN", dice.percent(80) ? kRingBytes : kRingBytes / 2);
    write(steps, "TDH", 0);
    write(steps, "TDT", 0);
    write(steps, "TCTL", 0x4010a);
}

void receive_ring(Dice& dice, json& steps) {
    write(steps, "RDBAL", "rx");
    write(steps, "RDBAH", 0);
    write(steps, "RDLEN", dice.percent(80) ? kRingBytes : kRingBytes / 2);
    write(steps, "RDH", 0);
    write(steps, "RDT", dice.below(kDescriptors));
    write(steps, "RCTL", 0x8002 | (dice.percent(50) ? 0x18 : 0) | (dice.percent(20) ? 0x0400'0000 : 0));
    // What QEMU keeps back for a second behind a write to RCTL.
    if (dice.percent(60)) steps.push_back({{"wait", "1001ms"}});
}

/// A descriptor with its frame: legacy, or with options and a context in front.
void descriptor(Dice& dice, json& steps) {
    const std::uint64_t at = 16 * dice.below(kDescriptors);
    const std::string address = fmt::format("out+{}", dice.below(4) * kFrameRoom);
    const std::uint64_t bytes = dice.percent(80) ? 14 + dice.below(200) : dice.below(kFrameRoom);
    switch (dice.below(3)) {
        case 0:
            steps.push_back({{"store", "tx"},
                             {"at", at},
                             {"layout", "tx_desc"},
                             {"fields",
                              {{"address", address},
                               {"length", bytes},
                               {"EOP", dice.percent(80) ? 1 : 0},
                               {"IFCS", 1},
                               {"RS", dice.percent(70) ? 1 : 0},
                               {"VLE", dice.percent(15) ? 1 : 0},
                               {"IDE", dice.percent(20) ? 1 : 0},
                               {"special", dice.below(0x1'0000)}}}});
            break;
        case 1:
            steps.push_back({{"store", "tx"},
                             {"at", at},
                             {"layout", "tx_data"},
                             {"fields",
                              {{"address", address},
                               {"DTALEN", bytes},
                               {"DTYP", 1},
                               {"EOP", dice.percent(80) ? 1 : 0},
                               {"IFCS", 1},
                               {"RS", dice.percent(70) ? 1 : 0},
                               {"DEXT", 1},
                               {"IXSM", dice.percent(50) ? 1 : 0},
                               {"TXSM", dice.percent(50) ? 1 : 0}}}});
            break;
        default:
            steps.push_back({{"store", "tx"},
                             {"at", at},
                             {"layout", "tx_context"},
                             {"fields",
                              {{"IPCSS", 14},
                               {"IPCSO", 24},
                               {"IPCSE", 33},
                               {"TUCSS", 34},
                               {"TUCSO", dice.pick({40U, 50U})},
                               {"TUCSE", 0},
                               {"DEXT", 1},
                               {"TCP", dice.percent(50) ? 1 : 0},
                               {"IP", dice.percent(50) ? 1 : 0},
                               {"RS", dice.percent(50) ? 1 : 0}}}});
            break;
    }
}

void transmit(Dice& dice, json& steps) {
    write(steps, "TDT", dice.below(kDescriptors));
}

void give_back(Dice& dice, json& steps) {
    write(steps, "RDT", dice.below(kDescriptors));
}

void frame(Dice& dice, json& steps) {
    const char* to = dice.pick({"525400123456", "ffffffffffff", "01005e000001", "020000000099"});
    const char* tag = dice.percent(20) ? " 8100 0005" : "";
    steps.push_back({{"host", "net.frame"},
                     {"data", fmt::format("{} 020000000001{} 0800 random:{}:{}", to, tag, dice.below(100),
                                          46 + dice.below(dice.percent(90) ? 100 : 1400))}});
}

void cable(Dice& dice, json& steps) {
    steps.push_back({{"host", "net.link"}, {"up", dice.percent(70)}});
}

void interrupts(Dice& dice, json& steps) {
    write(steps, dice.pick({"IMS", "IMC", "ICS"}), std::uint64_t{1} << dice.below(20));
    steps.push_back({{"read", "ICR"}});
}

/// One cause twice: the second rise falls into the window in which interrupts are held together, or behind
/// it.
void edges(Dice& dice, json& steps) {
    const std::uint64_t cause = std::uint64_t{1} << dice.below(8);
    const auto wait = [&] { steps.push_back({{"wait", fmt::format("{}us", 20 + dice.below(300))}}); };
    write(steps, "IMS", cause);
    write(steps, "ICS", cause);
    steps.push_back({{"read", "ICR"}});
    wait();
    write(steps, "ICS", cause);
    wait();
    steps.push_back({{"read", "ICR"}});
}

/// A ring is told to lie elsewhere, and put back before anything looks at it.
void ring_place(Dice& dice, json& steps) {
    const bool transmits = dice.percent(50);
    const char side = transmits ? 'T' : 'R';
    const char* part = dice.pick({"BAL", "BAH", "LEN"});
    const std::string name = fmt::format("{}D{}", side, part);
    write(steps, name, dice.next() & 0xffff'ffff);
    steps.push_back({{"read", name}});
    write(steps, fmt::format("{}DBAL", side), transmits ? "tx" : "rx");
    write(steps, fmt::format("{}DBAH", side), 0);
    write(steps, fmt::format("{}DLEN", side), kRingBytes);
}

void phy(Dice& dice, json& steps) {
    const std::uint64_t read = dice.percent(60) ? 0x0800'0000 : 0x0400'0000;
    write(steps, "MDIC", read | 1U << 21 | dice.below(32) << 16 | dice.below(0x1'0000));
    steps.push_back({{"read", "MDIC"}});
}

constexpr std::array<Act, 17> kActs{
    transmit_ring, receive_ring, descriptor, descriptor, descriptor, transmit,   transmit, give_back, frame,
    frame,         interrupts,   interrupts, edges,      edges,      ring_place, phy,      cable};
constexpr Profile kProfile{"e1000", "{}", kRings, begin, kActs, 35};

}  // namespace

const Profile& e1000_profile() {
    return kProfile;
}

}  // namespace tb::random
