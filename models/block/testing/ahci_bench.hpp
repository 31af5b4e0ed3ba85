// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <gtest/gtest.h>

#include <memory>

#include "models/block/ahci.hpp"
#include "models/block/memory_disk.hpp"
#include "models/testing/board_harness.hpp"

namespace tb::model::block::testing {

/// The AHCI controller on a board, with a disk at port 0 whose sectors hold their numbers, and the structures
/// of a driver in memory.
class AhciBench : public ::testing::Test {
  protected:
    static constexpr std::uint64_t kRegisters = 0xc000'0000;
    static constexpr std::uint64_t kPorts = 0xc000;
    static constexpr unsigned kSlot = 4;
    static constexpr std::uint64_t kList = 0x40'0000;
    static constexpr std::uint64_t kReceived = 0x40'0400;
    static constexpr std::uint64_t kTables = 0x41'0000;
    static constexpr std::uint64_t kData = 0x50'0000;
    static constexpr std::uint32_t kReceiving = 0x16;
    static constexpr std::uint32_t kRunning = 0x17;

    void build(const AtaProperties& properties = {}) {
        device = std::make_unique<Ahci>("ahci", bench.board, kSlot);
        device->attach(0, properties, disk);
        bench.start();
        device->power_on_reset();
        bench.config_write(kSlot, 0x24, kRegisters);
        bench.config_write(kSlot, 0x20, kPorts);
        bench.config_write(kSlot, 4, 7, 2);
    }
    static std::uint64_t port(std::uint32_t offset, unsigned number = 0) {
        return kRegisters + kAhciPortBase + number * kAhciPortBytes + offset;
    }
    std::uint64_t in(std::uint32_t offset, unsigned number = 0) { return bench.read(port(offset, number)); }
    void out(std::uint32_t offset, std::uint64_t value, unsigned number = 0) {
        bench.write(port(offset, number), value);
    }
    void place(unsigned number = 0) {
        out(0x00, kList, number);
        out(0x08, kReceived, number);
    }
    void build_and_start(const AtaProperties& properties = {}) {
        build(properties);
        place();
        out(0x18, kRunning);
        out(0x10, ~0U);
    }
    static std::uint64_t data(unsigned slot = 0) { return kData + 0x1'0000ULL * slot; }
    /// A command in a slot with one PRD.
    void command(std::uint8_t ata, std::uint64_t lba, std::uint16_t count, std::uint32_t bytes,
                 bool write = false, unsigned slot = 0) {
        const std::uint64_t table = kTables + 0x400ULL * slot;
        bench.store<std::uint32_t>(kList + 32 * slot,
                                   5U | (write ? 0x40U : 0U) | (bytes != 0 ? 0x1'0000U : 0U));
        bench.store<std::uint32_t>(kList + 32 * slot + 4, 0);
        bench.store<std::uint64_t>(kList + 32 * slot + 8, table);
        const bool queued = ata == 0x60 || ata == 0x61;
        const unsigned features = queued ? count : feature;
        const unsigned field = queued ? slot << 3 : count;
        bench.store<std::uint32_t>(table, 0x8027U | std::uint32_t{ata} << 16 | (features & 0xffU) << 24);
        bench.store<std::uint32_t>(table + 4, static_cast<std::uint32_t>(lba & 0xff'ffff) | 0x4000'0000U);
        bench.store<std::uint32_t>(table + 8, static_cast<std::uint32_t>(lba >> 24) | (features >> 8) << 24);
        bench.store<std::uint32_t>(table + 12, field);
        bench.store<std::uint64_t>(table + 0x80, data(slot));
        bench.store<std::uint32_t>(table + 0x8c, bytes - 1);
    }
    void issue(std::uint32_t slots = 1) { out(0x38, slots); }
    void queue(std::uint32_t slots = 1) {
        out(0x34, slots);
        out(0x38, slots);
    }
    std::uint32_t byte_count(unsigned slot = 0) { return bench.load<std::uint32_t>(kList + 32 * slot + 4); }
    std::uint64_t word(std::uint64_t address) { return bench.load<std::uint64_t>(address); }
    void fail(std::uint64_t sector, std::uint8_t on = kOnRead | kOnWrite) {
        disk.inject({.first = sector, .count = 1, .on = on});
    }

    model::testing::BoardHarness bench;
    MemoryDisk disk{64, Fill::kLba};
    std::unique_ptr<Ahci> device;
    unsigned feature = 0;  ///< of commands that are not queued
};

}  // namespace tb::model::block::testing
