// SPDX-License-Identifier: BSD-3-Clause
#include "harness/fuzz/scenario.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace tb::fuzz {

using harness::Bytes;
using harness::KeySpec;
using harness::ValueType;
using nlohmann::json;

namespace {

/// As short as a pattern of a scenario can say it.
std::string pattern(const Bytes& bytes) {
    constexpr std::size_t kWorthARun = 4;
    std::string text;
    bool hex = false;
    for (std::size_t i = 0; i < bytes.size();) {
        std::size_t end = i;
        while (end < bytes.size() && bytes[end] == bytes[i]) ++end;
        const auto byte = static_cast<unsigned>(bytes[i]);
        if (end - i >= kWorthARun) {
            text += fmt::format("{}{:02x}*{}", text.empty() ? "" : " ", byte, end - i);
            hex = false;
        } else {
            if (!hex && !text.empty()) text += ' ';
            for (std::size_t k = i; k < end; ++k) text += fmt::format("{:02x}", byte);
            hex = true;
        }
        i = end;
    }
    return text.empty() ? "00*0" : text;
}

std::string duration(std::uint64_t ns) {
    if (ns % 1'000'000'000 == 0) return fmt::format("{}s", ns / 1'000'000'000);
    if (ns % 1'000'000 == 0) return fmt::format("{}ms", ns / 1'000'000);
    if (ns % 1'000 == 0) return fmt::format("{}us", ns / 1'000);
    return fmt::format("{}ns", ns);
}

/// JSON's own numbers end before ours do, for many a reader.
json integer(std::uint64_t value) {
    constexpr std::uint64_t kExact = std::uint64_t{1} << 53;
    if (value < kExact) return value;
    return fmt::format("{:#x}", value);
}

json value_of(const harness::Value& value, ValueType type) {
    struct Visitor {
        ValueType type;
        json operator()(std::uint64_t v) const {
            return type == ValueType::kDuration ? json(duration(v)) : integer(v);
        }
        json operator()(bool v) const { return v; }
        json operator()(const std::string& v) const { return v; }
        json operator()(const Bytes& v) const { return pattern(v); }
        json operator()(const std::vector<Bytes>& v) const {
            json list = json::array();
            for (const Bytes& bytes : v) list.push_back(pattern(bytes));
            return list;
        }
        json operator()(const std::vector<std::string>& v) const { return v; }
        json operator()(const std::vector<std::uint64_t>& v) const {
            json list = json::array();
            for (const std::uint64_t number : v) list.push_back(integer(number));
            return list;
        }
    };
    return std::visit(Visitor{type}, value);
}

json fault_of(const faults::Fault& fault) {
    json node{{"fault", faults::spec_of(fault.act).name}, {"on", faults::spec_of(fault.site).name}};
    if (!fault.of.empty()) node["of"] = fault.of;
    if (fault.nth != 1) node["nth"] = fault.nth;
    if (fault.times) node["times"] = *fault.times;
    if (fault.not_before_ns != 0) node["after"] = duration(fault.not_before_ns);
    switch (faults::spec_of(fault.act).parameter) {
        case faults::Parameter::kValue:
            node["value"] = integer(fault.value);
            break;
        case faults::Parameter::kMask:
            node["mask"] = integer(fault.mask);
            break;
        case faults::Parameter::kBy:
            node["by"] = duration(fault.by_ns);
            break;
        case faults::Parameter::kNone:
            break;
    }
    return node;
}

void add_arguments(json& node, const harness::Arguments& arguments, std::span<const KeySpec> specs) {
    for (const auto& [name, value] : arguments.all()) {
        const auto spec =
            std::find_if(specs.begin(), specs.end(), [&](const KeySpec& s) { return name == s.name; });
        node[name] = value_of(value, spec == specs.end() ? ValueType::kInteger : spec->type);
    }
}

bool changes_medium(const Step& step) {
    const std::string_view name = step.kind == Step::Kind::kDo ? step.operation->name : "";
    return name == "blk.write" || name == "blk.discard" || name == "blk.write_zeroes";
}

constexpr std::uint64_t kTrialSectors = 8;

/// No lie can take from a driver that it works on a device that behaves.
void add_trial(json& steps, const Language& language) {
    steps.push_back({{"heal", "all"}});
    if (language.device().name() == "virtio-blk-pci")
        steps.push_back({{"host", "blk.fail"}, {"sector", 0}, {"sectors", 64}, {"error", ""}});
    if (language.driver().find_operation("net.send") != nullptr) {
        steps.push_back({{"host", "net.link"}, {"up", true}});
        steps.push_back({{"do", "start"}, {"link_timeout", "10s"}});
        steps.push_back({{"do", "net.send"}, {"data", "ff*6 5a*54"}});
        steps.push_back({{"host", "net.frame"}, {"data", "ff*6 a5*54"}});
        steps.push_back({{"do", "net.receive"}, {"within", "1s"}, {"expect", {{"data", "ff*6 a5*54"}}}});
    } else if (language.driver().find_operation("uart.write") != nullptr) {
        steps.push_back({{"host", "uart.modem"}, {"cts", true}, {"dsr", true}, {"dcd", true}});
        steps.push_back({{"do", "start"}});
        steps.push_back({{"do", "uart.write"}, {"data", "'on'"}});
        steps.push_back({{"do", "uart.drain"}});
    } else {
        steps.push_back({{"do", "start"}});
        steps.push_back({{"do", "blk.read"},
                         {"sector", 0},
                         {"count", kTrialSectors},
                         {"expect", {{"bytes", 512 * kTrialSectors}}}});
    }
    steps.push_back({{"do", "stop"}});
}

}  // namespace

