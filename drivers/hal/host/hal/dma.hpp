// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <hal/host.hpp>

namespace tb::hal {

/// One little-endian value in shared memory, reached through the machine, which can check, record and fault
/// it.
template <RegisterWord T>
class DmaCell {
  public:
    DmaCell(Machine* machine, std::uint64_t address) : machine_(machine), address_(address) {}

    T load() const { return get(MemoryOrder::kRelaxed); }
    T load_acquire() const { return get(MemoryOrder::kAcquire); }
    void store(T value) { put(value, MemoryOrder::kRelaxed); }
    void store_release(T value) { put(value, MemoryOrder::kRelease); }

  private:
    T get(MemoryOrder order) const {
        if (machine_ == nullptr) return static_cast<T>(~T{0});
        return static_cast<T>(machine_->dma_load(address_, sizeof(T), order));
    }
    void put(T value, MemoryOrder order) {
        if (machine_ != nullptr) machine_->dma_store(address_, sizeof(T), value, order);
    }

    Machine* machine_;
    std::uint64_t address_;
};

/// Memory shared with the device while it is allocated. Not owning: the driver frees it with
/// Platform::free_dma.
class DmaMemory {
  public:
    DmaMemory() = default;
    DmaMemory(Machine& machine, std::uint64_t address, std::uint32_t size)
        : machine_(&machine), address_(address), size_(size) {}

    std::uint64_t device_address() const { return address_; }
    std::uint32_t size() const { return size_; }
    bool valid() const { return machine_ != nullptr; }

    /// A cell outside the memory reads all-ones and ignores what is stored: an index that a device sent must
    /// have been checked before, and a slip in the driver shows in its tests instead of in a neighbour's
    /// memory.
    template <RegisterWord T>
    DmaCell<T> cell(std::uint32_t offset) const {
        return {inside(offset, sizeof(T)) ? machine_ : nullptr, address_ + offset};
    }
    void read(std::uint32_t offset, std::span<std::byte> out) const {
        if (inside(offset, out.size())) machine_->dma_read(address_ + offset, out);
    }
    void write(std::uint32_t offset, std::span<const std::byte> in) {
        if (inside(offset, in.size())) machine_->dma_write(address_ + offset, in);
    }

  private:
    bool inside(std::uint32_t offset, std::size_t width) const {
        return offset <= size_ && width <= size_ - offset;
    }

    Machine* machine_ = nullptr;
    std::uint64_t address_ = 0;
    std::uint32_t size_ = 0;
};

/// A payload buffer lent to the device for one transfer. Ends with Platform::unmap.
class DmaMapping {
  public:
    DmaMapping() = default;
    DmaMapping(std::uint64_t address, std::span<std::byte> buffer, Direction direction)
        : address_(address), buffer_(buffer), direction_(direction) {}

    std::uint64_t device_address() const { return address_; }
    std::uint32_t size() const { return static_cast<std::uint32_t>(buffer_.size()); }
    bool valid() const { return buffer_.data() != nullptr; }
    std::span<std::byte> buffer() const { return buffer_; }
    Direction direction() const { return direction_; }

  private:
    std::uint64_t address_ = 0;
    std::span<std::byte> buffer_;
    Direction direction_ = Direction::kToDevice;
};

}  // namespace tb::hal
