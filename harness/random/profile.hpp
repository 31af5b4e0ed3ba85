// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "harness/random/dice.hpp"

/// What chance has to know of a device.
namespace tb::random {

/// Adds one operation of several steps to `steps`.
using Act = void (*)(Dice& dice, nlohmann::json& steps);

struct Profile {
    std::string_view device;
    const char* configuration;  ///< of the device, as JSON
    /// Registers that only acts write: their names begin like this.
    std::span<const std::string_view> not_written;
    /// Behind `setup`: buffers, mostly.
    Act begin;
    std::span<const Act> acts;
    unsigned act_percent;  ///< how many of the operations are acts
    bool stays_bus_master = false;
};

/// Adds the write of a register.
inline void write(nlohmann::json& steps, const std::string& name, nlohmann::json value) {
    steps.push_back({{"write", name}, {"value", std::move(value)}});
}

const Profile& serial_profile(bool pci);
const Profile& virtio_blk_profile();
const Profile& e1000_profile();

}  // namespace tb::random
