// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "harness/qemu/installation.hpp"

namespace tb::qemu {

/// How a QEMU is brought to obey the qtest protocol.
///
/// The qtest accelerator keeps the guest's CPU still and makes virtual time a number that only
/// `clock_step` moves. Debian removes it from the QEMU packages of releases 12 and 13, so we build the
/// module ourselves (shim/accel_qtest.c) with the host's C compiler, for exactly the QEMU at hand; where QEMU
/// has its own, ours still gives a guest's processor the same clock.
/// Without a compiler the CPU executes `cli; hlt` under TCG: all accesses work, but time is real time.
struct Accelerator {
    enum class Kind { kBuiltIn, kShim, kHaltedTcg };

    Kind kind = Kind::kHaltedTcg;
    std::vector<std::pair<std::string, std::string>> env;  ///< for QEMU's environment
    std::string module;  ///< the name by which `module_load accel-` takes the shim
    std::string reason;  ///< one sentence for people: what was found, or why the shim is not in use

    /// True when virtual time stands still unless stepped.
    bool virtual_time() const { return kind != Kind::kHaltedTcg; }
    /// The same while a guest's processor runs under TCG, which only the shim can give.
    bool guest_virtual_time() const { return kind == Kind::kShim; }
};

/// Finds the accelerator for a QEMU. The first call for a binary tries out what it found on a QEMU with no
/// machine (about 0.1 s); that a module fits, and the module, are kept in $XDG_CACHE_HOME/twinbench (or
/// ~/.cache/twinbench), under a name made of the binary's path, size and time of change and of the shim's own
/// text, and written by renaming, so that concurrent processes cannot see half a file.
Accelerator find_accelerator(const Installation& qemu);

/// A module of ours for a QEMU.
struct Module {
    std::vector<std::pair<std::string, std::string>> env;  ///< for QEMU's environment, so that it is found
    std::string why_not;                                   ///< empty when it was built
};

/// Builds a module for a QEMU with the host's C compiler, from a source that exports the stamp TB_STAMP;
/// qtest's `module_load` then takes it by `name` ("tb-recorder"). Kept in the cache as the accelerator is.
Module build_module(const Installation& qemu, const std::string& source, const std::string& name);

/// A 64 KiB BIOS image whose reset vector is `cli; hlt`.
std::vector<unsigned char> halt_bios();

}  // namespace tb::qemu
