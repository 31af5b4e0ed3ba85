// SPDX-License-Identifier: BSD-3-Clause
#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "harness/report/results.hpp"
#include "harness/report/xml.hpp"
#include "harness/trace/atomic_file.hpp"

namespace tb::report {

namespace {

struct Suite {
    std::string device;
    std::vector<const ScenarioResult*> results;
    Totals totals;
    double seconds = 0;
};

std::vector<Suite> suites_of(const std::vector<ScenarioResult>& results) {
    std::vector<Suite> suites;
    for (const ScenarioResult& result : results) {
        auto suite = std::find_if(suites.begin(), suites.end(),
                                  [&](const Suite& s) { return s.device == result.device; });
        if (suite == suites.end())
            suite = suites.insert(suite, Suite{.device = result.device, .results = {}, .totals = {}});
        suite->results.push_back(&result);
        suite->totals.add(result);
        suite->seconds += result.wall_seconds;
    }
    return suites;
}

std::string counts(const Totals& totals, double seconds) {
    return fmt::format("tests=\"{}\" failures=\"{}\" errors=\"0\" skipped=\"{}\" time=\"{:.6f}\"",
                       totals.total, totals.failed, totals.skipped, seconds);
}

// Everything that is known about a failure, as the text that CI systems show below the message.
std::string details(const ScenarioResult& result) {
    std::string text;
    if (result.failure) {
        const Failure& failure = *result.failure;
        if (!failure.file.empty())
            text +=
                failure.line == 0 ? failure.file + "\n" : fmt::format("{}:{}\n", failure.file, failure.line);
        if (!failure.step.empty()) text += "step: " + failure.step + "\n";
        if (!failure.message.empty()) text += failure.message + "\n";
    }
    if (result.differences)
        text += fmt::format("differences: {} unexplained, {} allowed\n", result.differences->unexplained,
                            result.differences->allowed);
    return text + fmt::format("trace hash: {:016x}\n", result.trace_hash);
}

std::string message(const ScenarioResult& result) {
    if (!result.reason.empty()) return result.reason;
    if (result.failure && !result.failure->message.empty()) return result.failure->message;
    return std::string(to_string(result.verdict));
}

std::string test_case(const ScenarioResult& result) {
    std::string text = fmt::format("    <testcase name=\"{}\" classname=\"twinbench.{}\" time=\"{:.6f}\"",
                                   xml_escape(result.id), xml_escape(result.device), result.wall_seconds);
    if (result.failure && !result.failure->file.empty())
        text += fmt::format(" file=\"{}\"", xml_escape(result.failure->file));
    switch (result.verdict) {
        case Verdict::kPassed:
            return text + "/>\n";
        case Verdict::kFailed:
            return text +
                   fmt::format(
                       ">\n      <failure message=\"{}\" type=\"failure\">{}</failure>\n    </testcase>\n",
                       xml_escape(message(result)), xml_escape(details(result)));
        case Verdict::kSkipped:
            return text + fmt::format(">\n      <skipped message=\"{}\"/>\n    </testcase>\n",
                                      xml_escape(message(result)));
    }
    return text;
}

}  // namespace

std::string to_junit(const std::vector<ScenarioResult>& results) {
    const std::vector<Suite> suites = suites_of(results);
    double seconds = 0;
    for (const Suite& suite : suites) seconds += suite.seconds;
    std::string text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
    text += fmt::format("<testsuites name=\"twinbench\" {}>\n", counts(totals_of(results), seconds));
    for (const Suite& suite : suites) {
        text += fmt::format("  <testsuite name=\"{}\" {}>\n", xml_escape(suite.device),
                            counts(suite.totals, suite.seconds));
        for (const ScenarioResult* result : suite.results) text += test_case(*result);
        text += "  </testsuite>\n";
    }
    return text + "</testsuites>\n";
}

void write_junit(const std::string& path, const std::vector<ScenarioResult>& results) {
    trace::AtomicFile file(path);
    file.write(to_junit(results));
    file.commit();
}

}  // namespace tb::report
