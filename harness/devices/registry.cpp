// SPDX-License-Identifier: BSD-3-Clause
#include <algorithm>
#include <vector>

#include "harness/devices/device_type.hpp"
#include "harness/devices/rings.hpp"
#include "harness/devices/types.hpp"

namespace tb::harness {

// Lists rather than self-registering objects: nothing depends on the order of initialization, and a reader
// sees what there is.
std::span<const DeviceType* const> device_types() {
    static const std::vector<const DeviceType*> types = {&isa_serial(),     &pci_serial(), &virtio_blk_pci(),
                                                         &virtio_net_pci(), &ich9_ahci(),  &e1000()};
    return types;
}

std::unique_ptr<DriverSession> Rig::open(const DriverType& driver, const DeviceType& device,
                                         hal::Host& host) {
    return driver.open(hal::Platform(host), device.is_pci());
}

void Rig::reset_device() {
    throw OutsideUnsupported("resetting the device behind the driver's back");
}

std::unique_ptr<Rings> DeviceType::rings() const {
    return nullptr;
}

const DeviceType* find_device_type(std::string_view name) {
    const auto types = device_types();
    const auto found = std::find_if(types.begin(), types.end(),
                                    [&](const DeviceType* type) { return type->name() == name; });
    return found == types.end() ? nullptr : *found;
}

}  // namespace tb::harness
