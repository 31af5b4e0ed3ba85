// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <functional>

#include "models/net/deadlines.hpp"
#include "models/net/mac_registers.hpp"

namespace tb::model::net {

/// ICR, ICS, IMS, IMC and the moderation of QEMU's e1000.
///
/// The line follows ICR & IMS. A rising edge opens a window in which the next rising edge is held back: of
/// the delays in force (ITR in units of 256 ns; RADV when RDTR is set and a receive cause is pending, TADV
/// when a descriptor asked for it by IDE and a transmit cause is pending, both in units of 1.024 us) the
/// smallest, but no less than 128 us. RDTR and TIDV are not timers of their own.
class Interrupts {
  public:
    /// Without `mitigation` every edge passes at once (QEMU's property of that name).
    Interrupts(MacRegisters& regs, Deadlines& deadlines, bool mitigation, std::function<void(bool)> line);

    /// Adds causes.
    void raise(std::uint32_t causes) { set(MacRegisters::get(regs_.icr) | causes); }
    /// Replaces all causes and lets the line follow.
    void set(std::uint32_t causes);
    /// A transmit descriptor with IDE was processed.
    void delay_transmit() { transmit_delay_ = true; }
    void reset();

  private:
    void open_window(std::uint32_t pending);

    MacRegisters& regs_;
    Deadlines& deadlines_;
    Deadlines::Id window_;
    bool mitigation_;
    bool transmit_delay_ = false;
    bool level_ = false;
    std::function<void(bool)> line_;
};

}  // namespace tb::model::net
