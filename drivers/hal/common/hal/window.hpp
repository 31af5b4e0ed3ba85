// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <hal/mmio.hpp>

namespace tb::hal {

/// Registers that one system has in memory and another behind ports (a 16550, a transitional virtio device):
/// decided once, when the device is found. Costs a well-predicted branch an access; drivers of devices that
/// are always in memory take an MmioWindow.
///
/// `stride_shift` spreads registers out, as on systems that wire a byte-wide device to a wider bus: register
/// n is at n << stride_shift.
class RegisterWindow {
  public:
    RegisterWindow() = default;
    RegisterWindow(MmioWindow memory, unsigned stride_shift = 0)
        : memory_(memory), stride_shift_(stride_shift) {}
    RegisterWindow(PortWindow ports, unsigned stride_shift = 0)
        : ports_(ports), stride_shift_(stride_shift), is_ports_(true) {}

    template <RegisterWord T>
    T read(std::uint32_t reg) const {
        const std::uint32_t offset = reg << stride_shift_;
        return is_ports_ ? ports_.template read<T>(offset) : memory_.template read<T>(offset);
    }
    template <RegisterWord T>
    void write(std::uint32_t reg, T value) const {
        const std::uint32_t offset = reg << stride_shift_;
        if (is_ports_)
            ports_.template write<T>(offset, value);
        else
            memory_.template write<T>(offset, value);
    }

    std::uint32_t size() const { return (is_ports_ ? ports_.size() : memory_.size()) >> stride_shift_; }
    bool valid() const { return is_ports_ ? ports_.valid() : memory_.valid(); }
    bool is_ports() const { return is_ports_; }

    RegisterWindow slice(std::uint32_t reg, std::uint32_t size) const {
        const std::uint32_t offset = reg << stride_shift_;
        const std::uint32_t bytes = size << stride_shift_;
        if (is_ports_) return {ports_.slice(offset, bytes), stride_shift_};
        return {memory_.slice(offset, bytes), stride_shift_};
    }

  private:
    MmioWindow memory_;
    PortWindow ports_;
    unsigned stride_shift_ = 0;
    bool is_ports_ = false;
};

}  // namespace tb::hal
