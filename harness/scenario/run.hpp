// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <deque>
#include <hal/host.hpp>
#include <hal/poll.hpp>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>

#include "harness/faults/fault_layer.hpp"
#include "harness/machine/recorder.hpp"
#include "harness/machine/weak_memory.hpp"
#include "harness/rules/rules_layer.hpp"
#include "harness/scenario/interpreter.hpp"
#include "harness/scenario/registers.hpp"
#include "harness/scenario/steps.hpp"
#include "harness/scenario/values.hpp"

namespace tb::scenario {

/// A step that did not hold. What the author of the scenario gets to read.
class StepFailure : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

/// One run of one scenario: the interpreter's state. Its parts are in run_*.cpp. Who judges a run otherwise
/// than by its expectations derives from it.
class Run {
  public:
    /// `with_faults`: the layer for them is there though no step of the scenario arms one.
    Run(const Scenario& scenario, harness::Rig& rig, trace::Trace& trace, bool with_faults = false);
    virtual ~Run();
    Run(const Run&) = delete;
    Run& operator=(const Run&) = delete;

    /// Throws StepFailure, ValueError or what the machine throws; where() tells the step.
    void all();
    /// After the last step: the driver goes, and must leave nothing behind.
    void finish();
    const std::string& where() const { return where_; }
    /// The driver is left as it is, and never called again.
    void abandon_session() { abandoned_ = session_.release(); }

  protected:
    using json = nlohmann::json;

    /// A step did not hold. True: that is how it is, and the run goes on with the next.
    virtual bool tolerates(const std::string& /*message*/) { return false; }
    /// An operation of the driver has ended.
    virtual void ended(const harness::OperationSpec& /*operation*/, const harness::Arguments& /*arguments*/,
                       const harness::Outcome& /*outcome*/) {}
    /// The device has sent something into the world: "net.frame" or "uart.output".
    virtual void came_out(std::string_view /*what*/, const harness::Bytes& /*bytes*/) {}
    /// A frame or characters arrive: "net.frame" or "uart.type".
    virtual void went_in(std::string_view /*what*/, const harness::Bytes& /*bytes*/) {}

    struct Buffer {
        std::uint64_t address;
        std::uint64_t size;
        std::optional<hal::Direction> direction;  ///< it is mapped, for that
        std::vector<std::byte> mapped;
    };
    struct Attached {
        hal::Interrupt interrupt;
        std::uint64_t count = 0;
        std::uint64_t seen = 0;
    };
    struct Pending {
        const harness::OperationSpec* operation;
        std::uint32_t handle;
        std::optional<harness::Outcome> outcome;
        harness::Arguments arguments;
    };

    const Scenario& scenario() const { return scenario_; }
    harness::Rig& rig() { return rig_; }
    faults::FaultLayer& fault_layer() { return *faults_; }
    harness::Recorder& recorder() { return recorder_; }
    hal::Host& seam() { return host_; }
    harness::DriverSession& session();
    /// A call into the driver, at whose end what it has begun is to be complete.
    harness::Outcome run_judged(std::string_view operation, const harness::Arguments& arguments);
    bool has_session() const { return session_ != nullptr; }
    /// The driver goes.
    void close_session() { session_.reset(); }
    void detach_interrupts();
    /// How many the scenario itself has attached.
    std::size_t attached_interrupts() const { return interrupts_.size(); }
    /// Asynchronous operations whose end was not taken.
    std::map<std::string, Pending>& pending() { return pending_; }
    void collect_outputs();
    /// DMA memory that is nobody's, in words; empty if there is none.
    std::string left_behind() const;
    /// While it lives, accesses are the scenario's own, which no fault strikes.
    struct Aside {
        faults::FaultLayer::Aside faults;
        rules::RulesLayer::Aside rules;
    };
    Aside aside() {
        // Steps that are judged as a driver is are lied to as one is.
        return {faults::FaultLayer::Aside(judges_steps() ? nullptr : faults_.get()),
                rules::RulesLayer::Aside(judges_steps() ? nullptr : rules_.get())};
    }
    /// Rules that were broken, and how, in the order of events.
    struct Broken {
        const rules::Rule* rule;
        std::string how;
    };
    const std::vector<Broken>& broken() const { return broken_; }
    std::uint64_t step_number() const { return step_number_; }
    bool digests_memory_ = true;  ///< whether memory is compared at the end of each step

  private:
    void steps(const json& list, const std::string& pointer);
    void step(const json& node, const std::string& pointer);
    void execute(StepKind kind, const json& node, const std::string& pointer);

