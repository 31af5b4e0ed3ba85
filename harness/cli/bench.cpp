// SPDX-License-Identifier: BSD-3-Clause
#include "harness/cli/bench.hpp"

#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "harness/cli/commands.hpp"
#include "harness/trace/atomic_file.hpp"

namespace tb::cli {

namespace {

using nlohmann::json;

/// Keeps what Google Benchmark measured, by name: the fastest of the repetitions, because what disturbs a
/// measurement on a shared machine only makes it slower.
class Collector : public benchmark::BenchmarkReporter {
  public:
    bool ReportContext(const Context&) override { return true; }
    void ReportRuns(const std::vector<Run>& runs) override {
        for (const Run& run : runs) {
            if (run.run_type != Run::RT_Iteration) continue;
            const std::string name = run.run_name.function_name;
            if (run.error_occurred) {
                problems[name] = run.error_message;
                continue;
            }
            const double ns = run.real_accumulated_time / static_cast<double>(run.iterations) * 1e9;
            const auto known = nanoseconds.find(name);
            if (known == nanoseconds.end() || ns < known->second) nanoseconds[name] = ns;
            for (const auto& [counter, value] : run.counters) counters[name + "." + counter] = value.value;
        }
    }

    std::map<std::string, double> nanoseconds;
    std::map<std::string, double> counters;
    std::map<std::string, std::string> problems;
};

/// A row of the result: a measured time turned into its unit, and what it is held against.
struct Row {
    const char* name;
    const char* benchmark;
    const char* unit;
    double scale;  ///< value = scale * ns, or scale / ns for a rate
    bool rate;
    const char* baseline;  ///< another row's name, or empty
    bool faster;           ///< ratio is baseline / value (how many times faster) rather than value / baseline
    const char* aim;
};

constexpr Row kRows[] = {
    {"bare_b_transport", "bare_b_transport", "ns", 1, false, "", false, ""},
    {"register_read_model", "register_read_model", "ns", 1, false, "bare_b_transport", false,
     "at most 3 to 1"},
    {"register_read_recorded", "register_read_recorded", "ns", 1, false, "bare_b_transport", false, ""},
    {"register_read_qtest", "register_read_qtest", "ns", 1, false, "", false, ""},
    {"register_read_model_vs_qtest", "register_read_model", "ns", 1, false, "register_read_qtest", true,
     "over 200 times faster"},
    {"virtio_blk_read_4k", "virtio_blk_read_4k", "us", 1e-3, false, "", false, "under 3 us"},
    {"e1000_send_1514", "e1000_send_1514", "us", 1e-3, false, "", false, "under 2 us"},
    {"scenarios_per_second", "scenario", "1/s", 1e9, true, "", false, "over 500"},
    {"recording_events_per_second", "read_log", "1/s", 1e9 * kLogEvents, true, "", false, ""},
    {"replay_events_per_second", "replay_log", "1/s", 1e9 * kLogEvents, true, "recording_events_per_second",
     false, ""},
    {"virtual_seconds_per_second", "virtual_millisecond", "s/s", 1e6, true, "", false, ""},
};

double value_of(const Row& row, double ns) {
    return row.rate ? row.scale / ns : row.scale * ns;
}

json results_of(const Collector& collector) {
    json list = json::array();
    std::map<std::string, double> values;
    for (const Row& row : kRows) {
        const auto measured = collector.nanoseconds.find(row.benchmark);
        if (measured == collector.nanoseconds.end()) continue;
        const double value = value_of(row, measured->second);
        values[row.name] = value;
        json node{{"name", row.name},
                  {"value", value},
                  {"unit", row.unit},
                  {"baseline", nullptr},
                  {"ratio", nullptr}};
        if (const auto baseline = values.find(row.baseline); baseline != values.end()) {
            node["baseline"] = row.baseline;
            node["ratio"] = row.faster ? baseline->second / value : value / baseline->second;
        }
        list.push_back(node);
    }
    return list;
}

void print(const json& list, const Collector& collector, std::FILE* out) {
    fmt::print(out, "{:<30} {:>12} {:<4} {:>9}  {:<22} {}\n", "measurement", "value", "", "ratio", "to",
               "aim");
    for (const json& node : list) {
        const std::string name = node["name"].get<std::string>();
        const auto row =
            std::find_if(std::begin(kRows), std::end(kRows), [&](const Row& r) { return r.name == name; });
        const bool has_ratio = node["ratio"].is_number();
        fmt::print(out, "{:<30} {:>12.2f} {:<4} {:>9}  {:<22} {}\n", name, node["value"].get<double>(),
                   node["unit"].get<std::string>(),
                   has_ratio ? fmt::format("{:.2f}", node["ratio"].get<double>()) : "",
                   has_ratio ? node["baseline"].get<std::string>() : "", row->aim);
    }
    for (const auto& [name, problem] : collector.problems)
        fmt::print(out, "{}: not measured: {}\n", name, problem);
}

}  // namespace

int bench_command(const BenchOptions& options) {
    register_benchmarks(options);
    // Google Benchmark takes its settings as a command line.
    std::vector<std::string> words = {
        "bench", options.quick ? "--benchmark_min_time=0.05" : "--benchmark_min_time=0.5",
        "--benchmark_repetitions=3"};
    if (!options.filter.empty()) words.push_back("--benchmark_filter=" + options.filter);
    std::vector<char*> arguments;
    for (std::string& word : words) arguments.push_back(word.data());
    int count = static_cast<int>(arguments.size());
    benchmark::Initialize(&count, arguments.data());
    Collector collector;
    benchmark::RunSpecifiedBenchmarks(&collector);
    const json list = results_of(collector);
    if (list.empty() && collector.problems.empty()) {
        fmt::print(stderr, "twinbench: --filter {}: no measurement matches\n", options.filter);
        return kBadInput;
    }
    print(list, collector, options.json == "-" ? stderr : stdout);
    if (options.json.empty()) return kAllPassed;
    try {
        trace::AtomicFile file(options.json);
        file.write(list.dump(2) + "\n");
        file.commit();
    } catch (const trace::FileError& error) {
        fmt::print(stderr, "twinbench: {}\n", error.what());
        return kBadInput;
    }
    return kAllPassed;
}

}  // namespace tb::cli
