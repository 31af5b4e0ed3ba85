// SPDX-License-Identifier: BSD-3-Clause
#include "harness/fuzz/program.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

#include "harness/fuzz/seam_hash.hpp"
#include "harness/rules/rules_layer.hpp"
#include "harness/sweep/trial.hpp"

namespace tb::fuzz {

using faults::Act;
using faults::Fault;
using faults::Site;
using harness::Arguments;
using harness::Bytes;
using harness::OperationSpec;
using harness::Outcome;
using sweep::is_subsequence;

namespace {

constexpr std::uint64_t kSector = 512;
constexpr const char* kUsedId = "queue.used.ring.id";
constexpr const char* kUsedLength = "queue.used.ring.len";
constexpr const char* kStatus = "queue.writable.last";

bool starts_with(const Bytes& whole, const Bytes& part) {
    return whole.size() >= part.size() && std::equal(part.begin(), part.end(), whole.begin());
}

/// As a wire delivers a frame: shorter ones are padded with zeroes.
bool is_frame(const Bytes& got, const Bytes& sent) {
    if (got.size() < sent.size() || !starts_with(got, sent)) return false;
    return std::all_of(got.begin() + static_cast<std::ptrdiff_t>(sent.size()), got.end(),
                       [](std::byte byte) { return byte == std::byte{0}; });
}

const Bytes* data_of(const Outcome& outcome) {
    const auto found = outcome.results.find(std::string_view("data"));
    return found == outcome.results.end() ? nullptr : std::get_if<Bytes>(&found->second);
}

/// The head of a chain (VIRTIO 1.2 §2.7.8) is below 2^15: an id with higher bits is nobody's.
bool makes_impossible_id(const Fault& fault) {
    constexpr std::uint64_t kHigh = 0xffff'0000;
    if (fault.of != kUsedId || fault.site != Site::kLoad) return false;
    if (fault.act == Act::kAllOnes) return true;
    if (fault.act == Act::kFlip) return (fault.mask & kHigh) != 0;
    return fault.act == Act::kValue && (fault.value & kHigh) != 0;
}

bool hides_status(const Fault& fault) {
    return fault.of == kStatus && fault.act == Act::kUnwritten;
}

/// A used length of less than a sector, of a read.
bool says_short(const Fault& fault) {
    if (fault.of != kUsedLength || fault.site != Site::kLoad) return false;
    return fault.act == Act::kZero || (fault.act == Act::kValue && fault.value < kSector);
}

/// Judges what a driver gives by what the device and the world outside have.
class JudgedLife : public Life, public harness::MachineListener {
  public:
    JudgedLife(Bench& bench, rules::RulesLayer& rules, faults::FaultLayer& layer,
               const ProgramBench::Struck& struck)
        : Life(bench, rules), rules_(rules), layer_(layer) {
        bench.rig().machine().set_listener(this);
        rules_.on_broken([this](const rules::Rule& rule, const std::string& how) {
            object(fmt::format("the driver breaks {}: {}", rule.id, how));
        });
        layer_.on_strike_at([this, &struck](faults::FaultLayer::Handle handle, const faults::Occasion&) {
            const Fault& fault = layer_.fault(handle);
            if (fault.act == Act::kReset) rules_.device_forgot();
            if (fault.act == Act::kRemove) rules_.device_pulled();
            if (!this->bench().language().is_harmless(fault)) trusts_ = false;
            if (!struck_by_.has_value()) struck_by_ = handle;
            several_ = several_ || *struck_by_ != handle;
            impossible_now_ = impossible_now_ || makes_impossible_id(fault);
            unwritten_now_ = unwritten_now_ || hides_status(fault);
            short_now_ = short_now_ || says_short(fault);
            // Two lies about one word may make a truth.
            const bool again = layer_.calls_left() == struck_at_;
            struck_at_ = layer_.calls_left();
            others_now_ = others_now_ || again ||
                          !(makes_impossible_id(fault) || hides_status(fault) || says_short(fault));
            if (struck) struck(step_, fault);
        });
    }
    ~JudgedLife() override {
        layer_.on_strike_at(nullptr);
        bench().rig().machine().set_listener(nullptr);
    }
    JudgedLife(const JudgedLife&) = delete;
    JudgedLife& operator=(const JudgedLife&) = delete;

    void play(std::span<const Step> steps) {
        for (const Step& step : steps) {
            // A life that has been long is cut: the rest would take more time than it is worth.
            if (calls() > kMostCalls) break;
            grant();
            ++step_;
            if (step.kind == Step::Kind::kFault) {
                Fault fault = step.fault;
                if (fault.not_before_ns != 0) fault.not_before_ns += layer_.now_ns();
                layer_.arm(fault);
            } else if (step.kind == Step::Kind::kHeal) {
                layer_.heal_all();
                seam().interrupt_point();
            } else {
                take(step);
            }
            collect();
        }
        ++step_;
        grant();
        stop();
        collect();
        look_for_vectors("when it stopped");
        look_for_belief();
    }
    void conclude() {
        grant();
        const bool struck = layer_.strikes() != 0;
        // Whoever is plugged in after a removal gets a driver of its own.
        if (layer_.removed()) renew();
        layer_.heal_all();
        seam().interrupt_point();
        // One that was told no untruth has shown what it can.
        if (struck) try_out();
        close();
        look_for_vectors("when it went");
    }

