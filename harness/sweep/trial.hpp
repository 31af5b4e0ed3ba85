// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <hal/host.hpp>
#include <string>
#include <string_view>

#include "harness/devices/outside.hpp"
#include "harness/operations/operation.hpp"

namespace tb::sweep {

/// Whether what is in `part` is in `whole`, in this order, with anything between.
bool is_subsequence(const harness::Bytes& part, const harness::Bytes& whole);

/// Whether a driver works on a device that behaves: started, a block read, a frame sent and one received, or
/// a character each way, and stopped.
class Trial {
  public:
    Trial(const harness::DriverType& driver, harness::DriverSession& session, harness::Outside& outside,
          hal::Host& seam)
        : driver_(driver), session_(session), outside_(outside), seam_(seam) {}

    /// What does not work; empty if all does.
    std::string run();

  private:
    std::string try_disk();
    std::string try_network();
    std::string try_line();
    harness::Outcome operate(std::string_view operation, const harness::Arguments& arguments = {});
    bool can(std::string_view operation) const;

    const harness::DriverType& driver_;
    harness::DriverSession& session_;
    harness::Outside& outside_;
    hal::Host& seam_;
};

}  // namespace tb::sweep
