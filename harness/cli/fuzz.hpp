// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "harness/cli/commands.hpp"
#include "harness/fuzz/targets.hpp"

namespace tb::cli {

/// The target of that name; null, with a word to the user, when there is none.
const fuzz::Target* known_target(const std::string& name);
/// Where its program is: where the options say, beside this program, or where the preset `fuzz` builds it.
/// Empty when it has not been built.
std::string program_of(const fuzz::Target& target, const FuzzOptions& options);

/// What a run of a target ended with: the same for the same bug, whatever addresses and numbers are in it.
/// Empty for a run that ended well.
std::string kind_of_failure(std::string_view text, int code);
/// The words of a finding, or of a sanitizer; empty if there are none.
std::string finding_in(std::string_view text);

}  // namespace tb::cli
