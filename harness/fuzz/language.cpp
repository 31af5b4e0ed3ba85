// SPDX-License-Identifier: BSD-3-Clause
#include "harness/fuzz/language.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

#include "harness/devices/atlas.hpp"
#include "harness/fuzz/dialects.hpp"
#include "harness/trace/allowed.hpp"

namespace tb::fuzz {

namespace {

using faults::Act;
using faults::Site;

/// Of sixteen kinds of record.
constexpr Step::Kind kKinds[] = {
    Step::Kind::kFault, Step::Kind::kFault, Step::Kind::kFault, Step::Kind::kFault,
    Step::Kind::kFault, Step::Kind::kDo,    Step::Kind::kDo,    Step::Kind::kDo,
    Step::Kind::kDo,    Step::Kind::kDo,    Step::Kind::kDo,    Step::Kind::kHost,
    Step::Kind::kHost,  Step::Kind::kHost,  Step::Kind::kWait,  Step::Kind::kHeal,
};
constexpr std::uint64_t kWaits[] = {1'000,       10'000,      100'000,       1'000'000,
                                    10'000'000,  50'000'000,  200'000'000,   1'000'000'000,
                                    600'000'000, 100'000'000, 5'000'000'000, 1'001'000'000};
constexpr std::uint64_t kAfter[] = {0, 0, 0, 0, 1'000, 1'000'000, 20'000'000, 600'000'000};
constexpr std::uint64_t kDelays[] = {1'000,       100'000,     1'000'000,     5'000'000,
                                     20'000'000,  60'000'000,  100'000'000,   200'000'000,
                                     500'000'000, 300'000'000, 1'000'000'000, 3'000'000'000};

template <class T, std::size_t N>
constexpr const T& pick(const T (&table)[N], std::size_t index) {
    return table[index % N];
}

/// 1, 2, 3 and so on, in larger steps at the end: the set-up of a driver is some hundred accesses.
constexpr std::uint64_t ordinal(std::uint8_t byte) {
    constexpr std::uint8_t kLinear = 200;
    return byte < kLinear ? 1U + byte : 1U + kLinear + 8U * (byte - kLinear);
}

std::optional<std::uint64_t> times_of(std::uint8_t byte) {
    constexpr int kDefault = -1;
    constexpr int kTimes[] = {kDefault, kDefault, kDefault, 1, 2, 3, 8, 0};
    static_assert(kTimes[Language::kForever] == 0);
    const int times = pick(kTimes, byte);
    if (times == kDefault) return std::nullopt;
    return static_cast<std::uint64_t>(times);
}

}  // namespace

std::span<const Dialect* const> dialects() {
    static const Dialect* const all[] = {&virtio_blk_dialect(), &e1000_dialect(), &serial_dialect()};
    return all;
}

const Dialect* find_dialect(std::string_view name) {
    for (const Dialect* dialect : dialects())
        if (name == dialect->name) return dialect;
    return nullptr;
}

Language::Language(const Dialect& dialect)
    : dialect_(dialect),
      device_(harness::find_device_type(dialect.device)),
      driver_(harness::find_driver_type(dialect.driver)) {
    if (device_ == nullptr || driver_ == nullptr)
        throw std::logic_error(fmt::format("{} is about what there is not", dialect.name));
    registers_ = harness::Atlas::register_names(*device_);
    memory_ = harness::Atlas::memory_names(*device_);
    for (const faults::ActSpec& act : faults::act_specs())
        for (const faults::SiteSpec& site : faults::site_specs()) {
            const bool in_memory = site.site == Site::kLoad || site.site == Site::kData;
            if (faults::possible(act, site.site) && !(in_memory && memory_.empty()))
                pairs_.push_back({act.act, site.site});
        }
}

const std::vector<std::string>& Language::names(Site site) const {
    switch (site) {
        case Site::kRead:
        case Site::kWrite:
            return registers_;
        case Site::kLoad:
        case Site::kData:
            return memory_;
        default:
            return none_;
    }
}

std::uint8_t Language::kind_byte(Step::Kind kind) {
    return static_cast<std::uint8_t>(std::find(std::begin(kKinds), std::end(kKinds), kind) -
                                     std::begin(kKinds));
}
Record Language::settling() {
    constexpr std::uint64_t kSettles = 1'001'000'000;
    Record record;
    record.kind = kind_byte(Step::Kind::kWait);
    record.what = static_cast<std::uint8_t>(std::find(std::begin(kWaits), std::end(kWaits), kSettles) -
                                            std::begin(kWaits));
    return record;
}
Step::Kind Language::kind_of(const Record& record) {
    return pick(kKinds, record.kind);
}

std::size_t Language::whats(const Record& record) const {
    switch (kind_of(record)) {
        case Step::Kind::kFault:
            return pairs_.size();
        case Step::Kind::kDo:
            return dialect_.verbs.size();
        case Step::Kind::kHost:
            return dialect_.inputs.size();
        case Step::Kind::kWait:
            return std::size(kWaits);
        case Step::Kind::kHeal:
            break;
    }
    return 1;
}

std::size_t Language::places(const Record& record) const {
    constexpr std::size_t kOfAnOperation = 0x1'0000;
    if (kind_of(record) != Step::Kind::kFault) return kOfAnOperation;
    return names(site(record)).size() + 1;
}

faults::Parameter Language::parameter(const Record& record) const {
    if (kind_of(record) != Step::Kind::kFault) return faults::Parameter::kNone;
    return faults::spec_of(pairs_[record.what % pairs_.size()].act).parameter;
}

Site Language::site(const Record& record) const {
    return pairs_[record.what % pairs_.size()].site;
}

std::optional<std::uint16_t> Language::place_of(Site site, std::string_view name) const {
    if (name.empty()) return 0;
    const auto& known = names(site);
    const auto found = std::find(known.begin(), known.end(), name);
    if (found == known.end()) return std::nullopt;
    return static_cast<std::uint16_t>(1 + (found - known.begin()));
}

Step Language::fault(const Record& record) const {
    Step step;
    step.kind = Step::Kind::kFault;
    const Pair& pair = pairs_[record.what % pairs_.size()];
    step.fault.act = pair.act;
    step.fault.site = pair.site;
    const auto& known = names(pair.site);
    // The first stands for anything.
    if (const std::size_t place = record.place % (known.size() + 1); place != 0)
        step.fault.of = known[place - 1];
    step.fault.nth = ordinal(record.nth);
    step.fault.times = times_of(record.times);
    // A handler that is called for every access, also for its own, never returns: no driver is at fault.
    constexpr std::uint64_t kMostInvented = 8;
    if (pair.act == Act::kInvent && step.fault.times == 0) step.fault.times = kMostInvented;
    step.fault.not_before_ns = pick(kAfter, record.when);
    switch (faults::spec_of(pair.act).parameter) {
        case faults::Parameter::kValue:
            step.fault.value = number(record);
            break;
        case faults::Parameter::kMask:
            step.fault.mask = number(record);
            break;
        case faults::Parameter::kBy:
            step.fault.by_ns = pick(kDelays, record.value);
            break;
        case faults::Parameter::kNone:
            break;
    }
    return step;
}

Step Language::operation(const Record& record) const {
    const Verb& verb = dialect_.verbs[record.what % dialect_.verbs.size()];
    Step step;
    step.kind = Step::Kind::kDo;
    step.operation = driver_->find_operation(verb.name);
    if (verb.fill != nullptr) verb.fill(record, step.arguments);
    step.async = verb.can_be_async && (record.when & 1) != 0;
    return step;
}

Step Language::input(const Record& record) const {
    const Verb& verb = dialect_.inputs[record.what % dialect_.inputs.size()];
    Step step;
    step.kind = Step::Kind::kHost;
    step.input = verb.name;
    if (verb.fill != nullptr) verb.fill(record, step.arguments);
    return step;
}

Step Language::start(const Record& options) const {
    Step step;
    step.kind = Step::Kind::kDo;
    step.operation = driver_->find_operation("start");
    dialect_.start.fill(options, step.arguments);
    return step;
}

Step Language::step(const Record& record) const {
    switch (kind_of(record)) {
        case Step::Kind::kFault:
            return fault(record);
        case Step::Kind::kHeal: {
            Step step;
            step.kind = Step::Kind::kHeal;
            return step;
        }
        default:
            return legal_step(record);
    }
}

Step Language::legal_step(const Record& record) const {
    switch (kind_of(record)) {
        case Step::Kind::kHost:
            return input(record);
        case Step::Kind::kWait: {
            Step step;
            step.wait_ns = pick(kWaits, record.what);
            return step;
        }
        default:
            return operation(record);
    }
}

std::vector<Step> Language::steps(std::span<const Record> program) const {
    std::vector<Step> steps;
    if (program.empty()) return steps;
    steps.reserve(program.size() + 1);
    bool started = false;
    for (const Record& record : program.subspan(1)) {
        Step next = step(record);
        const bool can_wait = next.kind == Step::Kind::kFault || next.kind == Step::Kind::kHeal;
        if (!started && !can_wait) {
            steps.push_back(start(program.front()));
            started = true;
        }
        steps.push_back(std::move(next));
    }
    if (!started) steps.push_back(start(program.front()));
    return steps;
}

bool Language::is_harmless(const faults::Fault& fault) const {
    switch (fault.act) {
        // The device is slow, or was never asked: no untruth.
        case Act::kDelay:
        case Act::kInvent:
        case Act::kFail:
            return true;
        default:
            break;
    }
    if (fault.site == Site::kInterrupt) return true;
    if (fault.site == Site::kData || fault.of.empty()) return false;
    return std::any_of(dialect_.harmless.begin(), dialect_.harmless.end(),
                       [&](const char* pattern) { return trace::matches_pattern(pattern, fault.of); });
}

}  // namespace tb::fuzz
