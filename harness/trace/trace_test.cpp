// SPDX-License-Identifier: BSD-3-Clause
#include "harness/trace/trace.hpp"

#include <gmock/gmock.h>

#include "harness/trace/testing/sample.hpp"

namespace tb::trace {
namespace {

TEST(Trace, EveryFieldOfAnEventIsInTheHash) {
    const Event base{.time = 1, .address = 2, .value = 3, .kind = EventKind::kMemoryRead, .width = 4};
    const auto hash_of = [](const Event& event, std::string_view text = "",
                            std::span<const std::byte> data = {}) {
        Trace trace;
        trace.add(event, text, data);
        return trace.hash();
    };
    std::vector<std::uint64_t> hashes{hash_of(base), hash_of(base, "x"), hash_of(base, "", bytes({0}))};
    for (int field = 0; field < 6; ++field) {
        Event event = base;
        if (field == 0) event.time = 9;
        if (field == 1) event.address = 9;
        if (field == 2) event.value = 9;
        if (field == 3) event.kind = EventKind::kMemoryWrite;
        if (field == 4) event.width = 8;
        if (field == 5) event.repeat = 2;
        hashes.push_back(hash_of(event));
    }
    std::sort(hashes.begin(), hashes.end());
    EXPECT_EQ(std::adjacent_find(hashes.begin(), hashes.end()), hashes.end());
}

TEST(Trace, HashIsTheSameEverywhere) {
    EXPECT_EQ(full_trace().hash(), 0xc5a8853326ae13e3u);
}

TEST(Trace, FoldsPollingLoopsAndCountsThem) {
    TraceBuilder trace;
    for (int i = 0; i < 10; ++i) trace.read(0x10, 0).delay(5);
    trace.read(0x10, 1);
    const Trace folded = trace.trace().folded();
    ASSERT_EQ(folded.events().size(), 3u);
    EXPECT_EQ(folded.events()[0].repeat, 10u);
    EXPECT_EQ(folded.events()[1].kind, EventKind::kDelay);
    EXPECT_EQ(folded.events()[2].value, 1u);
}

TEST(Trace, FoldsLoopsOfUpToFourReads) {
    TraceBuilder trace;
    for (int i = 0; i < 6; ++i) trace.read(0x10, 0).read(0x14, 1).read(0x18, 2).read(0x1c, 3).delay(5);
    EXPECT_EQ(trace.trace().folded().events().size(), 5u);
}

TEST(Trace, AWriteEndsALoop) {
    TraceBuilder trace;
    trace.read(0x10, 0).write(0x10, 0).read(0x10, 0);
    EXPECT_EQ(trace.trace().folded().events().size(), 3u);
}

}  // namespace
}  // namespace tb::trace
