// SPDX-License-Identifier: BSD-3-Clause
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>

#include "harness/rules/rule.hpp"
#include "harness/scenario/scenario.hpp"
#include "harness/scenario/values.hpp"

namespace tb::scenario {

namespace {

using nlohmann::json;
namespace fs = std::filesystem;

constexpr std::size_t kLargestFamily = 4096;

const std::vector<std::string> kTopKeys = {"$schema",     "about",    "device", "driver",
                                           "parameters",  "seed",     "qemu",   "kernel",
                                           "weak_memory", "findings", "breaks", "steps"};

/// One choice of values for a family's parameters.
using Choice = std::vector<std::pair<std::string, json>>;

std::string plain(const json& value) {
    return value.is_string() ? value.get<std::string>() : value.dump();
}

/// Replaces ${name} in every string, in place. A string that is nothing but one parameter takes its type too.
void substitute(json& node, const Choice& choice) {
    if (node.is_structured()) {
        for (auto& child : node) substitute(child, choice);
        return;
    }
    if (!node.is_string()) return;
    std::string text = node.get<std::string>();
    if (text.find("${") == std::string::npos) return;
    for (const auto& [name, value] : choice) {
        const std::string mark = "${" + name + "}";
        if (text == mark) {
            node = value;
            return;
        }
        for (auto at = text.find(mark); at != std::string::npos; at = text.find(mark, at))
            text.replace(at, mark.size(), plain(value));
    }
    node = text;
}

class Loader {
  public:
    Loader(std::shared_ptr<const Document> document, std::string id, std::vector<Problem>& problems)
        : document_(std::move(document)), root_(document_->root()), id_(std::move(id)), problems_(problems) {}

    std::vector<Scenario> run() {
        if (!root_.is_object()) {
            problem("", "a scenario is a JSON object with \"about\", \"device\" and \"steps\"");
            return {};
        }
        for (const auto& [key, value] : root_.items())
            if (std::find(kTopKeys.begin(), kTopKeys.end(), key) == kTopKeys.end())
                problem("/" + key, fmt::format("unknown key '{}'{}", key, suggestion(key, kTopKeys)));
        Scenario scenario = common();
        if (problems_.size() != before_) return {};
        std::vector<Scenario> family;
        for (const Choice& choice : choices()) {
            Scenario member = scenario;
            read_subject(choice, member);
            if (problems_.size() != before_) return {};
            for (const auto& [name, value] : choice) {
                member.id += (member.id.back() == ']' ? "" : (&name == &choice.front().first ? "[" : ",")) +
                             name + "=" + plain(value);
                if (value.is_number_integer()) member.parameters[name] = value.get<std::uint64_t>();
            }
            if (!choice.empty()) member.id += "]";
            substitute(member.steps, choice);
            check_configuration(member);
            check_scenario(member, problems_);
            // One member's problems are the others' too: report them once.
            if (problems_.size() != before_) return {};
            family.push_back(std::move(member));
        }
        return family;
    }

  private:
    void problem(const std::string& pointer, std::string message) {
        problems_.push_back(document_->problem(pointer, std::move(message)));
    }

    /// A member of the document that must be there and of a type.
    const json* member(const char* key, json::value_t type, const char* what, bool required) {
        const auto found = root_.find(key);
        if (found == root_.end()) {
            if (required) problem("", fmt::format("\"{}\" is missing: it is {}", key, what));
            return nullptr;
        }
        if (found->type() != type) {
            problem(fmt::format("/{}", key), fmt::format("must be {}", what));
            return nullptr;
        }
        return &*found;
    }

    static bool arms_faults(const json& steps) {
        return std::any_of(steps.begin(), steps.end(), [](const json& step) {
            if (!step.is_object()) return false;
            const auto nested = step.find("steps");
            return step.contains("fault") || step.contains("heal") ||
                   (nested != step.end() && nested->is_array() && arms_faults(*nested));
        });
    }

