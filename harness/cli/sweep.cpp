// SPDX-License-Identifier: BSD-3-Clause
#include "harness/sweep/sweep.hpp"

#include <fmt/format.h>
#include <fmt/ostream.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <iostream>
#include <new>
#include <nlohmann/json.hpp>
#include <system_error>

#include "harness/cli/pool.hpp"
#include "harness/cli/suite.hpp"
#include "harness/sweep/matrix.hpp"
#include "harness/trace/atomic_file.hpp"

namespace tb::cli {

namespace {

using nlohmann::json;
using Clock = std::chrono::steady_clock;

/// Pairs to a job: much work to a message, and little lost when a run brings its process down.
constexpr std::size_t kPairsToAJob = 250;
/// Of real time, for one run: only for a driver that loops without looking at its device, which no budget of
/// calls or virtual time can end.
constexpr unsigned kSecondsToARun = 300;
/// From so many runs on, a tenth of them is worth a line where there is no terminal.
constexpr std::size_t kManyRuns = 20'000;
/// Failures of one kind at one place that are shown.
constexpr std::size_t kShownOfAKind = 1;

struct Subject {
    const scenario::Scenario* scenario;
    std::string objection;
    std::size_t pairs = 0;
    std::uint64_t occasions = 0;
};

struct Job {
    std::size_t subject;
    std::size_t first;
    std::size_t count;
};

struct Failure {
    std::string scenario;
    std::string device;
    std::string place;
    std::string act;
    std::string fault;
    std::string why;
};

json to_json(const Failure& failure) {
    return {{"scenario", failure.scenario}, {"device", failure.device}, {"place", failure.place},
            {"act", failure.act},           {"fault", failure.fault},   {"why", failure.why}};
}
Failure failure_of(const json& node) {
    const auto text = [&](const char* key) { return node[key].get<std::string>(); };
    return {text("scenario"), text("device"), text("place"), text("act"), text("fault"), text("why")};
}

/// Whether any process has found a failure: one word that all of them share.
class SharedFlag {
  public:
    SharedFlag() {
        void* page = ::mmap(nullptr, sizeof(std::atomic<bool>), PROT_READ | PROT_WRITE,
                            MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (page == MAP_FAILED) throw std::system_error(errno, std::generic_category(), "no memory to share");
        flag_ = new (page) std::atomic<bool>(false);
    }
    ~SharedFlag() { ::munmap(flag_, sizeof(std::atomic<bool>)); }
    SharedFlag(const SharedFlag&) = delete;
    SharedFlag& operator=(const SharedFlag&) = delete;

    void add() { flag_->store(true); }
    void clear() { flag_->store(false); }
    bool any() const { return flag_->load(); }

  private:
    std::atomic<bool>* flag_;
};

class Sweeper {
  public:
    Sweeper(const SweepOptions& options, const std::vector<scenario::Scenario>& scenarios)
        : options_(options), out_(options.shared.json == "-" ? std::cerr : std::cout) {
        for (const scenario::Scenario& scenario : scenarios) subjects_.push_back({&scenario, {}, 0, 0});
    }

    int run() {
        const Clock::time_point start = Clock::now();
        make_plans();
        if (matrix_.total().runs() == 0 &&
            std::all_of(subjects_.begin(), subjects_.end(),
                        [](const Subject& s) { return !s.objection.empty(); })) {
            fmt::print(stderr, "twinbench: nothing to sweep: {}: {}\n", subjects_.front().scenario->id,
                       subjects_.front().objection);
            return kBadInput;
        }
        std::vector<Job> jobs;
        for (std::size_t i = 0; i < subjects_.size(); ++i)
            for (std::size_t first = 0; first < subjects_[i].pairs; first += kPairsToAJob)
                jobs.push_back({i, first, std::min(kPairsToAJob, subjects_[i].pairs - first)});
        total_ = 0;
        for (const Job& job : jobs) total_ += job.count;
        work(jobs);
        // Whoever brought its process down is found among its neighbours, one process a run.
        if (options_.first && matrix_.total().failed() != 0) lost_.clear();
        failed_.clear();
        std::vector<Job> suspects;
        for (const Job& job : std::exchange(lost_, {}))
            for (std::size_t i = 0; i < job.count; ++i) suspects.push_back({job.subject, job.first + i, 1});
        work(suspects);
        show(std::chrono::duration<double>(Clock::now() - start).count());
        if (!options_.shared.json.empty() && !write()) return kBadInput;
        return matrix_.total().failed() == 0 ? kAllPassed : kSomethingFailed;
    }

