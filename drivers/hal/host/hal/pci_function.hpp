// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <hal/host.hpp>

namespace tb::hal {

/// The configuration space of one PCI function: 256 bytes, or 4 KiB where the machine has the enhanced
/// mechanism.
class PciFunction {
  public:
    PciFunction() = default;
    PciFunction(Host& host, PciAddress address) : host_(&host), address_(address) {}

    PciAddress address() const { return address_; }
    bool valid() const { return host_ != nullptr; }

    /// Accesses are aligned to their width (PCI 3.0 §3.2.2.3.1); others read all-ones and write nothing.
    template <RegisterWord T>
    T read(std::uint16_t offset) const {
        if (host_ == nullptr || offset % sizeof(T) != 0) return static_cast<T>(~T{0});
        return static_cast<T>(
            host_->read(AddressSpace::kPciConfig, config_address(address_, offset), sizeof(T)));
    }
    template <RegisterWord T>
    void write(std::uint16_t offset, T value) const {
        if (host_ == nullptr || offset % sizeof(T) != 0) return;
        host_->write(AddressSpace::kPciConfig, config_address(address_, offset), sizeof(T), value);
    }

  private:
    Host* host_ = nullptr;
    PciAddress address_;
};

}  // namespace tb::hal
