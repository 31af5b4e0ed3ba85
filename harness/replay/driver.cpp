// SPDX-License-Identifier: BSD-3-Clause
#include "harness/replay/driver.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>

#include "harness/recording/record.hpp"
#include "harness/scenario/document.hpp"
#include "harness/trace/atomic_file.hpp"
#include "harness/trace/trace_file.hpp"

namespace tb::replay {

namespace {

using nlohmann::json;

/// More than a boot has; what a script holds is in memory.
constexpr std::size_t kMostItems = 5'000'000;
constexpr std::size_t kShown = 20;

/// The header of a trace of ours; nothing for other recordings.
std::optional<trace::TraceHeader> header_of(const std::string& path) {
    try {
        return trace::TraceReader(path).header();
    } catch (const trace::TraceFileError&) {
        return std::nullopt;
    }
}

Script load_script(const DriverOptions& options) {
    const auto source = recording::open_recording(options.path);
    Cast cast;
    cast.assume(source->summary().device);
    std::vector<Script> scripts;
    std::vector<std::unique_ptr<Study>> studies;
    recording::Record record;
    std::size_t items = 0;
    while (items < kMostItems && source->next(record)) {
        std::optional<std::size_t> part;
        Spot spot;
        if (const auto found = cast.locate(record)) {
            part = found->part;
            spot = found->spot;
        } else if (record.event.kind == trace::EventKind::kMessage && record.event.address != 0) {
            part = cast.sender(record.event.address, record.event.value);
        } else if (!record.name.empty()) {
            part = cast.at(record.name);
        } else if (!trace::is_register_access(record.event.kind) && cast.parts().size() == 1) {
            part = 0;
        }
        if (!part) continue;
        if (scripts.size() <= *part) scripts.resize(*part + 1);
        Script& script = scripts[*part];
        while (studies.size() < cast.parts().size())
            studies.push_back(cast.parts()[studies.size()].role->study());
        if (trace::is_register_access(record.event.kind))
            studies[*part]->see(
                {record.event.kind, spot, record.event.width, record.event.value, record.line});
        ++items;
        auto& list = record.event.kind == trace::EventKind::kConfigRead ? script.config_reads : script.items;
        list.push_back({record.event,
                        spot,
                        record.line,
                        std::string(record.text),
                        {record.data.begin(), record.data.end()}});
    }
    std::string names;
    std::optional<std::size_t> chosen;
    scripts.resize(cast.parts().size());
    for (std::size_t index = 0; index < scripts.size(); ++index) {
        scripts[index].role = cast.parts()[index].role;
        if (index < studies.size()) scripts[index].configuration = studies[index]->configuration();
        names += fmt::format("{}{}", names.empty() ? "" : ", ", scripts[index].role->type);
        const bool wanted = options.device.empty() || options.device == scripts[index].role->type;
        if (wanted && !chosen) chosen = index;
    }
    if (!chosen)
        throw trace::FileError(options.path,
                               fmt::format("{}: the recording has {}{}", options.path,
                                           names.empty() ? "no device that is known here" : names,
                                           names.empty() ? "" : ", and not " + options.device));
    if (options.device.empty() && names.find(',') != std::string::npos)
        throw trace::FileError(options.path,
                               fmt::format("{}: the recording has {}; --device says which the driver is for",
                                           options.path, names));
    return std::move(scripts[*chosen]);
}

/// The shortest life of each driver.
json start_and_stop(const std::string& device) {
    const std::string driver = device == "virtio-blk-pci" ? "virtio-blk"
                               : device == "e1000"        ? "e1000"
                                                          : "uart16550";
    return {{"about", "the driver's start and stop"},
            {"device", {{"type", device}}},
            {"driver", driver},
            {"steps", json::array({{{"do", "start"},
                                    {"interrupts", driver == "virtio-blk" ? json("polled") : json(false)}},
                                   {{"do", "stop"}}})}};
}

[[noreturn]] void complain(const std::vector<scenario::Problem>& problems) {
    std::string text = "the scenario is none";
    for (const scenario::Problem& problem : problems) text += fmt::format("\n{}", problem.to_string());
    throw std::runtime_error(text);
}

scenario::Scenario built_in(const std::string& device) {
    std::vector<scenario::Problem> problems;
    auto document = std::make_shared<const scenario::Document>(
        scenario::Document::parse(start_and_stop(device).dump(2), device + ".json", problems));
    auto family = scenario::load_document(std::move(document), device + "/start_and_stop", problems);
    if (family.size() != 1) complain(problems);
    return std::move(family.front());
}

scenario::Scenario from_files(const std::string& wanted, const std::string& folder) {
    std::error_code ignored;
    const bool file = std::filesystem::is_regular_file(wanted, ignored);
    std::vector<scenario::Problem> problems;
    auto all = scenario::load_scenarios({file ? wanted : folder}, problems);
    if (!problems.empty()) complain(problems);
    for (scenario::Scenario& one : all)
        if (file ? all.size() == 1 : one.id == wanted) return std::move(one);
    if (file)
        throw std::runtime_error(
            fmt::format("{} holds {} scenarios; --scenario takes the id of one", wanted, all.size()));
    throw std::runtime_error(fmt::format(
        "there is no scenario '{}' below {}; --scenario names a file or an id, --scenarios the folder",
        wanted, folder));
}

}  // namespace

bool DriverReport::good() const {
    if (!run.passed) return false;
    return !exact || departure_count == 0;
}

DriverReport replay_driver(const DriverOptions& options) {
    Script script = load_script(options);
    const auto header = header_of(options.path);
    // A recorded guest has a sentence there, a scenario its id and its device.
    if (header && !header->device.empty()) script.scenario = header->scenario;
    DriverReport report;
    report.device = script.role->type;
    const std::string wanted = !options.scenario.empty() ? options.scenario : script.scenario;
    const scenario::Scenario chosen =
        wanted.empty() ? built_in(report.device) : from_files(wanted, options.scenarios);
    if (chosen.device->name() != report.device)
        throw std::runtime_error(fmt::format("the scenario {} is for {}, the recording of {}", chosen.id,
                                             chosen.device->name(), report.device));
    report.scenario = chosen.id;
    report.exact = chosen.id == script.scenario;
    // Another driver puts base addresses where it likes.
    if (!report.exact)
        std::erase_if(script.items, [](const Script::Item& item) {
            return item.event.kind == trace::EventKind::kConfigWrite;
        });
    // What a guest's driver never asked, the model of the device answers, as the guest had it.
    std::unique_ptr<harness::Rig> understudy;
    if (!report.exact) understudy = chosen.device->make_model(script.configuration, {});
    StandInRig rig(script, *chosen.device, report.exact, std::move(understudy));
    report.run = scenario::run_scenario(chosen, rig);
    StandIn& machine = rig.stand_in();
    // Of a guest's driver ours is not expected to do all.
    if (report.exact) machine.finish();
    report.accesses = machine.accesses();
    report.followed = machine.followed();
    report.polls = machine.polls();
    report.understudied = machine.understudied();
    report.departure_count = machine.departure_count();
    report.departures = machine.departures();
    return report;
}

std::string render(const DriverReport& report, bool verbose) {
    std::string out = fmt::format("{} against the recording of {}: {}\n", report.scenario, report.device,
                                  report.run.passed ? "passed" : "failed");
    if (!report.run.passed) out += fmt::format("  {}\n", report.run.failure.to_string());
    out += fmt::format("  {} of {} register accesses as recorded, {} polls more or fewer, {} departures\n",
                       report.followed, report.accesses, report.polls, report.departure_count);
    if (report.understudied != 0)
        out +=
            fmt::format("  {} reads that the recorded driver did not make then were answered by the model\n",
                        report.understudied);
    for (std::size_t i = 0; i < report.departures.size(); ++i) {
        if (i == kShown && !verbose) {
            out += fmt::format("  ... and {} more; --verbose shows them\n", report.departure_count - i);
            break;
        }
        const Departure& departure = report.departures[i];
        if (departure.kind == Departure::Kind::kLeftOut)
            out +=
                fmt::format("  line {}: {} accesses left out, the first: {}; the driver went on with: {}\n",
                            departure.line, departure.left_out, departure.recorded, departure.driver);
        else
            out += fmt::format("  line {}: {}{}: {}; recorded there: {}\n", departure.line, departure.driver,
                               departure.count == 1 ? "" : fmt::format(", {} times", departure.count),
                               to_string(departure.kind),
                               departure.recorded.empty() ? "the end" : departure.recorded);
    }
    if (verbose)
        for (const std::string& line : report.run.log) out += fmt::format("    {}\n", line);
    return out;
}

std::string to_json(const DriverReport& report) {
    json departures = json::array();
    for (const Departure& departure : report.departures)
        departures.push_back({{"kind", to_string(departure.kind)},
                              {"line", departure.line},
                              {"left_out", departure.left_out},
                              {"count", departure.count},
                              {"driver", departure.driver},
                              {"recorded", departure.recorded}});
    const json document = {
        {"device", report.device},       {"scenario", report.scenario},
        {"passed", report.run.passed},   {"failure", report.run.passed ? "" : report.run.failure.to_string()},
        {"accesses", report.accesses},   {"followed", report.followed},
        {"polls", report.polls},         {"departures", report.departure_count},
        {"first_departures", departures}};
    return document.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

}  // namespace tb::replay
