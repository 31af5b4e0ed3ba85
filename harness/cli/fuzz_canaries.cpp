// SPDX-License-Identifier: BSD-3-Clause
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include "harness/cli/child.hpp"
#include "harness/cli/fuzz.hpp"
#include "harness/cli/pool.hpp"
#include "harness/trace/atomic_file.hpp"

namespace tb::cli {

namespace fs = std::filesystem;
using nlohmann::json;

namespace {

constexpr unsigned kDefaultSeconds = 60;
constexpr double kSecondsToARun = 60;
constexpr const char* kFolder = "fuzz/canaries";
constexpr const char* kBuild = "build/fuzz";

/// One bug, planted by a patch.
struct Canary {
    std::string number;
    std::string tier;
    std::string what;
    std::string target;  ///< of the driver that it is in
};

struct Hunt {
    bool found = false;
    std::uint64_t executions = 0;
    double seconds = 0;
    std::string finding;
};

void to_json(json& node, const Hunt& hunt) {
    node = {{"found", hunt.found},
            {"executions", hunt.executions},
            {"seconds", hunt.seconds},
            {"finding", hunt.finding}};
}
void from_json(const json& node, Hunt& hunt) {
    node.at("found").get_to(hunt.found);
    node.at("executions").get_to(hunt.executions);
    node.at("seconds").get_to(hunt.seconds);
    node.at("finding").get_to(hunt.finding);
}

/// "Canary 01, T1: the id of ..."
std::optional<Canary> canary_of(const fs::path& patch) {
    std::ifstream in(patch);
    std::string line;
    std::getline(in, line);
    const std::size_t comma = line.find(", ");
    const std::size_t colon = line.find(": ");
    if (!line.starts_with("Canary ") || comma == std::string::npos || colon == std::string::npos)
        return std::nullopt;
    Canary canary{patch.filename().string().substr(0, 2), line.substr(comma + 2, colon - comma - 2),
                  line.substr(colon + 2), "virtio_blk_program"};
    while (std::getline(in, line)) {
        if (line.starts_with("+++ b/drivers/net/")) canary.target = "e1000_program";
        if (line.starts_with("+++ b/drivers/serial/")) canary.target = "serial_program";
    }
    return canary;
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

/// Of `count` hunts, of which those that found nothing would have taken longer than all others: nothing, if
/// they are the half.
template <class T>
std::optional<T> median(std::vector<T> values, std::size_t count) {
    if (values.size() <= count / 2) return std::nullopt;
    std::sort(values.begin(), values.end());
    return values[count / 2];
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
        hunt_all();
        summary();
        if (!options_.json.empty() && !write()) return kBadInput;
        return silent_ ? kAllPassed : kSomethingFailed;
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
    /// `fixed` is the program of the driver as it is; empty for that one itself.
    Hunt hunt(const fs::path& program, const fs::path& fixed, std::uint64_t seed) const {
        const TemporaryFolder folder;
        const Ended ended =
            run_child({fs::absolute(program).string(), fmt::format("-seed={}", seed),
                       fmt::format("-max_total_time={}", seconds_), "-max_len=576", "-print_final_stats=1",
                       "-detect_leaks=0", "-len_control=0", "-artifact_prefix=" + folder.path() + "/"},
                      folder.path(), 3.0 * seconds_ + 30);
        Hunt hunted{ended.code != 0, executions_in(ended.text), ended.seconds,
                    ended.code == 0 ? "" : kind_of_failure(ended.text, ended.code)};
        if (hunted.found && !fixed.empty()) check(hunted, fixed, folder.path());
        return hunted;
    }

    /// What the driver as it is gives too is not the canary's.
    static void check(Hunt& hunted, const fs::path& fixed, const std::string& folder) {
        for (const auto& entry : fs::directory_iterator(folder)) {
            if (!entry.path().filename().string().starts_with("crash-")) continue;
            if (run_child({fs::absolute(fixed).string(), entry.path().string()}, folder, kSecondsToARun)
                    .code == 0)
                return;
            hunted.found = false;
            fmt::print(stderr, "twinbench: the driver as it is gives this too: {}\n", hunted.finding);
        }
    }

    /// Every seed of every canary, and of the drivers as they are, in processes of their own.
    void hunt_all() {
        const std::size_t seeds = options_.seeds;
        const auto dialects = fuzz::dialects();
        const std::size_t planted = canaries_.size() * seeds;
        std::vector<std::vector<Hunt>> hunts(canaries_.size());
        const fs::path build = kBuild;
        const auto program_of = [&](std::size_t index) {
            return index < planted
                       ? build / "canaries" / ("fuzz_canary_" + canaries_[index / seeds].number)
                       : build / "bin" / fmt::format("fuzz_{}_program", dialects[index - planted]->name);
        };
        const auto fixed_of = [&](std::size_t index) {
            return index < planted ? build / "bin" / ("fuzz_" + canaries_[index / seeds].target) : fs::path();
        };
        const auto done = [&](std::size_t index, const Hunt& hunted) {
            if (index >= planted) return unpatched(dialects[index - planted]->name, hunted);
            auto& of_canary = hunts[index / seeds];
            of_canary.push_back(hunted);
            if (of_canary.size() == seeds) census(canaries_[index / seeds], of_canary);
        };
        Pool::run(
            planted + dialects.size(), options_.jobs,
            [&](std::size_t index) {
                return json(hunt(program_of(index), fixed_of(index), options_.seed + index % seeds)).dump();
            },
            [&](std::size_t index, const std::string& result) {
                done(index, json::parse(result).get<Hunt>());
            },
            [&](std::size_t index, const std::string& how) {
                fmt::print(stderr, "twinbench: {}: {}\n", program_of(index).string(), how);
                silent_ = false;
                done(index, {});
            });
    }

    void census(const Canary& canary, const std::vector<Hunt>& hunts) {
        std::vector<std::uint64_t> executions;
        std::vector<double> seconds;
        std::string finding;
        for (const Hunt& hunted : hunts) {
            if (!hunted.found) continue;
            executions.push_back(hunted.executions);
            seconds.push_back(hunted.seconds);
            finding = hunted.finding;
        }
        const std::size_t found = executions.size();
        const auto middle_executions = median(executions, hunts.size());
        const auto middle_seconds = median(seconds, hunts.size());
        json row{{"id", canary.number},       {"tier", canary.tier},   {"found", found != 0},
                 {"found_seeds", found},      {"seeds", hunts.size()}, {"median_executions", nullptr},
                 {"median_seconds", nullptr}, {"what", canary.what}};
        if (middle_executions) row["median_executions"] = *middle_executions;
        if (middle_seconds) row["median_seconds"] = *middle_seconds;
        if (found != 0)
            row["finding"] = finding;
        else
            missed_.insert(canary.number);
        fmt::print("{:<6} {:<5} {:>6} {:>12} {:>9}  {}\n", canary.number, canary.tier,
                   fmt::format("{}/{}", found, hunts.size()),
                   middle_executions ? fmt::format("{}", *middle_executions) : "-",
                   middle_seconds ? fmt::format("{:.2f}", *middle_seconds) : "-", canary.what);
        std::fflush(stdout);
        rows_[canary.number] = std::move(row);
    }

    void unpatched(const char* dialect, const Hunt& hunted) {
        fmt::print("fuzz_{}_program: {} executions of the driver as it is in {:.0f} s: {}\n", dialect,
                   hunted.executions, hunted.seconds, hunted.found ? hunted.finding : "nothing found");
        silent_ = silent_ && !hunted.found;
    }

    void summary() const {
        std::string missed;
        for (const std::string& number : missed_) missed += (missed.empty() ? "" : ", ") + number;
        fmt::print("{} canaries, {} found by at least one of {} seeds in {} s each{}\n", canaries_.size(),
                   canaries_.size() - missed_.size(), options_.seeds, seconds_,
                   missed.empty() ? "" : "; not found: " + missed);
    }

    bool write() const {
        json rows = json::array();
        for (const auto& [number, row] : rows_) rows.push_back(row);
        if (options_.json == "-") {
            fmt::print("{}\n", rows.dump(2));
            return true;
        }
        try {
            trace::AtomicFile file(options_.json);
            file.write(rows.dump(2) + "\n");
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
    std::set<std::string> missed_;
    std::map<std::string, json> rows_;  ///< by number
    bool silent_ = true;                ///< the drivers as they are
};

}  // namespace

int fuzz_canaries_command(const FuzzOptions& options) {
    return Census(options).run();
}

}  // namespace tb::cli
