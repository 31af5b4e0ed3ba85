// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <stdexcept>

namespace tb::harness {

/// The driver has used up its budget: it does not come to an end. Thrown from the call that exceeds it; the
/// driver must not be called again.
class Hang : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

}  // namespace tb::harness
