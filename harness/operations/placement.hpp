// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "pci/resources.hpp"

namespace tb::harness {

/// Gives a function's BARs their addresses before its driver looks, as firmware would: once, and once more
/// after a start that failed, for what it was told the first time may have been a lie.
class Placement {
  public:
    hal::Status ensure(const pci::Function& function) {
        if (placed_) return {};
        pci::ResourceAllocator resources;
        const hal::Status done = resources.assign(function);
        placed_ = static_cast<bool>(done);
        return done;
    }
    /// How the start went; gives it back.
    hal::Status started(hal::Status status) {
        // One that runs already is not moved under its driver.
        if (!status && status.error() != hal::Error::kBusy) placed_ = false;
        return status;
    }

  private:
    bool placed_ = false;
};

}  // namespace tb::harness
