// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <hal/types.hpp>

namespace tb::hal {

/// Registers in memory: each access is one `mov` of its width. x86_64 keeps accesses to uncached memory in
/// program order (Intel SDM vol. 3A §8.2.5); `volatile` keeps the compiler to it.
///
/// The size is checked by whoever maps the window (offsets are constants of the driver), so the access itself
/// is bare.
class MmioWindow {
  public:
    MmioWindow() = default;
    MmioWindow(volatile std::byte* base, std::uint32_t size) : base_(base), size_(size) {}

    template <RegisterWord T>
    T read(std::uint32_t offset) const {
        return *reinterpret_cast<const volatile T*>(base_ + offset);
    }
    template <RegisterWord T>
    void write(std::uint32_t offset, T value) const {
        *reinterpret_cast<volatile T*>(base_ + offset) = value;
    }

    std::uint32_t size() const { return size_; }
    bool valid() const { return base_ != nullptr; }

    MmioWindow slice(std::uint32_t offset, std::uint32_t size) const {
        if (base_ == nullptr || offset >= size_) return {};
        return {base_ + offset, size < size_ - offset ? size : size_ - offset};
    }

  private:
    volatile std::byte* base_ = nullptr;
    std::uint32_t size_ = 0;
};

/// Registers behind ports: each access is one `in` or `out`.
class PortWindow {
  public:
    PortWindow() = default;
    PortWindow(std::uint16_t base, std::uint32_t size) : base_(base), size_(size), valid_(true) {}

    template <RegisterWord T>
    T read(std::uint32_t offset) const {
        const auto port = static_cast<std::uint16_t>(base_ + offset);
        if constexpr (sizeof(T) == 8) {
            // x86 has no 64-bit port access; two halves are what every system does.
            return static_cast<T>(read<std::uint32_t>(offset)) |
                   static_cast<T>(read<std::uint32_t>(offset + 4)) << 32;
        } else {
            T value;
            if constexpr (sizeof(T) == 1) asm volatile("inb %1, %0" : "=a"(value) : "Nd"(port) : "memory");
            if constexpr (sizeof(T) == 2) asm volatile("inw %1, %0" : "=a"(value) : "Nd"(port) : "memory");
            if constexpr (sizeof(T) == 4) asm volatile("inl %1, %0" : "=a"(value) : "Nd"(port) : "memory");
            return value;
        }
    }
    template <RegisterWord T>
    void write(std::uint32_t offset, T value) const {
        const auto port = static_cast<std::uint16_t>(base_ + offset);
        if constexpr (sizeof(T) == 8) {
            write(offset, static_cast<std::uint32_t>(value));
            write(offset + 4, static_cast<std::uint32_t>(value >> 32));
        } else {
            if constexpr (sizeof(T) == 1) asm volatile("outb %0, %1" : : "a"(value), "Nd"(port) : "memory");
            if constexpr (sizeof(T) == 2) asm volatile("outw %0, %1" : : "a"(value), "Nd"(port) : "memory");
            if constexpr (sizeof(T) == 4) asm volatile("outl %0, %1" : : "a"(value), "Nd"(port) : "memory");
        }
    }

    std::uint32_t size() const { return size_; }
    bool valid() const { return valid_; }

    PortWindow slice(std::uint32_t offset, std::uint32_t size) const {
        if (!valid_ || offset >= size_) return {};
        return {static_cast<std::uint16_t>(base_ + offset), size < size_ - offset ? size : size_ - offset};
    }

  private:
    std::uint16_t base_ = 0;
    std::uint32_t size_ = 0;
    bool valid_ = false;
};

}  // namespace tb::hal