  private:
    sweep::MakeRig maker(const scenario::Scenario& scenario) const {
        return [this, &scenario] {
            return scenario.device->make_model(scenario.configuration,
                                               rig_options(options_.shared, scenario));
        };
    }

    void make_plans() {
        Pool::run(
            subjects_.size(), worker_count(options_.shared),
            [&](std::size_t i) {
                const scenario::Scenario& scenario = *subjects_[i].scenario;
                const sweep::Plan plan = sweep::make_plan(scenario, maker(scenario));
                return json{{"objection", plan.objection},
                            {"fails", plan.fails},
                            {"pairs", plan.objection.empty() ? plan.pairs.size() : 0},
                            {"occasions", plan.occasions}}
                    .dump();
            },
            [&](std::size_t i, const std::string& line) {
                const json node = json::parse(line);
                subjects_[i].objection = node["objection"].get<std::string>();
                subjects_[i].pairs = node["pairs"].get<std::size_t>();
                if (node["fails"].get<bool>()) fails_without(subjects_[i]);
                subjects_[i].occasions = node["occasions"].get<std::uint64_t>();
            },
            [&](std::size_t i, const std::string& how) {
                subjects_[i].objection = "its run without a fault ended by " + how;
                fails_without(subjects_[i]);
            });
    }

    /// Whether a failure was found, and one is all that is asked for.
    bool enough() const { return options_.first && failed_.any(); }

    void fails_without(const Subject& subject) {
        failed_.add();
        const sweep::Cell cell{std::string(subject.scenario->device->name()), "without a fault", "none"};
        matrix_.count(cell, sweep::Verdict::kFailed);
        failures_.push_back(
            {subject.scenario->id, cell.device, cell.place, cell.act, "no fault", subject.objection});
    }

    void work(const std::vector<Job>& jobs) {
        Pool::run(
            jobs.size(), worker_count(options_.shared), [&](std::size_t i) { return one(jobs[i]); },
            [&](std::size_t i, const std::string& line) {
                const json node = json::parse(line);
                matrix_.merge(sweep::Matrix::from_json(node["matrix"]));
                for (const json& failure : node["failures"]) failures_.push_back(failure_of(failure));
                progress(jobs[i].count);
            },
            [&](std::size_t i, const std::string& how) {
                failed_.add();
                if (jobs[i].count > 1) return lost_.push_back(jobs[i]);
                crashed(jobs[i], how);
                progress(1);
            });
    }

    /// In a worker.
    std::string one(const Job& job) {
        const scenario::Scenario& scenario = *subjects_[job.subject].scenario;
        const sweep::MakeRig make_rig = maker(scenario);
        if (plan_of_ != job.subject) {
            plan_ = sweep::make_plan(scenario, make_rig);
            plan_of_ = job.subject;
        }
        sweep::Matrix matrix;
        json failures = json::array();
        for (std::size_t i = job.first; i < job.first + job.count && !enough(); ++i) {
            const sweep::Pair& pair = plan_.pairs[i];
            ::alarm(kSecondsToARun);
            const sweep::SweepResult result = sweep::run_pair(scenario, make_rig, plan_, pair);
            ::alarm(0);
            matrix.count(cell_of(scenario, plan_, pair), result.verdict);
            if (result.verdict != sweep::Verdict::kFailed) continue;
            failed_.add();
            failures.push_back(to_json(failure(scenario, plan_, pair, result.why)));
        }
        return json{{"matrix", matrix.to_json()}, {"failures", failures}}.dump(
            -1, ' ', false, json::error_handler_t::replace);
    }

    static sweep::Cell cell_of(const scenario::Scenario& scenario, const sweep::Plan& plan,
                               const sweep::Pair& pair) {
        return {std::string(scenario.device->name()), plan.places[pair.place], pair.kind};
    }
    static Failure failure(const scenario::Scenario& scenario, const sweep::Plan& plan,
                           const sweep::Pair& pair, const std::string& why) {
        return {scenario.id,
                std::string(scenario.device->name()),
                plan.places[pair.place],
                pair.kind,
                sweep::describe(pair),
                why};
    }

    void crashed(const Job& job, const std::string& how) {
        const scenario::Scenario& scenario = *subjects_[job.subject].scenario;
        const sweep::Plan plan = sweep::make_plan(scenario, maker(scenario));
        const sweep::Pair& pair = plan.pairs[job.first];
        matrix_.count(cell_of(scenario, plan, pair), sweep::Verdict::kFailed);
        failures_.push_back(failure(scenario, plan, pair, "the process that ran it ended by " + how));
    }

