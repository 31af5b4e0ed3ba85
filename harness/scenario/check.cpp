// SPDX-License-Identifier: BSD-3-Clause
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <hal/result.hpp>

#include "harness/scenario/registers.hpp"
#include "harness/scenario/scenario.hpp"
#include "harness/scenario/steps.hpp"
#include "harness/scenario/values.hpp"

namespace tb::scenario {

namespace {

using harness::KeySpec;
using harness::OperationSpec;
using harness::ValueType;
using nlohmann::json;

template <class Range>
std::vector<std::string> names_of(const Range& range) {
    std::vector<std::string> names;
    for (const auto& element : range) names.emplace_back(element.name);
    return names;
}

const std::vector<std::string>& error_names() {
    static const std::vector<std::string> names = [] {
        std::vector<std::string> all;
        for (unsigned i = 0;; ++i) {
            const std::string name = hal::to_string(static_cast<hal::Error>(i));
            if (name == "unknown") return all;
            all.push_back(name);
        }
    }();
    return names;
}

/// Walks the steps in order, as the interpreter will, knowing which names exist at each point.
class Checker {
  public:
    Checker(const Scenario& scenario, std::vector<Problem>& problems)
        : scenario_(scenario), values_{*scenario.document, problems, {}} {
        for (const auto& [name, value] : scenario.parameters) values_.names.insert(name);
    }

    void steps(const json& list, const std::string& pointer) {
        for (std::size_t i = 0; i < list.size(); ++i) step(list[i], fmt::format("{}/{}", pointer, i));
    }

  private:
    void problem(const std::string& pointer, std::string message) {
        values_.problems.push_back(scenario_.document->problem(pointer, std::move(message)));
    }

    void step(const json& node, const std::string& pointer) {
        if (!node.is_object()) return problem(pointer, "a step is an object");
        const StepSpec* spec = kind_of(node, pointer);
        if (spec == nullptr) return;
        op_ = nullptr;
        register_ = {};
        register_known_ = false;
        layout_ = nullptr;
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
            problem(pointer + "/" + name, fmt::format("\"{}\" is no key of a \"{}\" step{}", name, spec->key,
                                                      suggestion(name, known)));
        }
        finish(*spec, node, pointer);
    }

    static bool is_key(const StepSpec& spec, const std::string& name) {
        return std::any_of(spec.keys.begin(), spec.keys.end(),
                           [&](const StepKey& key) { return key.name == name; });
    }

    const StepSpec* kind_of(const json& node, const std::string& pointer) {
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

    void value(const json& node, const json& content, const StepKey& key, const StepSpec& spec,
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
        }
    }

