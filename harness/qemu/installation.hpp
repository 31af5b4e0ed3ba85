// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace tb::qemu {

/// A QEMU on this machine, and what it has to be told to find what belongs to it: one in a folder of its own
/// (ci/qemu-versions fetches such) would look where the system's has its firmware and modules.
struct Installation {
    std::string binary;                                    ///< a path
    std::vector<std::string> args;                         ///< where its firmware is
    std::vector<std::pair<std::string, std::string>> env;  ///< where its modules are
    std::string modules;                                   ///< that folder; empty: where it was built for
    int major = 0;                                         ///< 0: it does not say its version
    int minor = 0;

    /// 702 is 7.2.
    int version() const { return 100 * major + minor; }
    /// `args`, and these behind them.
    std::vector<std::string> command_line(std::vector<std::string> these) const {
        these.insert(these.begin(), args.begin(), args.end());
        return these;
    }
};

/// `name` is a path, a program in PATH, or a version ("10.0") that ci/qemu-versions fetched.
std::optional<Installation> find_qemu(const std::string& name);

/// The same; throws QemuError kNotFound, with what to do.
Installation require_qemu(const std::string& name);

/// The command that brings a QEMU that is not there, or one that does not work.
std::string command_for(const std::string& name);
/// One sentence for who named a QEMU that is not there.
std::string how_to_get(const std::string& name);

/// The versions that were fetched, oldest first. They lie in $TWINBENCH_QEMU_VERSIONS, or in build/qemu of
/// the source tree that this program was built in.
std::vector<std::string> fetched_versions();

}  // namespace tb::qemu
