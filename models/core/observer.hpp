// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace tb::model {

/// Something that a driver did and that its device's specification does not allow, or that a model could not
/// make sense of. A model never aborts on it; it reports, does what QEMU does, and goes on.
struct Finding {
    std::string device;   ///< the model's instance name
    std::string subject;  ///< register, descriptor or ring that it is about
    std::string message;  ///< what was done, and what is right
};

/// What happened to a device's attempt to reach memory.
enum class DmaOutcome : std::uint8_t {
    kDone,
    kNoBusMaster,  ///< dropped: bus-master enable is off (PCI 3.0 §6.2.2)
    kNoMemory,     ///< nothing answers there
};

/// Sees what a board's devices do. Called synchronously, in order; an observer must not access the board.
class Observer {
  public:
    virtual ~Observer() = default;

    /// A device read or wrote memory. `data` is what was transferred (zeros for a read that nothing
    /// answered).
    virtual void dma(const char* /*device*/, bool /*write*/, std::uint64_t /*address*/,
                     std::span<const std::byte> /*data*/, DmaOutcome /*outcome*/) {}
    /// An interrupt line (a pin of the I/O APIC) changed its level.
    virtual void irq(unsigned /*line*/, bool /*level*/) {}
    /// A message-signalled interrupt reached memory.
    virtual void msi(std::uint64_t /*address*/, std::uint32_t /*data*/) {}
    virtual void finding(const Finding& /*finding*/) {}
};

}  // namespace tb::model
