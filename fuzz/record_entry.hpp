// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "harness/fuzz/language.hpp"

namespace tb::fuzz {

/// What the records of a target's inputs mean: the target has it, and record_entry.cpp mutates by it.
const Language& language();

}  // namespace tb::fuzz
