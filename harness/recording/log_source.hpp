// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "harness/recording/log_line.hpp"
#include "harness/recording/record.hpp"
#include "harness/trace/input.hpp"

namespace tb::recording {

/// Makes one stream of time out of stamps: nanoseconds since the first, never backwards.
class Clock {
  public:
    /// `ns`: any monotonic count. Returns the time since the first stamp; a stamp before its predecessor
    /// counts as equal to it, and is noted.
    std::uint64_t at(std::uint64_t ns, std::uint64_t line, Summary& summary);
    /// From now on stamps count from 0 as they are: virtual time.
    void count_from_zero() { first_ = begun_ = last_ = 0; }

  private:
    static constexpr std::uint64_t kNewRun = 2'000'000'000;

    std::optional<std::uint64_t> first_;  ///< the stamp at which the count began
    std::uint64_t begun_ = 0;             ///< the time then
    std::uint64_t last_ = 0;
};

/// Puts the events of QEMU together: how wide a configuration access was stands in the access to the host
/// bridge beside it, which a write follows and a read precedes.
class Assembler {
  public:
    /// One event at most waits here, for what follows it. `take` gives the next that is ready.
    void add(const Record& record);
    bool take(Record& record, bool at_end);
    /// The recorder's module tells the time of a write, or message, behind it: they wait for that.
    void hold_writes() { holds_writes_ = true; }
    void set_time(std::uint64_t time);

  private:
    struct Held {
        Record record;
        std::string name, text;
        std::vector<std::byte> data;
        void keep(const Record& from);
        void give(Record& to) const;
    };
    Held held_[2];
    unsigned count_ = 0;
    Held given_;
    trace::Event last_access_;  ///< the access to a memory region before
    bool has_last_ = false;
    bool holds_writes_ = false;
};

/// What the readers of QEMU's recordings have in common.
class AssembledSource : public Source {
  public:
    bool next(Record& record) final;

  protected:
    /// The next event as the file has it; false at the end.
    virtual bool read(Record& record) = 0;

    Assembler assembler_;
    bool ended_ = false;
};

/// The log that `-d trace:... -D FILE` makes, of QEMU 5.2 to 11, with or without time stamps.
class LogSource : public AssembledSource {
  public:
    explicit LogSource(std::unique_ptr<trace::Input> input);

  private:
    enum class Taken : std::uint8_t { kEvent, kNothing, kUnknown };

    bool read(Record& record) override;
    Taken take(const LogLine& line, Record& record);
    Taken take_region_access(const LogLine& line, bool write, Record& record);
    Taken take_config_access(const LogLine& line, bool write, Record& record);
    Taken take_from_module(const LogLine& line, Record& record);
    void stamp(const LogLine& line, Record& record);
    void count_form(std::string_view form);

    trace::Scanner scanner_;
    Clock clock_;
    std::vector<std::byte> data_;
    std::string_view last_form_;
    std::uint64_t* form_ = nullptr;  ///< the count of last_form_
    std::optional<std::uint64_t> virtual_time_;
};

/// Fill a record from an event's parts.
void fill_region_record(Record& record, bool write, std::uint64_t address, std::uint64_t value,
                        std::uint8_t size, std::string_view name);
void fill_config_record(Record& record, bool write, std::uint64_t address, std::uint32_t value,
                        std::string_view name);

}  // namespace tb::recording
