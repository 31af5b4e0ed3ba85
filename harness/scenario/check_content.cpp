// SPDX-License-Identifier: BSD-3-Clause
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <hal/result.hpp>

#include "harness/devices/atlas.hpp"
#include "harness/scenario/checker.hpp"

namespace tb::scenario {

using harness::KeySpec;
using harness::OperationSpec;
using harness::ValueType;

namespace {

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

}  // namespace

void Checker::error_name(const std::string& name, const std::string& pointer) {
    const auto& all = error_names();
    if (name == kAnyError || name == kSomeError) return;
    if (std::find(all.begin(), all.end(), name) == all.end())
        problem(pointer, fmt::format("'{}' is no error of a driver{}", name, suggestion(name, all)));
}

void Checker::reg(const json& content, const std::string& pointer) {
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

void Checker::register_value(const json& node, const json& content, const std::string& pointer) {
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

void Checker::fits(const json& content, unsigned bits, const std::string& what, const std::string& pointer) {
    std::optional<std::uint64_t> constant;
    if (!values_.check_integer(content, pointer, &constant) || !constant || bits >= 64) return;
    if (*constant >> bits != 0)
        problem(pointer, fmt::format("{:#x} is too wide for {}, which has {} bits (at most {:#x})", *constant,
                                     what, bits, (std::uint64_t{1} << bits) - 1));
}

void Checker::layout(const json& content, const std::string& pointer) {
    if (!values_.check(content, ValueType::kText, pointer)) return;
    const auto layouts = scenario_.device->layouts();
    for (const harness::LayoutSpec& spec : layouts)
        if (content.get_ref<const std::string&>() == spec.name) layout_ = &spec;
    if (layout_ == nullptr)
        problem(pointer, fmt::format("{} has no structure '{}'{}", scenario_.device->name(),
                                     content.get<std::string>(),
                                     suggestion(content.get<std::string>(), names_of(layouts))));
}

void Checker::layout_value(const json& content, const std::string& pointer) {
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

void Checker::known_name(const json& content, const std::set<std::string>& known, const char* what,
                         const std::string& pointer) {
    if (!values_.check(content, ValueType::kText, pointer)) return;
    const std::string name = content.get<std::string>();
    if (!known.contains(name))
        problem(pointer, fmt::format("'{}' is not declared: it must be {}{}", name, what,
                                     suggestion(name, {known.begin(), known.end()})));
}

void Checker::new_name(const json& content, const std::string& pointer) {
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

void Checker::operation(const json& content, const std::string& pointer) {
    if (!values_.check(content, ValueType::kText, pointer)) return;
    const std::string name = content.get<std::string>();
    if (scenario_.driver == nullptr)
        return problem(pointer, "needs a driver: give the scenario a \"driver\"");
    op_ = scenario_.driver->find_operation(name);
    if (op_ == nullptr)
        problem(pointer, fmt::format("the driver '{}' has no operation '{}'{}", scenario_.driver->name(),
                                     name, suggestion(name, names_of(scenario_.driver->operations()))));
}

const OperationSpec* Checker::awaited(const json& node) const {
    const auto found = async_.find(node["expect"].is_string() ? node["expect"].get<std::string>() : "");
    return found == async_.end() ? nullptr : found->second;
}

bool Checker::result(const OperationSpec* operation, const std::string& name, const json& content,
                     const std::string& pointer) {
    if (operation == nullptr) return true;  // said already
    for (const KeySpec& key : operation->results)
        if (name == key.name) {
            values_.check(content, key.type, pointer);
            return true;
        }
    return false;
}

void Checker::results(const json& content, const std::string& pointer) {
    if (!content.is_object()) return problem(pointer, "must be an object of results, or {\"error\": ...}");
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

void Checker::async_name(const json& content, const std::string& pointer) {
    std::set<std::string> known;
    for (const auto& [name, operation] : async_) known.insert(name);
    known_name(content, known,
               "an operation that was begun before with \"async\": true and named with \"as\"", pointer);
}

void Checker::act(const json& content, const std::string& pointer) {
    if (!values_.check(content, ValueType::kText, pointer)) return;
    const std::string name = content.get<std::string>();
    act_ = faults::find_act(name);
    if (act_ == nullptr)
        problem(pointer,
                fmt::format("'{}' is no fault{}", name, suggestion(name, names_of(faults::act_specs()))));
}

void Checker::site(const json& content, const std::string& pointer) {
    if (!values_.check(content, ValueType::kText, pointer)) return;
    const std::string name = content.get<std::string>();
    site_ = faults::find_site(name);
    if (site_ == nullptr)
        return problem(pointer, fmt::format("'{}' is no place for a fault{}", name,
                                            suggestion(name, names_of(faults::site_specs()))));
    if (act_ == nullptr || faults::possible(*act_, site_->site)) return;
    std::string fitting;
    for (const faults::SiteSpec& spec : faults::site_specs())
        if (faults::possible(*act_, spec.site))
            fitting += fmt::format("{}\"{}\"", fitting.empty() ? "" : ", ", spec.name);
    problem(pointer, fmt::format("\"{}\" cannot happen there; it can on {}", act_->name, fitting));
}

void Checker::part(const json& content, const std::string& pointer) {
    if (!values_.check(content, ValueType::kText, pointer) || site_ == nullptr) return;
    using enum faults::Site;
    const bool is_register = site_->site == kRead || site_->site == kWrite;
    if (!is_register && site_->site != kLoad && site_->site != kData)
        return problem(pointer, fmt::format("on \"{}\" there is nothing to name", site_->name));
    const std::string name = content.get<std::string>();
    const harness::PartName parsed(name);
    const std::vector<std::string> known = is_register ? harness::Atlas::register_names(*scenario_.device)
                                                       : harness::Atlas::memory_names(*scenario_.device);
    if (!parsed.well_formed())
        problem(pointer, fmt::format("'{}': an index is a number between [ and ]", name));
    else if (std::find(known.begin(), known.end(), parsed.base()) == known.end())
        problem(pointer, fmt::format("{} has no {} '{}'{}", scenario_.device->name(),
                                     is_register ? "register or field" : "part of a ring", parsed.base(),
                                     suggestion(parsed.base(), known)));
}

void Checker::fault_name(const json& content, const std::string& pointer) {
    std::set<std::string> known = faults_;
    known.insert("all");
    known_name(content, known, "\"all\", or a fault that a \"fault\" step before this one names", pointer);
}

void Checker::finish_fault(const json& node, const std::string& pointer) {
    if (act_ == nullptr) return;
    const auto needs = [&](const char* key, faults::Parameter parameter) {
        if (node.contains(key) == (act_->parameter == parameter)) return;
        problem(pointer, fmt::format("\"{}\" {} \"{}\"", act_->name,
                                     act_->parameter == parameter ? "needs" : "takes no", key));
    };
    needs("value", faults::Parameter::kValue);
    needs("mask", faults::Parameter::kMask);
    needs("by", faults::Parameter::kBy);
}

void Checker::source(const json& content, const StepSpec& spec, const std::string& pointer) {
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

void Checker::host_operation(const json& node, const json& content, const std::string& step_pointer) {
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

}  // namespace tb::scenario
