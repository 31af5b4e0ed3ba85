// SPDX-License-Identifier: BSD-3-Clause
#include "harness/report/results.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "harness/trace/atomic_file.hpp"

namespace tb::report {

namespace {

using Json = nlohmann::ordered_json;

Json scenario_json(const ScenarioResult& result) {
    Json json{{"id", result.id},
              {"device", result.device},
              {"verdict", to_string(result.verdict)},
              {"trace_hash", fmt::format("{:016x}", result.trace_hash)},
              {"virtual_ns", result.virtual_ns}};
    if (result.differences)
        json["differences"] = {{"unexplained", result.differences->unexplained},
                               {"allowed", result.differences->allowed}};
    if (!result.reason.empty()) json["reason"] = result.reason;
    if (result.failure)
        json["failure"] = {{"file", result.failure->file},
                           {"line", result.failure->line},
                           {"step", result.failure->step},
                           {"message", result.failure->message}};
    return json;
}

}  // namespace

std::string_view to_string(Verdict verdict) {
    switch (verdict) {
        case Verdict::kPassed:
            return "passed";
        case Verdict::kFailed:
            return "failed";
        case Verdict::kSkipped:
            return "skipped";
    }
    return "";
}

void Totals::add(const ScenarioResult& result) {
    ++total;
    virtual_ns += result.virtual_ns;
    switch (result.verdict) {
        case Verdict::kPassed:
            ++passed;
            break;
        case Verdict::kFailed:
            ++failed;
            break;
        case Verdict::kSkipped:
            ++skipped;
            break;
    }
}

Totals totals_of(const std::vector<ScenarioResult>& results) {
    Totals totals;
    for (const ScenarioResult& result : results) totals.add(result);
    return totals;
}

std::string to_json(const std::vector<ScenarioResult>& results) {
    const Totals totals = totals_of(results);
    Json json;
    json["summary"] = {{"total", totals.total},
                       {"passed", totals.passed},
                       {"failed", totals.failed},
                       {"skipped", totals.skipped}};
    json["scenarios"] = Json::array();
    for (const ScenarioResult& result : results) json["scenarios"].push_back(scenario_json(result));
    return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

void write_json(const std::string& path, const std::vector<ScenarioResult>& results) {
    trace::AtomicFile file(path);
    file.write(to_json(results));
    file.commit();
}

}  // namespace tb::report
