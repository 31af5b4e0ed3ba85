// SPDX-License-Identifier: BSD-3-Clause
#include "harness/replay/part_player.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "harness/scenario/registers.hpp"
#include "harness/trace/trace_file.hpp"
#include "models/core/access.hpp"

namespace tb::replay {

namespace {

using trace::EventKind;

constexpr std::size_t kMostMemoryDifferences = 20;
/// Even by the machine's own clock a timer of QEMU's runs when its main loop gets to it, and what runs there
/// sees a clock that the processor has left behind: by some hundred microseconds with the recorder's clock.
constexpr std::uint64_t kTimerSlack = 1'000'000;
constexpr std::uint64_t kOutputEvery = 4096;
constexpr std::size_t kMostInterruptsKept = 1 << 16;
constexpr std::size_t kMostInterruptDifferences = 10;

const harness::DeviceType& device_type(const Role& role) {
    const harness::DeviceType* type = harness::find_device_type(role.type);
    if (type == nullptr) throw std::logic_error(fmt::format("no device type {}", role.type));
    return *type;
}

std::unique_ptr<harness::Rig> make_rig(const harness::DeviceType& type, const nlohmann::json& configuration,
                                       const harness::RigOptions& rig, bool onto_qemu) {
    const std::string objection = type.check(configuration);
    if (!objection.empty())
        throw std::runtime_error(
            fmt::format("{}: the recorded device cannot be made: {} (its configuration: {})", type.name(),
                        objection, configuration.dump()));
    return onto_qemu ? type.make_qemu(configuration, rig) : type.make_model(configuration, rig);
}

}  // namespace

PartPlayer::PartPlayer(const Role& role, const Study& study, const harness::RigOptions& rig,
                       const Options& options, const Facts& facts)
    : role_(role),
      type_(device_type(role)),
      configuration_(study.configuration()),
      stage_(make_rig(type_, configuration_, rig, options.onto_qemu), role),
      registers_(role, type_),
      arrivals_(facts.has_typing ? std::span<const Arrival>() : study.arrivals()),
      facts_(facts),
      context_(options.context),
      tolerance_(options.tolerance),
      recent_(std::max(options.context, 1U)) {
    stage_.rig().machine().set_listener(this);
    if (facts.has_completions && stage_.rig().outside().has_medium())
        stage_.rig().outside().hold_requests(true);
}

void PartPlayer::access(const recording::Record& record, const Target& target) {
    finish();
    const Step step{record.event, target, record.line, record.timed};
    if (trace::is_register_write(record.event.kind) && facts_.has_dma) {
        waiting_ = step;
        return;
    }
    perform(step);
}

void PartPlayer::finish() {
    if (!waiting_) return;
    const Step step = *waiting_;
    waiting_.reset();
    perform(step);
}

void PartPlayer::outside(const recording::Record& record) {
    const EventKind kind = record.event.kind;
    recorded_beside_accesses_ = true;
    if (kind == EventKind::kDmaRead) {
        // Before the access that it belongs to, which waits.
        if (!stage_.set_memory(record.event.address, record.data)) counts_.lost_dma += record.data.size();
        return;
    }
    finish();
    if (record.timed) {
        stage_.at(record.event.time, tolerance());
        if (kind == EventKind::kIrqRaised)
            stage_.expect_line(interrupt_line(type_));
        else
            stage_.pass();
    }
    harness::Outside& world = stage_.rig().outside();
    if (kind == EventKind::kMessage || kind == EventKind::kIrqRaised || kind == EventKind::kIrqLowered) {
        const bool message = kind == EventKind::kMessage;
        return interrupted(false, {message ? record.event.address : 0,
                                   message ? static_cast<std::uint32_t>(record.event.value)
                                           : static_cast<std::uint32_t>(kind == EventKind::kIrqRaised),
                                   record.event.time});
    }
    if (kind == EventKind::kDmaWrite) {
        if (facts_.has_completions && record.text == recording::kUsedIndex) finish_requests(record);
        compare_memory(record);
    } else if (record.text == recording::kFrame && world.has_network()) {
        if (kind == EventKind::kHostOutput) return compare_frame(record);
        world.send_frame(record.data);
        ++counts_.inputs;
    } else if (kind == EventKind::kHostInput && record.text == recording::kTyped && world.has_line()) {
        world.type(record.data);
        ++counts_.inputs;
    }
}

/// The recorded medium took its time: here it is the recording that says when a request is finished.
void PartPlayer::finish_requests(const recording::Record& record) {
    harness::Outside& world = stage_.rig().outside();
    while (world.has_medium() && world.held_requests() != 0) {
        const auto here = stage_.memory(record.event.address, record.data.size());
        if (!here || std::ranges::equal(*here, record.data)) return;
        world.release_request(0);
    }
}

void PartPlayer::message_written(std::uint64_t address, std::uint32_t data) {
    interrupted(true, {address, data, stage_.now()});
}

std::uint64_t PartPlayer::tolerance() const {
    return facts_.exact_time ? kTimerSlack : tolerance_;
}

void PartPlayer::irq(unsigned line, bool level) {
    if (line == interrupt_line(type_)) interrupted(true, {0, level ? 1U : 0U, stage_.now()});
}

void PartPlayer::interrupted(bool ours, const Interrupt& interrupt) {
    if (!facts_.has_interrupts) return;
    std::deque<Interrupt>& mine = ours ? interrupts_here_ : interrupts_there_;
    std::deque<Interrupt>& other = ours ? interrupts_there_ : interrupts_here_;
    // Lines and messages are two streams.
    const auto same_stream = [&](const Interrupt& one) {
        return (one.address == 0) == (interrupt.address == 0);
    };
    const auto found = std::ranges::find_if(other, same_stream);
    if (found == other.end()) {
        if (mine.size() < kMostInterruptsKept) mine.push_back(interrupt);
        return;
    }
    ++counts_.interrupts;
    const std::uint64_t apart =
        found->time > interrupt.time ? found->time - interrupt.time : interrupt.time - found->time;
    const bool equal = found->address == interrupt.address && found->value == interrupt.value &&
                       (!facts_.exact_time || apart <= kTimerSlack);
    if (equal) {
        ++counts_.interrupts_equal;
    } else if (counts_.interrupt_differences.size() < kMostInterruptDifferences) {
        const auto text = [](const Interrupt& one) {
            return one.address == 0
                       ? fmt::format("line {} at {} ns", one.value != 0 ? "raised" : "lowered", one.time)
                       : fmt::format("message {:#x} to {:#x} at {} ns", one.value, one.address, one.time);
        };
        counts_.interrupt_differences.push_back(fmt::format(
            "recorded: {}; here: {}", text(ours ? *found : interrupt), text(ours ? interrupt : *found)));
    }
    other.erase(found);
}

void PartPlayer::compare_frame(const recording::Record& record) {
    for (harness::Bytes& frame : stage_.rig().outside().take_frames()) sent_.push_back(std::move(frame));
    ++counts_.frames;
    if (sent_.empty()) return;
    if (std::ranges::equal(sent_.front(), record.data)) ++counts_.frames_equal;
    sent_.pop_front();
}

void PartPlayer::compare_memory(const recording::Record& record) {
    // The ring tells of itself; what a disk gave only the disk knows.
    if (!facts_.note.empty() && record.text != recording::kUsedIndex) return;
    const auto here = stage_.memory(record.event.address, record.data.size());
    if (!here) {
        counts_.lost_dma += record.data.size();
        return;
    }
    counts_.memory_bytes += record.data.size();
    std::size_t first = record.data.size();
    for (std::size_t i = record.data.size(); i-- > 0;) {
        if ((*here)[i] == record.data[i])
            ++counts_.memory_bytes_equal;
        else
            first = i;
    }
    if (first == record.data.size() || counts_.memory_differences.size() >= kMostMemoryDifferences) return;
    counts_.memory_differences.push_back(fmt::format(
        "line {}: memory at {:#x}: recorded {:02x}, here {:02x} (the first of {} bytes that were written)",
        record.line, record.event.address + first, std::to_integer<unsigned>(record.data[first]),
        std::to_integer<unsigned>((*here)[first]), record.data.size()));
}

void PartPlayer::set_time(const Step& step) {
    if (!step.timed)
        stage_.at(stage_.now(), ~std::uint64_t{0});
    else
        stage_.at(step.event.time, tolerance());
}

void PartPlayer::type_what_has_come(std::uint64_t line) {
    for (; arrived_ < arrivals_.size() && arrivals_[arrived_].line <= line; ++arrived_) {
        stage_.rig().outside().type(std::span(&arrivals_[arrived_].character, 1));
        ++counts_.inputs;
    }
}

void PartPlayer::perform(const Step& step) {
    type_what_has_come(step.line);
    set_time(step);
    if (trace::is_register_read(step.event.kind)) {
        ++counts_.reads;
        if (step.target.spot.bar == Spot::kConfig && step.event.width == 0)
            perform_config_read(step);
        else
            perform_read(step, step.event.width);
        return;
    }
    ++counts_.writes;
    const unsigned width = step.event.width != 0 ? step.event.width : config_write_width(step);
    stage_.write(step.target, width, step.event.value);
    if (counts_.writes % kOutputEvery == 0) discard_output();
    remember(step, width);
}

/// What nobody compares must not pile up.
void PartPlayer::discard_output() {
    harness::Outside& world = stage_.rig().outside();
    if (world.has_line()) world.take_output();
    if (world.has_network() && !facts_.has_dma) world.take_frames();
}

void PartPlayer::perform_read(const Step& step, unsigned width) {
    const std::uint64_t answered = stage_.read(step.target, width, step.event.value);
    if (answered == step.event.value)
        ++counts_.equal;
    else
        differs(step, width, answered);
    remember(step, width);
}

/// Any width that could have given the value will do: the recording does not say which it was.
void PartPlayer::perform_config_read(const Step& step) {
    Target dword = step.target;
    dword.spot.offset &= ~std::uint64_t{3};
    const unsigned inside = static_cast<unsigned>(step.target.spot.offset & 3);
    const std::uint64_t whole = stage_.read(dword, 4, step.event.value) >> (8 * inside);
    for (const unsigned width : {4U, 2U, 1U}) {
        if (inside % width != 0 || step.event.value > model::width_mask(width)) continue;
        if ((whole & model::width_mask(width)) == step.event.value) {
            ++counts_.equal;
            return remember(step, width);
        }
    }
    const unsigned width = step.event.value > 0xffff ? 4 : step.event.value > 0xff ? 2 : 1;
    differs(step, width, whole & model::width_mask(width));
    remember(step, width);
}

unsigned PartPlayer::config_write_width(const Step& step) const {
    const std::uint64_t offset = step.target.spot.offset;
    const std::uint64_t value = step.event.value;
    unsigned width = 1;
    for (const model::RegisterSpec& spec : scenario::pci_header_block().registers)
        for (unsigned i = 0; i < spec.count; ++i)
            if (spec.offset + std::uint64_t{i} * spec.stride == offset)
                width = std::max<unsigned>(width, spec.width);
    for (const Registers::Entry& entry : registers_.entries())
        if (entry.spot == step.target.spot) width = std::max<unsigned>(width, entry.spec->width);
    while (width < 4 && value > model::width_mask(width)) width *= 2;
    return std::min(width, 4U);
}

trace::Event PartPlayer::named_event(const Step& step, unsigned width, std::uint64_t value) const {
    return registers_.event(step.event.kind, step.target.spot, width, value);
}

std::string PartPlayer::line_of(const Step& step, std::string_view mark) const {
    std::string line(mark);
    // The recorded machine's address; the name by the place in the device.
    trace::append_event_line(line, step.event, {}, {}, nullptr);
    return line + fmt::format(" ({})", registers_.name_with_fields(
                                           named_event(step, step.event.width, step.event.value)));
}

Cause PartPlayer::cause_of(const Step& step, std::uint64_t answered) const {
    const std::uint64_t different = answered ^ step.event.value;
    const auto only = [&](std::span<const RegisterBits> list) {
        return (different & ~Role::bits_of(list, step.target.spot)) == 0;
    };
    if (!facts_.has_dma && only(role_.memory)) return Cause::kMemory;
    if (!step.timed && only(role_.timed)) return Cause::kTime;
    return Cause::kDevice;
}

void PartPlayer::differs(const Step& step, unsigned width, std::uint64_t answered) {
    const trace::Event recorded = named_event(step, width, step.event.value);
    const std::string name = registers_.symbols().name(recorded);
    const Cause cause = cause_of(step, answered);
    DifferentReads& reads = differences_[{Key{step.target.spot, width}, cause}];
    if (reads.count++ != 0) return;
    reads.name = name;
    reads.cause = cause;
    reads.line = step.line;
    reads.recorded = step.event.value;
    reads.answered = answered;
    const auto ours = registers_.symbols().field_values(named_event(step, width, answered));
    const auto theirs = registers_.symbols().field_values(recorded);
    for (std::size_t i = 0; i < std::min(ours.size(), theirs.size()); ++i) {
        if (ours[i] == theirs[i]) continue;
        reads.recorded_fields.push_back(theirs[i]);
        reads.answered_fields.push_back(ours[i]);
    }
    const std::size_t known = std::min<std::size_t>(recent_count_, context_);
    for (std::size_t i = recent_count_ - known; i < recent_count_; ++i)
        reads.context.push_back(line_of(recent_[i % recent_.size()], "  "));
    Step here = step;
    here.event.width = static_cast<std::uint8_t>(width);
    reads.context.push_back(line_of(here, "> "));
    reads.wanted_after = context_ + 1;  // this read itself comes by first
    ++wanting_context_;
}

void PartPlayer::remember(const Step& step, unsigned width) {
    const Key key{step.target.spot, width};
    if (last_touch_ == nullptr || last_key_ != key) {
        last_key_ = key;
        last_touch_ = &touches_[key];
    }
    last_touch_->ones |= step.event.value;
    last_touch_->zeros |= ~step.event.value & model::width_mask(width);
    Step& kept = recent_[recent_count_++ % recent_.size()];
    kept = step;
    kept.event.width = static_cast<std::uint8_t>(width);
    if (wanting_context_ == 0) return;
    for (auto& [at, reads] : differences_) {
        if (reads.wanted_after == 0) continue;
        if (reads.wanted_after <= context_) {
            reads.context.push_back(line_of(kept, "  "));
        }
        if (--reads.wanted_after == 0) --wanting_context_;
    }
}

void PartPlayer::add_coverage(PartReport& report) const {
    struct Seen {
        bool touched = false;
        std::uint64_t ones = 0, zeros = 0;
    };
    std::vector<Seen> seen(registers_.rows().size());
    // A register is touched by an access to any part of it: wide ones are read in halves.
    for (const Registers::Entry& entry : registers_.entries())
        for (const auto& [key, touch] : touches_) {
            const std::uint64_t at = entry.spot.offset;
            const std::uint64_t begin = key.spot.offset;
            if (key.spot.bar != entry.spot.bar || at + entry.spec->width <= begin || at >= begin + key.width)
                continue;
            const auto moved = [&](std::uint64_t bits) {
                bits &= model::width_mask(key.width);
                return (at >= begin ? bits >> (8 * (at - begin)) : bits << (8 * (begin - at))) &
                       model::width_mask(entry.spec->width);
            };
            Seen& row = seen[entry.row];
            row.touched = true;
            row.ones |= moved(touch.ones);
            row.zeros |= moved(touch.zeros);
        }
    for (std::size_t i = 0; i < seen.size(); ++i) {
        const Registers::Row& row = registers_.rows()[i];
        ++report.registers_total;
        report.fields_total += static_cast<unsigned>(row.spec->fields.size());
        if (!seen[i].touched) {
            report.untouched.push_back(row.name);
            continue;
        }
        ++report.registers_touched;
        for (const model::FieldSpec& field : row.spec->fields) {
            const std::uint64_t bits = scenario::field_mask(field);
            if ((seen[i].ones & bits) != 0 && (seen[i].zeros & bits) != 0) ++report.fields_seen;
        }
    }
}

PartReport PartPlayer::report(const Cast::Part& part) {
    PartReport report = counts_;
    report.name = role_.type;
    report.place = part.place();
    report.configuration = configuration_.dump();
    // Frames that only this device sent.
    harness::Outside& world = stage_.rig().outside();
    if (recorded_beside_accesses_ && facts_.has_dma && world.has_network())
        report.frames += sent_.size() + world.take_frames().size();
    report.note = facts_.note;
    report.placed = stage_.placed();
    // What only one side had.
    report.interrupts += interrupts_here_.size() + interrupts_there_.size();
    for (const auto& [left_over, side] :
         {std::pair(&interrupts_there_, "recorded"), std::pair(&interrupts_here_, "here")})
        if (!left_over->empty())
            report.interrupt_differences.push_back(fmt::format("{} interrupts only {}, the first at {} ns",
                                                               left_over->size(), side,
                                                               left_over->front().time));
    for (const auto& [key, reads] : differences_) report.differences.push_back(reads);
    std::ranges::sort(report.differences, [](const DifferentReads& one, const DifferentReads& other) {
        return std::pair(other.count, one.line) < std::pair(one.count, other.line);
    });
    add_coverage(report);
    return report;
}

}  // namespace tb::replay
