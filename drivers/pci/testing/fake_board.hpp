// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <functional>
#include <hal_testing/mock_machine.hpp>
#include <vector>

#include "pci/pci.hpp"

/// A mock machine with PCI functions and register files on it: what unit tests of PCI drivers stand on.
namespace tb::pci::testing {

using ::testing::_;

/// Configuration space of one function as plain bytes with a mask of what can be written. Tests bend any
/// byte.
class FakeFunction {
  public:
    explicit FakeFunction(hal::PciAddress place = {0, 4, 0}) : address(place) {
        set16(kVendorId, 0x1af4);
        set16(kDeviceId, 0x1042);
        writable16(kCommand, 0x0407);
    }

    void set8(std::uint16_t offset, std::uint8_t value) { bytes[offset] = value; }
    void set16(std::uint16_t offset, std::uint16_t value) { store(offset, 2, value); }
    void set32(std::uint16_t offset, std::uint32_t value) { store(offset, 4, value); }
    void writable16(std::uint16_t offset, std::uint16_t mask) { store_mask(offset, 2, mask); }
    void writable32(std::uint16_t offset, std::uint32_t mask) { store_mask(offset, 4, mask); }
    std::uint16_t get16(std::uint16_t offset) const { return static_cast<std::uint16_t>(load(offset, 2)); }
    std::uint32_t get32(std::uint16_t offset) const { return static_cast<std::uint32_t>(load(offset, 4)); }

    void memory_bar(unsigned index, std::uint64_t size, std::uint64_t at = 0, bool wide = false) {
        const auto offset = static_cast<std::uint16_t>(kBar0 + 4 * index);
        set32(offset, static_cast<std::uint32_t>(at) | (wide ? 0x4u : 0u));
        writable32(offset, static_cast<std::uint32_t>(~(size - 1)) & ~0xfu);
        if (!wide) return;
        set32(offset + 4, static_cast<std::uint32_t>(at >> 32));
        writable32(offset + 4, static_cast<std::uint32_t>(~(size - 1) >> 32));
    }
    void io_bar(unsigned index, std::uint32_t size, std::uint32_t at = 0,
                std::uint32_t implemented = 0xffff'ffff) {
        const auto offset = static_cast<std::uint16_t>(kBar0 + 4 * index);
        set32(offset, at | 1);
        writable32(offset, ~(size - 1) & ~0x3u & implemented);
    }

    /// Appends a capability to the end of the list; `body` follows the two bytes of its header.
    std::uint16_t add_capability(std::uint8_t id, const std::vector<std::uint8_t>& body) {
        set16(kStatus, get16(kStatus) | kStatusCapabilities);
        const std::uint16_t position = next_capability_;
        next_capability_ = static_cast<std::uint16_t>((position + 2 + body.size() + 3) & ~3u);
        set8(link_, static_cast<std::uint8_t>(position));
        link_ = static_cast<std::uint16_t>(position + 1);
        set8(position, id);
        set8(link_, 0);
        std::copy(body.begin(), body.end(), bytes.begin() + position + 2);
        return position;
    }

    std::uint64_t load(std::uint32_t offset, unsigned width) const {
        std::uint64_t value = 0;
        for (unsigned i = 0; i < width; ++i)
            value |= std::uint64_t{offset + i < bytes.size() ? bytes[offset + i] : std::uint8_t{0xff}}
                     << (8 * i);
        return value;
    }
    void store(std::uint32_t offset, unsigned width, std::uint64_t value) {
        put(bytes, offset, width, value);
    }
    void driver_writes(std::uint32_t offset, unsigned width, std::uint64_t value) {
        for (unsigned i = 0; i < width && offset + i < bytes.size(); ++i) {
            const std::uint8_t mask = masks_[offset + i];
            const auto byte = static_cast<std::uint8_t>(value >> (8 * i));
            bytes[offset + i] = static_cast<std::uint8_t>((bytes[offset + i] & ~mask) | (byte & mask));
        }
    }

    hal::PciAddress address;
    bool present = true;
    std::array<std::uint8_t, 256> bytes{};

  private:
    static void put(std::array<std::uint8_t, 256>& where, std::uint32_t offset, unsigned width,
                    std::uint64_t value) {
        for (unsigned i = 0; i < width; ++i) where[offset + i] = static_cast<std::uint8_t>(value >> (8 * i));
    }
    void store_mask(std::uint32_t offset, unsigned width, std::uint64_t mask) {
        put(masks_, offset, width, mask);
    }

