// SPDX-License-Identifier: BSD-3-Clause
#include "harness/machine/machine_base.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>

#include "harness/operations/board.hpp"

namespace tb::harness {

namespace {

// Vector numbers tell their kind, so that a trace can be read: messages from 0, lines of the ISA from 256,
// INTx from 512.
constexpr std::uint32_t kIsaVectors = 256;
constexpr std::uint32_t kIntxVectors = 512;
constexpr std::uint64_t kStreamAlignment = 64;
constexpr int kPoison = 0xa5;

}  // namespace

std::uint64_t MachineBase::dma_load(std::uint64_t address, unsigned width, hal::MemoryOrder order) {
    if (!pool_.owns(address, width)) {
        listener_->finding(
            fmt::format("driver loads {} bytes at {:#x}, outside its DMA memory", width, address));
        return ~std::uint64_t{0};
    }
    std::uint64_t value = 0;
    std::memcpy(&value, ram_.data() + address, width);
    if (order == hal::MemoryOrder::kAcquire) std::atomic_thread_fence(std::memory_order_acquire);
    return value;
}

void MachineBase::dma_store(std::uint64_t address, unsigned width, std::uint64_t value,
                            hal::MemoryOrder order) {
    if (!pool_.owns(address, width)) {
        listener_->finding(
            fmt::format("driver stores {} bytes at {:#x}, outside its DMA memory", width, address));
        return;
    }
    if (order == hal::MemoryOrder::kRelease) std::atomic_thread_fence(std::memory_order_release);
    std::memcpy(ram_.data() + address, &value, width);
}

void MachineBase::dma_read(std::uint64_t address, std::span<std::byte> out) {
    if (!pool_.owns(address, out.size())) {
        listener_->finding(
            fmt::format("driver reads {} bytes at {:#x}, outside its DMA memory", out.size(), address));
        return;
    }
    std::memcpy(out.data(), ram_.data() + address, out.size());
}

void MachineBase::dma_write(std::uint64_t address, std::span<const std::byte> in) {
    if (!pool_.owns(address, in.size())) {
        listener_->finding(
            fmt::format("driver writes {} bytes at {:#x}, outside its DMA memory", in.size(), address));
        return;
    }
    std::memcpy(ram_.data() + address, in.data(), in.size());
}

void MachineBase::barrier(hal::Barrier) {
    std::atomic_thread_fence(std::memory_order_seq_cst);
}

hal::Result<std::uint64_t> MachineBase::dma_allocate(std::uint64_t size, std::uint64_t alignment) {
    const auto address = pool_.allocate(size, alignment);
    if (!address) return hal::Error::kNoMemory;
    std::memset(ram_.data() + *address, 0, size);
    return *address;
}

void MachineBase::dma_free(std::uint64_t address, std::uint64_t) {
    if (!pool_.release(address))
        listener_->finding(fmt::format("driver frees DMA memory at {:#x} that it does not have", address));
}

hal::Result<std::uint64_t> MachineBase::dma_map(std::span<std::byte> buffer, hal::Direction direction) {
    const auto address = pool_.allocate(buffer.size(), kStreamAlignment);
    if (!address) return hal::Error::kNoMemory;
    // What the device does not write, nobody may give out: it is nobody's data, and looks like none.
    if (direction == hal::Direction::kFromDevice)
        std::memset(ram_.data() + *address, kPoison, buffer.size());
    else
        std::memcpy(ram_.data() + *address, buffer.data(), buffer.size());
    return *address;
}

void MachineBase::dma_unmap(std::uint64_t address, std::span<std::byte> buffer, hal::Direction direction) {
    if (!pool_.owns(address, buffer.size())) {
        listener_->finding(fmt::format("driver unmaps {:#x}, which is not mapped", address));
        return;
    }
    if (direction != hal::Direction::kToDevice)
        std::memcpy(buffer.data(), ram_.data() + address, buffer.size());
    pool_.release(address);
}

hal::Result<std::uint32_t> MachineBase::attach_intx(hal::PciAddress function) {
    const unsigned line = intx_line(function);
    add_vector({kIntxVectors + line, Trigger::kLevel, line, false});
    return kIntxVectors + line;
}

hal::Result<std::uint32_t> MachineBase::attach_irq(std::uint32_t line) {
    if (line > 15) return hal::Error::kInvalidArgument;
    // A line that is high when the handler arrives has had its edge.
    add_vector({kIsaVectors + line, Trigger::kEdge, line, levels_[line]});
    return kIsaVectors + line;
}

hal::Result<hal::MsiInterrupt> MachineBase::attach_msi() {
    const auto slot = std::find(msi_used_.begin(), msi_used_.end(), false);
    if (slot == msi_used_.end()) return hal::Error::kNoMemory;
    *slot = true;
    const auto number = static_cast<std::uint32_t>(slot - msi_used_.begin());
    add_vector({number, Trigger::kMessage, 0, false});
    return hal::MsiInterrupt{{number}, {msi_address(number), msi_data(number)}};
}

void MachineBase::detach(std::uint32_t vector) {
    std::erase_if(vectors_, [&](const Vector& v) { return v.number == vector; });
    if (vector < kMsiVectors) msi_used_[vector] = false;
    refresh_pending();
}

void MachineBase::add_vector(const Vector& vector) {
    const auto place =
        std::lower_bound(vectors_.begin(), vectors_.end(), vector.number,
                         [](const Vector& v, std::uint32_t number) { return v.number < number; });
    vectors_.insert(place, vector);
    refresh_pending();
}

std::optional<std::uint32_t> MachineBase::take_interrupt(bool begin) {
    return take_where(begin, [](std::uint32_t) { return true; });
}

void MachineBase::line_changed(unsigned line, bool level) {
    if (line >= levels_.size() || levels_[line] == level) return;
    levels_[line] = level;
    listener_->irq(line, level);
    if (level)
        for (Vector& vector : vectors_)
            if (vector.trigger == Trigger::kEdge && vector.line == line) vector.waiting = true;
    refresh_pending();
}

void MachineBase::message_arrived(std::uint64_t address, std::uint32_t data) {
    const std::uint64_t slot = (address - kMsiBase) / 4;
    if (slot >= kMsiVectors || !msi_used_[slot]) return;
    // MSI has 16 bits of data, and sends zeroes for the upper half (PCI 3.0 §6.8.1.6); MSI-X has all 32.
    const std::uint32_t own = msi_data(static_cast<std::uint32_t>(slot));
    if (data != own && data != (own & 0xffff)) return;
    for (Vector& vector : vectors_) {
        if (vector.number != slot || vector.waiting) continue;
        vector.waiting = true;
        listener_->message(static_cast<std::uint32_t>(slot));
    }
    refresh_pending();
}

bool MachineBase::asserted(std::uint32_t vector) const {
    return std::any_of(vectors_.begin(), vectors_.end(), [&](const Vector& v) {
        return v.number == vector && v.trigger == Trigger::kLevel && levels_[v.line];
    });
}

void MachineBase::refresh_pending() {
    pending_ = std::any_of(vectors_.begin(), vectors_.end(), [this](const Vector& v) { return waiting(v); });
}

void MachineBase::log(hal::LogLevel level, const char* device, const char* message, std::uint64_t value) {
    static constexpr std::array<const char*, 4> kLevels = {"debug", "info", "warning", "error"};
    log_lines_.push_back(
        fmt::format("{}: {}: {} ({:#x})", kLevels[static_cast<std::size_t>(level)], device, message, value));
}

void MachineBase::reset_base() {
    pool_.reset();
    vectors_.clear();
    levels_.fill(false);
    msi_used_.fill(false);
    log_lines_.clear();
    pending_ = false;
}

}  // namespace tb::harness
