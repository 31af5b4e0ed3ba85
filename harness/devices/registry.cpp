// SPDX-License-Identifier: BSD-3-Clause
#include <algorithm>
#include <vector>

#include "harness/devices/device_type.hpp"
#include "harness/devices/driver_type.hpp"
#include "harness/devices/types.hpp"

namespace tb::harness {

// Lists rather than self-registering objects: nothing depends on the order of initialization, and a reader
// sees what there is.
std::span<const DeviceType* const> device_types() {
    static const std::vector<const DeviceType*> types = {&isa_serial(), &pci_serial(), &virtio_blk_pci(),
                                                         &e1000()};
    return types;
}

std::span<const DriverType* const> driver_types() {
    static const std::vector<const DriverType*> types = {&pci_driver(), &uart16550_driver(),
                                                         &virtio_blk_driver(), &e1000_driver()};
    return types;
}

const DeviceType* find_device_type(std::string_view name) {
    const auto types = device_types();
    const auto found = std::find_if(types.begin(), types.end(),
                                    [&](const DeviceType* type) { return type->name() == name; });
    return found == types.end() ? nullptr : *found;
}

const DriverType* find_driver_type(std::string_view name) {
    const auto types = driver_types();
    const auto found = std::find_if(types.begin(), types.end(),
                                    [&](const DriverType* type) { return type->name() == name; });
    return found == types.end() ? nullptr : *found;
}

}  // namespace tb::harness
