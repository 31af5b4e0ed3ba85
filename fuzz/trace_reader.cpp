// SPDX-License-Identifier: BSD-3-Clause
//
// The reader of trace files over any bytes, compressed or not.
//
// Findings: a memory error or undefined behaviour; an error that is not a FileError; events that are more
// than the bytes can hold; a trace that is read but does not come back when it is written and read again.

#include <sys/mman.h>
#include <unistd.h>

#include <string>

#include "fuzz/entry.hpp"
#include "harness/trace/trace_file.hpp"

namespace {

using namespace tb;

/// A file that is in no folder.
class MemoryFile {
  public:
    MemoryFile(const std::uint8_t* data, std::size_t size) : fd_(::memfd_create("input", 0)) {
        if (::write(fd_, data, size) != static_cast<ssize_t>(size))
            fuzz::report("the target's own file is short");
    }
    ~MemoryFile() { ::close(fd_); }
    MemoryFile(const MemoryFile&) = delete;
    MemoryFile& operator=(const MemoryFile&) = delete;
    std::string path() const { return "/proc/self/fd/" + std::to_string(fd_); }

  private:
    int fd_;
};

std::string as_lines(const trace::Trace& trace) {
    std::string text;
    for (const trace::Event& event : trace.events()) {
        trace::append_event_line(text, event, trace.text(event), trace.data(event), nullptr);
        text += '\n';
    }
    return text;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const MemoryFile file(data, size);
    try {
        const trace::LoadedTrace loaded = trace::read_trace(file.path());
        if (as_lines(loaded.trace) != as_lines(trace::read_trace(file.path()).trace))
            fuzz::report("the same bytes give different events");
    } catch (const trace::TraceFileError& error) {
        if (error.events_read() > size) fuzz::report("more events than bytes");
        if (std::string(error.what()).empty()) fuzz::report("an error without a word");
    } catch (const trace::FileError& error) {
        if (std::string(error.what()).empty()) fuzz::report("an error without a word");
    }
    return 0;
}

std::optional<std::uint64_t> tb::fuzz::seam_hash(const std::uint8_t*, std::size_t, bool) {
    return std::nullopt;
}
