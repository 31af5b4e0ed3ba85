// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <hal/types.hpp>
#include <span>

namespace tb::hal {

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "a cell is little-endian, and so is every x86_64");

/// One little-endian value in memory that a device reads and writes on its own: one `mov`.
template <RegisterWord T>
class DmaCell {
  public:
    explicit DmaCell(T* address) : address_(address) {}

    T load() const { return __atomic_load_n(address_, __ATOMIC_RELAXED); }
    T load_acquire() const { return __atomic_load_n(address_, __ATOMIC_ACQUIRE); }
    void store(T value) { __atomic_store_n(address_, value, __ATOMIC_RELAXED); }
    void store_release(T value) { __atomic_store_n(address_, value, __ATOMIC_RELEASE); }

  private:
    T* address_;
};

/// Memory shared with the device while it is allocated.
class DmaMemory {
  public:
    DmaMemory() = default;
    DmaMemory(std::byte* base, std::uint64_t device_address, std::uint32_t size)
        : base_(base), device_address_(device_address), size_(size) {}

    std::uint64_t device_address() const { return device_address_; }
    std::uint32_t size() const { return size_; }
    bool valid() const { return base_ != nullptr; }

    template <RegisterWord T>
    DmaCell<T> cell(std::uint32_t offset) const {
        return DmaCell<T>(reinterpret_cast<T*>(base_ + offset));
    }
    void read(std::uint32_t offset, std::span<std::byte> out) const {
        __builtin_memcpy(out.data(), base_ + offset, out.size());
    }
    void write(std::uint32_t offset, std::span<const std::byte> in) {
        __builtin_memcpy(base_ + offset, in.data(), in.size());
    }

    std::byte* base() const { return base_; }

  private:
    std::byte* base_ = nullptr;
    std::uint64_t device_address_ = 0;
    std::uint32_t size_ = 0;
};

/// A payload buffer lent to the device for one transfer.
class DmaMapping {
  public:
    DmaMapping() = default;
    DmaMapping(std::uint64_t device_address, std::span<std::byte> buffer, Direction direction)
        : device_address_(device_address), buffer_(buffer), direction_(direction) {}

    std::uint64_t device_address() const { return device_address_; }
    std::uint32_t size() const { return static_cast<std::uint32_t>(buffer_.size()); }
    bool valid() const { return buffer_.data() != nullptr; }
    std::span<std::byte> buffer() const { return buffer_; }
    Direction direction() const { return direction_; }

  private:
    std::uint64_t device_address_ = 0;
    std::span<std::byte> buffer_;
    Direction direction_ = Direction::kToDevice;
};

}  // namespace tb::hal
