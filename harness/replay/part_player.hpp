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

#include "harness/replay/replay.hpp"

namespace tb::replay {

/// Plays one device's share of a recording, and keeps the books.
class PartPlayer {
  public:
    struct Facts {
        bool has_dma = false;
        bool has_input = false;
    };

    PartPlayer(const Role& role, const Study& study, const harness::RigOptions& rig, const Options& options,
               Facts facts);

    /// `exact`: the record's time is the device's own, not a wall clock's.
    void access(const recording::Record& record, const Cast::Part& part, const Spot& spot, bool exact);
    /// DMA, frames, characters: what is not an access of the processor's.
    void outside(const recording::Record& record);
    /// Performs what still waits for what might have followed it.
    void finish();

    std::string machine() { return stage_.rig().description(); }
    PartReport report(const Cast::Part& part);

  private:
    /// An access of a kind, counted: for the coverage.
    struct Touch {
        std::uint64_t reads = 0, writes = 0;
        std::uint64_t ones = 0, zeros = 0;  ///< bits that were seen so
    };
    struct Key {
        Spot spot;
        unsigned width;
        auto operator<=>(const Key&) const = default;
    };
    struct Step {
        trace::Event event;
        Spot spot;
        Cast::Part part;
        std::uint64_t line = 0;
        bool timed = false;
        bool exact = false;
    };

    void perform(const Step& step);
    void perform_read(const Step& step, unsigned width);
    void perform_config_read(const Step& step);
    void differs(const Step& step, unsigned width, std::uint64_t answered);
    void set_time(const Step& step);
    void type_what_has_come(std::uint64_t line);
    void remember(const Step& step, unsigned width);
    trace::Event named_event(const Step& step, unsigned width, std::uint64_t value) const;
    unsigned config_write_width(const Step& step) const;
    Cause cause_of(const std::string& name, const Step& step, std::uint64_t answered) const;
    std::string line_of(const Step& step, std::string_view mark) const;
    void add_coverage(PartReport& report) const;

    const Role& role_;
    const harness::DeviceType& type_;
    nlohmann::json configuration_;
    Stage stage_;
    trace::SymbolTable symbols_;
    std::span<const Arrival> arrivals_;
    std::size_t arrived_ = 0;
    Facts facts_;
    unsigned context_;
    std::uint64_t tolerance_;

    std::optional<Step> waiting_;  ///< a write: what the device read in memory for it comes after it
    std::vector<Step> recent_;     ///< a ring of the last `context_` steps
    std::size_t recent_count_ = 0;
    std::map<Key, Touch> touches_;
    Touch* last_touch_ = nullptr;
    Key last_key_{};
    std::map<std::pair<Key, Cause>, DifferentReads> differences_;
    unsigned wanting_context_ = 0;
    PartReport counts_;
    std::uint64_t lost_dma_ = 0;
};

}  // namespace tb::replay
