// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <filesystem>
#include <string>

namespace tb::qemu {

/// The value of a variable of the environment; empty when it is not set.
std::string variable(const char* name);

/// Where this program keeps what it made once and needs again: $XDG_CACHE_HOME/twinbench, or
/// ~/.cache/twinbench, or a folder of this user's under the one for temporary files.
std::filesystem::path cache_folder();

}  // namespace tb::qemu
