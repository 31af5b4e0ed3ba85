// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <hal/host.hpp>

namespace tb::hal {

/// Registers in one address space of the machine: a handle, copied freely. See concepts.hpp for the contract.
template <AddressSpace kSpace>
class HostWindow {
  public:
    HostWindow() = default;
    HostWindow(Host& host, std::uint64_t base, std::uint32_t size) : host_(&host), base_(base), size_(size) {}

    template <RegisterWord T>
    T read(std::uint32_t offset) const {
        if (!inside(offset, sizeof(T))) return static_cast<T>(~T{0});
        return static_cast<T>(host_->read(kSpace, base_ + offset, sizeof(T)));
    }
    template <RegisterWord T>
    void write(std::uint32_t offset, T value) const {
        if (inside(offset, sizeof(T))) host_->write(kSpace, base_ + offset, sizeof(T), value);
    }

    std::uint32_t size() const { return size_; }
    std::uint64_t base() const { return base_; }
    bool valid() const { return host_ != nullptr; }

    /// A part of this window; what would reach beyond its end is cut off.
    HostWindow slice(std::uint32_t offset, std::uint32_t size) const {
        if (host_ == nullptr || offset >= size_) return {};
        return {*host_, base_ + offset, size < size_ - offset ? size : size_ - offset};
    }

  private:
    bool inside(std::uint32_t offset, std::uint32_t width) const {
        return offset <= size_ && width <= size_ - offset;
    }

    Host* host_ = nullptr;
    std::uint64_t base_ = 0;
    std::uint32_t size_ = 0;
};

using MmioWindow = HostWindow<AddressSpace::kMemory>;
using PortWindow = HostWindow<AddressSpace::kPort>;

}  // namespace tb::hal
