// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "block/testing/fake_virtio_blk.hpp"
#include "block/virtio_blk.hpp"

namespace tb::block::testing {

/// A driver on a fake device, and what tests ask of both. Checks at its end that nothing is left behind.
class VirtioBlkTest : public ::testing::Test {
  protected:
    using Bytes = std::vector<std::byte>;

    VirtioBlkTest() {
        ON_CALL(device.board.machine, dma_free(::testing::_, ::testing::_))
            .WillByDefault([this](std::uint64_t, std::uint64_t) {
                EXPECT_TRUE(harmless()) << "memory is given back while the device may use it";
                --allocations;
            });
        device.board.machine.before_unmap = [this](std::uint64_t address) {
            for (const auto& request : device.held)
                for (const auto& piece : request.chain.pieces)
                    EXPECT_TRUE(piece.address != address || harmless())
                        << "a buffer is taken from the device";
        };
        ON_CALL(device.board.machine, attach_msi()).WillByDefault([this] {
            const std::uint32_t vector = next_vector++;
            ++attached;
            return hal::Result(hal::MsiInterrupt{{vector}, {0xfee0'0000, vector}});
        });
        ON_CALL(device.board.machine, attach_intx(::testing::_)).WillByDefault([this](hal::PciAddress) {
            ++attached;
            device.intx_attached = true;
            return hal::Result(virtio::testing::FakeVirtio::kIntxVector);
        });
        ON_CALL(device.board.machine, detach(::testing::_)).WillByDefault([this](std::uint32_t vector) {
            --attached;
            if (vector == virtio::testing::FakeVirtio::kIntxVector) device.intx_attached = false;
        });
        ON_CALL(device.board.machine, dma_allocate(::testing::_, ::testing::_))
            .WillByDefault([this](std::uint64_t size, std::uint64_t alignment) -> hal::Result<std::uint64_t> {
                if (allocations_left == 0) return hal::Error::kNoMemory;
                --allocations_left;
                ++allocations;
                // A ring of memory: enough between two uses of the same place.
                next_dma = (next_dma + alignment - 1) & ~(alignment - 1);
                if (next_dma + size > kDmaEnd) next_dma = kDmaStart;
                const std::uint64_t at = next_dma;
                next_dma += size;
                std::memset(device.board.machine.at(at), 0, size);
                return at;
            });
    }

    void TearDown() override {
        (void)driver->stop();
        expect_nothing_left();
    }
    /// Whether the device cannot reach memory: reset, cut off from the bus, or gone.
    bool harmless() const { return device.removed || !device.running() || !device.bus_master(); }
    void expect_nothing_left() {
        EXPECT_EQ(device.board.machine.mapped(), 0);
        EXPECT_EQ(allocations, 0);
        EXPECT_EQ(attached, 0);
        EXPECT_TRUE(device.removed || !device.bus_master());
    }

    hal::Status probe() { return driver->probe(device.board.platform, device.board.function()); }
    void start(VirtioBlk::Options options = {}) {
        ASSERT_TRUE(probe());
        const hal::Status started = driver->start(options);
        ASSERT_TRUE(started) << to_string(started.error());
    }
    hal::Error start_error(VirtioBlk::Options options = {}) {
        EXPECT_TRUE(probe());
        const hal::Status started = driver->start(options);
        EXPECT_FALSE(started);
        expect_nothing_left();
        return started.error();
    }

    hal::Result<Token> submit(Operation operation, std::uint64_t sector,
                              std::vector<std::span<std::byte>> segments, std::uint16_t queue = 0) {
        Request request;
        request.operation = operation;
        request.sector = sector;
        request.segments = segments;
        request.queue = queue;
        return driver->submit(request);
    }
    hal::Result<Token> read(std::uint64_t sector, Bytes& data, std::uint16_t queue = 0) {
        return submit(Operation::kRead, sector, {data}, queue);
    }
    hal::Result<Token> write(std::uint64_t sector, Bytes& data) {
        return submit(Operation::kWrite, sector, {data});
    }

    /// What the platform does by itself: takes interrupts, then lets the driver work.
    std::vector<Completion> completions() {
        device.board.host.interrupt_point();
        driver->poll(64);
        std::vector<Completion> all;
        while (const auto next = driver->next_completion()) all.push_back(*next);
        return all;
    }
    Completion only_completion() {
        const auto all = completions();
        EXPECT_EQ(all.size(), 1u);
        return all.empty() ? Completion{} : all.front();
    }
    void pass(hal::Duration span) { device.board.platform.delay(span); }
    Bytes disk_at(std::uint64_t sector, std::size_t bytes) {
        Bytes copy(bytes);
        std::memcpy(copy.data(), device.disk.data() + sector * 512, bytes);
        return copy;
    }

    static constexpr std::uint64_t kDmaStart = hal::testing::MockMachine::kDmaBase + (1 << 19);
    static constexpr std::uint64_t kDmaEnd = hal::testing::MockMachine::kDmaBase + (1 << 20);

    FakeVirtioBlk device;
    std::unique_ptr<VirtioBlk> driver = std::make_unique<VirtioBlk>();
    std::uint64_t next_dma = kDmaStart;
    std::uint32_t next_vector = 40;
    int allocations = 0;
    int allocations_left = 1 << 20;
    int attached = 0;
};

/// Tests of a device that does what it must not, and comes to its senses.
class HostileBlk : public VirtioBlkTest {
  protected:
    /// The device is whole again: so must the driver be.
    void expect_usable() {
        device.holding = false;
        device.silent = false;
        device.held.clear();
        Bytes data(1024);
        ASSERT_TRUE(read(7, data));
        const Completion done = only_completion();
        EXPECT_TRUE(done.status);
        EXPECT_EQ(data, disk_at(7, 1024));
    }
    /// Two reads in flight: what most tests begin with.
    void start_two(VirtioBlk::Options options = {}) {
        start(options);
        device.holding = true;
        first = Bytes(512);
        second = Bytes(512);
        ASSERT_TRUE(read(1, first));
        ASSERT_TRUE(read(2, second));
    }

    Bytes first;
    Bytes second;
};

}  // namespace tb::block::testing
