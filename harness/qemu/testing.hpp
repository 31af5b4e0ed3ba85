// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <functional>
#include <vector>

#include "harness/qemu/block_backend.hpp"
#include "harness/qemu/vm.hpp"

/// What the tests of this folder share: a disk in memory, and the few lines of firmware that a device needs.
namespace tb::qemu::testing {

class MemoryDisk : public BlockBackend {
  public:
    explicit MemoryDisk(std::uint64_t size) : bytes(size) {}

    std::uint64_t size() const override { return bytes.size(); }
    bool read_only() const override { return write_protected; }
    int read(std::uint64_t offset, std::span<std::uint8_t> data) override {
        if (error != 0) return error;
        std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(offset), data.size(), data.begin());
        return 0;
    }
    int write(std::uint64_t offset, std::span<const std::uint8_t> data) override {
        if (error != 0) return error;
        std::copy(data.begin(), data.end(), bytes.begin() + static_cast<std::ptrdiff_t>(offset));
        return 0;
    }
    int flush() override { return ++flushes, error; }
    int discard(std::uint64_t, std::uint64_t) override { return ++discards, error; }
    int write_zeroes(std::uint64_t offset, std::uint64_t length, bool) override {
        if (error != 0) return error;
        std::fill_n(bytes.begin() + static_cast<std::ptrdiff_t>(offset), length, std::uint8_t{0});
        return 0;
    }

    std::vector<std::uint8_t> bytes;
    bool write_protected = false;
    int error = 0;
    int flushes = 0;
    int discards = 0;
};

/// PCI configuration mechanism #1 (PCI Local Bus 3.0 §3.2.2.3.2), bus 0, function 0.
class PciSlot {
  public:
    PciSlot(Vm& vm, unsigned slot) : vm_(vm), slot_(slot) {}

    std::uint32_t config_read(unsigned offset, unsigned width) {
        select(offset);
        return vm_.qtest().in(0xcfc + (offset & 3), width);
    }
    void config_write(unsigned offset, unsigned width, std::uint32_t value) {
        select(offset);
        vm_.qtest().out(0xcfc + (offset & 3), width, value);
    }
    /// Places a BAR and turns decoding and bus mastering on.
    void map(unsigned bar, std::uint32_t address) {
        config_write(0x10 + 4 * bar, 4, address);
        config_write(0x04, 2, 0x7);
    }

  private:
    void select(unsigned offset) { vm_.qtest().out(0xcf8, 4, 0x80000000U | slot_ << 11 | (offset & 0xfc)); }

    Vm& vm_;
    unsigned slot_;
};

inline void store(Vm& vm, std::uint64_t address, std::uint64_t value, unsigned width) {
    for (unsigned i = 0; i < width; ++i) vm.ram()[address + i] = static_cast<std::uint8_t>(value >> (8 * i));
}

inline std::uint64_t load(Vm& vm, std::uint64_t address, unsigned width) {
    std::uint64_t value = 0;
    for (unsigned i = width; i-- > 0;) value = value << 8 | vm.ram()[address + i];
    return value;
}

inline bool qemu_installed() {
    return find_executable("qemu-system-x86_64").has_value();
}

/// The kind of the QemuError that `action` throws; fails the test when it throws none.
inline ErrorKind kind_of_error(const std::function<void()>& action, std::string* message = nullptr) {
    try {
        action();
    } catch (const QemuError& error) {
        if (message != nullptr) *message = error.what();
        return error.kind();
    }
    ADD_FAILURE() << "no QemuError was thrown";
    return ErrorKind::kProtocol;
}

}  // namespace tb::qemu::testing

#define TB_REQUIRE_QEMU()                                                                           \
    do {                                                                                            \
        if (!::tb::qemu::testing::qemu_installed())                                                 \
            GTEST_SKIP() << "qemu-system-x86_64 is not installed: apt-get install qemu-system-x86"; \
    } while (false)
