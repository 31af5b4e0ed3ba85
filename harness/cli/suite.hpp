// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "harness/cli/commands.hpp"
#include "harness/scenario/scenario.hpp"
#include "harness/trace/trace.hpp"

namespace tb::cli {

/// The image in which `confirm --on kernel` runs drivers.
inline constexpr const char* kConfirmImage = "twinbench-kernel-confirm.elf";

/// Complains, with a suggestion, of a --device that is none.
bool known_devices(const std::vector<std::string>& devices);

/// The scenarios that the options select. Nothing, with every problem on standard error, when the input is
/// bad: a file that is wrong, a device that does not exist, a pattern that matches no scenario.
std::optional<std::vector<scenario::Scenario>> select_scenarios(const Options& options);

harness::RigOptions rig_options(const Options& options, const scenario::Scenario& scenario);

/// Writes a trace to DIR/ID.MACHINE.trace, making folders as needed; returns the path.
std::string write_trace(const std::string& directory, const scenario::Scenario& scenario,
                        const std::string& machine, const trace::Trace& trace);

/// Whether `directory` can be made and written to; if not says so and why.
bool usable_directory(const std::string& directory);

unsigned worker_count(const Options& options);

}  // namespace tb::cli