    Scenario common() {
        Scenario scenario;
        scenario.id = id_;
        scenario.document = document_;
        if (const json* about =
                member("about", json::value_t::string, "a sentence that says what the scenario shows", true))
            scenario.about = about->get<std::string>();
        member("device", json::value_t::object, "an object with the device's \"type\" and its configuration",
               true);
        member("driver", json::value_t::string, "the name of a driver", false);
        if (const json* steps = member("steps", json::value_t::array, "a list of steps", true)) {
            scenario.steps = *steps;
            scenario.has_faults = arms_faults(*steps);
            if (steps->empty()) problem("/steps", "is empty: a scenario that does nothing shows nothing");
        }
        scenario.qemu_skip = read_skip("qemu", "{\"skip\": \"why QEMU cannot run it\"}", nullptr);
        scenario.weak_memory_skip =
            read_skip("weak_memory", "{\"skip\": \"why it cannot run on weak memory\"}", nullptr);
        scenario.kernel_skip = read_skip(
            "kernel",
            "{\"skip\": \"why a kernel in QEMU cannot run it\"}, and may have \"on\": a list of boards",
            &scenario.kernel_skip_on);
        if (root_.value("findings", json()) == "any")
            scenario.any_findings = true;
        else if (const json* findings =
                     member("findings", json::value_t::array,
                            "a list of texts that the models must object with, or \"any\"", false))
            for (std::size_t i = 0; i < findings->size(); ++i) {
                if ((*findings)[i].is_string())
                    scenario.findings.push_back((*findings)[i].get<std::string>());
                else
                    problem(fmt::format("/findings/{}", i), "must be a text");
            }
        if (const json* breaks = member("breaks", json::value_t::array, "a list of rules", false))
            for (std::size_t i = 0; i < breaks->size(); ++i)
                read_rule((*breaks)[i], fmt::format("/breaks/{}", i), scenario);
        if (root_.contains("seed")) {
            if (root_["seed"].is_number_unsigned())
                scenario.seed = root_["seed"].get<std::uint64_t>();
            else
                problem("/seed", "must be a number from 0 on");
        }
        return scenario;
    }

    void read_rule(const json& name, const std::string& pointer, Scenario& scenario) {
        if (name.is_string() && rules::find_rule(name.get<std::string>()) != nullptr)
            return scenario.breaks.push_back(name.get<std::string>());
        std::vector<std::string> known;
        for (const rules::Rule& rule : rules::all_rules()) known.emplace_back(rule.id);
        problem(pointer, fmt::format("{} is no rule{}", name.dump(),
                                     suggestion(name.is_string() ? name.get<std::string>() : "", known)));
    }

    /// The device and the driver, which may depend on a family's parameters too.
    void read_subject(const Choice& choice, Scenario& scenario) {
        json device = root_["device"];
        substitute(device, choice);
        read_device(device, scenario);
        if (!root_.contains("driver")) return;
        json driver = root_["driver"];
        substitute(driver, choice);
        read_driver(driver.get<std::string>(), scenario);
    }

    std::string read_skip(const char* key, const std::string& shape, std::vector<std::string>* boards) {
        const json* machine = member(key, json::value_t::object, ("an object: " + shape).c_str(), false);
        if (machine == nullptr) return {};
        const auto skip = machine->find("skip");
        const auto on = machine->find("on");
        const bool has_boards = boards != nullptr && on != machine->end();
        if (machine->size() != (has_boards ? 2 : 1) || skip == machine->end() || !skip->is_string() ||
            skip->get<std::string>().empty()) {
            problem(std::string("/") + key, "must be " + shape);
            return {};
        }
        if (has_boards) read_boards(*on, std::string("/") + key + "/on", *boards);
        return skip->get<std::string>();
    }

    void read_boards(const json& list, const std::string& pointer, std::vector<std::string>& boards) {
        const auto known = [](const json& name) {
            return name.is_string() &&
                   std::any_of(harness::kBoards.begin(), harness::kBoards.end(),
                               [&](const char* board) { return name.get<std::string>() == board; });
        };
        if (list.is_array() && !list.empty() && std::all_of(list.begin(), list.end(), known))
            boards = list.get<std::vector<std::string>>();
        else
            problem(pointer, fmt::format("must be a list of boards: {}", fmt::join(harness::kBoards, ", ")));
    }

    void read_device(const json& device, Scenario& scenario) {
        const auto type = device.find("type");
        std::vector<std::string> names;
        for (const harness::DeviceType* known : harness::device_types()) names.emplace_back(known->name());
        if (type == device.end() || !type->is_string()) {
            problem("/device", "\"type\" is missing" + suggestion("", names));
            return;
        }
        scenario.device = harness::find_device_type(type->get<std::string>());
        if (scenario.device == nullptr) {
            problem("/device/type", fmt::format("unknown device '{}'{}", type->get<std::string>(),
                                                suggestion(type->get<std::string>(), names)));
            return;
        }
        scenario.configuration = device;
        scenario.configuration.erase("type");
    }

    void read_driver(const std::string& name, Scenario& scenario) {
        scenario.driver = harness::find_driver_type(name);
        if (scenario.driver == nullptr) {
            std::vector<std::string> names;
            for (const harness::DriverType* known : harness::driver_types())
                names.emplace_back(known->name());
            problem("/driver", fmt::format("unknown driver '{}'{}", name, suggestion(name, names)));
            return;
        }
        if (scenario.device == nullptr) return;
        const auto devices = scenario.driver->devices();
        if (std::find(devices.begin(), devices.end(), scenario.device->name()) == devices.end())
            problem("/driver",
                    fmt::format("the driver '{}' does not drive {}", name, scenario.device->name()));
    }