    // run_registers.cpp
    void write_register(const json& node);
    void modify_register(const json& node);
    void read_register(const json& node);
    void poll_register(const json& node);
    struct Place {
        hal::AddressSpace space;
        std::uint64_t address;
        unsigned width;
        const model::RegisterSpec* spec;
        std::string name;
    };
    Place place(const json& node, const char* key);
    std::uint64_t bar_base(int bar, hal::AddressSpace& space);
    std::uint64_t compose(const Place& at, const json& value, std::uint64_t old);
    /// Empty when the value is as expected, else what differs.
    std::string compare(const Place& at, std::uint64_t value, const json& expected, const json* mask);
    void setup(const json& node);

    // run_faults.cpp
    void fault(const json& node);
    void heal(const json& node);

    // run_memory.cpp
    void buffer(const json& node);
    void free(const json& node);
    void release(Buffer& buffer);
    void store(const json& node);
    void load(const json& node);
    Buffer span_of(const json& node, const char* key, std::uint64_t length);
    const harness::LayoutSpec& layout(const json& node);
    std::string check_memory(const json& node);
    void attach(const json& node);
    void interrupt(const json& node);
    void line(const json& node);

    // run_operations.cpp
    void operation(const json& node);
    void take_end(const json& node);
    void judge(const harness::OperationSpec& operation, const harness::Outcome& outcome,
               const json& expected);
    void record(const harness::OperationSpec& operation, const harness::Outcome& outcome);
    harness::Arguments arguments(const harness::OperationSpec& operation, const json& node);
    void host(const json& node);
    void host_network(std::string_view act, const json& node);
    void host_line(std::string_view act, const json& node);
    void host_medium(std::string_view act, const json& node);

    [[noreturn]] static void fail(const std::string& message) { throw StepFailure(message); }
    /// What a step before has made; it may have failed, where that is tolerated.
    template <class T>
    static T& named(std::map<std::string, T>& all, const std::string& name) {
        const auto found = all.find(name);
        if (found == all.end()) fail(name + " is not there: its step failed");
        return found->second;
    }
    std::uint64_t integer(const json& value) const { return to_integer(value, lookup_); }
    std::uint64_t integer(const json& node, const char* key, std::uint64_t otherwise) const;
    std::uint64_t duration(const json& node, const char* key, std::uint64_t otherwise) const;
    bool boolean(const json& node, const char* key, bool otherwise) const;
    unsigned irq_line(const std::string& source) const;
    /// Asks again and again, letting virtual time pass, until `done` or the deadline: patiently, or as often
    /// as the step says.
    template <class Done>
    bool wait_until(std::uint64_t within, std::uint64_t least, Done&& done, bool patient = true);

    /// Whether the scenario's own steps are held to the rules, as a driver is.
    bool judges_steps() const { return !scenario_.breaks.empty(); }
    std::unique_ptr<rules::RulesLayer> make_rules();
    /// The topmost layer: where all that a driver does begins.
    hal::Machine& top() { return rules_ != nullptr ? static_cast<hal::Machine&>(*rules_) : recorder_; }
    void judge_rules();

    const Scenario& scenario_;
    harness::Rig& rig_;
    std::unique_ptr<faults::FaultLayer> faults_;  ///< only where something can go wrong
    std::unique_ptr<harness::WeakMemory> weak_;
    harness::Recorder recorder_;
    std::unique_ptr<rules::RulesLayer> rules_;  ///< where there is a driver to be judged, or the steps are
    hal::Host host_;
    Lookup lookup_;
    std::vector<Broken> broken_;
    std::map<std::string, std::uint64_t> names_;
    std::map<std::string, Buffer> buffers_;
    std::map<std::string, Attached> interrupts_;
    std::map<std::string, Pending> pending_;
    std::map<std::string, faults::FaultLayer::Handle> fault_handles_;
    std::unique_ptr<harness::DriverSession> session_;
    harness::DriverSession* abandoned_ = nullptr;  ///< lives as long as its process
    std::deque<harness::Bytes> frames_;
    harness::Bytes characters_;
    std::string where_;
    std::uint64_t step_number_ = 0;
};

template <class Done>
bool Run::wait_until(std::uint64_t within, std::uint64_t least, Done&& done, bool patient) {
    const std::uint64_t start = recorder_.now_ns();
    while (true) {
        if (done()) return true;
        const std::uint64_t passed = recorder_.now_ns() - start;
        if (passed >= within) return false;
        const std::uint64_t step =
            patient ? hal::patience(hal::nanoseconds(passed), hal::nanoseconds(least)).ns : least;
        host_.delay(std::min(step, within - passed));
    }
}

/// "4 bytes differ, first at 12: 5a, expected 00".
std::string difference(const harness::Bytes& got, const harness::Bytes& expected);

}  // namespace tb::scenario
