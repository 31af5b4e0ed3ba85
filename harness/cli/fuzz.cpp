// SPDX-License-Identifier: BSD-3-Clause
#include "harness/cli/fuzz.hpp"

#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "harness/cli/child.hpp"
#include "harness/fuzz/minimise.hpp"
#include "harness/fuzz/scenario.hpp"
#include "harness/scenario/scenario.hpp"
#include "harness/trace/atomic_file.hpp"

namespace tb::cli {

namespace fs = std::filesystem;

namespace {

constexpr double kSecondsToARun = 60;
constexpr unsigned kMostRuns = 2000;
/// libFuzzer would run each input again that leaves memory behind, to tell a leak from a cache: a driver has
/// no memory but the pool's, which is looked at after each input.
constexpr const char* kNoLeakRuns = "-detect_leaks=0";

fs::path own_folder() {
    std::error_code error;
    const fs::path self = fs::read_symlink("/proc/self/exe", error);
    return error ? fs::path(".") : self.parent_path();
}

bool is_program(const fs::path& path) {
    return ::access(path.c_str(), X_OK) == 0 && fs::is_regular_file(path);
}

void not_built(const fuzz::Target& target) {
    fmt::print(
        stderr,
        "twinbench: fuzz_{} has not been built, here or in build/fuzz/bin: cmake --preset fuzz && cmake "
        "--build --preset fuzz --target fuzz_{}\n",
        target.name, target.name);
}

std::string line_with(std::string_view text, std::string_view begins) {
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = std::min(text.find('\n', at), text.size());
        const std::string_view line = text.substr(at, end - at);
        if (const std::size_t found = line.find(begins); found != std::string_view::npos)
            return std::string(line.substr(found));
        at = end + 1;
    }
    return {};
}

}  // namespace

const fuzz::Target* known_target(const std::string& name) {
    if (const fuzz::Target* target = fuzz::find_target(name)) return target;
    std::vector<std::string> names;
    for (const fuzz::Target& target : fuzz::targets()) names.push_back(target.name);
    fmt::print(stderr, "twinbench: there is no fuzz target '{}'{}; `twinbench fuzz` lists them\n", name,
               scenario::suggestion(name, names));
    return nullptr;
}

std::string program_of(const fuzz::Target& target, const FuzzOptions& options) {
    if (!options.program.empty())
        return is_program(options.program) ? fs::absolute(options.program).string() : "";
    const fs::path name = "fuzz_" + target.name;
    const fs::path here = own_folder();
    for (const fs::path& folder : {here, fs::path("build/fuzz/bin"), here / "../../fuzz/bin"})
        if (is_program(folder / name)) return fs::absolute(folder / name).lexically_normal().string();
    return {};
}

std::string finding_in(std::string_view text) {
    if (const std::string finding = line_with(text, "finding: "); !finding.empty()) return finding.substr(9);
    for (const char* begins :
         {"SUMMARY: AddressSanitizer", "SUMMARY: UndefinedBehaviorSanitizer", "SUMMARY: "})
        if (std::string line = line_with(text, begins); !line.empty()) return line;
    return {};
}

std::string kind_of_failure(std::string_view text, int code) {
    if (code == 0) return {};
    std::string finding = finding_in(text);
    if (finding.empty()) return fmt::format("exit code {}", code);
    // One bug has many numbers, and a source line is enough of a place.
    std::string kind;
    for (const char c : finding)
        if (std::isdigit(static_cast<unsigned char>(c)) == 0)
            kind += c;
        else if (kind.empty() || kind.back() != '#')
            kind += '#';
    return kind;
}

namespace {

int list_targets() {
    for (const fuzz::Target& target : fuzz::targets())
        fmt::print("{:<22} {}{}\n", target.name, target.about,
                   program_of(target, {}).empty() ? " (not built)" : "");
    return kAllPassed;
}

}  // namespace

