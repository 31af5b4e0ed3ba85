// SPDX-License-Identifier: BSD-3-Clause
#include "harness/bench/reference.hpp"

#include <fmt/format.h>

#include "harness/guest/linux_guest.hpp"
#include "harness/qemu/installation.hpp"
#include "harness/qemu/process.hpp"

namespace tb::bench {

namespace {

constexpr std::chrono::seconds kProbeLimit{5};
constexpr const char* kAllPassed = "exit status 33";

std::string last_line(const std::string& text) {
    const std::size_t end = text.find_last_not_of('\n');
    if (end == std::string::npos) return "";
    const std::size_t before = text.rfind('\n', end);
    const std::size_t begin = before == std::string::npos ? 0 : before + 1;
    return text.substr(begin, end - begin + 1);
}

}  // namespace

std::string why_no_kvm(const std::string& program, const std::string& image) {
    const qemu::Installation installation = qemu::require_qemu(program);
    qemu::Process process(
        {installation.binary,
         installation.command_line({"-machine", "q35", "-accel", "kvm", "-m", "64M", "-nodefaults",
                                    "-no-user-config", "-display", "none", "-serial", "null", "-no-reboot",
                                    "-kernel", image, "-append", "probe", "-device",
                                    "isa-debug-exit,iobase=0xf4,iosize=4"}),
         installation.env,
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
    const guest::LinuxGuest made = guest::linux_guest(guest::Purpose::kBench);
    GuestImage image;
    image.kernel = made.kernel;
    image.initrd = made.initrd;
    image.command = fmt::format("console=ttyS0 quiet loglevel=3 panic=-1 time_ms={} rows={}", row_ms, rows);
    return image;
}

}  // namespace tb::bench
