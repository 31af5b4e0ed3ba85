// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "harness/replay/registers.hpp"
#include "harness/replay/replay.hpp"

namespace tb::replay {

/// Plays one device's share of a recording, and keeps the books.
class PartPlayer : private harness::MachineListener {
  public:
    struct Facts {
        bool has_dma = false;
        bool has_typing = false;       ///< characters; otherwise they are inferred
        bool has_completions = false;  ///< of requests
        bool has_interrupts = false;
        bool exact_time = false;
        std::string note;  ///< why what the device wrote to memory cannot be compared; empty: it can
    };

    PartPlayer(const Role& role, const Study& study, const harness::RigOptions& rig, const Options& options,
               const Facts& facts);

    void access(const recording::Record& record, const Target& target);
    /// DMA, frames, characters, interrupts: what is not an access of the processor's.
    void outside(const recording::Record& record);
    /// Performs what still waits for what might have followed it.
    void finish();

    std::string machine() { return stage_.rig().description(); }
    PartReport report(const Cast::Part& part);

  private:
    /// Bits that were seen so, in accesses of one width to one place: for the coverage.
    struct Touch {
        std::uint64_t ones = 0, zeros = 0;
    };
    struct Key {
        Spot spot;
        unsigned width;
        auto operator<=>(const Key&) const = default;
    };
    struct Step {
        trace::Event event;
        Target target;
        std::uint64_t line = 0;
        bool timed = false;
    };

    void perform(const Step& step);
    void discard_output();
    void perform_read(const Step& step, unsigned width);
    void perform_config_read(const Step& step);
    void differs(const Step& step, unsigned width, std::uint64_t answered);
    void set_time(const Step& step);
    void type_what_has_come(std::uint64_t line);
    void remember(const Step& step, unsigned width);
    trace::Event named_event(const Step& step, unsigned width, std::uint64_t value) const;
    unsigned config_write_width(const Step& step) const;
    Cause cause_of(const Step& step, std::uint64_t answered) const;
    std::string line_of(const Step& step, std::string_view mark) const;
    /// An interrupt: a change of the line, or a message.
    struct Interrupt {
        std::uint64_t address = 0;  ///< of a message; 0: the line
        std::uint32_t value = 0;    ///< the level, or the message's data
        std::uint64_t time = 0;
    };
    void irq(unsigned line, bool level) override;
    void message_written(std::uint64_t address, std::uint32_t data) override;
    std::uint64_t tolerance() const;
    void interrupted(bool ours, const Interrupt& interrupt);
    void compare_memory(const recording::Record& record);
    void compare_frame(const recording::Record& record);
    void finish_requests(const recording::Record& record);
    void add_coverage(PartReport& report) const;

    const Role& role_;
    const harness::DeviceType& type_;
    nlohmann::json configuration_;
    Stage stage_;
    Registers registers_;
    std::span<const Arrival> arrivals_;
    std::size_t arrived_ = 0;
    Facts facts_;
    unsigned context_;
    std::uint64_t tolerance_;

    bool recorded_beside_accesses_ = false;  ///< DMA, frames, interrupts of this device are in the recording
    std::deque<harness::Bytes> sent_;        ///< frames of ours that were not compared yet
    /// In the order in which they came, those that the other side has not had yet: in the log a read stands
    /// behind what it has caused.
    std::deque<Interrupt> interrupts_here_, interrupts_there_;
    std::optional<Step> waiting_;  ///< a write: what the device read in memory for it comes after it
    std::vector<Step> recent_;     ///< a ring of the last `context_` steps
    std::size_t recent_count_ = 0;
    std::map<Key, Touch> touches_;
    Touch* last_touch_ = nullptr;
    Key last_key_{};
    std::map<std::pair<Key, Cause>, DifferentReads> differences_;
    unsigned wanting_context_ = 0;
    PartReport counts_;
};

}  // namespace tb::replay
