// SPDX-License-Identifier: BSD-3-Clause
//
// Metamorphic: the same operations over split and packed rings, with and without indirect descriptors and
// event indices, differ in registers and rings, and in nothing that a user of the driver or the world outside
// sees.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <set>

#include "harness/devices/device_type.hpp"
#include "harness/scenario/interpreter.hpp"

namespace tb::scenario {
namespace {

using ::testing::ElementsAreArray;
using ::testing::SizeIs;

/// One line an event: what operations gave, and what passed between the device and the world, with all bytes.
/// The features that were agreed on are kept apart: they are what differs.
struct Payload {
    std::vector<std::string> lines;
    std::set<std::uint64_t> features;
};

Payload payload_of(const trace::Trace& trace) {
    Payload payload;
    for (const trace::Event& event : trace.events()) {
        using enum trace::EventKind;
        if (event.kind != kResult && event.kind != kHostInput && event.kind != kHostOutput) continue;
        if (trace.text(event) == "features") {
            payload.features.insert(event.value);
            continue;
        }
        std::string line = fmt::format("{} {} {}", to_string(event.kind), trace.text(event), event.value);
        for (const std::byte byte : trace.data(event))
            line += fmt::format(" {:02x}", std::to_integer<unsigned>(byte));
        payload.lines.push_back(std::move(line));
    }
    return payload;
}

void expect_the_same_of_all_kinds(const std::string& device, const std::string& driver,
                                  const std::string& steps, std::size_t fewest_lines) {
    const std::string text =
        R"({"about": "kinds of rings", "device": )" + device + R"(, "driver": ")" + driver +
        R"(", "parameters": {"packed": [false, true], "indirect": [false, true], "event_idx": [false, true]},
        "steps": [{"do": "start", "packed": "${packed}", "indirect": "${indirect}", "event_idx": "${event_idx}"},)" +
        steps + R"({"do": "stop"}]})";
    std::vector<Problem> problems;
    auto document = std::make_shared<const Document>(Document::parse(text, "kinds.json", problems));
    const std::vector<Scenario> kinds = load_document(std::move(document), "kinds", problems);
    for (const Problem& problem : problems) ADD_FAILURE() << problem.to_string();
    ASSERT_THAT(kinds, SizeIs(8));

    std::vector<std::string> first;
    std::set<std::uint64_t> features;
    for (const Scenario& kind : kinds) {
        SCOPED_TRACE(kind.id);
        const auto rig = kind.device->make_model(kind.configuration, {});
        const RunResult result = run_scenario(kind, *rig);
        ASSERT_TRUE(result.passed) << result.failure.to_string();
        const Payload payload = payload_of(result.trace);
        ASSERT_THAT(payload.features, SizeIs(1));
        features.insert(payload.features.begin(), payload.features.end());
        EXPECT_GE(payload.lines.size(), fewest_lines);
        if (first.empty()) first = payload.lines;
        EXPECT_THAT(payload.lines, ElementsAreArray(first));
    }
    EXPECT_THAT(features, SizeIs(8)) << "each kind has been what it was said to be";
}

TEST(RingKinds, ADiskIsTheSameOverAllOfThem) {
    expect_the_same_of_all_kinds(
        R"({"type": "virtio-blk-pci", "sectors": 256, "fill": "lba", "queue_size": 8, "packed": true})",
        "virtio-blk", R"(
        {"repeat": 9, "as": "i", "steps": [
          {"do": "blk.read", "sector": "i", "count": 3, "segments": [512, 100, 924]},
          {"do": "blk.write", "sector": "100+2*i", "data": "random:5:1024", "segments": [24, 1000]},
          {"do": "blk.read", "sector": "99+2*i", "count": 4}]},
        {"do": "blk.flush"}, {"do": "blk.get_id"},
        {"do": "blk.write_zeroes", "sector": 104, "count": 4}, {"do": "blk.read", "sector": 100, "count": 16},
        {"do": "blk.read", "sector": 255, "count": 2, "expect": {"error": "out-of-range"}},
        {"host": "blk.fail", "sector": 20, "sectors": 1, "error": "eio"},
        {"do": "blk.read", "sector": 20, "count": 1, "expect": {"error": "device-error"}},
        {"do": "blk.read", "sector": 21, "count": 1},
        {"host": "blk.hold", "on": true},
        {"do": "blk.read", "sector": 30, "count": 1, "async": true, "as": "a"},
        {"do": "blk.read", "sector": 40, "count": 1, "async": true, "as": "b"},
        {"host": "blk.release", "index": 1}, {"expect": "b", "data": "lba:40:1"},
        {"host": "blk.release"}, {"expect": "a", "data": "lba:30:1"},
        {"host": "blk.hold", "on": false},
        {"do": "blk.reset"}, {"do": "blk.read", "sector": 1, "count": 1}, {"do": "blk.counters"},)",
        60);
}

TEST(RingKinds, ANetworkIsTheSameOverAllOfThem) {
    expect_the_same_of_all_kinds(R"({"type": "virtio-net-pci", "packed": true})", "virtio-net", R"(
        {"repeat": 90, "steps": [
          {"do": "net.send", "fragments": ["020000000001 525400123456 88b5", "'out'", "count:90"]},
          {"host": "net.expect", "data": "020000000001 525400123456 88b5 'out' count:90"},
          {"host": "net.frame", "data": "525400123456 020000000001 88b5 random:3:1200"},
          {"do": "net.receive", "within": "1ms", "expect": {"bytes": 1214}}]},
        {"do": "net.set_promiscuous", "on": true},
        {"host": "net.frame", "data": "020000000099 020000000001 88b5 'other' 00*41"},
        {"do": "net.receive", "within": "1ms"},
        {"do": "net.set_promiscuous", "on": false},
        {"host": "net.frame", "data": "020000000099 020000000001 88b5 'other' 00*41"},
        {"do": "net.receive", "expect": {"error": "busy"}},
        {"do": "net.statistics"},)",
                                 360);
}

}  // namespace
}  // namespace tb::scenario