    /// At the seam, so far.
    std::uint64_t calls() const { return calls_ + kMostCalls - layer_.calls_left(); }

    void finding(const std::string& text) override {
        if (text.starts_with("driver ")) object(text);
    }
    void device_dma(bool write, std::uint64_t address, std::span<const std::byte> data, unsigned) override {
        if (!write || !trusts_ || data.empty()) return;
        const harness::DmaPool& pool = bench().rig().machine().pool();
        const bool message = address - harness::kMsiBase < std::uint64_t{4} * harness::kMsiVectors;
        if (!message && !pool.owns(address, data.size()))
            object(
                fmt::format("the device was left to write {} bytes to {:#x}, which the driver had given back",
                            data.size(), address));
    }

  private:
    /// Each step has its own budget: many operations that end by their deadline, one behind the other, are no
    /// hang.
    void grant() {
        calls_ = calls();
        layer_.set_budget(kMostCalls, kMostVirtualNs);
        struck_at_ = 0;
    }

    void begins(const OperationSpec& operation, const Arguments& arguments) override {
        rules_.driver_begins();
        impossible_now_ = unwritten_now_ = short_now_ = others_now_ = false;
        const std::string_view name = operation.name;
        if (name == "uart.write") {
            const Bytes data = arguments.data("data");
            written_.insert(written_.end(), data.begin(), data.end());
        }
        if (name == "net.send") {
            Bytes whole = arguments.data("data");
            for (const Bytes& piece : arguments.data_list("fragments"))
                whole.insert(whole.end(), piece.begin(), piece.end());
            sent_.push_back(std::move(whole));
        }
        if (name == "uart.loopback" || name == "uart.set_break") trusts_lines_ = false;
    }
    void came_in(std::string_view what, const Arguments& arguments) override {
        if (what == "net.frame") arrived_.push_back(arguments.data("data"));
        if (what == "uart.break") trusts_lines_ = false;
        if (what != "uart.type") return;
        const Bytes data = arguments.data("data");
        typed_.insert(typed_.end(), data.begin(), data.end());
    }

    void ended(const OperationSpec& operation, const Arguments& arguments, const Outcome& outcome,
               bool alone) override {
        rules_.driver_ends();
        if (!outcome.status) {
            failed_ = true;
            return;
        }
        const std::string_view name = operation.name;
        if (name.starts_with("blk.") && alone) judge_block(name, arguments, outcome);
        if (!trusts_) return;
        const Bytes* data = data_of(outcome);
        if (name == "net.receive" && data != nullptr &&
            std::none_of(arrived_.begin(), arrived_.end(),
                         [&](const Bytes& frame) { return is_frame(*data, frame); }))
            object(fmt::format("net.receive gave a frame of {} bytes that never came", data->size()));
        if (name == "uart.read" && data != nullptr && trusts_lines_) {
            read_.insert(read_.end(), data->begin(), data->end());
            if (!is_subsequence(read_, typed_)) object("uart.read gave characters that were never typed");
        }
    }

    void judge_block(std::string_view name, const Arguments& arguments, const Outcome& outcome) {
        const bool data_operation = name == "blk.read" || name == "blk.write";
        if (data_operation && !others_now_ && unwritten_now_)
            return object(fmt::format("{} succeeded, and no status was ever written", name));
        if (data_operation && !others_now_ && impossible_now_)
            return object(fmt::format("{} succeeded: the driver believed what no device can mean", name));
        // VIRTIO 1.2 §2.7.8.2: nothing is known of what lies beyond the length.
        if (const Bytes* data = data_of(outcome);
            data != nullptr && !data->empty() && !others_now_ && short_now_)
            return object(
                fmt::format("{} succeeded, and the device had written less than was asked for", name));
        if (!trusts_ || !data_operation) return;
        harness::Outside& outside = bench().rig().outside();
        const std::uint64_t sector = arguments.integer("sector");
        if (name == "blk.write") {
            const Bytes data = arguments.data("data");
            if (outside.medium_contents(sector, data.size() / kSector) != data)
                object(fmt::format("blk.write to sector {} succeeded, and the medium does not hold the data",
                                   sector));
            return;
        }
        const Bytes* data = data_of(outcome);
        if (data == nullptr) return;
        const auto bytes = outcome.results.find(std::string_view("bytes"));
        if (bytes != outcome.results.end() && std::get<std::uint64_t>(bytes->second) != data->size())
            object(fmt::format("blk.read gave {} bytes, of a buffer of {}",
                               std::get<std::uint64_t>(bytes->second), data->size()));
        else if (data->size() % kSector == 0 &&
                 outside.medium_contents(sector, data->size() / kSector) != *data)
            object(fmt::format("blk.read of sector {} succeeded with data that is not there", sector));
    }