    void progress(std::size_t count) {
        const std::size_t tenth = 10 * done_ / total_;
        done_ += count;
        const int fd = &out_ == &std::cerr ? STDERR_FILENO : STDOUT_FILENO;
        const std::string text =
            fmt::format("{} of {} runs, {} failed", done_, total_, matrix_.total().failed());
        if (::isatty(fd) == 1)
            fmt::print(out_, "\r\x1b[K{}{}", text, done_ == total_ ? "\r\x1b[K" : "");
        else if (10 * done_ / total_ != tenth && total_ >= kManyRuns)
            fmt::print(out_, "{}\n", text);
        out_.flush();
    }

    void show(double seconds) {
        seconds_ = seconds;
        std::sort(failures_.begin(), failures_.end(), [](const Failure& a, const Failure& b) {
            return std::tie(a.device, a.place, a.act, a.why, a.scenario, a.fault) <
                   std::tie(b.device, b.place, b.act, b.why, b.scenario, b.fault);
        });
        if (options_.matrix) fmt::print(out_, "{}", matrix_.to_text());
        show_failures();
        std::size_t swept = 0;
        std::uint64_t occasions = 0;
        for (const Subject& subject : subjects_) {
            swept += subject.objection.empty() ? 1 : 0;
            occasions += subject.occasions;
            if (options_.shared.verbose)
                fmt::print(out_, "{}: {}\n", subject.scenario->id,
                           subject.objection.empty() ? fmt::format("{} runs", subject.pairs)
                                                     : "not swept: " + subject.objection);
        }
        const sweep::Tally total = matrix_.total();
        fmt::print(
            out_,
            "{} scenarios with {} occasions, {} left out{}; {} kinds of fault at a place\n"
            "{} runs: {} unharmed, {} with an error, {} believed a lie that no driver can see, {} failed "
            "in {:.2f} s\n",
            swept, occasions, subjects_.size() - swept,
            swept == subjects_.size() || options_.shared.verbose ? "" : " (-v says why)",
            matrix_.cells().size(), total.runs(), total.of[0], total.of[1], total.of[2], total.failed(),
            seconds);
    }

    void show_failures() {
        std::string kind;
        std::size_t shown = 0;
        std::size_t of_kind = 0;
        const auto rest = [&] {
            if (of_kind > shown) fmt::print(out_, "    and {} more like it\n", of_kind - shown);
            shown = of_kind = 0;
        };
        for (const Failure& failure : failures_) {
            const std::string its = fmt::format("{}/{}/{}", failure.device, failure.place, failure.act);
            if (its != kind) rest();
            kind = its;
            if (++of_kind > kShownOfAKind && !options_.shared.verbose) continue;
            ++shown;
            fmt::print(out_, "FAILED {}, {} ({}):\n    {}\n", failure.scenario, failure.fault, failure.place,
                       failure.why);
        }
        rest();
    }

    bool write() {
        json failures = json::array();
        for (const Failure& failure : failures_) failures.push_back(to_json(failure));
        json scenarios = json::array();
        for (const Subject& subject : subjects_) {
            json node{
                {"id", subject.scenario->id}, {"runs", subject.pairs}, {"occasions", subject.occasions}};
            if (!subject.objection.empty()) node["left_out"] = subject.objection;
            scenarios.push_back(std::move(node));
        }
        const sweep::Tally total = matrix_.total();
        const json report{{"runs", total.runs()},    {"failures", total.failed()},  {"seconds", seconds_},
                          {"unharmed", total.of[0]}, {"errors", total.of[1]},       {"believed", total.of[2]},
                          {"scenarios", scenarios},  {"matrix", matrix_.to_json()}, {"failed", failures}};
        if (options_.shared.json == "-") {
            fmt::print("{}\n", report.dump(2));
            return true;
        }
        try {
            trace::AtomicFile file(options_.shared.json);
            file.write(report.dump(2) + "\n");
            file.commit();
            return true;
        } catch (const trace::FileError& error) {
            fmt::print(stderr, "twinbench: {}\n", error.what());
            return false;
        }
    }

    const SweepOptions& options_;
    std::ostream& out_;
    std::vector<Subject> subjects_;
    std::vector<Job> lost_;
    sweep::Matrix matrix_;
    std::vector<Failure> failures_;
    SharedFlag failed_;
    std::size_t done_ = 0;
    std::size_t total_ = 0;
    double seconds_ = 0;
    // A worker's last plan: jobs of one scenario follow each other.
    sweep::Plan plan_;
    std::size_t plan_of_ = ~std::size_t{0};
};

}  // namespace

int sweep_command(const SweepOptions& options) {
    const auto scenarios = select_scenarios(options.shared);
    if (!scenarios) return kBadInput;
    return Sweeper(options, *scenarios).run();
}

}  // namespace tb::cli
