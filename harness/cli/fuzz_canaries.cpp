// SPDX-License-Identifier: BSD-3-Clause
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include "harness/cli/child.hpp"
#include "harness/cli/fuzz.hpp"
#include "harness/trace/atomic_file.hpp"

namespace tb::cli {

namespace fs = std::filesystem;
using nlohmann::json;

namespace {

constexpr unsigned kDefaultSeconds = 60;
constexpr const char* kFolder = "fuzz/canaries";
constexpr const char* kBuild = "build/fuzz";

/// One bug, planted by a patch.
struct Canary {
    std::string number;
    std::string tier;
    std::string what;
};

struct Hunt {
    bool found = false;
    std::uint64_t executions = 0;
    double seconds = 0;
    std::string finding;
};

/// "Canary 01, T1: the id of ..."
std::optional<Canary> canary_of(const fs::path& patch) {
    std::ifstream in(patch);
    std::string line;
    std::getline(in, line);
    const std::size_t comma = line.find(", ");
    const std::size_t colon = line.find(": ");
    if (!line.starts_with("Canary ") || comma == std::string::npos || colon == std::string::npos)
        return std::nullopt;
    return Canary{patch.filename().string().substr(0, 2), line.substr(comma + 2, colon - comma - 2),
                  line.substr(colon + 2)};
}

std::uint64_t executions_in(std::string_view text) {
    constexpr std::string_view kKey = "stat::number_of_executed_units:";
    const std::size_t at = text.rfind(kKey);
    if (at == std::string_view::npos) return 0;
    const std::size_t digit = text.find_first_not_of(' ', at + kKey.size());
    std::uint64_t number = 0;
    if (digit != std::string_view::npos)
        std::from_chars(text.data() + digit, text.data() + text.size(), number);
    return number;
}

template <class T>
T median(std::vector<T> values) {
    if (values.empty()) return {};
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

class Census {
  public:
    explicit Census(const FuzzOptions& options)
        : options_(options), seconds_(options.seconds == 0 ? kDefaultSeconds : options.seconds) {}

    int run() {
        if (!choose()) return kBadInput;
        if (!fs::exists(fs::path(kBuild) / "build.ninja")) {
            fmt::print(stderr, "twinbench: there is no {}: cmake --preset fuzz configures it (clang 19)\n",
                       kBuild);
            return kEnvironmentLacks;
        }
        if (!build()) return kEnvironmentLacks;
        fmt::print("{:<6} {:<5} {:>6} {:>12} {:>9}  {}\n", "canary", "tier", "found", "executions", "seconds",
                   "what");
        for (const Canary& canary : canaries_) census(canary);
        const bool silent = unpatched_are_silent();
        summary();
        if (!options_.json.empty() && !write()) return kBadInput;
        return silent ? kAllPassed : kSomethingFailed;
    }

  private:
    bool choose() {
        std::set<std::string> wanted(options_.numbers.begin(), options_.numbers.end());
        std::error_code error;
        for (const auto& entry : fs::directory_iterator(kFolder, error)) {
            if (entry.path().extension() != ".patch") continue;
            const auto canary = canary_of(entry.path());
            if (!canary || (!options_.numbers.empty() && wanted.erase(canary->number) == 0)) continue;
            canaries_.push_back(*canary);
        }
        std::sort(canaries_.begin(), canaries_.end(),
                  [](const Canary& a, const Canary& b) { return a.number < b.number; });
        if (!canaries_.empty() && (options_.numbers.empty() || wanted.empty())) return true;
        fmt::print(stderr, "twinbench: {} in {}: run it from the root of the sources\n",
                   wanted.empty() ? "there are no canaries"
                                  : fmt::format("there is no canary '{}'", *wanted.begin()),
                   kFolder);
        return false;
    }

    bool build() const {
        std::vector<std::string> command{"cmake", "--build", kBuild, "--target"};
        for (const Canary& canary : canaries_) command.push_back("fuzz_canary_" + canary.number);
        for (const fuzz::Dialect* dialect : fuzz::dialects())
            command.push_back(fmt::format("fuzz_{}_program", dialect->name));
        fmt::print(stderr, "building {} programs\n", canaries_.size());
        const Ended ended = run_child(command, "", 0);
        if (ended.code == 0) return true;
        const std::size_t shown = std::min<std::size_t>(ended.text.size(), 4000);
        fmt::print(stderr, "{}\ntwinbench: the canaries do not build (above)\n",
                   ended.text.substr(ended.text.size() - shown));
        return false;
    }

    /// From an empty corpus, until something is found or the time is up.
    Hunt hunt(const fs::path& program, std::uint64_t seed) const {
        const TemporaryFolder folder;
        const Ended ended = run_child({fs::absolute(program).string(), fmt::format("-seed={}", seed),
                                       fmt::format("-max_total_time={}", seconds_), "-max_len=576",
                                       "-print_final_stats=1", "-artifact_prefix=" + folder.path() + "/"},
                                      folder.path(), 3.0 * seconds_ + 30);
        return {ended.code != 0, executions_in(ended.text), ended.seconds,
                ended.code == 0 ? "" : kind_of_failure(ended.text, ended.code)};
    }

    void census(const Canary& canary) {
        const fs::path program = fs::path(kBuild) / "canaries" / ("fuzz_canary_" + canary.number);
        std::vector<std::uint64_t> executions;
        std::vector<double> seconds;
        std::string finding;
        for (unsigned i = 0; i < options_.seeds; ++i) {
            const Hunt hunted = hunt(program, options_.seed + i);
            if (!hunted.found) continue;
            executions.push_back(hunted.executions);
            seconds.push_back(hunted.seconds);
            finding = hunted.finding;
        }
        json row{{"id", canary.number},
                 {"tier", canary.tier},
                 {"found", executions.size()},
                 {"of", options_.seeds},
                 {"what", canary.what}};
        if (!executions.empty()) {
            row["median_executions"] = median(executions);
            row["median_seconds"] = median(seconds);
            row["finding"] = finding;
        } else {
            missed_.push_back(canary.number);
        }
        fmt::print("{:<6} {:<5} {:>6} {:>12} {:>9}  {}\n", canary.number, canary.tier,
                   fmt::format("{}/{}", executions.size(), options_.seeds),
                   executions.empty() ? "-" : fmt::format("{}", median(executions)),
                   seconds.empty() ? "-" : fmt::format("{:.2f}", median(seconds)), canary.what);
        std::fflush(stdout);
        rows_.push_back(std::move(row));
    }

    bool unpatched_are_silent() const {
        bool silent = true;
        for (const fuzz::Dialect* dialect : fuzz::dialects()) {
            const std::string name = fmt::format("fuzz_{}_program", dialect->name);
            const Hunt hunted = hunt(fs::path(kBuild) / "bin" / name, options_.seed);
            fmt::print("{}: {} executions of the driver as it is in {:.0f} s: {}\n", name, hunted.executions,
                       hunted.seconds, hunted.found ? hunted.finding : "nothing found");
            silent = silent && !hunted.found;
        }
        return silent;
    }

    void summary() const {
        std::string missed;
        for (const std::string& number : missed_) missed += (missed.empty() ? "" : ", ") + number;
        fmt::print("{} canaries, {} found by at least one of {} seeds in {} s each{}\n", canaries_.size(),
                   canaries_.size() - missed_.size(), options_.seeds, seconds_,
                   missed.empty() ? "" : "; not found: " + missed);
    }

    bool write() const {
        if (options_.json == "-") {
            fmt::print("{}\n", rows_.dump(2));
            return true;
        }
        try {
            trace::AtomicFile file(options_.json);
            file.write(rows_.dump(2) + "\n");
            file.commit();
            return true;
        } catch (const trace::FileError& error) {
            fmt::print(stderr, "twinbench: {}\n", error.what());
            return false;
        }
    }

    const FuzzOptions& options_;
    unsigned seconds_;
    std::vector<Canary> canaries_;
    std::vector<std::string> missed_;
    json rows_ = json::array();
};

}  // namespace

int fuzz_canaries_command(const FuzzOptions& options) {
    return Census(options).run();
}

}  // namespace tb::cli
