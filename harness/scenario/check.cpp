// SPDX-License-Identifier: BSD-3-Clause
#include <fmt/format.h>

#include <algorithm>

#include "harness/scenario/checker.hpp"

namespace tb::scenario {

using harness::KeySpec;
using harness::ValueType;

void Checker::steps(const json& list, const std::string& pointer) {
    for (std::size_t i = 0; i < list.size(); ++i) step(list[i], fmt::format("{}/{}", pointer, i));
}

void Checker::step(const json& node, const std::string& pointer) {
    if (!node.is_object()) return problem(pointer, "a step is an object");
    const StepSpec* spec = kind_of(node, pointer);
    if (spec == nullptr) return;
    op_ = nullptr;
    register_ = {};
    register_known_ = false;
    layout_ = nullptr;
    act_ = nullptr;
    site_ = nullptr;
    // The key that tells the kind comes first: the others are checked in its light.
    for (const StepKey& key : spec->keys) {
        const auto found = node.find(key.name);
        if (found != node.end())
            value(node, *found, key, *spec, pointer);
        else if (key.required)
            problem(pointer, fmt::format("\"{}\" is missing: {}", key.name, key.about));
    }
    for (const auto& [name, content] : node.items()) {
        if (name == "about" || (is_key(*spec, name))) continue;
        if (spec->open && open_key(*spec, node, name, content, pointer + "/" + name)) continue;
        if (spec->open && (spec->kind == StepKind::kDo && op_ == nullptr)) continue;  // said already
        std::vector<std::string> known = names_of(spec->keys);
        if (op_ != nullptr)
            for (const KeySpec& argument : op_->arguments) known.emplace_back(argument.name);
        problem(pointer + "/" + name,
                fmt::format("\"{}\" is no key of a \"{}\" step{}", name, spec->key, suggestion(name, known)));
    }
    finish(*spec, node, pointer);
}

bool Checker::is_key(const StepSpec& spec, const std::string& name) {
    return std::any_of(spec.keys.begin(), spec.keys.end(),
                       [&](const StepKey& key) { return key.name == name; });
}

const StepSpec* Checker::kind_of(const json& node, const std::string& pointer) {
    std::vector<std::string> kinds;
    const StepSpec* found = nullptr;
    for (const StepSpec& spec : step_specs()) {
        kinds.emplace_back(spec.key);
        if (!node.contains(spec.key)) continue;
        // "expect" is also a key of other kinds; it makes a step only when nothing else does.
        if (found == nullptr || found->kind == StepKind::kExpect) found = &spec;
    }
    if (found != nullptr) return found;
    std::string first = node.empty() ? "" : node.items().begin().key();
    for (const auto& [name, content] : node.items())
        if (!closest(name, kinds).empty()) first = name;
    problem(pointer, "says not what to do" + suggestion(first, kinds));
    return nullptr;
}

void Checker::value(const json& node, const json& content, const StepKey& key, const StepSpec& spec,
                    const std::string& step_pointer) {
    const std::string pointer = step_pointer + "/" + key.name;
    switch (key.type) {
        case StepValue::kInteger:
            integer(content, key, spec, pointer);
            break;
        case StepValue::kBoolean:
            values_.check(content, ValueType::kBoolean, pointer);
            break;
        case StepValue::kText:
            text(content, key, pointer);
            break;
        case StepValue::kDuration:
            values_.check(content, ValueType::kDuration, pointer);
            break;
        case StepValue::kData:
            values_.check(content, ValueType::kData, pointer);
            break;
        case StepValue::kTrue:
            if (!content.is_boolean() || !content.get<bool>()) problem(pointer, "must be true");
            break;
        case StepValue::kSteps:
            nested(node, content, pointer);
            break;
        case StepValue::kRegister:
            reg(content, pointer);
            break;
        case StepValue::kRegisterValue:
            register_value(node, content, pointer);
            break;
        case StepValue::kLayout:
            layout(content, pointer);
            break;
        case StepValue::kLayoutValue:
            layout_value(content, pointer);
            break;
        case StepValue::kBufferName:
            known_name(content, buffers_, "a buffer that a \"buffer\" step before this one declares",
                       pointer);
            break;
        case StepValue::kOperation:
            operation(content, pointer);
            break;
        case StepValue::kHostOperation:
            host_operation(node, content, step_pointer);
            break;
        case StepValue::kResults:
            results(content, pointer);
            break;
        case StepValue::kAsyncName:
            async_name(content, pointer);
            break;
        case StepValue::kInterruptSource:
            source(content, spec, pointer);
            break;
        case StepValue::kInterruptName:
            known_name(content, interrupts_, "an interrupt that an \"attach\" step before this one names",
                       pointer);
            break;
        case StepValue::kNewName:
            new_name(content, pointer);
            break;
        case StepValue::kAct:
            act(content, pointer);
            break;
        case StepValue::kSite:
            site(content, pointer);
            break;
        case StepValue::kPart:
            part(content, pointer);
            break;
        case StepValue::kFaultName:
            fault_name(content, pointer);
            break;
        case StepValue::kOrder:
            one_of(content,
                   spec.kind == StepKind::kStore ? std::initializer_list<const char*>{"relaxed", "release"}
                                                 : std::initializer_list<const char*>{"relaxed", "acquire"},
                   pointer);
            break;
        case StepValue::kDirection:
            one_of(content, {"to-device", "from-device"}, pointer);
            break;
    }
}

void Checker::integer(const json& content, const StepKey& key, const StepSpec& spec,
                      const std::string& pointer) {
    std::optional<std::uint64_t> constant;
    if (!values_.check_integer(content, pointer, &constant) || !constant) return;
    const std::string_view name = key.name;
    if (name == "width" && *constant != 1 && *constant != 2 && *constant != 4 && *constant != 8)
        problem(pointer, fmt::format("{} bytes is no width of an access: 1, 2, 4 or 8", *constant));
    if (name == "align" && (*constant == 0 || (*constant & (*constant - 1)) != 0))
        problem(pointer, fmt::format("{} is not a power of two", *constant));
    if (name == "size" && spec.kind == StepKind::kBuffer && (*constant == 0 || *constant > (32 << 20)))
        problem(pointer, fmt::format("{} bytes is no size for a buffer: 1 to 32 MiB", *constant));
    if (spec.kind == StepKind::kRepeat && name == "repeat" && *constant > 1'000'000)
        problem(pointer, "more than a million times is more than a scenario needs");
}

void Checker::one_of(const json& content, std::initializer_list<const char*> words,
                     const std::string& pointer) {
    if (!values_.check(content, ValueType::kText, pointer)) return;
    const std::vector<std::string> known(words.begin(), words.end());
    const auto word = content.get<std::string>();
    if (std::find(known.begin(), known.end(), word) == known.end())
        problem(pointer, fmt::format("'{}' is none of \"{}\"", word, fmt::join(known, "\", \"")));
}

void Checker::text(const json& content, const StepKey& key, const std::string& pointer) {
    if (!values_.check(content, ValueType::kText, pointer)) return;
    if (std::string_view(key.name) == "error") error_name(content.get<std::string>(), pointer);
}

void Checker::nested(const json& node, const json& content, const std::string& pointer) {
    if (!content.is_array() || content.empty()) return problem(pointer, "must be a list of steps");
    if (++depth_ > 8) return problem(pointer, "is nested more than 8 deep");
    static_cast<void>(node);
    steps(content, pointer);
    --depth_;
}

bool Checker::open_key(const StepSpec& spec, const json& node, const std::string& name, const json& content,
                       const std::string& pointer) {
    if (spec.kind == StepKind::kHost) return true;  // checked with the operation
    if (spec.kind == StepKind::kExpect) return result(awaited(node), name, content, pointer);
    if (op_ == nullptr) return false;
    for (const KeySpec& argument : op_->arguments)
        if (name == argument.name) {
            values_.check(content, argument.type, pointer);
            return true;
        }
    return false;
}

void Checker::finish(const StepSpec& spec, const json& node, const std::string& pointer) {
    const auto name = [&](const char* key) {
        return node.contains(key) && node[key].is_string() ? node[key].get<std::string>() : "";
    };
    switch (spec.kind) {
        case StepKind::kBuffer:
            buffers_.insert(name("buffer"));
            break;
        case StepKind::kAttach:
            interrupts_.insert(name("as"));
            values_.names.insert(name("as") + ".address");
            values_.names.insert(name("as") + ".data");
            break;
        case StepKind::kRead:
            if (register_known_ && register_.width == 0 && !node.contains("width"))
                problem(pointer, "a place needs a \"width\": 1, 2, 4 or 8");
            break;
        case StepKind::kDo:
            finish_do(node, name("as"), pointer);
            break;
        case StepKind::kFault:
            finish_fault(node, pointer);
            if (node.contains("as")) faults_.insert(name("as"));
            break;
        case StepKind::kStore:
            exactly_one(node, {"value", "data", "layout"}, "store", pointer);
            if (node.contains("order") && !node.contains("value"))
                problem(pointer + "/order", "is for a \"value\" of some \"width\"");
            break;
        case StepKind::kFree:
            buffers_.erase(name("free"));
            break;
        case StepKind::kLoad:
            exactly_one(node, {"width", "data", "layout"}, "load", pointer);
            if (node.contains("order") && !node.contains("width"))
                problem(pointer + "/order", "is for a number of some \"width\"");
            break;
        default:
            break;
    }
    if ((spec.kind == StepKind::kStore) && node.contains("value") && !node.contains("width"))
        problem(pointer, "\"value\" needs a \"width\": 1, 2, 4 or 8");
    if (node.contains("layout") && !node.contains("fields")) problem(pointer, "\"layout\" needs \"fields\"");
}

void Checker::exactly_one(const json& node, std::initializer_list<const char*> keys, const char* kind,
                          const std::string& pointer) {
    unsigned count = 0;
    std::string all;
    for (const char* key : keys) {
        count += node.contains(key) ? 1 : 0;
        all += fmt::format("{}\"{}\"", all.empty() ? "" : ", ", key);
    }
    if (count != 1) problem(pointer, fmt::format("a \"{}\" step needs one of {}", kind, all));
}

void Checker::finish_do(const json& node, const std::string& name, const std::string& pointer) {
    if (op_ == nullptr) return;
    for (const KeySpec& argument : op_->arguments)
        if (argument.required && !node.contains(argument.name))
            problem(pointer, fmt::format("{} needs \"{}\": {}", op_->name, argument.name, argument.about));
    const bool is_async = node.contains("async") && node["async"].is_boolean() && node["async"].get<bool>();
    if (is_async) {
        if (!op_->can_be_async)
            problem(pointer + "/async", fmt::format("{} cannot be asynchronous", op_->name));
        if (name.empty()) problem(pointer, "an asynchronous operation needs a name: \"as\"");
        if (node.contains("expect"))
            problem(pointer + "/expect", "belongs to the \"expect\" step that takes the end");
        async_[name] = op_;
    } else if (!name.empty()) {
        for (const KeySpec& key : op_->results) values_.names.insert(fmt::format("{}.{}", name, key.name));
    }
}

void check_scenario(const Scenario& scenario, std::vector<Problem>& problems) {
    Checker(scenario, problems).steps(scenario.steps, "/steps");
}

}  // namespace tb::scenario
