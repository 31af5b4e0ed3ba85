// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "harness/cli/commands.hpp"

namespace tb::cli {

/// Tells Google Benchmark of all measurements; what each measures stands beside it in bench_cases.cpp.
void register_benchmarks(const BenchOptions& options);

}  // namespace tb::cli