int fuzz_command(const FuzzOptions& options) {
    if (options.target.empty()) return list_targets();
    const fuzz::Target* target = known_target(options.target);
    if (target == nullptr) return kBadInput;
    const std::string program = program_of(*target, options);
    if (program.empty()) {
        not_built(*target);
        return kEnvironmentLacks;
    }
    std::vector<std::string> command{program,         fmt::format("-seed={}", options.seed),
                                     "-max_len=4096", "-print_final_stats=1",
                                     kNoLeakRuns,     "-len_control=0"};
    if (options.runs != 0) command.push_back(fmt::format("-runs={}", options.runs));
    if (options.seconds != 0) command.push_back(fmt::format("-max_total_time={}", options.seconds));
    if (options.jobs > 1) command.push_back(fmt::format("-fork={}", options.jobs));
    const fs::path dictionary =
        fs::path(program).parent_path() / "../dictionaries" / (target->name + ".dict");
    if (fs::exists(dictionary)) command.push_back("-dict=" + dictionary.lexically_normal().string());
    // What is new goes to the first corpus; the committed one is only read.
    const fs::path corpus = fs::path("build/fuzz/corpus") / target->name;
    std::error_code error;
    fs::create_directories(corpus, error);
    if (!error) command.push_back(corpus.string());
    if (const fs::path seeds = fs::path("fuzz/corpus") / target->name; fs::is_directory(seeds))
        command.push_back(seeds.string());
    std::vector<char*> words;
    for (std::string& word : command) words.push_back(word.data());
    words.push_back(nullptr);
    ::setenv("SYSTEMC_DISABLE_COPYRIGHT_MESSAGE", "1", 1);
    const ::pid_t child = ::fork();
    if (child == 0) {
        ::execv(words.front(), words.data());
        ::_exit(kEnvironmentLacks);
    }
    int status = 0;
    if (child < 0 || ::waitpid(child, &status, 0) < 0) {
        fmt::print(stderr, "twinbench: {}: {}\n", program, std::strerror(errno));
        return kEnvironmentLacks;
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return kAllPassed;
    if (target->dialect != nullptr)
        fmt::print("twinbench: `twinbench fuzz minimise {} FILE` makes a scenario of the input above\n",
                   target->name);
    return kSomethingFailed;
}

namespace {

class Minimiser {
  public:
    Minimiser(std::string program, const fuzz::Language& language)
        : program_(std::move(program)), language_(language) {}

    int run(const FuzzOptions& options) {
        std::ifstream in(options.file, std::ios::binary);
        if (!in) {
            fmt::print(stderr, "twinbench: {}: {}\n", options.file, std::strerror(errno));
            return kBadInput;
        }
        const std::vector<char> bytes{std::istreambuf_iterator<char>(in), {}};
        const std::vector<std::uint8_t> input(bytes.begin(), bytes.end());
        std::vector<fuzz::Record> program = fuzz::unpack(input);
        const Ended first = ended(program);
        kind_ = kind_of_failure(first.text, first.code);
        if (kind_.empty()) {
            fmt::print(stderr, "twinbench: {}: {} finds nothing wrong with it\n", options.file, program_);
            return kBadInput;
        }
        const std::size_t before = program.size();
        program = fuzz::minimise(std::move(program), kMostRuns, [&](const std::vector<fuzz::Record>& some) {
            const Ended end = ended(some);
            return kind_of_failure(end.text, end.code) == kind_;
        });
        const std::string finding = finding_in(ended(program).text);
        const nlohmann::json scenario =
            fuzz::to_scenario(program, language_, finding.empty() ? kind_ : finding);
        fmt::print(stderr, "{} records, {} after {} runs: {}\n", before, program.size(), runs_,
                   finding.empty() ? kind_ : finding);
        return write(options, scenario, program);
    }

  private:
    Ended ended(const std::vector<fuzz::Record>& program) {
        ++runs_;
        const std::string path = scratch_.path() + "/input";
        const auto bytes = fuzz::pack(program);
        std::ofstream(path, std::ios::binary)
            .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
        return run_child({program_, path}, scratch_.path(), kSecondsToARun);
    }

    static int write(const FuzzOptions& options, const nlohmann::json& scenario,
                     const std::vector<fuzz::Record>& program) {
        const std::string text = fuzz::scenario_text(scenario);
        if (options.output.empty()) {
            fmt::print("{}", text);
            return kAllPassed;
        }
        try {
            trace::AtomicFile file(options.output);
            file.write(text);
            file.commit();
            if (options.keep.empty()) return kAllPassed;
            const auto bytes = fuzz::pack(program);
            trace::AtomicFile input(options.keep);
            input.write(std::string(bytes.begin(), bytes.end()));
            input.commit();
            return kAllPassed;
        } catch (const trace::FileError& error) {
            fmt::print(stderr, "twinbench: {}\n", error.what());
            return kBadInput;
        }
    }

    std::string program_;
    const fuzz::Language& language_;
    std::string kind_;
    TemporaryFolder scratch_;
    std::size_t runs_ = 0;
};

}  // namespace

int fuzz_minimise_command(const FuzzOptions& options) {
    const fuzz::Target* target = known_target(options.target);
    if (target == nullptr) return kBadInput;
    if (target->dialect == nullptr) {
        fmt::print(
            stderr,
            "twinbench: inputs of {} are no programs: use fuzz_{} -minimize_crash=1, and keep the file in "
            "fuzz/corpus/{}\n",
            target->name, target->name, target->name);
        return kBadInput;
    }
    const std::string program = program_of(*target, options);
    if (program.empty()) {
        not_built(*target);
        return kEnvironmentLacks;
    }
    const fuzz::Language language(*target->dialect);
    return Minimiser(program, language).run(options);
}

int fuzz_seeds_command(const FuzzOptions& options) {
    std::vector<scenario::Problem> problems;
    const auto scenarios = scenario::load_scenarios({"scenarios"}, problems);
    if (!problems.empty() || scenarios.empty()) {
        fmt::print(stderr, "twinbench: there are no scenarios to make seeds of here\n");
        return kBadInput;
    }
    for (const fuzz::Dialect* dialect : fuzz::dialects()) {
        const fuzz::Language language(*dialect);
        const fs::path folder = fs::path(options.output) / fmt::format("{}_program", dialect->name);
        fs::create_directories(folder);
        std::size_t count = 0;
        for (const scenario::Scenario& scenario : scenarios) {
            if (scenario.driver != &language.driver() || scenario.id.find('[') != std::string::npos) continue;
            const std::vector<fuzz::Record> program = fuzz::to_program(scenario.steps, language);
            if (program.size() < 3) continue;
            const auto bytes = fuzz::pack(program);
            std::ofstream(folder / fs::path(scenario.id).filename(), std::ios::binary)
                .write(reinterpret_cast<const char*>(bytes.data()),
                       static_cast<std::streamsize>(bytes.size()));
            ++count;
        }
        fmt::print("{}: {} programs\n", folder.string(), count);
    }
    return kAllPassed;
}

}  // namespace tb::cli
