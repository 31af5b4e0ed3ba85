// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "harness/operations/operation.hpp"
#include "harness/scenario/document.hpp"
#include "harness/scenario/expression.hpp"

namespace tb::scenario {

/// Values in a scenario file, worked out when a step runs. They throw ValueError.
std::uint64_t to_integer(const nlohmann::json& value, const Lookup& lookup);
bool to_boolean(const nlohmann::json& value);
std::uint64_t to_duration(const nlohmann::json& value);
std::vector<std::byte> to_data(const nlohmann::json& value);
harness::Value to_value(const nlohmann::json& value, harness::ValueType type, const Lookup& lookup);

/// Checks values before anything runs. Names in expressions must be among `names`; what they will be is not
/// known yet.
struct ValueChecker {
    const Document& document;
    std::vector<Problem>& problems;
    std::set<std::string> names;

    bool check(const nlohmann::json& value, harness::ValueType type, const std::string& pointer) const;
    /// Also gives the value when it does not depend on a name.
    bool check_integer(const nlohmann::json& value, const std::string& pointer,
                       std::optional<std::uint64_t>* constant = nullptr) const;
};

std::string describe(harness::ValueType type);

}  // namespace tb::scenario
