// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace tb::qemu {

/// The path of a kernel image of ours: in the folder that TWINBENCH_KERNELS names, beside an installed
/// program (share/twinbench/kernel), or in the build tree of this program (kernel/). Nothing when there is
/// none.
std::optional<std::string> find_kernel_image(std::string_view name);

}  // namespace tb::qemu
