// SPDX-License-Identifier: BSD-3-Clause
#include "harness/qemu/kernel_image.hpp"

#include <filesystem>

#include "harness/qemu/environment.hpp"

namespace tb::qemu {

namespace fs = std::filesystem;

std::optional<std::string> find_kernel_image(std::string_view name) {
    std::error_code ignored;
    const fs::path above = fs::read_symlink("/proc/self/exe", ignored).parent_path().parent_path();
    for (const fs::path& folder :
         {fs::path(variable("TWINBENCH_KERNELS")), above / "share/twinbench/kernel", above / "kernel"})
        if (!folder.empty() && fs::is_regular_file(folder / name, ignored)) return folder / name;
    return std::nullopt;
}

}  // namespace tb::qemu
