// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tb::report {

enum class Verdict : std::uint8_t { kPassed, kFailed, kSkipped };
/// "passed", "failed", "skipped"
std::string_view to_string(Verdict verdict);

/// Where a scenario failed.
struct Failure {
    std::string file;
    std::uint64_t line = 0;  ///< from 1; 0 is unknown
    std::string step = {};   ///< what the step does, or its JSON pointer
    std::string message = {};
};

/// Between the model and QEMU (see tb::trace::Comparison).
struct DifferenceCounts {
    std::uint64_t unexplained = 0;
    std::uint64_t allowed = 0;
};

struct ScenarioResult {
    std::string id;
    std::string device;
    Verdict verdict = Verdict::kPassed;
    std::string reason = {};  ///< why it failed or was skipped
    std::uint64_t trace_hash = 0;
    std::uint64_t virtual_ns = 0;
    double wall_seconds = 0;
    double boot_seconds = 0;  ///< of the kernel that it ran in; 0 when it ran in none
    std::optional<DifferenceCounts> differences = {};  ///< of `confirm`
    std::optional<Failure> failure = {};
};

struct Totals {
    std::uint64_t total = 0, passed = 0, failed = 0, skipped = 0;
    std::uint64_t virtual_ns = 0;

    void add(const ScenarioResult& result);
};
Totals totals_of(const std::vector<ScenarioResult>& results);

/// {"summary":{"total","passed","failed","skipped"},
///  "scenarios":[{"id","device","verdict","trace_hash","virtual_ns"}]}
/// in the order of `results`. A trace hash is a string of 16 hexadecimal digits. Scenarios that were compared
/// have "differences":{"unexplained","allowed"} next, then "reason" and
/// "failure":{"file","line","step","message"} where there are any. No wall-clock time: two equal runs give
/// equal files. Text that is no UTF-8 has its bad bytes replaced.
std::string to_json(const std::vector<ScenarioResult>& results);
/// `path` may be `-` for standard output; else the file is there whole or not at all. Throws
/// trace::FileError.
void write_json(const std::string& path, const std::vector<ScenarioResult>& results);

/// JUnit XML as Jenkins and GitLab read it: one suite a device, in order of appearance, one case a scenario.
std::string to_junit(const std::vector<ScenarioResult>& results);
/// As write_json.
void write_junit(const std::string& path, const std::vector<ScenarioResult>& results);

}  // namespace tb::report
