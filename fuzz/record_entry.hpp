// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "harness/fuzz/language.hpp"
#include "harness/fuzz/sights.hpp"

namespace tb::fuzz {

/// What the records of a target's inputs mean: the target has it, and record_entry.cpp mutates by it.
const Language& language();
/// Where faults can strike; nothing, if they strike anywhere.
const Views& views();

}  // namespace tb::fuzz
