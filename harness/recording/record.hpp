// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "harness/trace/event.hpp"

namespace tb::recording {

/// Texts of events: the DMA write by which a virtqueue's device says how far it has come, what a disk held at
/// first, a frame, characters that came in.
inline constexpr std::string_view kUsedIndex = "used";
inline constexpr std::string_view kDisk = "disk";
inline constexpr std::string_view kFrame = "net.frame";
inline constexpr std::string_view kTyped = "uart.type";
/// Where processors take messages (Intel SDM vol. 3A §11.11.1).
inline constexpr std::uint64_t kMessageBase = 0xfee0'0000;
inline constexpr std::uint64_t kMessageBytes = 0x10'0000;

/// One event of a recording, whatever form it was written in.
///
/// Addresses are those of the recorded machine. Configuration space is addressed as in PCI Express's ECAM:
/// bus
/// << 20 | device << 15 | function << 12 | offset. QEMU's log does not say how wide a configuration access
/// is: width 0 is "not known".
struct Record {
    trace::Event event;      ///< text and data below, not by position
    bool timed = false;      ///< `event.time` says when, in nanoseconds since the recording began
    std::uint64_t line = 0;  ///< of the file, or the record's number; from 1
    /// QEMU's name of the memory region, or of the device for a configuration access; for what comes from or
    /// goes outside, and for DMA, the place of the device, such as "00:03.0". Empty where the recording has
    /// none.
    std::string_view name;
    std::string_view text;
    std::span<const std::byte> data;
};

/// What was read, besides the events.
struct Summary {
    std::string format;        ///< "log of QEMU 7.2 or 10", ...
    std::uint64_t lines = 0;   ///< or binary records
    std::uint64_t events = 0;  ///< that were given out
    /// Events of QEMU's that say nothing which could be replayed, by name; the rest under "...".
    std::map<std::string, std::uint64_t, std::less<>> other;
    std::uint64_t unknown = 0;        ///< lines that are no event in any known form
    std::uint64_t first_unknown = 0;  ///< the line of the first
    std::string unknown_sample;       ///< its beginning
    std::uint64_t out_of_order = 0;   ///< time stamps before their predecessor's, taken as equal to it
    std::uint64_t first_out_of_order = 0;
    std::uint64_t untimed = 0;  ///< events without a time stamp
    /// In which forms lines were; more than one is a mixture of versions.
    std::map<std::string, std::uint64_t, std::less<>> forms;
    std::string device;       ///< type of the device that a trace of a scenario is about; else empty
    bool exact_time = false;  ///< times are the machine's own, not a wall clock's
    /// Where and why reading ended before the end; empty when it did not.
    std::string trouble;

    static constexpr std::size_t kMostNames = 100;
    void count_other(std::string_view name);
    void count_unknown(std::uint64_t line, std::string_view text);
};

/// A recording as a stream of events, in constant memory.
class Source {
  public:
    Source() = default;
    Source(const Source&) = delete;
    Source& operator=(const Source&) = delete;
    virtual ~Source() = default;

    /// False at the end. The record's views are valid until the next call.
    virtual bool next(Record& record) = 0;
    const Summary& summary() const { return summary_; }

  protected:
    Summary summary_;
};

/// What Summary::format says of a trace of ours.
inline constexpr const char* kOwnFormat = "trace of Twinbench";

/// Opens a recording, whichever it is: a log of QEMU's, its simpletrace, or a trace of ours; compressed or
/// not. Throws trace::FileError (file, place, remedy) when it cannot be read or is none of them.
std::unique_ptr<Source> open_recording(const std::string& path);

/// The same over bytes in memory, not decompressed, and never our own trace.
std::unique_ptr<Source> recording_over(std::span<const std::byte> bytes);

}  // namespace tb::recording
