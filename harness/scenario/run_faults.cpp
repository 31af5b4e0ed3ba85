// SPDX-License-Identifier: BSD-3-Clause
#include <fmt/format.h>

#include "harness/scenario/run.hpp"

namespace tb::scenario {

void Run::fault(const json& node) {
    faults::Fault fault;
    fault.act = faults::find_act(node["fault"].get<std::string>())->act;
    fault.site = faults::find_site(node["on"].get<std::string>())->site;
    if (node.contains("of")) fault.of = node["of"].get<std::string>();
    fault.nth = integer(node, "nth", fault.nth);
    if (node.contains("times")) fault.times = integer(node["times"]);
    if (node.contains("after")) fault.not_before_ns = recorder_.now_ns() + duration(node, "after", 0);
    fault.value = integer(node, "value", 0);
    fault.mask = integer(node, "mask", 0);
    fault.by_ns = duration(node, "by", 0);
    const faults::FaultLayer::Handle handle = faults_->arm(fault);
    if (node.contains("as")) fault_handles_[node["as"].get<std::string>()] = handle;
}

void Run::heal(const json& node) {
    const std::string name = node["heal"].get<std::string>();
    const std::uint64_t struck =
        name == "all" ? faults_->strikes() : faults_->strikes(named(fault_handles_, name));
    if (name == "all")
        faults_->heal_all();
    else
        faults_->heal(named(fault_handles_, name));
    // What was held back may be an interrupt: it is taken before the next step.
    host_.interrupt_point();
    if (!node.contains("struck")) return;
    if (const std::uint64_t want = integer(node["struck"]); struck != want)
        fail(fmt::format("{} struck {} times, expected {}", name == "all" ? "all faults together" : name,
                         struck, want));
}

}  // namespace tb::scenario
