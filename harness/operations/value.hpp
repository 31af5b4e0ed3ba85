// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "harness/operations/flat_map.hpp"

/// The values of arguments and results, in scenarios and between the harness and a kernel. This folder
/// compiles for both: of the standard library it uses what headers alone provide.
namespace tb::harness {

using Bytes = std::vector<std::byte>;

/// Values of arguments (after patterns and expressions were worked out) and of results.
using Value = std::variant<std::uint64_t, bool, std::string, Bytes, std::vector<Bytes>,
                           std::vector<std::string>, std::vector<std::uint64_t>>;

using NamedValues = FlatMap<std::string, Value>;

/// The type of a value in a scenario file, for checking it before anything runs.
enum class ValueType : std::uint8_t {
    kInteger,  ///< a number, "0x1f", or "=expression"
    kBoolean,
    kText,
    kDuration,  ///< "10us"
    kData,      ///< a data pattern
    kDataList,  ///< a list of data patterns (fragments)
    kTextList,
    kIntegerList,
};

/// One key of a device's configuration, or one argument of an operation.
struct KeySpec {
    const char* name;
    ValueType type;
    bool required;
    const char* about;
};

}  // namespace tb::harness