    void collect() {
        harness::Outside& outside = bench().rig().outside();
        if (outside.has_network())
            for (const Bytes& frame : outside.take_frames())
                if (trusts_ && std::none_of(sent_.begin(), sent_.end(),
                                            [&](const Bytes& sent) { return is_frame(frame, sent); }))
                    object(fmt::format("a frame of {} bytes went out that nobody sent", frame.size()));
        if (!outside.has_line()) return;
        const Bytes output = outside.take_output();
        printed_.insert(printed_.end(), output.begin(), output.end());
        if (trusts_ && trusts_lines_ && !output.empty() && !is_subsequence(printed_, written_))
            object("characters went out that nobody wrote, or not in this order");
    }

    void look_for_vectors(const char* when) {
        if (const std::size_t vectors = layer_.attached(); vectors != 0)
            object(fmt::format("the driver left {} interrupt vectors behind {}", vectors, when));
    }

    /// One answer was impossible, and nothing has failed, and nobody complained.
    void look_for_belief() {
        if (!struck_by_ || several_ || failed_ || !makes_impossible_id(layer_.fault(*struck_by_))) return;
        const auto& log = bench().rig().machine().log_lines();
        if (std::none_of(log.begin(), log.end(), [](const std::string& line) {
                return line.starts_with("error") || line.starts_with("warning");
            }))
            object("the driver believed what no device can mean");
    }

    rules::RulesLayer& rules_;
    faults::FaultLayer& layer_;
    std::size_t step_ = 0;
    std::uint64_t calls_ = 0;  ///< before this step
    std::optional<faults::FaultLayer::Handle> struck_by_;
    bool several_ = false;  ///< faults have struck
    bool trusts_ = true;    ///< no lie was told that a driver cannot see through
    bool trusts_lines_ = true;
    bool failed_ = false;
    bool impossible_now_ = false;  ///< such faults have struck since the operation began
    bool unwritten_now_ = false;
    bool short_now_ = false;
    bool others_now_ = false;
    std::uint64_t struck_at_ = 0;  ///< FaultLayer::calls_left() at the last strike
    std::vector<Bytes> arrived_;
    std::vector<Bytes> sent_;
    Bytes typed_;
    Bytes read_;
    Bytes written_;
    Bytes printed_;
};

}  // namespace

ProgramBench::ProgramBench(const Dialect& dialect)
    : bench_(dialect),
      layer_(bench_.rig().machine(), bench_.language().device(), [this] { bench_.rig().reset_device(); }) {
    rehearse();
}

ProgramBench::~ProgramBench() = default;

/// All operations, and what the world outside may do, on a device that tells the truth.
void ProgramBench::rehearse() {
    constexpr std::uint8_t kStarts = 3;  ///< of different options: those of Dialect::start hang on `what`
    bool at_work = false;
    layer_.on_occasion([&](const faults::Occasion& at) {
        const bool registers = at.site == Site::kRead || at.site == Site::kWrite;
        if (!registers && at.site != Site::kLoad && at.site != Site::kData) return;
        harness::Atlas& atlas = layer_.atlas();
        const auto pieces = registers ? atlas.registers(at.space, at.address, at.width).pieces
                                      : atlas.memory(at.address, at.width, bench_.rig().machine().ram());
        Sights& sights = at_work ? views_.work : views_.start;
        sights.saw(language(), at.site, "", 8 * at.width);
        for (const trace::NamedBits& piece : pieces) sights.saw(language(), at.site, piece.name, piece.bits);
    });
    const Dialect& dialect = language().dialect();
    const auto record = [](Step::Kind kind, std::size_t what) {
        return Record{.kind = Language::kind_byte(kind), .what = static_cast<std::uint8_t>(what)};
    };
    for (std::uint8_t options = 0; options < kStarts; ++options) {
        bench_.reset();
        layer_.reset();
        Life life(bench_, layer_);
        life.take(language().start({.what = options}));
        life.take(language().step(Language::settling()));
        for (std::size_t i = 0; i < dialect.verbs.size(); ++i) {
            at_work = !dialect.verbs[i].restarts;
            life.take(language().step(record(Step::Kind::kHost, i)));
            life.take(language().step(record(Step::Kind::kDo, i)));
        }
        at_work = false;
        life.stop();
        life.close();
        if (!life.verdict().empty())
            throw std::logic_error(fmt::format("{} does not work: {}", dialect.driver, life.verdict()));
    }
    layer_.on_occasion(nullptr);
}

std::string ProgramBench::run(std::span<const Record> program, bool hashed) {
    bench_.reset();
    layer_.reset();
    layer_.set_budget(kMostCalls, kMostVirtualNs);
    tally_ = {};
    if (program.empty()) return {};
    const std::vector<Step> steps = language().steps(program);
    SeamHash hash(layer_);
    rules::RulesLayer rules(hashed ? static_cast<hal::Machine&>(hash) : layer_, bench_.rig().machine(),
                            language().device(), true);
    JudgedLife life(bench_, rules, layer_, struck_);
    try {
        life.play(steps);
        life.conclude();
    } catch (const harness::Hang& hang) {
        life.abandon();
        return hang.what();
    }
    tally_ = {life.calls(), layer_.strikes(), hash.hash()};
    return life.verdict();
}

}  // namespace tb::fuzz