json to_json(const Step& step) {
    json node;
    switch (step.kind) {
        case Step::Kind::kFault:
            return fault_of(step.fault);
        case Step::Kind::kHeal:
            return {{"heal", "all"}};
        case Step::Kind::kWait:
            return {{"wait", duration(step.wait_ns)}};
        case Step::Kind::kHost:
            node["host"] = step.input;
            add_arguments(node, step.arguments, {});
            return node;
        case Step::Kind::kDo:
            node["do"] = step.operation->name;
            add_arguments(node, step.arguments, step.operation->arguments);
            if (step.async) node["async"] = true;
            return node;
    }
    return node;
}

json to_scenario(std::span<const Record> program, const Language& language, const std::string& finding) {
    const bool believed = finding.find("believed") != std::string::npos ||
                          finding.find("no status was ever written") != std::string::npos;
    json steps = json::array();
    std::vector<std::string> flights;
    std::size_t last_operation = 0;
    bool pristine = true;
    for (const Step& step : language.steps(program)) {
        json node = to_json(step);
        pristine = pristine && !changes_medium(step);
        if (step.kind == Step::Kind::kDo && step.async) {
            flights.push_back(fmt::format("r{}", steps.size()));
            node["as"] = flights.back();
        } else if (step.kind == Step::Kind::kDo) {
            node["expect"] = {{"error", "any"}};
            if (pristine && std::string_view(step.operation->name) == "blk.read")
                node["expect"]["data"] = fmt::format("lba:{}:{}", step.arguments.integer("sector"),
                                                     step.arguments.integer("count"));
            if (std::string_view(step.operation->name).find('.') != std::string_view::npos)
                last_operation = steps.size();
        }
        steps.push_back(std::move(node));
    }
    for (const std::string& flight : flights)
        steps.push_back({{"expect", flight}, {"error", "any"}, {"within", "20s"}});
    if (believed && last_operation != 0) steps[last_operation]["expect"] = {{"error", "some"}};
    steps.push_back({{"do", "stop"}, {"expect", {{"error", "any"}}}});
    add_trial(steps, language);

    json device = json::parse(language.dialect().configuration);
    device["type"] = language.device().name();
    json scenario{{"about", fmt::format("Found by fuzzing: {}", finding)},
                  {"device", std::move(device)},
                  {"driver", language.driver().name()},
                  {"qemu", {{"skip", "what the device says is the model's, to the access"}}},
                  {"steps", std::move(steps)}};
    // A driver that acts on lies may break the rules of the device that told none.
    if (!finding.starts_with("driver ")) scenario["findings"] = "any";
    return scenario;
}

namespace {

/// Objects and lists on one line; what tells the kind of a step is first.
std::string line_of(const json& node) {
    if (node.is_array()) {
        std::string text;
        for (const json& part : node) text += (text.empty() ? "" : ", ") + line_of(part);
        return fmt::format("[{}]", text);
    }
    if (!node.is_object()) return node.dump();
    std::string text;
    const auto add = [&](const std::string& key, const json& value) {
        text += fmt::format("{}{}: {}", text.empty() ? "" : ", ", json(key).dump(), line_of(value));
    };
    constexpr const char* kFirst[] = {"do", "host", "fault", "on", "of", "type"};
    constexpr const char* kLast[] = {"async", "as", "expect"};
    const auto among = [](const auto& names, const std::string& key) {
        return std::find(std::begin(names), std::end(names), key) != std::end(names);
    };
    for (const char* key : kFirst)
        if (node.contains(key)) add(key, node[key]);
    for (const auto& [key, value] : node.items())
        if (!among(kFirst, key) && !among(kLast, key)) add(key, value);
    for (const char* key : kLast)
        if (node.contains(key)) add(key, node[key]);
    return fmt::format("{{ {} }}", text);
}

}  // namespace

