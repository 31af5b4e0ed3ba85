// SPDX-License-Identifier: BSD-3-Clause
#include "harness/scenario/interpreter.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "harness/scenario/run.hpp"

namespace tb::scenario {

using trace::EventKind;

std::string difference(const harness::Bytes& got, const harness::Bytes& expected) {
    if (got.size() != expected.size())
        return fmt::format("{} bytes instead of {}", got.size(), expected.size());
    std::size_t count = 0;
    std::size_t first = 0;
    for (std::size_t i = got.size(); i-- > 0;)
        if (got[i] != expected[i]) {
            ++count;
            first = i;
        }
    if (count == 0) return {};
    return fmt::format("{} of {} bytes differ, first at {}: {:02x}, expected {:02x}", count, got.size(),
                       first, static_cast<unsigned>(got[first]), static_cast<unsigned>(expected[first]));
}

Run::Run(const Scenario& scenario, harness::Rig& rig, trace::Trace& trace, bool with_faults)
    : scenario_(scenario),
      rig_(rig),
      faults_(with_faults || scenario.has_faults
                  ? std::make_unique<faults::FaultLayer>(rig.machine(), *scenario.device,
                                                         [&rig] { rig.reset_device(); })
                  : nullptr),
      weak_(scenario.weak_memory != 0 && faults_ == nullptr
                ? std::make_unique<harness::WeakMemory>(rig.machine(), scenario.weak_memory,
                                                        [&rig] { rig.look(); })
                : nullptr),
      recorder_(faults_ != nullptr ? static_cast<hal::Machine&>(*faults_)
                : weak_ != nullptr ? static_cast<hal::Machine&>(*weak_)
                                   : rig.machine(),
                rig.machine(), trace),
      rules_(make_rules()),
      host_(top()) {
    if (faults_ != nullptr) {
        // No scenario needs so many; a driver that loops on what a device says would need all that there are.
        constexpr std::uint64_t kMostCalls = 50'000'000;
        faults_->set_budget(kMostCalls, ~std::uint64_t{0});
        faults_->on_strike([this](const std::string& what) {
            recorder_.note(EventKind::kFault, what);
            if (rules_ != nullptr && what.starts_with("reset")) rules_->device_forgot();
            if (rules_ != nullptr && what.starts_with("remove")) rules_->device_pulled();
        });
    }
    for (const auto& [name, value] : scenario.parameters) names_[name] = value;
    lookup_ = [this](const std::string& name) -> std::optional<std::uint64_t> {
        const auto found = names_.find(name);
        return found == names_.end() ? std::nullopt : std::optional(found->second);
    };
}

Run::~Run() = default;

std::unique_ptr<rules::RulesLayer> Run::make_rules() {
    // On weak memory the driver's rings are not where the rules look for them.
    if (weak_ != nullptr || (scenario_.driver == nullptr && !judges_steps())) return nullptr;
    auto layer =
        std::make_unique<rules::RulesLayer>(recorder_, rig_.machine(), *scenario_.device, faults_ != nullptr);
    layer->on_broken([this](const rules::Rule& rule, const std::string& how) {
        // What only some machines can show is noted as what only they can say.
        recorder_.note(rule.needs_device_dma ? EventKind::kFinding : EventKind::kRule,
                       fmt::format("rule {}: {}", rule.id, how));
        broken_.push_back({&rule, how});
    });
    recorder_.on_device_dma([rules = layer.get()](bool write, std::uint64_t address, std::uint64_t bytes) {
        rules->device_dma(write, address, bytes);
    });
    return layer;
}

void Run::all() {
    steps(scenario_.steps, "/steps");
}

void Run::steps(const json& list, const std::string& pointer) {
    for (std::size_t i = 0; i < list.size(); ++i) step(list[i], fmt::format("{}/{}", pointer, i));
}

void Run::step(const json& node, const std::string& pointer) {
    where_ = pointer;
    const StepSpec* spec = nullptr;
    for (const StepSpec& candidate : step_specs())
        if (node.contains(candidate.key) && (spec == nullptr || spec->kind == StepKind::kExpect))
            spec = &candidate;
    const json& subject = node[spec->key];
    recorder_.note(
        EventKind::kStep,
        fmt::format("{} {}", spec->key, subject.is_string() ? subject.get<std::string>() : subject.dump()),
        step_number_++);
    try {
        execute(spec->kind, node, pointer);
    } catch (const StepFailure& failure) {
        if (!tolerates(failure.what())) throw;
    } catch (const ValueError& error) {
        // A name that an earlier step would have set, had it held.
        if (!tolerates(error.what())) throw;
    } catch (const harness::OutsideUnsupported& error) {
        // A request to release, say, that never came.
        if (!tolerates(error.what())) throw;
    }
    if (spec->kind == StepKind::kRepeat) return;  // its steps have done the rest
    where_ = pointer;
    collect_outputs();
    if (weak_ != nullptr) weak_->settle();
    if (digests_memory_) recorder_.note_memory();
}

void Run::execute(StepKind kind, const json& node, const std::string& pointer) {
    switch (kind) {
        case StepKind::kDo:
            return operation(node);
        case StepKind::kExpect:
            return take_end(node);
        case StepKind::kWrite:
            return write_register(node);
        case StepKind::kModify:
            return modify_register(node);
        case StepKind::kRead:
            return read_register(node);
        case StepKind::kPoll:
            return poll_register(node);
        case StepKind::kBuffer:
            return buffer(node);
        case StepKind::kFree:
            return free(node);
        case StepKind::kStore:
            return store(node);
        case StepKind::kLoad:
            return load(node);
        case StepKind::kAttach:
            return attach(node);
        case StepKind::kInterrupt:
            return interrupt(node);
        case StepKind::kLine:
            return line(node);
        case StepKind::kWait:
            return host_.delay(to_duration(node["wait"]));
        case StepKind::kHost:
            return host(node);
        case StepKind::kSet:
            names_[node["set"].get<std::string>()] = integer(node["value"]);
            return;
        case StepKind::kSetup:
            return setup(node);
        case StepKind::kFault:
            return fault(node);
        case StepKind::kHeal:
            return heal(node);
        case StepKind::kRepeat: {
            const std::uint64_t times = integer(node["repeat"]);
            for (std::uint64_t i = 0; i < times; ++i) {
                if (node.contains("as")) names_[node["as"].get<std::string>()] = i;
                steps(node["steps"], pointer + "/steps");
            }
            return;
        }
    }
}

std::uint64_t Run::integer(const json& node, const char* key, std::uint64_t otherwise) const {
    const auto found = node.find(key);
    return found == node.end() ? otherwise : integer(*found);
}

std::uint64_t Run::duration(const json& node, const char* key, std::uint64_t otherwise) const {
    const auto found = node.find(key);
    return found == node.end() ? otherwise : to_duration(*found);
}

bool Run::boolean(const json& node, const char* key, bool otherwise) const {
    const auto found = node.find(key);
    return found == node.end() ? otherwise : to_boolean(*found);
}

void Run::detach_interrupts() {
    for (auto& [name, attached] : interrupts_) host_.detach(attached.interrupt);
    interrupts_.clear();
}

std::string Run::left_behind() const {
    for (const auto& [address, size] : rig_.machine().pool().allocations()) {
        const bool ours = std::any_of(buffers_.begin(), buffers_.end(),
                                      [&](const auto& entry) { return entry.second.address == address; });
        if (!ours)
            return fmt::format("the driver left {} bytes of DMA memory at {:#x} behind when it stopped", size,
                               address);
    }
    return {};
}

void Run::finish() {
    where_ = "";
    close_session();
    detach_interrupts();
    collect_outputs();
    if (const std::string left = left_behind(); !left.empty()) fail(left);
    {
        const rules::RulesLayer::Aside own(rules_.get());
        for (auto& [name, buffer] : buffers_) release(buffer);
    }
    judge_rules();
    if (scenario_.any_findings) return;
    // Each finding must have been announced, and each announcement come true.
    std::vector<bool> met(scenario_.findings.size(), false);
    for (const trace::Event& event : recorder_.trace().events()) {
        if (event.kind != EventKind::kFinding) continue;
        const std::string_view text = recorder_.trace().text(event);
        bool announced = text.starts_with("rule ");  // judged already
        for (std::size_t i = 0; i < met.size(); ++i)
            if (text.find(scenario_.findings[i]) != std::string_view::npos) met[i] = announced = true;
        if (!announced) fail(fmt::format("a rule was broken: {}", text));
    }
    if (!rig_.visibility().sees(EventKind::kFinding)) return;
    for (std::size_t i = 0; i < met.size(); ++i)
        if (!met[i])
            fail(fmt::format("nothing objected with '{}', which \"findings\" announces",
                             scenario_.findings[i]));
}

void Run::judge_rules() {
    const auto announced = [&](const rules::Rule& rule) {
        return std::find(scenario_.breaks.begin(), scenario_.breaks.end(), rule.id) != scenario_.breaks.end();
    };
    for (const Broken& broken : broken_)
        if (!announced(*broken.rule))
            fail(fmt::format("{} breaks {}: {} ({}: {})", judges_steps() ? "a step" : "the driver",
                             broken.rule->id, broken.how, broken.rule->clause, broken.rule->demand));
    for (const std::string& id : scenario_.breaks) {
        const bool met = std::any_of(broken_.begin(), broken_.end(),
                                     [&](const Broken& broken) { return id == broken.rule->id; });
        const bool visible =
            !rules::find_rule(id)->needs_device_dma || rig_.visibility().sees(EventKind::kDmaRead);
        if (!met && visible) fail(fmt::format("nothing broke {}, which \"breaks\" announces", id));
    }
}

RunResult run_scenario(const Scenario& scenario, harness::Rig& rig) {
    RunResult result;
    const Document& document = *scenario.document;
    {
        Run run(scenario, rig, result.trace);
        try {
            run.all();
            run.finish();
            result.passed = true;
        } catch (const StepFailure& failure) {
            result.failure = document.problem(run.where(), failure.what());
        } catch (const ValueError& error) {
            result.failure = document.problem(run.where(), error.what());
        } catch (const faults::Hang& hang) {
            result.failure = document.problem(run.where(), hang.what());
            run.abandon_session();
        } catch (const harness::OutsideUnsupported& error) {
            result.failure = document.problem(
                run.where(),
                fmt::format("{}: {} (if that is so for QEMU only, say it: \"qemu\": {{\"skip\": ...}})",
                            rig.description(), error.what()));
        }
    }
    if (const std::string trouble = rig.trouble(); result.passed && !trouble.empty()) {
        result.passed = false;
        result.failure = document.problem("", trouble);
    }
    result.trace_hash = result.trace.hash();
    result.virtual_ns = rig.machine().now_ns();
    result.log = rig.machine().log_lines();
    return result;
}

}  // namespace tb::scenario
