// SPDX-License-Identifier: BSD-3-Clause
#include "harness/record/record.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include "harness/cli/commands.hpp"
#include "harness/trace/atomic_file.hpp"

namespace tb::cli {

int record_command(const RecordOptions& options) {
    record::Options how;
    how.output = options.output;
    how.devices = options.devices;
    how.machine = options.machine;
    how.kernel = options.kernel;
    how.initrd = options.initrd;
    how.append = options.append;
    how.memory_mib = options.memory_mib;
    how.disk = options.disk;
    how.pcap = options.pcap;
    how.keep_log = options.keep_log;
    how.plain = options.plain;
    how.qemu = options.qemu;
    how.deadline = std::chrono::seconds(options.deadline_s);
    const bool progress = ::isatty(STDERR_FILENO) != 0;
    if (progress) how.progress = [](double seconds) { fmt::print(stderr, "\rrecording: {:.0f} s", seconds); };
    try {
        const record::Outcome outcome = record::record(how);
        if (progress) fmt::print(stderr, "\r\033[K");
        if (options.console) fmt::print("{}", outcome.console);
        if (!outcome.why_plain.empty())
            fmt::print(stderr, "twinbench: without DMA, frames and virtual time: {}\n", outcome.why_plain);
        for (const auto& [name, count] : outcome.log.other)
            if (name == "twinbench_missing")
                fmt::print(
                    stderr,
                    "twinbench: the module did not find {} of what it looks for; --keep-log shows it\n",
                    count);
        fmt::print("{}: {} events of QEMU {}, from {} lines of its log ({})\n", options.output,
                   outcome.events, outcome.qemu, outcome.log.lines,
                   outcome.log.exact_time ? "registers, interrupts, DMA, frames, virtual time"
                                          : "registers, messages, wall-clock time");
        for (const std::string& failure : outcome.failures) fmt::print(stderr, "twinbench: {}\n", failure);
        return outcome.failures.empty() ? kAllPassed : kSomethingFailed;
    } catch (const trace::FileError& error) {
        fmt::print(stderr, "twinbench: {}\n", error.what());
        return kBadInput;
    }
}

}  // namespace tb::cli
