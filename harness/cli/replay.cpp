// SPDX-License-Identifier: BSD-3-Clause
#include "harness/replay/replay.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "harness/cli/commands.hpp"
#include "harness/cli/suite.hpp"
#include "harness/replay/driver.hpp"
#include "harness/trace/atomic_file.hpp"

namespace tb::cli {

namespace {

constexpr std::uint64_t kNsPerUs = 1000;

void write_json(const std::string& path, const std::string& text) {
    if (path.empty()) return;
    trace::AtomicFile file(path);
    file.write(text);
    file.commit();
}

int replay_driver(const ReplayOptions& options) {
    if (options.devices.size() > 1) {
        fmt::print(stderr, "twinbench: --driver takes one --device\n");
        return kBadInput;
    }
    replay::DriverOptions how;
    how.path = options.recording;
    if (!options.devices.empty()) how.device = options.devices.front();
    how.scenario = options.scenario;
    how.scenarios = options.scenarios;
    try {
        const replay::DriverReport report = replay::replay_driver(how);
        if (options.json != "-") fmt::print("{}", replay::render(report, options.verbose));
        write_json(options.json, replay::to_json(report));
        return report.good() ? kAllPassed : kSomethingFailed;
    } catch (const std::exception& error) {
        fmt::print(stderr, "twinbench: {}\n", error.what());
        return kBadInput;
    }
}

}  // namespace

int replay_command(const ReplayOptions& options) {
    if (!known_devices(options.devices)) return kBadInput;
    if (options.driver) return replay_driver(options);
    replay::Options how;
    how.path = options.recording;
    how.onto_qemu = options.onto == "qemu";
    how.qemu = options.qemu;
    how.disk = options.disk;
    how.context = options.context;
    how.devices = options.devices;
    how.tolerance = options.tolerance_us * kNsPerUs;
    const bool progress = ::isatty(STDERR_FILENO) != 0;
    if (progress) how.progress = [](std::uint64_t events) { fmt::print(stderr, "\r{} events", events); };
    try {
        const replay::Report report = replay::replay(how);
        if (progress) fmt::print(stderr, "\r\033[K");
        if (options.json != "-") fmt::print("{}", replay::render(report, options.verbose));
        write_json(options.json, replay::to_json(report));
        if (!std::ranges::all_of(report.parts, &replay::PartReport::good)) return kSomethingFailed;
        return report.recording.trouble.empty() ? kAllPassed : kBadInput;
    } catch (const trace::FileError& error) {
        fmt::print(stderr, "twinbench: {}\n", error.what());
        return kBadInput;
    }
}

}  // namespace tb::cli
