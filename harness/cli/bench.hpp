// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "harness/cli/commands.hpp"

namespace tb::cli {

/// Events of the log that `read_log` and `replay_log` read.
inline constexpr unsigned kLogEvents = 100'000;

/// Tells Google Benchmark of all measurements; what each measures stands beside it in bench_cases.cpp.
void register_benchmarks(const BenchOptions& options);

}  // namespace tb::cli
