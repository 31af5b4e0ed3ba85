// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <hal/traced_access.h>

#include <hal/types.hpp>

namespace tb::hal {

/// The kernel seam's windows for confirmation: each access is made, told to the harness, and followed by a
/// point at which interrupts are taken. An offset beyond the end reads all-ones and writes nowhere, as on the
/// host.
template <int kSpace>
class TracedWindow {
  public:
    TracedWindow() = default;
    TracedWindow(std::uint64_t base, std::uint32_t size) : base_(base), size_(size), valid_(true) {}
    TracedWindow(volatile std::byte* base, std::uint32_t size)
        : TracedWindow(reinterpret_cast<std::uint64_t>(base), size) {}

    template <RegisterWord T>
    T read(std::uint32_t offset) const {
        if (!inside(offset, sizeof(T))) return static_cast<T>(~T{0});
        return static_cast<T>(tb_traced_read(kSpace, base_ + offset, sizeof(T)));
    }
    template <RegisterWord T>
    void write(std::uint32_t offset, T value) const {
        if (inside(offset, sizeof(T))) tb_traced_write(kSpace, base_ + offset, sizeof(T), value);
    }

    std::uint32_t size() const { return size_; }
    bool valid() const { return valid_; }

    TracedWindow slice(std::uint32_t offset, std::uint32_t size) const {
        if (!valid_ || offset >= size_) return {};
        return {base_ + offset, size < size_ - offset ? size : size_ - offset};
    }

  private:
    bool inside(std::uint32_t offset, std::uint32_t width) const {
        return offset <= size_ && width <= size_ - offset;
    }

    std::uint64_t base_ = 0;
    std::uint32_t size_ = 0;
    bool valid_ = false;
};

using MmioWindow = TracedWindow<TB_TRACED_MEMORY>;
using PortWindow = TracedWindow<TB_TRACED_PORTS>;

}  // namespace tb::hal