std::string scenario_text(const json& scenario) {
    std::string text = "{\n";
    for (const char* key : {"about", "device", "driver", "qemu", "findings"})
        if (scenario.contains(key)) text += fmt::format("  \"{}\": {},\n", key, line_of(scenario[key]));
    std::string steps;
    for (const json& step : scenario["steps"])
        steps += fmt::format("{}    {}", steps.empty() ? "" : ",\n", line_of(step));
    return text + fmt::format("  \"steps\": [\n{}\n  ]\n}}\n", steps);
}

namespace {

/// How many keys agree.
std::size_t likeness(const json& one, const json& other) {
    std::size_t equal = 0;
    for (const auto& [key, value] : one.items())
        if (const auto found = other.find(key); found != other.end())
            equal += *found == value ? 3 : 1;
        else if (key == "nth" || key == "times" || key == "after")
            equal -= equal > 0 ? 1 : 0;
    return equal;
}

std::optional<Step::Kind> kind_of(const json& step) {
    if (step.contains("fault")) return Step::Kind::kFault;
    if (step.contains("heal")) return Step::Kind::kHeal;
    if (step.contains("do")) return Step::Kind::kDo;
    if (step.contains("host")) return Step::Kind::kHost;
    if (step.contains("wait")) return Step::Kind::kWait;
    return std::nullopt;
}

/// Zero for an expression: programs have no names.
std::uint64_t number_in(const json& value) {
    if (value.is_number_integer()) return value.get<std::uint64_t>();
    const std::string text = value.is_string() ? value.get<std::string>() : "";
    const bool plain = !text.empty() && text.front() >= '0' && text.front() <= '9';
    return plain ? std::stoull(text, nullptr, 0) : 0;
}

/// The value of a field with which the record's step is most like the wanted one.
template <class Field>
void settle(Record& record, Field Record::* field, std::size_t values, const json& wanted,
            const Language& language) {
    Record best = record;
    std::size_t most = likeness(wanted, to_json(language.step(record)));
    for (std::size_t value = 0; value < values; ++value) {
        Record candidate = record;
        candidate.*field = static_cast<Field>(value);
        const std::size_t like = likeness(wanted, to_json(language.step(candidate)));
        if (like <= most) continue;
        most = like;
        best = candidate;
    }
    record = best;
}

}  // namespace

std::optional<Record> to_record(const json& step, const Language& language) {
    const auto kind = kind_of(step);
    if (!kind) return std::nullopt;
    Record record;
    record.kind = Language::kind_byte(*kind);
    constexpr std::size_t kByte = 256;
    constexpr std::size_t kMostPlaces = 2048;
    if (*kind == Step::Kind::kHeal) return record;
    settle(record, &Record::what, language.whats(record), step, language);
    const json found = to_json(language.step(record));
    for (const char* key : {"fault", "do", "host"})
        if (step.contains(key) && found[key] != step[key]) return std::nullopt;
    const bool is_fault = *kind == Step::Kind::kFault;
    if (is_fault && found["on"] != step["on"]) return std::nullopt;
    for (const char* key : {"value", "mask"})
        if (const auto number = step.find(key); number != step.end()) set_number(record, number_in(*number));
    settle(record, &Record::place, std::min(language.places(record), kMostPlaces), step, language);
    for (const auto field : {&Record::nth, &Record::times, &Record::when, &Record::form})
        settle(record, field, kByte, step, language);
    if (!step.contains("value") && !step.contains("mask"))
        settle(record, &Record::value, kByte, step, language);
    if (const auto of = step.find("of");
        is_fault && of != step.end() && to_json(language.step(record))["of"] != *of)
        return std::nullopt;
    return record;
}

std::vector<Record> to_program(const json& steps, const Language& language) {
    std::vector<Record> program(1);
    for (const json& step : steps) {
        if (program.size() == kMostRecords) break;
        if (const auto record = to_record(step, language)) program.push_back(*record);
    }
    return program;
}

}  // namespace tb::fuzz
