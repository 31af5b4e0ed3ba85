// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <vector>

#include "harness/devices/device_type.hpp"

namespace tb::random {

/// The devices that there are sequences for.
std::vector<const harness::DeviceType*> devices();

/// A scenario of `operations` steps by chance, behind a legal set-up: reads and writes of the device's
/// registers with values that are likely to matter, other widths, configuration space, rings and descriptors
/// good and bad, resets, virtual time, input from outside. It expects nothing: what it is good for is to be
/// run on two machines.
///
/// Left out is what would not stay within the device: addresses for its DMA lie in the scenario's own
/// buffers, and decoding stays on. Throws std::invalid_argument for a device that is not one of devices().
nlohmann::json make_sequence(const harness::DeviceType& device, std::uint64_t seed, unsigned operations);

}  // namespace tb::random
