// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <span>

#include "harness/machine/forwarding.hpp"

namespace tb::fuzz {

/// A layer that counts what crosses the seam, and makes a number of it: the same for the same run.
class SeamHash : public harness::ForwardingMachine {
  public:
    using ForwardingMachine::ForwardingMachine;

    std::uint64_t hash() const { return hash_; }

    std::uint64_t read(hal::AddressSpace space, std::uint64_t address, unsigned width) override {
        const std::uint64_t value = below().read(space, address, width);
        add(1, address, value);
        return value;
    }
    void write(hal::AddressSpace space, std::uint64_t address, unsigned width, std::uint64_t value) override {
        add(2, address, value);
        below().write(space, address, width, value);
    }
    std::uint64_t dma_load(std::uint64_t address, unsigned width, hal::MemoryOrder order) override {
        const std::uint64_t value = below().dma_load(address, width, order);
        add(3, address, value);
        return value;
    }
    void dma_store(std::uint64_t address, unsigned width, std::uint64_t value,
                   hal::MemoryOrder order) override {
        add(4, address, value);
        below().dma_store(address, width, value, order);
    }
    void dma_read(std::uint64_t address, std::span<std::byte> out) override {
        below().dma_read(address, out);
        add_bytes(5, address, out);
    }
    void dma_write(std::uint64_t address, std::span<const std::byte> in) override {
        add_bytes(6, address, in);
        below().dma_write(address, in);
    }
    hal::Result<std::uint64_t> dma_allocate(std::uint64_t size, std::uint64_t alignment) override {
        const auto address = below().dma_allocate(size, alignment);
        add(7, size, address ? *address : 0);
        return address;
    }
    void dma_free(std::uint64_t address, std::uint64_t size) override {
        add(8, address, size);
        below().dma_free(address, size);
    }
    hal::Result<std::uint64_t> dma_map(std::span<std::byte> buffer, hal::Direction direction) override {
        const auto address = below().dma_map(buffer, direction);
        add(9, buffer.size(), address ? *address : 0);
        return address;
    }
    void dma_unmap(std::uint64_t address, std::span<std::byte> buffer, hal::Direction direction) override {
        below().dma_unmap(address, buffer, direction);
        add_bytes(10, address, buffer);
    }
    void delay_ns(std::uint64_t span) override {
        add(11, span, now_ns());
        below().delay_ns(span);
    }
    std::optional<std::uint32_t> take_interrupt(bool begin) override {
        const auto vector = below().take_interrupt(begin);
        add(12, begin ? 1 : 0, vector.value_or(~0U));
        return vector;
    }

  private:
    // FNV-1a (Fowler, Noll, Vo), a word at a time.
    void add(std::uint64_t word) { hash_ = (hash_ ^ word) * 0x100'0000'01b3; }
    void add(std::uint64_t kind, std::uint64_t address, std::uint64_t value) {
        add(kind);
        add(address);
        add(value);
    }
    void add_bytes(std::uint64_t kind, std::uint64_t address, std::span<const std::byte> bytes) {
        add(kind, address, bytes.size());
        for (const std::byte byte : bytes) add(static_cast<std::uint64_t>(byte));
    }

    std::uint64_t hash_ = 0xcbf2'9ce4'8422'2325;
};

}  // namespace tb::fuzz
