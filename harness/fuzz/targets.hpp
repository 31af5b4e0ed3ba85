// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "harness/fuzz/language.hpp"

namespace tb::fuzz {

/// A program that libFuzzer drives: fuzz_NAME.
struct Target {
    std::string name;
    std::string about;
    const Dialect* dialect = nullptr;  ///< of programs; null for targets whose inputs are other bytes
};
const std::vector<Target>& targets();
const Target* find_target(std::string_view name);

}  // namespace tb::fuzz
