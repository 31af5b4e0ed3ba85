// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "harness/recording/record.hpp"
#include "harness/replay/cast.hpp"
#include "harness/replay/stage.hpp"
#include "harness/trace/symbols.hpp"

namespace tb::replay {

/// Why a read may differ.
enum class Cause : std::uint8_t {
    kMemory,  ///< the register depends on DMA, and the recording has none
    kTime,    ///< the register depends on time, and the recording has none
    kDevice,  ///< the device answers otherwise than the recorded one
};
const char* to_string(Cause cause);

/// Reads of one register that differ for one cause.
struct DifferentReads {
    std::string name;  ///< of the register
    Cause cause = Cause::kDevice;
    std::uint64_t count = 0;
    // The first of them:
    std::uint64_t line = 0;
    std::uint64_t recorded = 0;
    std::uint64_t answered = 0;
    std::vector<trace::FieldValue> recorded_fields, answered_fields;  ///< those that differ
    std::vector<std::string> context;  ///< lines of a trace: what came before, and after; "> " marks the read
    unsigned wanted_after = 0;         ///< lines of context still to come
};

/// What happened to one device of the recording.
struct PartReport {
    std::string name;           ///< device type
    std::string place;          ///< in the recorded machine
    std::string configuration;  ///< as it was made, JSON
    std::string note;           ///< what about it could not be compared, and why; empty: nothing
    std::uint64_t reads = 0;
    std::uint64_t equal = 0;
    std::uint64_t writes = 0;
    std::uint64_t memory_bytes = 0;  ///< DMA writes of the recorded device that were compared
    std::uint64_t memory_bytes_equal = 0;
    std::uint64_t inputs = 0;  ///< frames and characters
    std::uint64_t frames = 0;  ///< that the recorded device sent
    std::uint64_t frames_equal = 0;
    std::uint64_t interrupts = 0;  ///< changes of the line, and messages
    std::uint64_t interrupts_equal = 0;
    std::uint64_t lost_dma = 0;  ///< bytes for addresses beyond the replay's memory
    std::uint64_t placed = 0;    ///< see Stage::placed
    std::vector<DifferentReads> differences;
    std::vector<std::string> interrupt_differences;  ///< the first few
    std::vector<std::string> memory_differences;     ///< the first few
    unsigned registers_touched = 0, registers_total = 0;
    unsigned fields_seen = 0, fields_total = 0;  ///< with both a zero and another value, in reads or writes
    std::vector<std::string> untouched;          ///< registers, by name

    /// 1.0 for no reads at all.
    double share() const;
    /// Reads that differ with cause kDevice.
    std::uint64_t unexplained() const;
    /// All is equal but for what the recording lacks.
    bool good() const;
};

struct Report {
    std::string onto;  ///< "model" or "qemu 7.2.22"
    recording::Summary recording;
    std::vector<PartReport> parts;
    std::map<std::string, std::uint64_t, std::less<>> others;  ///< accesses to what has no model, by name
    std::uint64_t dma_events = 0;
    double seconds = 0;
};

struct Options {
    std::string path = {};
    bool onto_qemu = false;
    std::string qemu = "qemu-system-x86_64";
    unsigned context = 3;
    std::string disk = {};                  ///< the image that the recorded guest had
    std::vector<std::string> devices = {};  ///< only these types; empty: all
    /// How far the recording's clock and the device's may lie apart, ns, where it is the wall clock.
    std::uint64_t tolerance = 20'000'000;
    /// Called now and then with the events done.
    std::function<void(std::uint64_t events)> progress = {};
};

/// Plays a recording. Reads the file twice: first to learn how the devices were configured. Throws
/// trace::FileError when it cannot be read, or holds nothing of a device that is known.
Report replay(const Options& options);

/// For people.
std::string render(const Report& report, bool verbose);
/// For programs: {"devices": [{"name", "place", "reads", "equal", "share", ...}], ...}.
std::string to_json(const Report& report);

}  // namespace tb::replay
