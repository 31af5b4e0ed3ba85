// SPDX-License-Identifier: BSD-3-Clause
#include "harness/guest/linux_guest.hpp"

#include <fmt/format.h>

#include <chrono>
#include <filesystem>
#include <fstream>

#include "harness/qemu/environment.hpp"
#include "harness/qemu/error.hpp"
#include "harness/qemu/process.hpp"

namespace tb::guest {

namespace fs = std::filesystem;

namespace {

constexpr std::chrono::minutes kMakeLimit{10};
constexpr const char* kMade = "exit status 0";

std::string maker() {
    std::error_code ignored;
    const fs::path program = fs::read_symlink("/proc/self/exe", ignored);
    const fs::path installed = program.parent_path().parent_path() / "share/twinbench/linux/make-guest";
    return fs::is_regular_file(installed, ignored) ? installed.string() : TB_LINUX_GUEST;
}

bool complete(const fs::path& folder) {
    std::error_code ignored;
    return fs::is_regular_file(folder / "vmlinuz", ignored) &&
           fs::is_regular_file(folder / "initrd", ignored);
}

struct Kind {
    const char* variable;
    const char* folder;  ///< in the cache
    const char* argument;
};
Kind kind_of(Purpose purpose) {
    if (purpose == Purpose::kBench) return {"TWINBENCH_LINUX", "linux", "bench"};
    return {"TWINBENCH_LINUX_RECORD", "linux-record", "record"};
}

void make(const fs::path& folder, const char* purpose) {
    fmt::print(stderr, "twinbench: making a Linux guest in {} (fetches up to 80 MB of packages)\n",
               folder.string());
    qemu::Process process({"sh", {maker(), folder.string(), purpose}, {}, {}});
    process.reap(kMakeLimit);
    process.kill();
    if (process.status_text() != kMade || !complete(folder))
        throw qemu::QemuError(qemu::ErrorKind::kNotFound,
                              fmt::format("the Linux guest could not be made ({}): {}", process.status_text(),
                                          process.stderr_text()));
}

}  // namespace

LinuxGuest linux_guest(Purpose purpose) {
    const Kind kind = kind_of(purpose);
    const std::string named = qemu::variable(kind.variable);
    const fs::path folder = named.empty() ? qemu::cache_folder() / kind.folder : fs::path(named);
    if (!complete(folder)) {
        if (!named.empty())
            throw qemu::QemuError(
                qemu::ErrorKind::kNotFound,
                fmt::format("{} names {}, which has no vmlinuz and initrd", kind.variable, folder.string()));
        make(folder, kind.argument);
    }
    std::string version;
    std::ifstream(folder / "version") >> version;
    return {folder / "vmlinuz", folder / "initrd", version};
}

}  // namespace tb::guest
