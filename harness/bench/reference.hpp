// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>

#include "harness/bench/guest.hpp"

namespace tb::bench {

/// Whether a guest really runs under KVM here. A device node proves nothing, so a small kernel of ours
/// (`image`) is started under it, and must come to its end. Empty when it did, else why not.
std::string why_no_kvm(const std::string& qemu, const std::string& image);

/// A Linux guest that measures its own drivers in the same rows: kernel and initrd in the folder that
/// TWINBENCH_LINUX names, or in the cache, where it is made from the distribution's packages when it is not
/// there yet (bench/linux/make-guest; half a minute, and 80 MB from the package mirror). Throws QemuError
/// kNotFound with what went wrong.
GuestImage linux_guest(std::uint64_t row_ms, const std::string& rows);

}  // namespace tb::bench
