// SPDX-License-Identifier: BSD-3-Clause
#include "harness/scenario/schema.hpp"

#include <nlohmann/json.hpp>
#include <set>

#include "harness/devices/device_type.hpp"
#include "harness/faults/fault.hpp"
#include "harness/operations/operation.hpp"
#include "harness/rules/rule.hpp"
#include "harness/scenario/steps.hpp"
#include "harness/scenario/values.hpp"

namespace tb::scenario {

namespace {

using nlohmann::ordered_json;

ordered_json reference(const char* definition) {
    return {{"$ref", std::string("#/definitions/") + definition}};
}

ordered_json of_type(harness::ValueType type) {
    switch (type) {
        case harness::ValueType::kInteger:
            return reference("integer");
        case harness::ValueType::kBoolean:
            return reference("boolean");
        case harness::ValueType::kText:
            return {{"type", "string"}};
        case harness::ValueType::kDuration:
            return reference("duration");
        case harness::ValueType::kData:
            return reference("data");
        case harness::ValueType::kDataList:
            return {{"type", "array"}, {"items", reference("data")}};
        case harness::ValueType::kTextList:
            return {{"type", "array"}, {"items", {{"type", "string"}}}};
        case harness::ValueType::kIntegerList:
            return {{"type", "array"}, {"items", reference("integer")}};
    }
    return {};
}

template <class Specs>
ordered_json names_in(const Specs& specs) {
    ordered_json names = ordered_json::array();
    for (const auto& spec : specs) names.push_back(spec.name);
    return names;
}

ordered_json of_type(StepValue type) {
    switch (type) {
        case StepValue::kInteger:
            return reference("integer");
        case StepValue::kBoolean:
            return reference("boolean");
        case StepValue::kDuration:
            return reference("duration");
        case StepValue::kData:
            return reference("data");
        case StepValue::kSteps:
            return {{"type", "array"}, {"items", reference("step")}, {"minItems", 1}};
        case StepValue::kRegisterValue:
            return {{"anyOf",
                     {reference("integer"),
                      {{"type", "object"}, {"additionalProperties", reference("integer")}}}}};
        case StepValue::kLayoutValue:
            return {{"type", "object"}, {"additionalProperties", reference("integer")}};
        case StepValue::kResults:
            return {{"type", "object"}};
        case StepValue::kTrue:
            return {{"const", true}};
        case StepValue::kAct:
            return {{"enum", names_in(faults::act_specs())}};
        case StepValue::kSite:
            return {{"enum", names_in(faults::site_specs())}};
        case StepValue::kOrder:
            return {{"enum", {"relaxed", "acquire", "release"}}};
        case StepValue::kDirection:
            return {{"enum", {"to-device", "from-device"}}};
        default:
            return {{"type", "string"}};
    }
}

ordered_json names_of_rules() {
    ordered_json names = ordered_json::array();
    for (const rules::Rule& rule : rules::all_rules()) names.push_back(rule.id);
    return names;
}

template <class Key>
ordered_json described(const Key& key) {
    ordered_json schema = of_type(key.type);
    schema["description"] = key.about;
    return schema;
}

ordered_json names_of_operations() {
    std::set<std::string> names;
    for (const harness::DriverType* driver : harness::driver_types())
        for (const harness::OperationSpec& operation : driver->operations()) names.insert(operation.name);
    return names;
}

ordered_json step(const StepSpec& spec) {
    ordered_json schema{{"type", "object"}, {"description", spec.about}};
    ordered_json& properties = schema["properties"] = ordered_json::object();
    ordered_json required = ordered_json::array();
    for (const StepKey& key : spec.keys) {
        properties[key.name] = described(key);
        if (key.required) required.push_back(key.name);
    }
    properties["about"] = {{"type", "string"}, {"description", "why the step is there"}};
    if (spec.kind == StepKind::kDo) properties["do"]["enum"] = names_of_operations();
    if (spec.kind == StepKind::kHost) {
        ordered_json names = ordered_json::array();
        for (const HostOperation& operation : host_operations()) names.push_back(operation.name);
        properties["host"]["enum"] = names;
    }
    schema["required"] = required;
    if (!spec.open) schema["additionalProperties"] = false;
    return schema;
}

ordered_json device() {
    ordered_json schema{{"type", "object"}, {"description", "the device under test and its configuration"}};
    ordered_json names = ordered_json::array();
    ordered_json properties = ordered_json::object();
    for (const harness::DeviceType* type : harness::device_types()) {
        names.push_back(type->name());
        for (const harness::KeySpec& key : type->configuration()) properties[key.name] = described(key);
    }
    // A family's parameter may stand for the type.
    properties["type"] = {{"type", "string"}, {"examples", names}};
    schema["properties"] = properties;
    schema["required"] = {"type"};
    schema["additionalProperties"] = false;
    return schema;
}

ordered_json definitions() {
    ordered_json all;
    all["integer"] = {{"anyOf", {{{"type", "integer"}}, {{"type", "string"}}}},
                      {"description", describe(harness::ValueType::kInteger)}};
    all["boolean"] = {{"anyOf", {{{"type", "boolean"}}, {{"type", "string"}, {"pattern", "^\\$\\{.*\\}$"}}}}};
    all["duration"] = {{"type", "string"},
                       {"pattern", "^([0-9]+(\\.[0-9]+)?(ns|us|ms|s)|.*\\$\\{.*\\}.*)$"},
                       {"description", describe(harness::ValueType::kDuration)}};
    all["data"] = {{"type", "string"}, {"description", describe(harness::ValueType::kData)}};
    ordered_json kinds = ordered_json::array();
    for (const StepSpec& spec : step_specs()) kinds.push_back(step(spec));
    all["step"] = {{"anyOf", kinds}};
    return all;
}

ordered_json skip_schema(const char* about) {
    return {{"type", "object"},
            {"properties", {{"skip", {{"type", "string"}, {"minLength", 1}, {"description", about}}}}},
            {"required", {"skip"}},
            {"additionalProperties", false}};
}

ordered_json kernel_schema() {
    ordered_json schema = skip_schema("why a kernel in QEMU cannot run it");
    schema["properties"]["on"] = {{"type", "array"},
                                  {"minItems", 1},
                                  {"items", {{"enum", harness::kBoards}}},
                                  {"description", "the boards of which that is true (default: all)"}};
    return schema;
}

}  // namespace

std::string schema_text() {
    ordered_json drivers = ordered_json::array();
    for (const harness::DriverType* driver : harness::driver_types()) drivers.push_back(driver->name());
    ordered_json schema{{"$schema", "http://json-schema.org/draft-07/schema#"},
                        {"title", "Twinbench scenario"},
                        {"type", "object"}};
    schema["properties"] = {
        {"$schema", {{"type", "string"}}},
        {"about", {{"type", "string"}, {"description", "a sentence that says what the scenario shows"}}},
        {"device", device()},
        {"driver", {{"type", "string"}, {"examples", drivers}, {"description", "absent at register level"}}},
        {"parameters",
         {{"type", "object"},
          {"description",
           "lists of values; the file is one scenario for each combination, and ${name} stands for a value"},
          {"additionalProperties",
           {{"type", "array"}, {"minItems", 1}, {"items", {{"type", {"integer", "string", "boolean"}}}}}}}},
        {"seed", {{"type", "integer"}, {"minimum", 0}}},
        {"qemu", skip_schema("why QEMU cannot run it")},
        {"kernel", kernel_schema()},
        {"weak_memory", skip_schema("why `run --weak-memory` cannot run it")},
        {"findings",
         {{"anyOf",
           {ordered_json{{"type", "array"}, {"items", {{"type", "string"}}}},
            ordered_json{{"const", "any"}}}},
          {"description",
           "what the models must object to; any other objection fails the scenario, unless it is \"any\""}}},
        {"breaks",
         {{"type", "array"},
          {"items", {{"enum", names_of_rules()}}},
          {"minItems", 1},
          {"description",
           "rules that the steps break, each of them and no other (`twinbench list rules`); then the "
           "scenario "
           "itself is judged as a driver is"}}},
        {"steps", {{"type", "array"}, {"items", reference("step")}, {"minItems", 1}}},
    };
    schema["required"] = {"about", "device", "steps"};
    schema["additionalProperties"] = false;
    schema["definitions"] = definitions();
    return schema.dump(2) + "\n";
}

}  // namespace tb::scenario
