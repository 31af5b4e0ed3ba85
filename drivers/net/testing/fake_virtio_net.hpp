// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <gtest/gtest.h>

#include <cstring>
#include <functional>
#include <memory>
#include <vector>

#include "net/virtio_net.hpp"
#include "net/virtio_net_regs.hpp"
#include "virtio/testing/fake_virtio.hpp"

namespace tb::net::testing {

/// A virtio network device for unit tests: keeps what is sent, answers commands, and hands over frames when
/// the test says so; with any header, in any number of buffers, with any lie.
class FakeVirtioNet : public virtio::testing::FakeVirtio {
  public:
    using Bytes = std::vector<std::uint8_t>;
    struct Sent {
        Bytes header;
        Bytes frame;
    };
    struct Command {
        std::uint8_t device_class = 0;
        std::uint8_t number = 0;
        Bytes data;
    };

    FakeVirtioNet() {
        features |= virtio_net::kFeatureMac | virtio_net::kFeatureStatus | virtio_net::kFeatureCtrlQueue |
                    virtio_net::kFeatureCtrlRx | virtio_net::kFeatureCtrlVlan |
                    virtio_net::kFeatureCtrlMacAddress | virtio_net::kFeatureGuestAnnounce |
                    virtio_net::kFeatureMergeableBuffers | virtio::kFeatureIndirectDesc |
                    virtio::kFeatureEventIdx;
        function.set16(pci::kVendorId, virtio::kVendor);
        function.set16(pci::kDeviceId, virtio_net::kModernDevice);
        const std::uint8_t mac[] = {0x52, 0x54, 0, 0x12, 0x34, 0x56};
        for (unsigned i = 0; i < 6; ++i) set_config<std::uint8_t>(i, mac[i]);
        set_config<std::uint16_t>(virtio_net::config::kStatus, 1);
        set_config<std::uint16_t>(virtio_net::config::kMaxVirtqueuePairs, 1);
        on_notify = [this](std::uint16_t queue) { take(queue); };
    }

    void take(std::uint16_t index) {
        if (!running() || !bus_master() || index >= queues.size() || queues[index].enabled == 0) return;
        if (index == 1 && !holding) send_all();
        if (index == 2) obey();
        if (index == 0) queues[0].ring.ask_for_next_kick();
    }

    void send_all() {
        auto& ring = queues[1].ring;
        while (auto chain = ring.take()) {
            const Bytes all = gather(*chain);
            sent.push_back({Bytes(all.begin(), all.begin() + 12), Bytes(all.begin() + 12, all.end())});
            finish(1, chain->head, 0);
        }
        ring.ask_for_next_kick();
    }

    /// A frame in as many buffers as it needs. `header`: its ten bytes; num_buffers follows.
    bool arrive(const Bytes& frame, Bytes header = Bytes(10), int claimed_buffers = -1) {
        auto& ring = queues[0].ring;
        std::vector<virtio::testing::Chain> chains;
        std::vector<std::uint32_t> lengths;
        std::size_t done = 0;
        const bool mergeable = (accepted & virtio_net::kFeatureMergeableBuffers) != 0;
        do {
            auto chain = ring.take();
            if (!chain) return false;
            std::uint64_t at = chain->pieces[0].address;
            std::uint32_t room = chain->pieces[0].bytes;
            std::uint32_t used = 0;
            if (chains.empty()) {
                if (write_header) std::memcpy(board.machine.at(at), header.data(), header.size());
                used = 12;
            }
            const auto part = std::min<std::size_t>(room - used, frame.size() - done);
            std::memcpy(board.machine.at(at + used), frame.data() + done, part);
            done += part;
            chains.push_back(*chain);
            lengths.push_back(static_cast<std::uint32_t>(used + part));
        } while (mergeable && done < frame.size());
        if (write_header && mergeable) {
            const auto count = static_cast<std::uint16_t>(
                claimed_buffers >= 0 ? claimed_buffers : static_cast<int>(chains.size()));
            std::memcpy(board.machine.at(chains[0].pieces[0].address + 10), &count, 2);
        }
        const std::uint16_t before = ring.used_idx();
        for (std::size_t i = 0; i < chains.size(); ++i)
            ring.write_element(static_cast<std::uint16_t>(before + i), chains[i].head,
                               lengths[i] + length_lie);
        ring.set_used_idx(static_cast<std::uint16_t>(before + chains.size()));
        if (wants(0, before)) interrupt_queue(0);
        return true;
    }

    std::vector<Sent> sent;
    std::vector<Command> commands;
    bool holding = false;  ///< nothing is sent
    bool deaf = false;     ///< commands are not answered
    std::uint8_t answer = virtio_net::control::kOk;
    bool write_header = true;
    std::uint32_t length_lie = 0;

