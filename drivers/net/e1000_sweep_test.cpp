// SPDX-License-Identifier: BSD-3-Clause
// One fault at every register read in turn: no hang, nothing left behind, and a reset mends it.
#include "net/testing/fake_e1000.hpp"

namespace tb::net::testing {
namespace {

TEST(E1000Sweep, RemovalAtAnyReadEndsEveryCallAndLeavesNothing) {
    for (int nth = 1; nth < 400; ++nth) {
        FakeE1000 device;
        E1000 other;
        int left = nth;
        // Each register counts down; from then on nothing answers, configuration space included.
        for (std::uint32_t offset = 0; offset < 0x5000; offset += 4)
            device.on_read[offset] = [&](std::uint32_t value) {
                if (--left > 0) return value;
                device.gone = true;
                device.config.present = false;
                return e1000::kAllOnes;
            };
        Bytes frame = frame_of(60);
        const std::array fragments = {as_span(frame)};
        if (other.probe(device.board.platform, device.board.function())) {
            if (other.start({.tx_descriptors = 8, .rx_descriptors = 8})) {
                for (int i = 0; i < 4; ++i) {
                    static_cast<void>(other.send({fragments, {}}));
                    device.board.platform.delay(hal::seconds(1));
                    other.poll(8);
                    static_cast<void>(other.link());
                    static_cast<void>(other.statistics());
                }
                other.stop();
            }
        }
        ASSERT_LT(device.board.machine.now_ns(), hal::seconds(20).ns) << nth;
        ASSERT_LT(device.board.reads, 20'000u) << nth;
        ASSERT_EQ(device.board.machine.mapped(), 0) << nth;
        ASSERT_FALSE(other.started()) << nth;
        if (!device.gone) break;
    }
}

TEST(E1000Sweep, OneWrongAnswerAnywhereIsSurvivedAndRecoveredFrom) {
    for (const std::uint32_t lie : {0u, 0xffff'ffffu, 0x5555'5555u}) {
        bool lied = true;
        for (int nth = 1; lied && nth < 500; ++nth) {
            FakeE1000 device;
            E1000 other;
            int left = nth;
            lied = false;
            for (std::uint32_t offset = 0; offset < 0x5000; offset += 4)
                device.on_read[offset] = [&](std::uint32_t value) {
                    lied = lied || left == 1;
                    return --left == 0 ? lie : value;
                };
            Bytes frame = frame_of(60);
            const std::array fragments = {as_span(frame)};
            const auto probe_and_start = [&] {
                return other.probe(device.board.platform, device.board.function()) &&
                       other.start({.tx_descriptors = 8, .rx_descriptors = 8});
            };
            if (!probe_and_start()) {
                ASSERT_EQ(device.board.machine.mapped(), 0) << nth;
                ASSERT_TRUE(probe_and_start()) << nth;
            }
            for (int i = 0; i < 3; ++i) {
                static_cast<void>(other.send({fragments, {}}));
                device.board.platform.delay(hal::seconds(1));
                other.poll(8);
                static_cast<void>(other.link());
                static_cast<void>(other.statistics());
            }
            // Whatever it was, a reset mends it.
            device.on_read.clear();
            ASSERT_TRUE(other.recover()) << nth;
            while (other.next_sent()) {
            }
            ASSERT_TRUE(other.send({fragments, {}})) << nth;
            other.poll(8);
            const auto sent = other.next_sent();
            ASSERT_TRUE(sent && sent->status) << nth;
            other.stop();
            ASSERT_EQ(device.board.machine.mapped(), 0) << nth;
            ASSERT_LT(device.board.machine.now_ns(), hal::seconds(20).ns) << nth;
        }
        EXPECT_FALSE(lied);  // all reads had their turn
    }
}

}  // namespace
}  // namespace tb::net::testing
