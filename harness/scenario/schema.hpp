// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>

namespace tb::scenario {

/// The JSON Schema (draft 7) of scenario files, made from the same tables that the loader checks against:
/// devices and their settings, drivers and their operations, steps and their keys.
/// scenarios/scenario.schema.json is this text; a test compares them.
std::string schema_text();

}  // namespace tb::scenario