  private:
    Bytes gather(const virtio::testing::Chain& chain) {
        Bytes all;
        for (const auto& piece : chain.pieces) {
            if (piece.device_writes()) continue;
            const auto* from = reinterpret_cast<const std::uint8_t*>(board.machine.at(piece.address));
            all.insert(all.end(), from, from + piece.bytes);
        }
        return all;
    }
    void obey() {
        if (deaf) return;
        auto& ring = queues[2].ring;
        while (auto chain = ring.take()) {
            const Bytes all = gather(*chain);
            commands.push_back({all.at(0), all.at(1), Bytes(all.begin() + 2, all.end())});
            std::memcpy(board.machine.at(chain->pieces.back().address), &answer, 1);
            finish(2, chain->head, 1);
        }
        ring.ask_for_next_kick();
    }
    bool wants(std::uint16_t queue, std::uint16_t before) {
        auto& ring = queues[queue].ring;
        return (accepted & virtio::kFeatureEventIdx) != 0
                   ? virtio::ring::need_event(ring.used_event(), ring.used_idx(), before)
                   : (ring.avail_flags() & virtio::ring::kAvailNoInterrupt) == 0;
    }
    void finish(std::uint16_t queue, std::uint32_t id, std::uint32_t bytes) {
        auto& ring = queues[queue].ring;
        const std::uint16_t before = ring.used_idx();
        ring.use(id, bytes);
        if (wants(queue, before)) interrupt_queue(queue);
    }
};

/// A driver on a fake device. Checks at its end that nothing is left behind.
class VirtioNetTest : public ::testing::Test {
  protected:
    using Bytes = FakeVirtioNet::Bytes;

    VirtioNetTest() {
        auto& machine = device.board.machine;
        ON_CALL(machine, dma_free(::testing::_, ::testing::_))
            .WillByDefault([this](std::uint64_t, std::uint64_t) {
                EXPECT_TRUE(harmless()) << "memory is given back while the device may use it";
                --allocations;
            });
        ON_CALL(machine, attach_msi()).WillByDefault([this] {
            ++attached;
            const std::uint32_t vector = next_vector++;
            return hal::Result(hal::MsiInterrupt{{vector}, {0xfee0'0000, vector}});
        });
        ON_CALL(machine, detach(::testing::_)).WillByDefault([this](std::uint32_t) { --attached; });
        ON_CALL(machine, dma_allocate(::testing::_, ::testing::_))
            .WillByDefault([this](std::uint64_t size, std::uint64_t alignment) -> hal::Result<std::uint64_t> {
                if (allocations_left == 0) return hal::Error::kNoMemory;
                --allocations_left;
                ++allocations;
                next_dma = (next_dma + alignment - 1) & ~(alignment - 1);
                if (next_dma + size > kDmaEnd) next_dma = kDmaStart;
                const std::uint64_t at = next_dma;
                next_dma += size;
                std::memset(machine_at(at), 0, size);
                return at;
            });
    }
    void TearDown() override {
        (void)driver->stop();
        expect_nothing_left();
    }
    void* machine_at(std::uint64_t address) { return device.board.machine.at(address); }
    bool harmless() const { return device.removed || !device.running() || !device.bus_master(); }
    void expect_nothing_left() {
        EXPECT_EQ(device.board.machine.mapped(), 0);
        EXPECT_EQ(allocations, 0);
        EXPECT_EQ(attached, 0);
        EXPECT_TRUE(device.removed || !device.bus_master());
    }
    hal::Status try_start(const VirtioNet::Options& options = {.rx_buffers = 16}) {
        if (const hal::Status found = driver->probe(device.board.platform, device.board.function()); !found)
            return found;
        return driver->start(options);
    }
    void start(const VirtioNet::Options& options = {.rx_buffers = 16}) {
        const hal::Status started = try_start(options);
        ASSERT_TRUE(started) << to_string(started.error());
        device.commands.clear();
    }
    void pass(hal::Duration span) { device.board.platform.delay(span); }
    void poll() {
        device.board.host.interrupt_point();
        driver->poll(64);
    }
    static Bytes frame(std::size_t bytes, std::uint8_t fill = 0x5a) {
        Bytes made(bytes, fill);
        made[12] = 0x88;
        made[13] = 0xb5;
        return made;
    }
    hal::Result<Token> send(Bytes& bytes, const Offload& offload = {}, bool more = false) {
        std::span<std::byte> whole(reinterpret_cast<std::byte*>(bytes.data()), bytes.size());
        const TxFrame tx{.fragments = {&whole, 1}, .offload = offload, .more = more};
        return driver->send(tx);
    }
    hal::Result<Bytes> receive() {
        std::vector<std::byte> buffer(70'000);
        const hal::Result<RxFrame> got = driver->receive(buffer);
        if (!got) return got.error();
        const auto* first = reinterpret_cast<const std::uint8_t*>(buffer.data());
        return Bytes(first, first + got->bytes);
    }
    /// The device is whole again: so must the driver be.
    void expect_usable() {
        device.holding = device.deaf = false;
        device.write_header = true;
        device.length_lie = 0;
        device.answer = virtio_net::control::kOk;
        ASSERT_TRUE(driver->running());
        Bytes out = frame(60);
        device.sent.clear();
        ASSERT_TRUE(send(out));
        poll();
        const auto done = driver->next_sent();
        ASSERT_TRUE(done);
        EXPECT_TRUE(done->status);
        ASSERT_EQ(device.sent.size(), 1u);
        EXPECT_EQ(device.sent[0].frame, out);
        ASSERT_TRUE(device.arrive(frame(80)));
        poll();
        const auto got = receive();
        ASSERT_TRUE(got);
        EXPECT_EQ(*got, frame(80));
    }

    static constexpr std::uint64_t kDmaStart = hal::testing::MockMachine::kDmaBase + (1 << 19);
    static constexpr std::uint64_t kDmaEnd = hal::testing::MockMachine::kDmaBase + (1 << 20);

    FakeVirtioNet device;
    std::unique_ptr<VirtioNet> driver = std::make_unique<VirtioNet>();
    std::uint64_t next_dma = kDmaStart;
    std::uint32_t next_vector = 40;
    int allocations = 0;
    int allocations_left = 1 << 20;
    int attached = 0;
};

}  // namespace tb::net::testing
