// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <hal/services.h>

#include <hal/types.hpp>

namespace tb::hal {

/// The configuration space of one PCI function, through the kernel's own access (which owns the lock or the
/// window).
class PciFunction {
  public:
    PciFunction() = default;
    explicit PciFunction(PciAddress address) : address_(address), valid_(true) {}

    PciAddress address() const { return address_; }
    bool valid() const { return valid_; }

    template <RegisterWord T>
        requires(sizeof(T) <= 4)
    T read(std::uint16_t offset) const {
        if (offset % sizeof(T) != 0) return static_cast<T>(~T{0});
        return static_cast<T>(
            tb_hal_pci_read(address_.bus, address_.device, address_.function, offset, sizeof(T)));
    }
    template <RegisterWord T>
        requires(sizeof(T) <= 4)
    void write(std::uint16_t offset, T value) const {
        if (offset % sizeof(T) != 0) return;
        tb_hal_pci_write(address_.bus, address_.device, address_.function, offset, sizeof(T), value);
    }

  private:
    PciAddress address_;
    bool valid_ = false;
};

}  // namespace tb::hal
