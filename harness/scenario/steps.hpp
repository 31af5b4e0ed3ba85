// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "harness/devices/device_type.hpp"

namespace tb::scenario {

/// Instead of an error's name: success or whatever error; and any error, but no success.
inline constexpr std::string_view kAnyError = "any";
inline constexpr std::string_view kSomeError = "some";

/// What a step does; told by the key that every step of that kind has.
enum class StepKind : std::uint8_t {
    kDo,
    kExpect,
    kWrite,
    kModify,
    kRead,
    kPoll,
    kBuffer,
    kStore,
    kLoad,
    kAttach,
    kInterrupt,
    kLine,
    kWait,
    kHost,
    kRepeat,
    kSet,
    kSetup,
    kFree,
    kFault,
    kHeal,
};

/// The type of a step's key: one of the plain types, or one that depends on what the step is about.
enum class StepValue : std::uint8_t {
    kInteger,
    kBoolean,
    kText,
    kDuration,
    kData,
    kSteps,
    kRegister,       ///< a register of the device
    kRegisterValue,  ///< a number or an object of fields
    kLayout,         ///< a structure of the device
    kLayoutValue,    ///< an object of the structure's parts
    kBufferName,     ///< a buffer that is declared before
    kOperation,
    kHostOperation,
    kResults,
    kAsyncName,
    kInterruptSource,
    kInterruptName,
    kNewName,
    kAct,
    kSite,
    kPart,       ///< a register, a field or a part of a ring, whose indices may be left out
    kOrder,      ///< how an access to memory is ordered against others
    kDirection,  ///< what a device may do with a buffer
    kFaultName,  ///< "all", or a fault that is named before
    kTrue,
};

struct StepKey {
    const char* name;
    StepValue type;
    bool required;
    const char* about;
};

struct StepSpec {
    StepKind kind;
    const char* key;  ///< also keys[0]
    const char* about;
    std::span<const StepKey> keys;
    bool open = false;  ///< takes more keys, which depend on the operation
};

std::span<const StepSpec> step_specs();

/// An act of the outside world, for "host" steps.
struct HostOperation {
    const char* name;
    const char* about;
    std::span<const harness::KeySpec> arguments;
};
std::span<const HostOperation> host_operations();
const HostOperation* find_host_operation(std::string_view name);

}  // namespace tb::scenario
