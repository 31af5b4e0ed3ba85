// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "harness/devices/device_type.hpp"
#include "harness/replay/role.hpp"
#include "harness/trace/symbols.hpp"

namespace tb::replay {

/// The line of the I/O APIC that a device's interrupt reaches where the harness's boards have it.
unsigned interrupt_line(const harness::DeviceType& type);

/// The registers of a device by their spots.
class Registers {
  public:
    Registers(const Role& role, const harness::DeviceType& type);

    /// An access as the harness's boards would have it; names and fields are told by it.
    trace::Event event(trace::EventKind kind, const Spot& spot, unsigned width, std::uint64_t value) const;
    const trace::SymbolTable& symbols() const { return symbols_; }
    /// "ICR", or "ICR TXDW=1 LSC=1".
    std::string name_with_fields(const trace::Event& event) const;

    /// A register, or one of an array.
    struct Entry {
        Spot spot;
        const model::RegisterSpec* spec;
        std::size_t row;  ///< in rows()
    };
    /// A line of the device's tables: what stands in an array counts once.
    struct Row {
        std::string name;
        const model::RegisterSpec* spec;
    };
    const std::vector<Entry>& entries() const { return entries_; }
    const std::vector<Row>& rows() const { return rows_; }

  private:
    const Role& role_;
    trace::SymbolTable symbols_;
    std::vector<Entry> entries_;
    std::vector<Row> rows_;
};

}  // namespace tb::replay
