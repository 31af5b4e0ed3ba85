// SPDX-License-Identifier: BSD-3-Clause
#include "harness/devices/device_symbols.hpp"

#include <utility>

#include "harness/operations/board.hpp"

namespace tb::harness {

trace::SymbolTable symbols_of(const DeviceType& device) {
    trace::DeviceSymbols symbols;
    if (device.is_pci()) symbols.function = kDeviceUnderTest;
    for (const RegisterBlock& block : device.blocks()) {
        trace::RegisterBlock place;
        place.prefix = block.name;
        place.space = block.space;
        if (block.bar >= 0) place.bar = static_cast<unsigned>(block.bar);
        place.offset = block.offset;
        place.registers = block.registers;
        symbols.blocks.push_back(place);
    }
    trace::SymbolTable table;
    table.add_device(std::move(symbols));
    return table;
}

}  // namespace tb::harness