    std::array<std::uint8_t, 256> masks_{};
    std::uint16_t next_capability_ = 0x40;
    std::uint16_t link_ = kCapabilitiesPointer;
};

/// A machine whose shared memory can lie to the driver.
class BendableMachine : public ::testing::NiceMock<hal::testing::MockMachine> {
  public:
    std::uint64_t dma_load(std::uint64_t address, unsigned width, hal::MemoryOrder order) override {
        const std::uint64_t value = MockMachine::dma_load(address, width, order);
        if (!bend_load) return value;
        return bend_load(value) & (width == 8 ? ~std::uint64_t{0} : (1ull << (8 * width)) - 1);
    }

    void dma_unmap(std::uint64_t address, std::span<std::byte> buffer, hal::Direction direction) override {
        if (before_unmap) before_unmap(address);
        MockMachine::dma_unmap(address, buffer, direction);
    }

    /// What a load by the driver answers instead.
    std::function<std::uint64_t(std::uint64_t value)> bend_load;
    /// Called with the device address of a buffer that the driver takes back.
    std::function<void(std::uint64_t address)> before_unmap;
};

/// Routes accesses to functions and register files; what nobody answers reads all-ones.
class FakeBoard {
  public:
    using Read = std::function<std::uint64_t(std::uint32_t offset, unsigned width)>;
    using Write = std::function<void(std::uint32_t offset, unsigned width, std::uint64_t value)>;

    FakeBoard() {
        ON_CALL(machine, read(_, _, _))
            .WillByDefault([this](hal::AddressSpace space, std::uint64_t address, unsigned width) {
                ++reads;
                if (before_read) before_read();
                std::uint64_t value = read(space, address, width);
                if (bend_read) value = bend_read(value);
                return value & (width == 8 ? ~std::uint64_t{0} : (1ull << (8 * width)) - 1);
            });
        ON_CALL(machine, write(_, _, _, _))
            .WillByDefault([this](hal::AddressSpace space, std::uint64_t address, unsigned width,
                                  std::uint64_t value) { write(space, address, width, value); });
    }

    void add(FakeFunction& function) { functions_.push_back(&function); }
    void add_registers(std::uint64_t base, std::uint32_t size, Read read, Write write) {
        registers_.push_back({base, size, std::move(read), std::move(write)});
    }
    Function function(hal::PciAddress address = {0, 4, 0}) {
        return {platform, platform.pci_function(address)};
    }

    BendableMachine machine;
    hal::Host host{machine};
    hal::Platform platform{host};
    /// Register and configuration reads so far: what a bounded loop is measured by.
    std::uint64_t reads = 0;
    /// Called at each read, for what happens in between; and what a read answers instead.
    std::function<void()> before_read;
    std::function<std::uint64_t(std::uint64_t value)> bend_read;

  private:
    struct Registers {
        std::uint64_t base;
        std::uint32_t size;
        Read read;
        Write write;
    };

    FakeFunction* find(std::uint64_t address) {
        for (FakeFunction* function : functions_)
            if (function->present && hal::config_address(function->address, 0) == (address & ~0xfffull))
                return function;
        return nullptr;
    }
    Registers* find_registers(std::uint64_t address) {
        for (Registers& file : registers_)
            if (address >= file.base && address - file.base < file.size) return &file;
        return nullptr;
    }
    std::uint64_t read(hal::AddressSpace space, std::uint64_t address, unsigned width) {
        if (space == hal::AddressSpace::kPciConfig) {
            const FakeFunction* function = find(address);
            return function != nullptr ? function->load(address & 0xfff, width) : ~std::uint64_t{0};
        }
        Registers* file = find_registers(address);
        return file != nullptr ? file->read(static_cast<std::uint32_t>(address - file->base), width)
                               : ~std::uint64_t{0};
    }
    void write(hal::AddressSpace space, std::uint64_t address, unsigned width, std::uint64_t value) {
        if (space == hal::AddressSpace::kPciConfig) {
            if (FakeFunction* function = find(address))
                function->driver_writes(address & 0xfff, width, value);
        } else if (Registers* file = find_registers(address)) {
            file->write(static_cast<std::uint32_t>(address - file->base), width, value);
        }
    }

    std::vector<FakeFunction*> functions_;
    std::vector<Registers> registers_;
};

}  // namespace tb::pci::testing
