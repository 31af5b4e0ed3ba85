// SPDX-License-Identifier: BSD-3-Clause
#include "harness/bench/reference.hpp"

#include <fmt/format.h>

#include <filesystem>

#include "harness/qemu/environment.hpp"
#include "harness/qemu/error.hpp"
#include "harness/qemu/process.hpp"

namespace tb::bench {

namespace fs = std::filesystem;

namespace {

constexpr std::chrono::seconds kProbeLimit{5};
constexpr std::chrono::minutes kMakeLimit{10};
constexpr const char* kAllPassed = "exit status 33";
constexpr const char* kMade = "exit status 0";

std::string last_line(const std::string& text) {
    const std::size_t end = text.find_last_not_of('\n');
    if (end == std::string::npos) return "";
    const std::size_t before = text.rfind('\n', end);
    const std::size_t begin = before == std::string::npos ? 0 : before + 1;
    return text.substr(begin, end - begin + 1);
}

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

void make(const fs::path& folder) {
    fmt::print(stderr, "twinbench: making a Linux guest in {} (fetches some 80 MB of packages)\n",
               folder.string());
    qemu::Process process({"sh", {maker(), folder.string()}, {}, {}});
    process.reap(kMakeLimit);
    process.kill();
    if (process.status_text() != kMade || !complete(folder))
        throw qemu::QemuError(qemu::ErrorKind::kNotFound,
                              fmt::format("the Linux guest could not be made ({}): {}", process.status_text(),
                                          process.stderr_text()));
}

}  // namespace

std::string why_no_kvm(const std::string& qemu, const std::string& image) {
    qemu::Process process({qemu,
                           {"-machine", "q35", "-accel", "kvm", "-m", "64M", "-nodefaults", "-no-user-config",
                            "-display", "none", "-serial", "null", "-no-reboot", "-kernel", image, "-append",
                            "probe", "-device", "isa-debug-exit,iobase=0xf4,iosize=4"},
                           {},
                           {}});
    process.reap(kProbeLimit);
    if (process.running()) {
        process.kill();
        return fmt::format("a small guest under KVM did not end within {} s", kProbeLimit.count());
    }
    if (process.status_text() == kAllPassed) return "";
    const std::string said = last_line(process.stderr_text());
    return fmt::format("a small guest under KVM ended with {}{}{}", process.status_text(),
                       said.empty() ? "" : ": ", said);
}

GuestImage linux_guest(std::uint64_t row_ms, const std::string& rows) {
    const std::string named = qemu::variable("TWINBENCH_LINUX");
    const fs::path folder = named.empty() ? qemu::cache_folder() / "linux" : fs::path(named);
    if (!complete(folder)) {
        if (!named.empty())
            throw qemu::QemuError(
                qemu::ErrorKind::kNotFound,
                fmt::format("TWINBENCH_LINUX names {}, which has no vmlinuz and initrd", folder.string()));
        make(folder);
    }
    GuestImage image;
    image.kernel = folder / "vmlinuz";
    image.initrd = folder / "initrd";
    image.command = fmt::format("console=ttyS0 quiet loglevel=3 panic=-1 time_ms={} rows={}", row_ms, rows);
    return image;
}

}  // namespace tb::bench