    std::vector<Choice> choices() {
        std::vector<Choice> all(1);
        const json* parameters =
            member("parameters", json::value_t::object, "an object of lists, one a parameter", false);
        if (parameters == nullptr) return all;
        for (const auto& [name, values] : parameters->items()) {
            if (!values.is_array() || values.empty()) {
                problem("/parameters/" + name, "must be a list of one value or more");
                return {};
            }
            std::vector<Choice> longer;
            for (const Choice& choice : all)
                for (const json& value : values) {
                    if (value.is_structured() || value.is_null()) {
                        problem("/parameters/" + name, "values are numbers, texts, true or false");
                        return {};
                    }
                    longer.push_back(choice);
                    longer.back().emplace_back(name, value);
                }
            all = std::move(longer);
            if (all.size() > kLargestFamily) {
                problem("/parameters",
                        fmt::format("give more than {} scenarios; split the file", kLargestFamily));
                return {};
            }
        }
        return all;
    }

    /// Numbers that are written as expressions become numbers, so that devices need to know one form only.
    void check_configuration(Scenario& scenario) {
        const ValueChecker checker{*document_, problems_, {}};
        std::vector<std::string> names;
        for (const harness::KeySpec& key : scenario.device->configuration()) {
            names.emplace_back(key.name);
            if (key.required && !scenario.configuration.contains(key.name))
                problem("/device", fmt::format("\"{}\" is missing: {}", key.name, key.about));
        }
        for (auto& [name, value] : scenario.configuration.items()) {
            const auto specs = scenario.device->configuration();
            const auto spec = std::find_if(specs.begin(), specs.end(),
                                           [&](const harness::KeySpec& k) { return k.name == name; });
            if (spec == specs.end())
                problem("/device/" + name, fmt::format("{} has no setting '{}'{}", scenario.device->name(),
                                                       name, suggestion(name, names)));
            else if (checker.check(value, spec->type, "/device/" + name) &&
                     spec->type == harness::ValueType::kInteger)
                value = to_integer(value, nullptr);
        }
        if (problems_.size() != before_) return;
        if (const std::string objection = scenario.device->check(scenario.configuration); !objection.empty())
            problem("/device", objection);
    }

    std::shared_ptr<const Document> document_;
    const json& root_;
    std::string id_;
    std::vector<Problem>& problems_;
    std::size_t before_ = problems_.size();
};

void load_file(const fs::path& path, const std::string& id, std::vector<Scenario>& out,
               std::vector<Problem>& problems) {
    const std::size_t before = problems.size();
    auto document = std::make_shared<const Document>(Document::load(path.string(), problems));
    if (problems.size() != before) return;
    std::vector<Scenario> family = load_document(std::move(document), id, problems);
    std::move(family.begin(), family.end(), std::back_inserter(out));
}

std::string id_of(const fs::path& file, const fs::path& root) {
    fs::path relative = file.lexically_relative(root);
    relative.replace_extension();
    return relative.generic_string();
}

}  // namespace

std::string Scenario::why_not_in_kernel(const std::string& board) const {
    if (kernel_skip.empty() && has_faults)
        return "its faults strike between driver and machine, in this process; the kernel's drivers are not "
               "in it";
    const bool named = kernel_skip_on.empty() ||
                       std::find(kernel_skip_on.begin(), kernel_skip_on.end(), board) != kernel_skip_on.end();
    return named && !kernel_skip.empty() ? kernel_skip : std::string(device->why_not_on(board));
}

std::string Scenario::directory() const {
    const fs::path parent = fs::path(document->path()).parent_path();
    return parent.empty() ? "." : parent.string();
}

std::vector<Scenario> load_document(std::shared_ptr<const Document> document, const std::string& id,
                                    std::vector<Problem>& problems) {
    return Loader(std::move(document), id, problems).run();
}

std::vector<Scenario> load_scenarios(const std::vector<std::string>& paths, std::vector<Problem>& problems) {
    std::vector<Scenario> scenarios;
    for (const std::string& argument : paths) {
        const fs::path path = fs::path(argument).lexically_normal();
        std::error_code error;
        if (!fs::exists(path, error)) {
            problems.push_back({argument, 0, "", "there is no such file or folder"});
        } else if (fs::is_directory(path, error)) {
            std::vector<fs::path> files;
            for (const auto& entry : fs::recursive_directory_iterator(path))
                if (entry.is_regular_file() && entry.path().extension() == ".json" &&
                    !entry.path().filename().string().ends_with(".schema.json"))
                    files.push_back(entry.path());
            std::sort(files.begin(), files.end());
            for (const fs::path& file : files) load_file(file, id_of(file, path), scenarios, problems);
            if (files.empty()) problems.push_back({argument, 0, "", "holds no scenario (no *.json file)"});
        } else {
            load_file(path, id_of(path, path.parent_path().parent_path()), scenarios, problems);
        }
    }
    return scenarios;
}

}  // namespace tb::scenario
