// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <gmock/gmock.h>

#include <cstring>
#include <hal/machine.hpp>
#include <vector>

namespace tb::hal::testing {

/// A machine for unit tests of drivers. Without expectations it behaves like a board with nothing on it:
/// registers read all-ones, DMA memory works (a small pool from kDmaBase up), time passes when it is told to,
/// vectors count up from 32, and a raised vector waits until it is taken. EXPECT_CALL and ON_CALL say what a
/// device does beyond that.
class MockMachine : public Machine {
  public:
    static constexpr std::uint64_t kDmaBase = 0x10'0000;
    static constexpr std::size_t kDmaSize = 1 << 20;

    MockMachine() : memory_(kDmaSize) {
        using ::testing::_;
        using ::testing::Invoke;
        ON_CALL(*this, read(_, _, _)).WillByDefault([](AddressSpace, std::uint64_t, unsigned width) {
            return width == 8 ? ~std::uint64_t{0} : (std::uint64_t{1} << (8 * width)) - 1;
        });
        ON_CALL(*this, dma_allocate(_, _)).WillByDefault([this](std::uint64_t size, std::uint64_t alignment) {
            return allocate(size, alignment);
        });
        ON_CALL(*this, delay_ns(_)).WillByDefault([this](std::uint64_t span) { now_ += span; });
        ON_CALL(*this, now_ns()).WillByDefault([this] { return now_; });
        ON_CALL(*this, attach_intx(_)).WillByDefault([this](PciAddress) { return Result(next_vector_++); });
        ON_CALL(*this, attach_irq(_)).WillByDefault([this](std::uint32_t) { return Result(next_vector_++); });
        ON_CALL(*this, attach_msi()).WillByDefault([this] {
            const std::uint32_t vector = next_vector_++;
            return Result(MsiInterrupt{{vector}, {0xfee0'0000, vector}});
        });
    }

    MOCK_METHOD(std::uint64_t, read, (AddressSpace, std::uint64_t, unsigned), (override));
    MOCK_METHOD(void, write, (AddressSpace, std::uint64_t, unsigned, std::uint64_t), (override));
    MOCK_METHOD(void, barrier, (Barrier), (override));
    MOCK_METHOD((Result<std::uint64_t>), dma_allocate, (std::uint64_t, std::uint64_t), (override));
    MOCK_METHOD(void, dma_free, (std::uint64_t, std::uint64_t), (override));
    MOCK_METHOD(std::uint64_t, now_ns, (), (override));
    MOCK_METHOD(void, delay_ns, (std::uint64_t), (override));
    MOCK_METHOD((Result<std::uint32_t>), attach_intx, (PciAddress), (override));
    MOCK_METHOD((Result<std::uint32_t>), attach_irq, (std::uint32_t), (override));
    MOCK_METHOD((Result<MsiInterrupt>), attach_msi, (), (override));
    MOCK_METHOD(void, detach, (std::uint32_t), (override));
    MOCK_METHOD(void, log, (LogLevel, const char*, const char*, std::uint64_t), (override));

    std::uint64_t dma_load(std::uint64_t address, unsigned width, MemoryOrder) override {
        std::uint64_t value = 0;
        std::memcpy(&value, at(address), width);
        return value;
    }
    void dma_store(std::uint64_t address, unsigned width, std::uint64_t value, MemoryOrder) override {
        std::memcpy(at(address), &value, width);
    }
    void dma_read(std::uint64_t address, std::span<std::byte> out) override {
        std::memcpy(out.data(), at(address), out.size());
    }
    void dma_write(std::uint64_t address, std::span<const std::byte> in) override {
        std::memcpy(at(address), in.data(), in.size());
    }
    Result<std::uint64_t> dma_map(std::span<std::byte> buffer, Direction direction) override {
        const Result<std::uint64_t> address = allocate(buffer.size(), 64);
        if (!address) return address;
        ++mapped_;
        if (direction != Direction::kFromDevice) std::memcpy(at(*address), buffer.data(), buffer.size());
        return address;
    }
    void dma_unmap(std::uint64_t address, std::span<std::byte> buffer, Direction direction) override {
        --mapped_;
        if (direction != Direction::kToDevice) std::memcpy(buffer.data(), at(address), buffer.size());
    }

    bool interrupt_pending() const override { return !raised_.empty(); }
    std::optional<std::uint32_t> take_interrupt(bool) override {
        if (raised_.empty()) return std::nullopt;
        const std::uint32_t vector = raised_.front();
        raised_.erase(raised_.begin());
        return vector;
    }

    /// Makes a vector wait, as an edge.
    void raise(std::uint32_t vector) { raised_.push_back(vector); }
    /// What the device sees of shared memory.
    std::byte* at(std::uint64_t address) { return memory_.data() + (address - kDmaBase); }
    /// Mappings that were not undone: zero when a driver has cleaned up.
    int mapped() const { return mapped_; }

  private:
    Result<std::uint64_t> allocate(std::uint64_t size, std::uint64_t alignment) {
        const std::uint64_t start = (used_ + alignment - 1) & ~(alignment - 1);
        if (start + size > kDmaSize) return Error::kNoMemory;
        used_ = start + size;
        return kDmaBase + start;
    }

    std::vector<std::byte> memory_;
    std::vector<std::uint32_t> raised_;
    std::uint64_t used_ = 0;
    std::uint64_t now_ = 0;
    std::uint32_t next_vector_ = 32;
    int mapped_ = 0;
};

}  // namespace tb::hal::testing
