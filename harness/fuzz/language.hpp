// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "harness/devices/device_type.hpp"
#include "harness/faults/fault.hpp"
#include "harness/fuzz/record.hpp"
#include "harness/operations/operation.hpp"

namespace tb::fuzz {

/// What a record means: a step that a scenario has too.
struct Step {
    enum class Kind : std::uint8_t { kFault, kHeal, kDo, kHost, kWait };

    Kind kind = Kind::kWait;
    faults::Fault fault;                                ///< of kFault
    const harness::OperationSpec* operation = nullptr;  ///< of kDo
    std::string_view input = {};                        ///< of kHost: "net.frame"
    harness::Arguments arguments;                       ///< of kDo and kHost
    bool async = false;                                 ///< of kDo: begun, and its end taken later
    std::uint64_t wait_ns = 0;                          ///< of kWait
};

/// An operation of a driver, or an act of the world outside, and what its arguments are for a record.
struct Verb {
    const char* name;
    void (*fill)(const Record& record, harness::Arguments& arguments);
    bool can_be_async = false;
    bool restarts = false;  ///< most of its accesses are those of a start, or of an end
};

/// What programs for a driver are about.
struct Dialect {
    const char* name;  ///< "virtio_blk"
    const char* device;
    const char* driver;
    const char* configuration;  ///< of the device, as JSON
    Verb start;
    std::span<const Verb> verbs;   ///< often ones several times
    std::span<const Verb> inputs;  ///< likewise
    /// Places (patterns) at which lies, and lost or doubled writes, let no true driver give untrue data or
    /// have its device reach memory that it has given back.
    std::span<const char* const> harmless;
};
std::span<const Dialect* const> dialects();
const Dialect* find_dialect(std::string_view name);

/// Programs for one driver, read. Whatever the bytes are, they are a program.
class Language {
  public:
    explicit Language(const Dialect& dialect);

    const Dialect& dialect() const { return dialect_; }
    const harness::DeviceType& device() const { return *device_; }
    const harness::DriverType& driver() const { return *driver_; }

    /// The start of the driver, for which the first record has the options, comes before the first step that
    /// needs it, or at the end; faults before it strike the start.
    std::vector<Step> steps(std::span<const Record> program) const;
    Step step(const Record& record) const;
    /// An operation, an input or a wait, whatever the record's kind.
    Step legal_step(const Record& record) const;
    Step start(const Record& options) const;

    /// How many values of `what` and `place` differ in meaning.
    std::size_t whats(const Record& record) const;
    std::size_t places(const Record& record) const;
    /// What the act of a fault needs, and where it strikes.
    faults::Parameter parameter(const Record& record) const;
    faults::Site site(const Record& record) const;
    /// Record::place of a fault about a register, a field or a part of a ring, without indices;
    /// empty is anywhere.
    std::optional<std::uint16_t> place_of(faults::Site site, std::string_view name) const;
    /// Whether a fault is one of Dialect::harmless.
    bool is_harmless(const faults::Fault& fault) const;

    /// Record::times of a fault that strikes until it is healed.
    static constexpr std::uint8_t kForever = 7;
    /// A wait for what a device does in its own time after a start: QEMU's e1000 takes no frames for a
    /// second.
    static Record settling();

    /// Record::kind for a step's kind, and back.
    static std::uint8_t kind_byte(Step::Kind kind);
    static Step::Kind kind_of(const Record& record);

  private:
    struct Pair {
        faults::Act act;
        faults::Site site;
    };
    Step fault(const Record& record) const;
    Step operation(const Record& record) const;
    Step input(const Record& record) const;
    const std::vector<std::string>& names(faults::Site site) const;

    const Dialect& dialect_;
    const harness::DeviceType* device_;
    const harness::DriverType* driver_;
    std::vector<Pair> pairs_;
    std::vector<std::string> registers_;
    std::vector<std::string> memory_;
    std::vector<std::string> none_;
};

}  // namespace tb::fuzz
