// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <optional>
#include <span>
#include <string>

#include "harness/operations/operation.hpp"

/// Operations and outcomes as bytes, for drivers that run on another processor than the scenario.
/// Little-endian; each text, list and map has its count before it (32 bits).
namespace tb::harness {

struct Call {
    std::string operation;
    Arguments arguments;
};

Bytes encode(const Call& call);
Bytes encode(const Outcome& outcome);

/// Nothing for bytes that are not exactly one encoded call or outcome: cut short, too long, a kind that there
/// is not.
std::optional<Call> decode_call(std::span<const std::byte> bytes);
std::optional<Outcome> decode_outcome(std::span<const std::byte> bytes);

}  // namespace tb::harness