    void integer(const json& content, const StepKey& key, const StepSpec& spec, const std::string& pointer) {
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

    void text(const json& content, const StepKey& key, const std::string& pointer) {
        if (!values_.check(content, ValueType::kText, pointer)) return;
        if (std::string_view(key.name) == "error") error_name(content.get<std::string>(), pointer);
    }

    void error_name(const std::string& name, const std::string& pointer) {
        const auto& all = error_names();
        if (std::find(all.begin(), all.end(), name) == all.end())
            problem(pointer, fmt::format("'{}' is no error of a driver{}", name, suggestion(name, all)));
    }

    void nested(const json& node, const json& content, const std::string& pointer) {
        if (!content.is_array() || content.empty()) return problem(pointer, "must be a list of steps");
        if (++depth_ > 8) return problem(pointer, "is nested more than 8 deep");
        static_cast<void>(node);
        steps(content, pointer);
        --depth_;
    }

    void reg(const json& content, const std::string& pointer) {
        if (!values_.check(content, ValueType::kText, pointer)) return;
        std::string why;
        const auto found = find_register(*scenario_.device, content.get<std::string>(), why);
        if (!found) return problem(pointer, why);
        register_ = *found;
        register_known_ = true;
        if (!found->index.empty()) {
            std::optional<std::uint64_t> index;
            values_.check_integer(found->index, pointer, &index);
            if (index && *index >= found->spec->count)
                problem(pointer,
                        fmt::format("{} has elements 0 to {}", found->spec->name, found->spec->count - 1));
        }
    }

    void register_value(const json& node, const json& content, const std::string& pointer) {
        if (!register_known_) return;
        unsigned width = register_.width;
        if (const auto given = node.find("width"); given != node.end() && given->is_number_unsigned())
            width = given->get<unsigned>();
        else if (width == 0)
            return problem(pointer, "a place needs a \"width\": 1, 2, 4 or 8");
        if (content.is_object()) {
            if (register_.spec == nullptr) return problem(pointer, "a place has no fields: give a number");
            for (const auto& [name, part] : content.items()) {
                const model::FieldSpec* field = find_field(*register_.spec, name);
                if (field == nullptr)
                    problem(pointer + "/" + name,
                            fmt::format("{} has no field '{}'{}", register_.spec->name, name,
                                        suggestion(name, names_of(register_.spec->fields))));
                else
                    fits(part, field->bits, fmt::format("field {}", name), pointer + "/" + name);
            }
            return;
        }
        fits(content, 8 * width,
             fmt::format("{}", register_.spec != nullptr ? register_.spec->name : "the access"), pointer);
    }

    void fits(const json& content, unsigned bits, const std::string& what, const std::string& pointer) {
        std::optional<std::uint64_t> constant;
        if (!values_.check_integer(content, pointer, &constant) || !constant || bits >= 64) return;
        if (*constant >> bits != 0)
            problem(pointer, fmt::format("{:#x} is too wide for {}, which has {} bits (at most {:#x})",
                                         *constant, what, bits, (std::uint64_t{1} << bits) - 1));
    }

    void layout(const json& content, const std::string& pointer) {
        if (!values_.check(content, ValueType::kText, pointer)) return;
        const auto layouts = scenario_.device->layouts();
        for (const harness::LayoutSpec& spec : layouts)
            if (content.get_ref<const std::string&>() == spec.name) layout_ = &spec;
        if (layout_ == nullptr)
            problem(pointer, fmt::format("{} has no structure '{}'{}", scenario_.device->name(),
                                         content.get<std::string>(),
                                         suggestion(content.get<std::string>(), names_of(layouts))));
    }

    void layout_value(const json& content, const std::string& pointer) {
        if (layout_ == nullptr) return;
        if (!content.is_object()) return problem(pointer, "must be an object of the structure's parts");
        for (const auto& [name, part] : content.items()) {
            const auto field = std::find_if(layout_->fields.begin(), layout_->fields.end(),
                                            [&](const harness::LayoutField& f) { return f.name == name; });
            if (field == layout_->fields.end())
                problem(pointer + "/" + name, fmt::format("{} has no part '{}'{}", layout_->name, name,
                                                          suggestion(name, names_of(layout_->fields))));
            else
                fits(part, field->bits, fmt::format("{}", name), pointer + "/" + name);
        }
    }

    void known_name(const json& content, const std::set<std::string>& known, const char* what,
                    const std::string& pointer) {
        if (!values_.check(content, ValueType::kText, pointer)) return;
        const std::string name = content.get<std::string>();
        if (!known.contains(name))
            problem(pointer, fmt::format("'{}' is not declared: it must be {}{}", name, what,
                                         suggestion(name, {known.begin(), known.end()})));
    }

    void new_name(const json& content, const std::string& pointer) {
        if (!values_.check(content, ValueType::kText, pointer)) return;
        const std::string name = content.get<std::string>();
        const bool fine = !name.empty() && std::isdigit(static_cast<unsigned char>(name[0])) == 0 &&
                          std::all_of(name.begin(), name.end(),
                                      [](unsigned char c) { return std::isalnum(c) != 0 || c == '_'; });
        if (!fine)
            return problem(pointer,
                           fmt::format("'{}' is no name: letters, digits and _, not a digit first", name));
        values_.names.insert(name);
    }

    void operation(const json& content, const std::string& pointer) {
        if (!values_.check(content, ValueType::kText, pointer)) return;
        const std::string name = content.get<std::string>();
        if (scenario_.driver == nullptr)
            return problem(pointer, "needs a driver: give the scenario a \"driver\"");
        op_ = scenario_.driver->find_operation(name);
        if (op_ == nullptr)
            problem(pointer, fmt::format("the driver '{}' has no operation '{}'{}", scenario_.driver->name(),
                                         name, suggestion(name, names_of(scenario_.driver->operations()))));
    }

    bool open_key(const StepSpec& spec, const json& node, const std::string& name, const json& content,
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

    const OperationSpec* awaited(const json& node) const {
        const auto found = async_.find(node["expect"].is_string() ? node["expect"].get<std::string>() : "");
        return found == async_.end() ? nullptr : found->second;
    }

    bool result(const OperationSpec* operation, const std::string& name, const json& content,
                const std::string& pointer) {
        if (operation == nullptr) return true;  // said already
        for (const KeySpec& key : operation->results)
            if (name == key.name) {
                values_.check(content, key.type, pointer);
                return true;
            }
        return false;
    }

    void results(const json& content, const std::string& pointer) {
        if (!content.is_object())
            return problem(pointer, "must be an object of results, or {\"error\": ...}");
        if (op_ == nullptr) return;
        for (const auto& [name, part] : content.items()) {
            if (name == "error") {
                if (values_.check(part, ValueType::kText, pointer + "/error"))
                    error_name(part.get<std::string>(), pointer + "/error");
            } else if (!result(op_, name, part, pointer + "/" + name)) {
                std::vector<std::string> known = names_of(op_->results);
                known.emplace_back("error");
                problem(pointer + "/" + name,
                        fmt::format("{} gives no result '{}'{}", op_->name, name, suggestion(name, known)));
            }
        }
    }

    void async_name(const json& content, const std::string& pointer) {
        std::set<std::string> known;
        for (const auto& [name, operation] : async_) known.insert(name);
        known_name(content, known,
                   "an operation that was begun before with \"async\": true and named with \"as\"", pointer);
    }

    void source(const json& content, const StepSpec& spec, const std::string& pointer) {
        if (!values_.check(content, ValueType::kText, pointer)) return;
        const std::string name = content.get<std::string>();
        const bool irq =
            name.starts_with("irq") && name.size() <= 5 && name.size() > 3 &&
            std::all_of(name.begin() + 3, name.end(), [](unsigned char c) { return std::isdigit(c) != 0; }) &&
            std::stoi(name.substr(3)) < 16;
        const bool message = name == "msi" && spec.kind == StepKind::kAttach;
        const bool line = name == "intx" && spec.kind == StepKind::kLine;
        if (!irq && !message && !line)
            problem(pointer, fmt::format("'{}' is not possible here: {}, or \"irq0\" to \"irq15\"", name,
                                         spec.kind == StepKind::kAttach
                                             ? "\"msi\" (INTx is a level: look at it with a \"line\" step)"
                                             : "\"intx\""));
        if (name == "intx" && !scenario_.device->is_pci())
            problem(pointer, fmt::format("{} is not a PCI device and has no INTx", scenario_.device->name()));
    }

    void host_operation(const json& node, const json& content, const std::string& step_pointer) {
        const std::string pointer = step_pointer + "/host";
        if (!values_.check(content, ValueType::kText, pointer)) return;
        const std::string name = content.get<std::string>();
        const HostOperation* found = find_host_operation(name);
        if (found == nullptr)
            return problem(pointer, fmt::format("'{}' is nothing that the outside world can do{}", name,
                                                suggestion(name, names_of(host_operations()))));
        for (const KeySpec& argument : found->arguments)
            if (argument.required && !node.contains(argument.name))
                problem(step_pointer, fmt::format("\"{}\" is missing: {}", argument.name, argument.about));
        for (const auto& [key, part] : node.items()) {
            if (key == "host" || key == "about") continue;
            const auto argument = std::find_if(found->arguments.begin(), found->arguments.end(),
                                               [&](const KeySpec& k) { return k.name == key; });
            if (argument == found->arguments.end())
                problem(step_pointer + "/" + key, fmt::format("{} takes no '{}'{}", name, key,
                                                              suggestion(key, names_of(found->arguments))));
            else
                values_.check(part, argument->type, step_pointer + "/" + key);
        }
    }

    void finish(const StepSpec& spec, const json& node, const std::string& pointer) {
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
            case StepKind::kStore:
                exactly_one(node, {"value", "data", "layout"}, "store", pointer);
                break;
            case StepKind::kLoad:
                exactly_one(node, {"width", "data", "layout"}, "load", pointer);
                break;
            default:
                break;
        }
        if ((spec.kind == StepKind::kStore) && node.contains("value") && !node.contains("width"))
            problem(pointer, "\"value\" needs a \"width\": 1, 2, 4 or 8");
        if (node.contains("layout") && !node.contains("fields"))
            problem(pointer, "\"layout\" needs \"fields\"");
    }

    void exactly_one(const json& node, std::initializer_list<const char*> keys, const char* kind,
                     const std::string& pointer) {
        unsigned count = 0;
        std::string all;
        for (const char* key : keys) {
            count += node.contains(key) ? 1 : 0;
            all += fmt::format("{}\"{}\"", all.empty() ? "" : ", ", key);
        }
        if (count != 1) problem(pointer, fmt::format("a \"{}\" step needs one of {}", kind, all));
    }

    void finish_do(const json& node, const std::string& name, const std::string& pointer) {
        if (op_ == nullptr) return;
        for (const KeySpec& argument : op_->arguments)
            if (argument.required && !node.contains(argument.name))
                problem(pointer,
                        fmt::format("{} needs \"{}\": {}", op_->name, argument.name, argument.about));
        const bool is_async =
            node.contains("async") && node["async"].is_boolean() && node["async"].get<bool>();
        if (is_async) {
            if (!op_->can_be_async)
                problem(pointer + "/async", fmt::format("{} cannot be asynchronous", op_->name));
            if (name.empty()) problem(pointer, "an asynchronous operation needs a name: \"as\"");
            if (node.contains("expect"))
                problem(pointer + "/expect", "belongs to the \"expect\" step that takes the end");
            async_[name] = op_;
        } else if (!name.empty()) {
            for (const KeySpec& key : op_->results)
                values_.names.insert(fmt::format("{}.{}", name, key.name));
        }
    }

    const Scenario& scenario_;
    ValueChecker values_;
    std::set<std::string> buffers_;
    std::set<std::string> interrupts_;
    std::map<std::string, const OperationSpec*> async_;
    unsigned depth_ = 0;

    // What the step at hand is about.
    const OperationSpec* op_ = nullptr;
    RegisterRef register_;
    bool register_known_ = false;
    const harness::LayoutSpec* layout_ = nullptr;
};

}  // namespace

void check_scenario(const Scenario& scenario, std::vector<Problem>& problems) {
    Checker(scenario, problems).steps(scenario.steps, "/steps");
}

}  // namespace tb::scenario
