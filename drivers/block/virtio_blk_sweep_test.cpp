// SPDX-License-Identifier: BSD-3-Clause
// A whole life of the driver, with something wrong at each place in turn.
#include "block/testing/virtio_blk_fixture.hpp"
#include "block/virtio_blk.hpp"

namespace tb::block {
namespace {

using testing::HostileBlk;
using virtio::InterruptMode;

/// A whole life of the driver with a device that is pulled at its n-th read: nothing may hang or be left
/// behind, whatever n is.
TEST_F(HostileBlk, MayBePulledAtEveryRead) {
    for (const InterruptMode mode : {InterruptMode::kPolled, InterruptMode::kIntx, InterruptMode::kMsix}) {
        std::uint64_t reads_of_a_life = 0;
        for (std::uint64_t n = 0;; ++n) {
            testing::FakeVirtioBlk pulled;
            auto fresh = std::make_unique<VirtioBlk>();
            std::uint64_t left = n;
            bool gone = false;
            pulled.board.before_read = [&] {
                if (gone || left-- != 0) return;
                pulled.remove();
                gone = true;
            };
            Bytes data(512);
            std::span<std::byte> segment = data;
            hal::Status status = fresh->probe(pulled.board.platform, pulled.board.function());
            if (status) status = fresh->start({.interrupts = mode});
            if (status) {
                for (int i = 0; i < 2 && fresh->running(); ++i) {
                    const Request request{
                        .operation = Operation::kRead, .sector = 1, .segments = {&segment, 1}};
                    const auto token = fresh->submit(request);
                    if (!token) break;
                    bool ended = false;
                    for (int tick = 0; tick < 20 && !ended; ++tick) {
                        pulled.board.platform.delay(VirtioBlk::kCheckInterval);
                        fresh->poll(8);
                        ended = fresh->next_completion().has_value();
                    }
                    EXPECT_TRUE(ended) << n;
                }
                (void)fresh->stop();
            }
            EXPECT_EQ(pulled.board.machine.mapped(), 0) << n;
            EXPECT_LT(pulled.board.reads, 3000u) << n;
            if (!gone) {
                reads_of_a_life = n;
                break;
            }
            ASSERT_LT(n, 2000u);
        }
        EXPECT_GT(reads_of_a_life, 50u);
    }
}

/// The same life with one read bent, each in turn, of registers or of shared memory.
class BentBlk : public HostileBlk, public ::testing::WithParamInterface<bool> {};

INSTANTIATE_TEST_SUITE_P(Reads, BentBlk, ::testing::Bool(),
                         [](const auto& tested) { return tested.param ? "OfMemory" : "OfRegisters"; });

TEST_P(BentBlk, EverySingleReadMayLie) {
    using Lie = std::uint64_t (*)(std::uint64_t);
    const Lie lies[] = {[](std::uint64_t) { return ~std::uint64_t{0}; },
                        [](std::uint64_t) { return std::uint64_t{0}; },
                        [](std::uint64_t value) { return value ^ 1; },
                        [](std::uint64_t value) { return value ^ 0x40; },
                        [](std::uint64_t value) { return value + 1; },
                        [](std::uint64_t value) { return value ^ std::uint64_t{1} << 35; }};
    for (const Lie lie : lies) {
        for (std::uint64_t n = 0;; ++n) {
            ASSERT_LT(n, 2000u);
            testing::FakeVirtioBlk bent;
            auto fresh = std::make_unique<VirtioBlk>();
            std::uint64_t left = n;
            bool told = false;
            const auto bend = [&](std::uint64_t value) {
                if (left-- != 0) return value;
                told = true;
                return lie(value);
            };
            if (GetParam())
                bent.board.machine.bend_load = bend;
            else
                bent.board.bend_read = bend;
            hal::Status status = fresh->probe(bent.board.platform, bent.board.function());
            if (status)
                status = fresh->start(
                    {.interrupts = InterruptMode::kIntx, .request_timeout = hal::milliseconds(50)});
            std::vector<Bytes> data(3, Bytes(512));
            unsigned submitted = 0;
            unsigned ended = 0;
            for (std::uint64_t i = 0; status && i < data.size(); ++i) {
                std::span<std::byte> segment = data[i];
                if (fresh->submit({.operation = Operation::kRead, .sector = i, .segments = {&segment, 1}}))
                    ++submitted;
                for (int tick = 0; tick < 20 && ended < submitted; ++tick) {
                    fresh->poll(8);
                    while (const auto done = fresh->next_completion()) {
                        ++ended;
                        if (!done->status) continue;
                        EXPECT_EQ(std::memcmp(data[i].data(), bent.disk.data() + i * 512, 512), 0) << n;
                    }
                    bent.board.platform.delay(VirtioBlk::kCheckInterval);
                }
            }
            EXPECT_EQ(ended, submitted) << n;
            (void)fresh->stop();
            EXPECT_EQ(bent.board.machine.mapped(), 0) << n;
            EXPECT_LT(bent.board.reads, 5000u) << n;
            if (told) continue;
            EXPECT_GT(n, 10u);  // or nothing was tried
            break;
        }
    }
}

}  // namespace
}  // namespace tb::block
