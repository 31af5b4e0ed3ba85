// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "harness/devices/device_type.hpp"
#include "harness/trace/symbols.hpp"

namespace tb::harness {

/// Names for a device's registers where the harness's boards have it.
trace::SymbolTable symbols_of(const DeviceType& device);

}  // namespace tb::harness
