// SPDX-License-Identifier: BSD-3-Clause
#include "harness/cli/suite.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <thread>

#include "harness/devices/device_symbols.hpp"
#include "harness/machine/weak_memory.hpp"
#include "harness/qemu/kernel_image.hpp"
#include "harness/trace/allowed.hpp"
#include "harness/trace/trace_file.hpp"

namespace tb::cli {

namespace fs = std::filesystem;

namespace {

bool complain(const std::vector<scenario::Problem>& problems) {
    for (const scenario::Problem& problem : problems) fmt::print(stderr, "{}\n", problem.to_string());
    if (!problems.empty())
        fmt::print(stderr, "twinbench: {} in the scenarios; nothing was run\n",
                   problems.size() == 1 ? "1 problem" : fmt::format("{} problems", problems.size()));
    return !problems.empty();
}

template <class Keep>
bool keep(std::vector<scenario::Scenario>& scenarios, const char* option,
          const std::vector<std::string>& wanted, Keep&& matches) {
    if (wanted.empty()) return true;
    for (const std::string& value : wanted) {
        const bool any =
            std::any_of(scenarios.begin(), scenarios.end(), [&](const auto& s) { return matches(s, value); });
        if (any) continue;
        std::vector<std::string> ids;
        for (const scenario::Scenario& s : scenarios) ids.push_back(s.id);
        fmt::print(stderr, "twinbench: {} {}: no scenario matches{}; `twinbench list scenarios` shows all\n",
                   option, value, scenario::suggestion(value, ids));
        return false;
    }
    std::erase_if(scenarios, [&](const scenario::Scenario& s) {
        return std::none_of(wanted.begin(), wanted.end(),
                            [&](const std::string& value) { return matches(s, value); });
    });
    return true;
}

/// Those with a driver and without faults, so many times over: all accesses late, then as seeds will have it.
std::vector<scenario::Scenario> on_weak_memory(const std::vector<scenario::Scenario>& scenarios,
                                               unsigned times) {
    std::vector<scenario::Scenario> all;
    for (const scenario::Scenario& s : scenarios) {
        if (s.driver == nullptr || s.has_faults) continue;
        if (!s.weak_memory_skip.empty()) {
            fmt::print("skipped {}: {}\n", s.id, s.weak_memory_skip);
            continue;
        }
        for (unsigned i = 0; i < times; ++i) {
            all.push_back(s);
            all.back().weak_memory = i == 0 ? harness::WeakMemory::kAll : i;
            all.back().id += i == 0 ? " (all late)" : fmt::format(" (late {})", i);
        }
    }
    return all;
}

}  // namespace

bool known_devices(const std::vector<std::string>& devices) {
    std::vector<std::string> names;
    for (const harness::DeviceType* type : harness::device_types()) names.emplace_back(type->name());
    for (const std::string& device : devices) {
        if (harness::find_device_type(device) != nullptr) continue;
        fmt::print(stderr, "twinbench: --device: unknown device '{}'{}\n", device,
                   scenario::suggestion(device, names));
        return false;
    }
    return true;
}

std::optional<std::vector<scenario::Scenario>> select_scenarios(const Options& options) {
    if (!known_devices(options.devices)) return std::nullopt;
    std::vector<scenario::Problem> problems;
    const std::vector<std::string> paths =
        options.paths.empty() ? std::vector<std::string>{"scenarios"} : options.paths;
    std::vector<scenario::Scenario> scenarios = scenario::load_scenarios(paths, problems);
    if (complain(problems)) return std::nullopt;
    const bool found =
        keep(scenarios, "--device", options.devices,
             [](const scenario::Scenario& s, const std::string& device) {
                 return s.device->name() == device;
             }) &&
        keep(scenarios, "--filter", options.filters,
             [](const scenario::Scenario& s, const std::string& pattern) {
                 return trace::matches_pattern(pattern, s.id) || s.id.find(pattern) != std::string::npos;
             });
    if (!found) return std::nullopt;
    if (options.seed != 0)
        for (scenario::Scenario& s : scenarios) s.seed = options.seed;
    if (options.weak_memory != 0) return on_weak_memory(scenarios, options.weak_memory);
    return scenarios;
}

harness::RigOptions rig_options(const Options& options, const scenario::Scenario& scenario) {
    harness::RigOptions rig;
    rig.seed = scenario.seed;
    rig.shuffle = options.shuffle;
    rig.qemu_binary = options.qemu;
    rig.base_directory = scenario.directory();
    if (options.on == "kernel") {
        rig.kernel_image = qemu::find_kernel_image(kConfirmImage).value_or("");
        if (!options.machine.empty())
            rig.qemu_machine = options.machine == "microvm" ? "microvm,pcie=on" : options.machine;
    }
    return rig;
}

std::string write_trace(const std::string& directory, const scenario::Scenario& scenario,
                        const std::string& machine, const trace::Trace& trace) {
    const std::string kind = machine.substr(0, machine.find(' '));
    const fs::path path = fs::path(directory) / fmt::format("{}.{}.trace", scenario.id, kind);
    fs::create_directories(path.parent_path());
    const trace::SymbolTable symbols = harness::symbols_of(*scenario.device);
    trace::TraceHeader header;
    header.scenario = scenario.id;
    header.machine = kind;
    if (machine.size() > kind.size()) header.qemu = machine.substr(kind.size() + 1);
    header.seed = scenario.seed;
    header.device = scenario.device->name();
    trace::write_trace(path.string(), header, trace, &symbols);
    return path.string();
}

bool usable_directory(const std::string& directory) {
    if (directory.empty()) return true;
    std::error_code error;
    fs::create_directories(directory, error);
    if (!error && fs::is_directory(directory)) return true;
    fmt::print(stderr, "twinbench: --trace-dir {}: {}\n", directory,
               error ? error.message() : "is not a folder");
    return false;
}

unsigned worker_count(const Options& options) {
    return options.jobs != 0 ? options.jobs : std::max(1U, std::thread::hardware_concurrency());
}

}  // namespace tb::cli
