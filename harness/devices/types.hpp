// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "harness/devices/device_type.hpp"

/// What registry.cpp lists. Each is defined in the file of its device.
namespace tb::harness {

const DeviceType& isa_serial();
const DeviceType& pci_serial();
const DeviceType& virtio_blk_pci();
const DeviceType& virtio_net_pci();
const DeviceType& ich9_ahci();
const DeviceType& e1000();

}  // namespace tb::harness
