// SPDX-License-Identifier: BSD-3-Clause
#include "harness/replay/replay.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "harness/cli/commands.hpp"
#include "harness/devices/device_type.hpp"
#include "harness/trace/atomic_file.hpp"

namespace tb::cli {

namespace {

constexpr std::uint64_t kNsPerUs = 1000;

bool write_json(const std::string& path, const replay::Report& report) {
    const std::string text = replay::to_json(report);
    if (path == "-") return std::fputs(text.c_str(), stdout) >= 0;
    trace::AtomicFile file(path);
    file.write(text);
    file.commit();
    return true;
}

}  // namespace

int replay_command(const ReplayOptions& options) {
    for (const std::string& name : options.devices)
        if (harness::find_device_type(name) == nullptr) {
            fmt::print(
                stderr,
                "twinbench: --device {}: there is no such device; `twinbench list devices` shows all\n",
                name);
            return kBadInput;
        }
    replay::Options how;
    how.path = options.recording;
    how.onto_qemu = options.onto == "qemu";
    how.qemu = options.qemu;
    how.context = options.context;
    how.devices = options.devices;
    how.tolerance = options.tolerance_us * kNsPerUs;
    const bool progress = ::isatty(STDERR_FILENO) != 0;
    if (progress) how.progress = [](std::uint64_t events) { fmt::print(stderr, "\r{} events", events); };
    try {
        const replay::Report report = replay::replay(how);
        if (progress) fmt::print(stderr, "\r\033[K");
        if (options.json != "-") fmt::print("{}", replay::render(report, options.verbose));
        if (!options.json.empty()) write_json(options.json, report);
        if (!std::ranges::all_of(report.parts, &replay::PartReport::good)) return kSomethingFailed;
        return report.recording.trouble.empty() ? kAllPassed : kBadInput;
    } catch (const trace::FileError& error) {
        fmt::print(stderr, "twinbench: {}\n", error.what());
        return kBadInput;
    }
}

}  // namespace tb::cli
