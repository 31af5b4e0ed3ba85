// SPDX-License-Identifier: BSD-3-Clause
#include "harness/cli/execute.hpp"

#include <fmt/format.h>
#include <fmt/ostream.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <chrono>
#include <iostream>
#include <nlohmann/json.hpp>

#include "harness/cli/pool.hpp"
#include "harness/cli/suite.hpp"
#include "harness/report/progress.hpp"
#include "harness/trace/atomic_file.hpp"

namespace tb::cli {

namespace {

using nlohmann::json;
using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
}

// A worker's result crosses a pipe as one line.
std::string pack(const Judged& judged) {
    const report::ScenarioResult& r = judged.result;
    json node{{"verdict", static_cast<int>(r.verdict)},
              {"reason", r.reason},
              {"hash", r.trace_hash},
              {"virtual", r.virtual_ns},
              {"wall", r.wall_seconds},
              {"boot", r.boot_seconds},
              {"details", judged.details},
              {"bad_input", judged.bad_input}};
    if (r.differences) node["differences"] = {r.differences->unexplained, r.differences->allowed};
    if (r.failure) node["failure"] = {r.failure->file, r.failure->line, r.failure->step, r.failure->message};
    return node.dump(-1, ' ', false, json::error_handler_t::replace);
}

Judged unpack(const scenario::Scenario& scenario, const std::string& line) {
    const json node = json::parse(line);
    Judged judged;
    report::ScenarioResult& r = judged.result;
    r.id = scenario.id;
    r.device = scenario.device->name();
    r.verdict = static_cast<report::Verdict>(node["verdict"].get<int>());
    r.reason = node["reason"].get<std::string>();
    r.trace_hash = node["hash"].get<std::uint64_t>();
    r.virtual_ns = node["virtual"].get<std::uint64_t>();
    r.wall_seconds = node["wall"].get<double>();
    r.boot_seconds = node["boot"].get<double>();
    judged.details = node["details"].get<std::string>();
    judged.bad_input = node["bad_input"].get<bool>();
    if (node.contains("differences"))
        r.differences = {node["differences"][0].get<std::uint64_t>(),
                         node["differences"][1].get<std::uint64_t>()};
    if (node.contains("failure"))
        r.failure =
            report::Failure{node["failure"][0].get<std::string>(), node["failure"][1].get<std::uint64_t>(),
                            node["failure"][2].get<std::string>(), node["failure"][3].get<std::string>()};
    return judged;
}

report::Progress::Options progress_options(std::size_t total, bool to_stderr, bool verbose) {
    report::Progress::Options options;
    options.total = total;
    const int fd = to_stderr ? STDERR_FILENO : STDOUT_FILENO;
    options.terminal = ::isatty(fd) == 1;
    winsize size{};
    if (options.terminal && ::ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        options.columns = size.ws_col;
    options.verbose = verbose;
    return options;
}

/// Reports are written one after the other: one that cannot be does not lose the others.
bool write_reports(const Options& options, const std::vector<report::ScenarioResult>& results) {
    bool written = true;
    const auto write = [&](const std::string& path, auto&& writer) {
        if (path.empty()) return;
        try {
            writer(path, results);
        } catch (const trace::FileError& error) {
            fmt::print(stderr, "twinbench: {}\n", error.what());
            written = false;
        }
    };
    write(options.json, report::write_json);
    write(options.junit, report::write_junit);
    return written;
}

}  // namespace

report::ScenarioResult failed(const scenario::Scenario& scenario, const scenario::Problem& problem) {
    report::ScenarioResult result;
    result.id = scenario.id;
    result.device = scenario.device->name();
    result.verdict = report::Verdict::kFailed;
    result.reason = problem.to_string();
    result.failure = report::Failure{problem.file, problem.line, problem.pointer, problem.message};
    return result;
}

int execute(const std::vector<scenario::Scenario>& scenarios, const Options& options,
            const std::function<Judged(const scenario::Scenario&)>& judge) {
    if (!usable_directory(options.trace_dir)) return kBadInput;
    const Clock::time_point start = Clock::now();
    // With results on standard output, everything for people goes to standard error.
    const bool to_stderr = options.json == "-" || options.junit == "-";
    std::ostream& out = to_stderr ? std::cerr : std::cout;
    report::Progress progress(out, progress_options(scenarios.size(), to_stderr, options.verbose));
    std::vector<report::ScenarioResult> results(scenarios.size());
    bool bad_input = false;
    const auto finish = [&](std::size_t index, Judged judged) {
        bad_input = bad_input || judged.bad_input;
        progress.finished(judged.result);
        if (!judged.details.empty() && (options.verbose || judged.result.verdict == report::Verdict::kFailed))
            fmt::print(out, "{}\n", judged.details);
        results[index] = std::move(judged.result);
    };
    Pool::run(
        scenarios.size(), worker_count(options),
        [&](std::size_t index) {
            const Clock::time_point begun = Clock::now();
            Judged judged = judge(scenarios[index]);
            judged.result.wall_seconds = seconds_since(begun);
            return pack(judged);
        },
        [&](std::size_t index, const std::string& line) { finish(index, unpack(scenarios[index], line)); },
        [&](std::size_t index, const std::string& how) {
            const scenario::Scenario& scenario = scenarios[index];
            finish(index, {failed(scenario,
                                  scenario.document->problem("", "the process that ran it ended by " + how)),
                           {}});
        });
    progress.summary(seconds_since(start));
    out.flush();
    const bool written = write_reports(options, results);
    if (!written || bad_input) return kBadInput;
    return progress.totals().failed == 0 ? kAllPassed : kSomethingFailed;
}

}  // namespace tb::cli
