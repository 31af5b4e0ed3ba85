// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "harness/faults/fault.hpp"
#include "harness/scenario/registers.hpp"
#include "harness/scenario/scenario.hpp"
#include "harness/scenario/steps.hpp"
#include "harness/scenario/values.hpp"

namespace tb::scenario {

/// Walks the steps of a scenario in order, as the interpreter will, knowing which names exist at each point,
/// and collects what is wrong with them. check.cpp has the walk and the shape of a step, check_content.cpp
/// what a step names: registers, structures, operations, results.
class Checker {
  public:
    using json = nlohmann::json;

    Checker(const Scenario& scenario, std::vector<Problem>& problems)
        : scenario_(scenario), values_{*scenario.document, problems, {}} {
        for (const auto& [name, value] : scenario.parameters) values_.names.insert(name);
    }
    void steps(const json& list, const std::string& pointer);

  private:
    void problem(const std::string& pointer, std::string message) {
        values_.problems.push_back(scenario_.document->problem(pointer, std::move(message)));
    }
    void step(const json& node, const std::string& pointer);
    static bool is_key(const StepSpec& spec, const std::string& name);
    const StepSpec* kind_of(const json& node, const std::string& pointer);
    void value(const json& node, const json& content, const StepKey& key, const StepSpec& spec,
               const std::string& step_pointer);
    void integer(const json& content, const StepKey& key, const StepSpec& spec, const std::string& pointer);
    void text(const json& content, const StepKey& key, const std::string& pointer);
    void error_name(const std::string& name, const std::string& pointer);
    void nested(const json& node, const json& content, const std::string& pointer);
    void reg(const json& content, const std::string& pointer);
    void register_value(const json& node, const json& content, const std::string& pointer);
    void fits(const json& content, unsigned bits, const std::string& what, const std::string& pointer);
    void layout(const json& content, const std::string& pointer);
    void layout_value(const json& content, const std::string& pointer);
    void known_name(const json& content, const std::set<std::string>& known, const char* what,
                    const std::string& pointer);
    void new_name(const json& content, const std::string& pointer);
    void operation(const json& content, const std::string& pointer);
    bool open_key(const StepSpec& spec, const json& node, const std::string& name, const json& content,
                  const std::string& pointer);
    const harness::OperationSpec* awaited(const json& node) const;
    bool result(const harness::OperationSpec* operation, const std::string& name, const json& content,
                const std::string& pointer);
    void results(const json& content, const std::string& pointer);
    void async_name(const json& content, const std::string& pointer);
    void act(const json& content, const std::string& pointer);
    void site(const json& content, const std::string& pointer);
    void one_of(const json& content, std::initializer_list<const char*> words, const std::string& pointer);
    void part(const json& content, const std::string& pointer);
    void fault_name(const json& content, const std::string& pointer);
    void finish_fault(const json& node, const std::string& pointer);
    void source(const json& content, const StepSpec& spec, const std::string& pointer);
    void host_operation(const json& node, const json& content, const std::string& step_pointer);
    void finish(const StepSpec& spec, const json& node, const std::string& pointer);
    void exactly_one(const json& node, std::initializer_list<const char*> keys, const char* kind,
                     const std::string& pointer);
    void finish_do(const json& node, const std::string& name, const std::string& pointer);

    const Scenario& scenario_;
    ValueChecker values_;
    std::set<std::string> buffers_;
    std::set<std::string> interrupts_;
    std::set<std::string> faults_;
    std::map<std::string, const harness::OperationSpec*> async_;
    unsigned depth_ = 0;

    // What the step at hand is about.
    const harness::OperationSpec* op_ = nullptr;
    RegisterRef register_;
    bool register_known_ = false;
    const harness::LayoutSpec* layout_ = nullptr;
    const faults::ActSpec* act_ = nullptr;
    const faults::SiteSpec* site_ = nullptr;
};

/// The names in a table of specifications, for suggestions.
template <class Range>
std::vector<std::string> names_of(const Range& range) {
    std::vector<std::string> names;
    for (const auto& element : range) names.emplace_back(element.name);
    return names;
}

}  // namespace tb::scenario
