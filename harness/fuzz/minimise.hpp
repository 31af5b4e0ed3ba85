// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <functional>
#include <vector>

#include "harness/fuzz/record.hpp"

namespace tb::fuzz {

/// A program of fewer records, with plainer fields, for which `fails` still holds, given that it holds for
/// this one. Asks at most `most` times.
std::vector<Record> minimise(std::vector<Record> program, unsigned most,
                             const std::function<bool(const std::vector<Record>&)>& fails);

}  // namespace tb::fuzz
