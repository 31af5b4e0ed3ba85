// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "harness/fuzz/language.hpp"

namespace tb::fuzz {

/// A step as a scenario has it, without what it expects.
nlohmann::json to_json(const Step& step);

/// A program as a scenario that does the same, ready to be a regression test: operations may fail but not
/// lie, and in the end the driver must work on a device that behaves. `finding` is what the program showed.
nlohmann::json to_scenario(std::span<const Record> program, const Language& language,
                           const std::string& finding);

/// A scenario as people write them: a step a line.
std::string scenario_text(const nlohmann::json& scenario);

/// The record whose step is nearest to a scenario's; nothing when there is none of its kind.
std::optional<Record> to_record(const nlohmann::json& step, const Language& language);
/// A scenario's steps as a program, as far as programs have their like.
std::vector<Record> to_program(const nlohmann::json& steps, const Language& language);

}  // namespace tb::fuzz
