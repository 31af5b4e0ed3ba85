// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>

#include "harness/bench/guest.hpp"

namespace tb::bench {

/// Whether a guest really runs under KVM here. A device node proves nothing, so a small kernel of ours
/// (`image`) is started under it, and must come to its end. Empty when it did, else why not.
std::string why_no_kvm(const std::string& program, const std::string& image);

/// A Linux guest that measures its own drivers in the same rows. Throws QemuError kNotFound when it cannot be
/// made.
GuestImage linux_guest(std::uint64_t row_ms, const std::string& rows);

}  // namespace tb::bench
