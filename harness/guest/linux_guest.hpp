// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>

namespace tb::guest {

/// A Linux of the distribution's, ready to be booted.
struct LinuxGuest {
    std::string kernel;
    std::string initrd;
    std::string version;  ///< the kernel's package; empty when the folder does not say
};

/// What the guest's init does.
enum class Purpose {
    kBench,   ///< measures its drivers; TWINBENCH_LINUX may name a folder that has one
    kRecord,  ///< uses its drivers, to be recorded; TWINBENCH_LINUX_RECORD may name a folder
};

/// Kernel and initrd from the folder that the environment names, or from the cache, where they are made from
/// the distribution's packages when they are not there yet (guest/linux/make-guest; half a minute, and up to
/// 80 MB from the package mirror). Throws QemuError kNotFound with what went wrong.
LinuxGuest linux_guest(Purpose purpose);

}  // namespace tb::guest
