// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <gtest/gtest.h>

#include <memory>

#include "models/virtio/queue.hpp"
#include "models/virtio/testing/ring_driver.hpp"
#include "models/virtio/virtio_pci.hpp"

namespace tb::model::virtio::testing {

/// The smallest device there is: copies the readable part of a chain into its writable part.
class Echo : public VirtioDevice {
  public:
    DeviceInfo identify() const override {
        return {.device_id = 42, .config_bytes = 8, .queue_sizes = {64, 64}};
    }
    void read_config(std::span<std::byte> config) const override {
        std::copy(config_.begin(), config_.end(), config.begin());
    }
    void config_written(std::span<const std::byte> config) override {
        std::copy(config.begin(), config.end(), config_.begin());
    }
    void queue_notified(unsigned index) override {
        Queue& queue = transport().queue(index);
        while (std::optional<Chain> chain = queue.pop()) {
            std::vector<std::byte> data(static_cast<std::size_t>(total_bytes(chain->readable)));
            gather(transport().memory(), chain->readable, 0, data);
            const std::size_t written = scatter(transport().memory(), chain->writable, 0, data);
            chains.push_back(*chain);
            queue.push(*chain, static_cast<std::uint32_t>(written));
            transport().notify_used(queue);
        }
    }
    void change_config(std::uint8_t value) {
        config_[0] = static_cast<std::byte>(value);
        transport().config_changed();
    }

    std::vector<Chain> chains;

  private:
    std::vector<std::byte> config_ = std::vector<std::byte>(8);
};

/// An Echo on a board, with a ring of `kSize` and buffers in memory.
class EchoBench : public ::testing::Test {
  protected:
    static constexpr unsigned kSize = 8;
    static constexpr std::uint64_t kSource = 0x40'0000;
    static constexpr std::uint64_t kTarget = 0x50'0000;
    static constexpr std::uint64_t kTable = 0x60'0000;
    static constexpr std::uint64_t kRamEnd = 16 << 20;

    explicit EchoBench(const VirtioPciOptions& options = {})
        : ring(bench, 0x20'0000, kSize),
          driver(bench),
          device("echo", bench.board, kSlot, std::make_unique<Echo>(), options) {
        bench.start();
        device.power_on_reset();
        driver.enable_function();
        for (unsigned i = 0; i < 0x1000; ++i)
            bench.store<std::uint8_t>(kSource + i, static_cast<std::uint8_t>(i * 7 + 1));
    }
    void start(std::uint64_t features = kVersion1, std::uint16_t vector = 0xffff) {
        driver.negotiate(features);
        driver.enable_queue(0, ring, vector);
        driver.driver_ok();
    }
    /// One chain that copies `bytes`, in descriptors 2n and 2n + 1, and its doorbell.
    void echo(unsigned n, std::uint32_t bytes = 16) {
        ring.offer(ring.chain(2 * n % kSize, {{kSource, bytes, 0, 0}, {kTarget, bytes, kWrite, 0}}));
        driver.notify();
    }
    void offer(const std::vector<Descriptor>& parts) {
        ring.offer(ring.chain(0, parts));
        driver.notify();
    }
    /// QEMU's answer to a ring that it cannot go on from.
    void expect_broken() {
        EXPECT_EQ(driver.status(), 0x4f) << "DEVICE_NEEDS_RESET beside what was there";
        EXPECT_EQ(driver.acknowledge(), 3U) << "and a configuration change";
        EXPECT_EQ(ring.used_index(), 0U);
        EXPECT_TRUE(echo_device().chains.empty());
        EXPECT_FALSE(bench.seen.findings.empty());
    }
    bool echoed(std::uint32_t bytes) {
        for (unsigned i = 0; i < bytes; ++i)
            if (bench.load<std::uint8_t>(kTarget + i) != bench.load<std::uint8_t>(kSource + i)) return false;
        return true;
    }
    Echo& echo_device() { return static_cast<Echo&>(device.device()); }

    model::testing::BoardHarness bench;
    DriverRing ring;
    PciDriver driver;
    VirtioPci device;
};

}  // namespace tb::model::virtio::testing
