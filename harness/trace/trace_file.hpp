// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/trace/atomic_file.hpp"
#include "harness/trace/compressor.hpp"
#include "harness/trace/input.hpp"
#include "harness/trace/symbols.hpp"
#include "harness/trace/trace.hpp"

/// A trace as text, one event a line, to be read, searched and diffed by eye:
///
///     # twinbench trace 1
///     # scenario net/e1000/link-up
///     # machine model
///     # seed 7
///             1200 mem-read   0xfebc0008/4 0x80080783 x3 (STATUS FD=1 LU=1)
///             1300 host-in               -          - "net frame" data=525400123456,00*48
///     # end 2 events hash 0123456789abcdef
///
/// TIME KIND ADDRESS[/WIDTH] VALUE, then as needed: xREPEAT, (NAME FIELD=VALUE ...) which a reader skips,
/// "TEXT" with JSON's escapes, data=BYTES in hexadecimal, where bb*N stands for N equal bytes and commas join
/// parts. Times are virtual nanoseconds; numbers are decimal or 0x; `-` is 0.
namespace tb::trace {

inline constexpr std::string_view kFirstLine = "# twinbench trace 1";
/// Bytes of data that one event may carry; the guest's memory is smaller.
inline constexpr std::uint64_t kMostEventData = 128u << 20;

/// What the lines before the events say. Empty fields have no line.
struct TraceHeader {
    std::string scenario = {};
    std::string machine = {};
    std::string qemu = {};  ///< version, where the machine is QEMU
    std::optional<std::uint64_t> seed = {};
    std::string device = {};
    std::string clock = {};  ///< "wall": times are a wall clock's; otherwise the machine's own
    bool operator==(const TraceHeader&) const = default;
};

/// A whole trace in memory.
struct LoadedTrace {
    TraceHeader header;
    Trace trace;
};

/// A trace file is not what it should be. what() is "FILE:LINE: expected ..., found ...".
class TraceFileError : public FileError {
  public:
    enum class Reason {
        kCannotRead,
        kNotATrace,  ///< the first line is not ours, or of another version
        kBadLine,
        kCutShort,   ///< ends in the middle of a line or without the line "# end"
        kWrongHash,  ///< complete, but not the events that were written
    };
    TraceFileError(Reason reason, const std::string& path, std::uint64_t line, const std::string& problem,
                   std::uint64_t events_read);

    Reason reason() const { return reason_; }
    std::uint64_t line() const { return line_; }  ///< from 1; 0 when the file could not be opened
    std::uint64_t events_read() const { return events_read_; }
    /// What came before the error; only from read_trace.
    const std::shared_ptr<const LoadedTrace>& partial() const { return partial_; }
    void set_partial(std::shared_ptr<const LoadedTrace> partial) { partial_ = std::move(partial); }

  private:
    Reason reason_;
    std::uint64_t line_;
    std::uint64_t events_read_;
    std::shared_ptr<const LoadedTrace> partial_;
};

/// Writes a trace event by event, in constant memory. The file appears when `finish` is called, or not at all
/// (see AtomicFile). All members but the destructor throw FileError.
class TraceWriter {
  public:
    /// `symbols` may be null; then lines have no names. A path that ends in .xz, .gz or .zst is compressed.
    TraceWriter(const std::string& path, const TraceHeader& header, const SymbolTable* symbols = nullptr);
    void add(const Event& event, std::string_view text = {}, std::span<const std::byte> data = {});
    /// Returns the hash.
    std::uint64_t finish();

  private:
    void write(std::string_view text);

    AtomicFile file_;
    std::unique_ptr<Compressor> compressor_;
    const SymbolTable* symbols_;
    TraceHasher hasher_;
    std::uint64_t events_ = 0;
    std::string line_;
};

/// Reads a trace event by event, in constant memory; strict; compressed files too (see Input). Throws
/// TraceFileError.
class TraceReader {
  public:
    explicit TraceReader(const std::string& path);
    const TraceHeader& header() const { return header_; }
    /// The next event, or nothing after the last one, when the count and the hash have been found right. Text
    /// and data are valid until the next call.
    std::optional<Event> next();
    std::string_view text() const { return text_; }
    std::span<const std::byte> data() const { return data_; }
    std::uint64_t line() const { return line_number_; }

  private:
    bool read_line();
    void read_header_line(std::string_view rest);
    void read_trailer(std::string_view rest);
    Event parse_event();
    [[noreturn]] void fail(TraceFileError::Reason reason, const std::string& problem) const;
    [[noreturn]] void expected(std::string_view what, std::string_view found) const;

    std::string path_;
    std::unique_ptr<Scanner> in_;
    TraceHeader header_;
    std::string_view line_;
    std::uint64_t line_number_ = 0;
    std::uint64_t events_ = 0;
    bool pending_ = false;  ///< `line_` is the first event, read while looking for the header's end
    bool finished_ = false;
    std::string text_;
    std::vector<std::byte> data_;
    TraceHasher hasher_;
};

std::uint64_t write_trace(const std::string& path, const TraceHeader& header, const Trace& trace,
                          const SymbolTable* symbols = nullptr);
/// Errors carry what could be read.
LoadedTrace read_trace(const std::string& path);

/// One event as a line of the file, without the newline.
void append_event_line(std::string& line, const Event& event, std::string_view text,
                       std::span<const std::byte> data, const SymbolTable* symbols);

}  // namespace tb::trace
