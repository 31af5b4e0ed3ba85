// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <iosfwd>
#include <mutex>
#include <string>
#include <vector>

#include "harness/report/results.hpp"

namespace tb::report {

/// "1.2 ms", "17 ns", "3.5 s": three digits at most, for people.
std::string format_duration(std::uint64_t nanoseconds);

/// Tells people how a run goes. On a terminal one line with the counts is rewritten, and what failed stays
/// above it; in a pipe every scenario is a line:
///
///     ok 12/80 serial/loopback 3f2a00c1d2e4b596 1.2 ms virtual
///     FAILED 13/80 serial/break 09cc51b7e83210fa 1.3 ms virtual: scenarios/serial/break.json:17: expected
///     ... skipped 14/80 serial/dma: no DMA on this device
///
/// Members may be called from several threads.
class Progress {
  public:
    struct Options {
        std::uint64_t total = 0;  ///< scenarios that will run
        bool terminal = false;    ///< whether `out` is one that understands ANSI escapes
        unsigned columns = 80;    ///< of the terminal; the updating line is never longer
        bool verbose = false;     ///< on a terminal, too, a line for every scenario
    };
    Progress(std::ostream& out, Options options) : out_(out), options_(options) {}
    Progress(const Progress&) = delete;
    Progress& operator=(const Progress&) = delete;

    /// On a terminal: what is running now.
    void started(const std::string& id);
    void finished(const ScenarioResult& result);
    /// The last lines: counts, times, and the failures once more. `wall_seconds` is of the whole run.
    void summary(double wall_seconds);

    const Totals& totals() const { return totals_; }

  private:
    std::string line_for(const ScenarioResult& result) const;
    void rewrite(const std::string& id);
    void clear_line();

    std::ostream& out_;
    Options options_;
    std::mutex mutex_;
    Totals totals_;
    std::uint64_t unexplained_ = 0;
    std::uint64_t allowed_ = 0;
    bool compared_ = false;
    bool line_shown_ = false;
    std::vector<double> boots_;  ///< seconds
    std::vector<std::string> failures_;
};

}  // namespace tb::report
