// SPDX-License-Identifier: BSD-3-Clause
#include "harness/qemu/environment.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>

namespace tb::qemu {

namespace fs = std::filesystem;

std::string variable(const char* name) {
    const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): nothing here sets one
    return value == nullptr ? "" : value;
}

fs::path cache_folder() {
    if (const std::string cache = variable("XDG_CACHE_HOME"); !cache.empty())
        return fs::path(cache) / "twinbench";
    if (const std::string home = variable("HOME"); !home.empty()) return fs::path(home) / ".cache/twinbench";
    return fs::temp_directory_path() / fmt::format("twinbench-cache-{}", ::getuid());
}

}  // namespace tb::qemu
