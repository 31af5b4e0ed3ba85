// SPDX-License-Identifier: BSD-3-Clause
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "harness/cli/judge.hpp"
#include "harness/cli/suite.hpp"
#include "harness/random/dice.hpp"
#include "harness/random/minimise.hpp"
#include "harness/random/sequence.hpp"
#include "harness/trace/atomic_file.hpp"

namespace tb::cli {

namespace {

using nlohmann::json;

/// Operations to a start of QEMU: what they find depends on what came before.
constexpr std::uint64_t kOperationsToAStart = 1000;
constexpr unsigned kMostRuns = 400;

std::optional<scenario::Scenario> load(const json& document, const std::string& id) {
    std::vector<scenario::Problem> problems;
    auto parsed = std::make_shared<const scenario::Document>(
        scenario::Document::parse(document.dump(2), id + ".json", problems));
    auto family = scenario::load_document(std::move(parsed), id, problems);
    if (family.size() != 1) return std::nullopt;
    return std::move(family.front());
}

/// Both machines run it to its end, and differ. One that fails by itself (without its set-up, say) shows
/// nothing.
bool differs(const Judged& judged) {
    return judged.result.differences && judged.result.differences->unexplained != 0;
}

/// Minimises what has failed, and saves it.
void reproduce(const scenario::Scenario& scenario, Options options, Judged& judged) {
    options.trace_dir.clear();
    if (!differs(judge_on_both(scenario, options))) {
        judged.result.reason += "; and does not when it is run again";
        return;
    }
    json document = scenario.document->root();
    document["steps"] = random::minimise_operations(document["steps"], kMostRuns, [&](const json& steps) {
        json part = document;
        part["steps"] = steps;
        const auto shorter = load(part, scenario.id);
        return shorter && differs(judge_on_both(*shorter, options));
    });
    std::string name = scenario.id;
    std::replace(name.begin(), name.end(), '/', '-');
    const std::string path = (std::filesystem::path(options.save) / (name + ".json")).string();
    document["about"] = fmt::format("Found by chance ({}), and minimised", scenario.about);
    if (const auto minimised = load(document, scenario.id))
        judged.details = judge_on_both(*minimised, options).details;
    std::string found =
        fmt::format("; {} of {} operations are enough", document["steps"].size(), scenario.steps.size());
    try {
        trace::AtomicFile file(path);
        file.write(document.dump(2) + "\n");
        file.commit();
        found += ": " + path;
    } catch (const trace::FileError& error) {
        found += fmt::format("; {}", error.what());
        judged.bad_input = true;
    }
    judged.result.reason += found;
    if (judged.result.failure) judged.result.failure->message += found;
}

}  // namespace

int confirm_random(const Options& options) {
    if (!known_devices(options.devices)) return kBadInput;
    std::vector<scenario::Scenario> sequences;
    const std::vector<const harness::DeviceType*> devices = random::devices();
    for (const std::string& name : options.devices)
        if (std::none_of(devices.begin(), devices.end(),
                         [&](const auto* device) { return device->name() == name; })) {
            fmt::print(stderr, "twinbench: there are no sequences by chance for {} yet\n", name);
            return kBadInput;
        }
    for (const harness::DeviceType* device : devices) {
        const std::string name(device->name());
        if (!options.devices.empty() &&
            std::find(options.devices.begin(), options.devices.end(), name) == options.devices.end())
            continue;
        const std::uint64_t seed = options.seed == 0 ? 1 : options.seed;
        random::Dice seeds(seed);
        std::uint64_t left = options.random_operations;
        for (unsigned part = 1; left > 0; ++part) {
            const std::uint64_t count = std::min(left, kOperationsToAStart);
            left -= count;
            const std::string id = fmt::format("random/{}/seed-{}/{}", name, seed, part);
            const auto sequence =
                load(random::make_sequence(*device, seeds.next(), static_cast<unsigned>(count)), id);
            if (!sequence) {
                fmt::print(stderr, "twinbench: {}: the sequence is no scenario\n", id);
                return kSomethingFailed;
            }
            sequences.push_back(*sequence);
        }
    }
    if (!usable_directory(options.save)) return kBadInput;
    return execute(sequences, options, [&](const scenario::Scenario& sequence) {
        Judged judged = judge_on_both(sequence, options);
        if (differs(judged)) reproduce(sequence, options, judged);
        return judged;
    });
}

}  // namespace tb::cli
